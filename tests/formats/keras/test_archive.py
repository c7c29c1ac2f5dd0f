"""Whole Keras 3 models, zipped and not."""

from __future__ import annotations

import json
import os
import zipfile
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from ckptsel.errors import CkptselError, DamagedError
from ckptsel.formats import format_of, open_contents
from tests.formats.conformance import FormatConformance
from tests.formats.keras.samples import keras_sample

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.formats.samples import Sample


class TestKerasArchive(FormatConformance):
    """The suite, on archives of Keras and of tf_keras."""

    module = "keras.archive"
    has_checksums = True

    @pytest.fixture(params=["archive", "archive-nested", "tf-keras-archive"])
    def sample(self, keras_folder: str, request: pytest.FixtureRequest) -> Sample:
        """A model that Keras saved."""
        return keras_sample(keras_folder, request.param, "keras")


class TestKerasFolder(FormatConformance):
    """The suite, on the same model without a zip around it."""

    module = "keras.archive"

    @pytest.fixture
    def sample(self, keras_folder: str) -> Sample:
        """A model that Keras saved as a folder."""
        return keras_sample(keras_folder, "archive-folder", "keras")


class TestPackedAgain(FormatConformance):
    """The suite, on an archive that somebody has packed again with compression."""

    module = "keras.archive"
    has_checksums = True
    flips: ClassVar[int] = 40

    @pytest.fixture
    def sample(self, keras_folder: str, tmp_path_factory: pytest.TempPathFactory) -> Sample:
        """A model that Keras saved, deflated."""
        found = keras_sample(keras_folder, "archive", "keras")
        path = str(tmp_path_factory.mktemp("packed") / "m.keras")
        rewrite(found.path, path, None, zipfile.ZIP_DEFLATED)
        return type(found)(path, "keras", found.tensors, found.step, found.learning_rate)

    def value_offset(self, path: str, sample: Sample) -> int:
        """Within the deflated weights, which are the last and largest member."""
        del sample
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo("model.weights.h5")
        return info.header_offset + info.compress_size // 2


def rewrite(
    source: str,
    target: str,
    changed: Mapping[str, bytes | None] | None = None,
    compression: int = zipfile.ZIP_STORED,
) -> None:
    """Copy an archive member by member; `changed` by the name's first part, None to leave out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", compression) as new:
        for name in old.namelist():
            data = (changed or {}).get(name.partition(".")[0], old.read(name))
            if data is not None:
                new.writestr(name, data)


def codes(path: str, level: Any = "full") -> set[str]:
    """The codes of the damage."""
    with open_contents(path) as contents:
        return {finding.code for finding in contents.damage(level)}


def dangers(path: str) -> set[str]:
    """The codes of the dangers."""
    with open_contents(path) as contents:
        return {finding.code for finding in contents.dangers()}


@pytest.fixture
def archive(keras_folder: str) -> str:
    """A sound archive."""
    return keras_sample(keras_folder, "archive", "keras").path


def test_what_the_config_tells(archive: str) -> None:
    """Name, version, date and optimizer come from the JSON."""
    with zipfile.ZipFile(archive) as zipped:
        metadata = json.loads(zipped.read("metadata.json"))
    with open_contents(archive) as contents:
        facts = contents.facts
        assert contents.config is not None
        assert contents.config["class_name"] == "Sequential"
        assert contents.optimizer_config is not None
        assert contents.optimizer_config["class_name"] == "Adam"
    assert facts.model_name == "small"
    assert facts.saved == metadata["date_saved"]
    assert facts.framework == f"keras {metadata['keras_version']}"


def test_a_schedule_is_no_learning_rate(keras_folder: str) -> None:
    """Where a schedule gives the rate, the file does not say what it was."""
    with open_contents(keras_sample(keras_folder, "archive-nested", "keras").path) as contents:
        assert contents.facts.learning_rate is None


def test_metrics_of_tf_keras_have_their_names(keras_folder: str) -> None:
    """The compile config tells what the one wrapped function is called."""
    with open(os.path.join(keras_folder, "evaluated.json"), encoding="utf-8") as file:
        evaluated = json.load(file)
    with open_contents(keras_sample(keras_folder, "tf-keras-archive", "keras").path) as contents:
        assert contents.facts.metrics == pytest.approx(evaluated, rel=1e-6)


def test_layers_of_tf_keras_have_their_names(keras_folder: str) -> None:
    """Where the weights carry no names, the config does."""
    with open_contents(keras_sample(keras_folder, "tf-keras-archive", "keras").path) as contents:
        layers = {tensor.path: tensor.layer for tensor in contents.tensors}
    assert layers["layers/dense/vars/0"] == "hidden"
    assert layers["layers/dense_1/vars/0"] == "out"
    assert layers["optimizer/vars/0"] == ""


def test_the_lost_optimizer(keras_folder: str) -> None:
    """Keras's own fault, made by Keras: saved as .h5 before, the config has no optimizer."""
    assert codes(os.path.join(keras_folder, "lost-optimizer", "m.keras")) == {"lost-optimizer"}


def test_weights_as_npz_are_listed_and_not_read(keras_folder: str) -> None:
    """Keras pickles them: they are named, are a danger, and reading says why it does not."""
    path = os.path.join(keras_folder, "npz", "m.keras")
    with open_contents(path) as contents:
        tensors = {tensor.path: tensor for tensor in contents.tensors}
        assert tensors["optimizer"].role == "optimizer"
        assert "layers/dense" in tensors
        with pytest.raises(DamagedError, match="pickled"):
            contents.read(tensors["layers/dense"])
        assert contents.facts.model_name == "small"
    assert dangers(path) == {"pickle-code"}


def test_lambda_layers_are_dangers(keras_folder: str) -> None:
    """A Lambda layer is code in the file."""
    assert dangers(os.path.join(keras_folder, "lambda", "m.keras")) == {"lambda-layer"}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"config": None}, {"missing-member"}),
        ({"config": b"{"}, {"bad-json"}),
        ({"config": b"[" * 10_000 + b"]" * 10_000}, {"bad-json"}),
        ({"metadata": b"[]"}, {"bad-json"}),
        ({"model": None}, {"no-weights"}),
        ({"model": b"\x89HDF\r\n\x1a\n"}, {"unreadable-weights"}),
        ({"model": b""}, {"unreadable-weights"}),
    ],
)
def test_broken_members(
    archive: str, tmp_path: Path, changed: dict[str, bytes | None], expected: set[str]
) -> None:
    """A whole zip around something broken."""
    path = str(tmp_path / "m.keras")
    rewrite(archive, path, changed)
    assert codes(path, "quick") == expected


def test_deep_json_is_a_clear_error(archive: str, tmp_path: Path) -> None:
    """JSON 10,000 levels deep is no reason to crash."""
    path = str(tmp_path / "m.keras")
    rewrite(archive, path, {"config": b'{"config":' * 10_000 + b"1" + b"}" * 10_000})
    with open_contents(path) as contents, pytest.raises(DamagedError):
        _ = contents.config


def test_an_archive_that_lost_its_end_goes_by_its_beginning(archive: str, tmp_path: Path) -> None:
    """Cut off, it is still said to be Keras's, and damaged."""
    path = tmp_path / "cut.bin"
    with open(archive, "rb") as file:
        path.write_bytes(file.read()[:5000])
    found = format_of(str(path))
    assert found is not None
    assert found.name == "keras"
    with pytest.raises(DamagedError):
        found.open(str(path))


def test_a_compression_bomb_is_not_unpacked(archive: str, tmp_path: Path) -> None:
    """Weights of 300 MB of zeros in 300 kB are refused, and are a danger."""
    path = str(tmp_path / "m.keras")
    rewrite(archive, path, {"model": bytes(300 * 2**20)}, zipfile.ZIP_DEFLATED)
    with open_contents(path) as contents, pytest.raises(CkptselError, match="bomb"):
        list(contents.tensors)
    assert "zip-bomb" in dangers(path)


def test_unsafe_members_are_dangers(archive: str, tmp_path: Path) -> None:
    """Names that lead out of the folder are found, in archives of models as in others."""
    path = str(tmp_path / "m.keras")
    rewrite(archive, path)
    with zipfile.ZipFile(path, "a") as zipped:
        zipped.writestr("assets/../../evil", b"")
    assert dangers(path) == {"zip-unsafe-name"}
