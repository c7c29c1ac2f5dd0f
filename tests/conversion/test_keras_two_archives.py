"""A `.keras` of tf_keras: Keras 3 reads its weights, and cannot be relied on to build its model."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from ckptsel.conversion.converter import Options
from ckptsel.errors import ConversionError
from ckptsel.formats import open_contents
from ckptsel.transfer.export import export

ARCHIVE = (
    Path(__file__).parents[2]
    / "docs/examples/runs/whole-models/epoch10-val_loss0.2544-val_accuracy0.9178.keras"
)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A model whose metadata say that tf_keras wrote it."""
    path = tmp_path / "old.keras"
    with zipfile.ZipFile(ARCHIVE) as archive, zipfile.ZipFile(path, "w") as again:
        for name in archive.namelist():
            data = archive.read(name)
            if name == "metadata.json":
                data = json.dumps({"keras_version": "2.21.0", "date_saved": "x"}).encode()
            again.writestr(name, data)
    return path


@pytest.fixture
def model(tmp_path: Path) -> str:
    """The same model's config, by Keras 3."""
    path = tmp_path / "model.json"
    with zipfile.ZipFile(ARCHIVE) as archive:
        path.write_bytes(archive.read("config.json"))
    return str(path)


@pytest.mark.parametrize("options", [Options(), Options(drop_optimizer=True)])
def test_its_config_is_not_passed_on(old: Path, tmp_path: Path, options: Options) -> None:
    """What is written as a model of Keras 3 has to be one; the hint says what makes it one."""
    with pytest.raises(ConversionError, match="of Keras 2") as caught:
        export(str(old), str(tmp_path / "new.keras"), options)
    assert "--model" in caught.value.hint
    assert not (tmp_path / "new.keras").exists()


def test_it_is_no_model_for_others_either(old: Path, tmp_path: Path) -> None:
    """Its config would be passed on just the same, behind `--model`."""
    weights = export(str(old), str(tmp_path / "w.weights.h5")).dest
    with pytest.raises(ConversionError, match="of Keras 2"):
        export(weights, str(tmp_path / "new.keras"), Options(model=str(old)))


def test_a_config_of_keras_three_counts(old: Path, model: str, tmp_path: Path) -> None:
    """Its weights come into the model of `--model`; the state is another optimizer's."""
    done = export(str(old), str(tmp_path / "new.keras"), Options(model=model))
    codes = {each.code for each in done.findings}
    assert codes == {"optimizer-left-out", "optimizer-begins-anew"}
    with open_contents(str(old)) as one, open_contents(done.dest) as other:
        before = {t.path: one.read(t).tobytes() for t in one.tensors if t.role == "weight"}
        after = {t.path: other.read(t).tobytes() for t in other.tensors}
        assert before == after
        assert json.loads(Path(model).read_text()) == other.config


def test_another_model_is_refused(old: Path, model: str, tmp_path: Path) -> None:
    """The weights have to fit, as they do with any `--model`."""
    config = json.loads(Path(model).read_text())
    dense = next(x for x in config["config"]["layers"] if x["class_name"] == "Dense")
    dense["config"]["units"] += 1
    Path(model).write_text(json.dumps(config))
    with pytest.raises(ConversionError, match="do not fit"):
        export(str(old), str(tmp_path / "new.keras"), Options(model=model))


def test_a_model_of_keras_three_takes_one_too(model: str, tmp_path: Path) -> None:
    """Where it is given it counts, and the optimizer's state comes along."""
    done = export(str(ARCHIVE), str(tmp_path / "new.keras"), Options(model=model))
    with open_contents(str(ARCHIVE)) as one, open_contents(done.dest) as other:
        assert [*map(str, one.tensors)] == [*map(str, other.tensors)]
