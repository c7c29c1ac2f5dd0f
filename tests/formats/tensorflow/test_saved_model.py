from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from ckptsel.errors import DamagedError
from ckptsel.formats import format_of
from ckptsel.formats.tensorflow.saved_model import FORMAT
from tests.formats.conformance import FormatConformance
from tests.formats.damage import content_of, exercise, findings_of
from tests.formats.samples import Sample
from tests.formats.tensorflow import table_writer as raw
from tests.formats.tensorflow.bundles import LEARNING_RATE, STEPS, read_by_tensorflow, trained

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GRAPH = "saved_model.pb"


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A model as both Keras save it."""
    import keras  # noqa: PLC0415
    import tf_keras  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("saved")
    paths = {name: str(folder / name / "model") for name in ("keras3", "keras2")}
    trained(keras).export(paths["keras3"], verbose=False)
    trained(tf_keras).save(paths["keras2"], save_format="tf")
    return paths


class TestSavedModel(FormatConformance):
    """A SavedModel keeps what all formats keep."""

    module = "tensorflow.saved_model"
    has_checksums = True
    truncations: ClassVar[int] = 20
    flips: ClassVar[int] = 40

    @pytest.fixture(params=["keras3", "keras2"])
    def sample(self, request: pytest.FixtureRequest, saved: dict[str, str]) -> Sample:
        """The folder; its variables as TensorFlow reads them."""
        path = saved[request.param]
        tensors = read_by_tensorflow(os.path.join(path, "variables", "variables"))
        known = (STEPS, LEARNING_RATE) if request.param == "keras2" else (None, None)
        return Sample(path, FORMAT.name, tensors, *known)

    def damaged_file(self, path: str) -> str:
        """The values are in the variables."""
        return os.path.join(path, "variables", "variables.data-00000-of-00001")

    def value_offset(self, path: str, sample: Sample) -> int:  # noqa: ARG002
        """Every byte is of some value."""
        return os.path.getsize(path) // 2

    def test_the_graph_can_be_named_instead(self, sample: Sample) -> None:
        """`saved_model.pb` is the same model as its folder."""
        path = os.path.join(sample.path, GRAPH)
        assert format_of(path) == FORMAT
        with FORMAT.open(path) as contents:
            assert len(contents.tensors) == len(sample.tensors)

    def test_a_damaged_graph_gives_clear_errors(self, sample: Sample, tmp_path: Path) -> None:
        """Cut or changed anywhere; what is cut off is always noticed."""
        path = sample.copy_to(tmp_path)
        graph = os.path.join(path, GRAPH)
        whole = content_of(graph)
        for at in range(0, len(whole), len(whole) // 40):
            _write(graph, whole[:at])
            exercise(path, FORMAT)
            assert findings_of(path, FORMAT, "quick")
            _write(graph, whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
            exercise(path, FORMAT)


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)


def test_tells_what_the_model_takes_and_gives(saved: dict[str, str]) -> None:
    """Signatures, tags, and the TensorFlow that wrote it."""
    import tensorflow as tf  # noqa: PLC0415

    with FORMAT.open(saved["keras2"]) as contents:
        facts = contents.facts
    assert facts.framework == f"tensorflow {tf.__version__}"
    assert facts.more["tags"] == "serve"
    assert facts.more["model"] == "keras 2"
    inputs, outputs = facts.more["signature serving_default"].split(" -> ")
    assert inputs.endswith(": float32[?, 4])")
    assert outputs == "(last: float32[?, 1])"


def test_keras_2_tells_the_models_config_and_metrics(tmp_path: Path) -> None:
    """keras_metadata.pb has the config; names of metrics belong to totals among the variables."""
    import tf_keras  # noqa: PLC0415

    model = trained(tf_keras)
    x, y = np.ones((8, 4)), np.ones((8, 1))
    evaluated = model.evaluate(x, y, verbose=0, return_dict=True)
    model.save(str(tmp_path / "model"), save_format="tf")
    with FORMAT.open(str(tmp_path / "model")) as contents:
        assert contents.config is not None
        assert contents.config["class_name"] == "Sequential"
        names = [layer["config"]["name"] for layer in contents.config["config"]["layers"]]
        assert {"first", "norm", "last"} < set(names)
        assert contents.optimizer_config is not None
        assert contents.optimizer_config["class_name"].endswith("Adam")
        assert contents.facts.model_name == model.name
        assert dict(contents.facts.metrics) == pytest.approx(evaluated, rel=1e-6)


def test_keras_3_leaves_weights_once(saved: dict[str, str]) -> None:
    """Its export holds every variable twice; seeds and the second copies are no weights."""
    with FORMAT.open(saved["keras3"]) as contents:
        weights = [tensor for tensor in contents.tensors if tensor.role == "weight"]
        assert contents.config is None
    assert len(weights) == 8
    assert {tensor.layer for tensor in weights} == {"first", "norm", "last"}


def _module(tmp_path: Path, function: Callable[[Any], Any]) -> str:
    import tensorflow as tf  # noqa: PLC0415

    module = tf.Module()
    module.call = tf.function(function, input_signature=[tf.TensorSpec([], tf.string)])
    tf.saved_model.save(module, str(tmp_path / "model"), signatures=module.call)
    return str(tmp_path / "model")


def test_operations_that_reach_outside_are_dangers(tmp_path: Path) -> None:
    """Also deep inside a branch; each kind is said once, with its number."""
    import tensorflow as tf  # noqa: PLC0415

    def call(name: Any) -> dict[str, Any]:
        text = tf.cond(
            tf.strings.length(name) > 3,
            lambda: tf.io.read_file("/etc/passwd"),
            lambda: tf.io.read_file(name),
        )
        tf.io.write_file("/tmp/out", text)
        return {"text": tf.py_function(lambda value: value, [text], tf.string)}

    path = _module(tmp_path, call)
    with FORMAT.open(path) as contents:
        found = list(contents.dangers())
    assert {finding.code for finding in found} == {"dangerous-op"}
    assert [finding.message.split("the graph has ")[1] for finding in found] == [
        "1 of the operation EagerPyFunc, which runs Python code of the process that loads it",
        "2 of the operation ReadFile, which reads files",
        "1 of the operation WriteFile, which writes files",
    ]


def test_a_model_without_variables(tmp_path: Path) -> None:
    """A function alone is a SavedModel, too."""
    path = _module(tmp_path, lambda name: {"same": name})
    with FORMAT.open(path) as contents:
        assert [tensor.role for tensor in contents.tensors] in ([], ["other"])
        assert list(contents.damage("full")) == list(contents.dangers()) == []
        assert contents.facts.more["signature serving_default"] == (
            "(name: string[]) -> (same: string[])"
        )


def test_assets(tmp_path: Path) -> None:
    """A vocabulary is expected in the folder; if it is gone, that is damage."""
    import tensorflow as tf  # noqa: PLC0415

    (tmp_path / "words.txt").write_text("a\nb\n")
    module = tf.Module()
    module.words = tf.saved_model.Asset(str(tmp_path / "words.txt"))
    tf.saved_model.save(module, str(tmp_path / "model"))
    path = str(tmp_path / "model")
    assert findings_of(path, FORMAT, "full") == []
    os.remove(os.path.join(path, "assets", "words.txt"))
    (finding,) = findings_of(path, FORMAT, "quick")
    assert finding.code == "missing-asset"
    assert finding.path.endswith("words.txt")


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "..\\x", "C:\\x", "\\x"])
def test_assets_outside_are_dangers(name: str, tmp_path: Path) -> None:
    """A path that leaves the folder is not even looked for."""
    asset = raw.message((6, raw.message((2, name.encode()))))
    _write(str(tmp_path / GRAPH), raw.message((1, 1), (2, asset)))
    with FORMAT.open(str(tmp_path)) as contents:
        (finding,) = contents.dangers()
        assert finding.code == "outside-asset"
        assert list(contents.damage("full")) == []


def test_missing_variables(saved: dict[str, str], tmp_path: Path) -> None:
    """A graph that restores variables needs them."""
    path = str(tmp_path / "model")
    shutil.copytree(saved["keras2"], path)
    shutil.rmtree(os.path.join(path, "variables"))
    (finding,) = findings_of(path, FORMAT, "quick")
    assert finding.code == "missing-shard"
    with FORMAT.open(path) as contents:
        assert list(contents.tensors) == []


def test_damaged_metadata(saved: dict[str, str], tmp_path: Path) -> None:
    """Without Keras's description the rest can still be read; JSON may be a million deep."""
    path = str(tmp_path / "model")
    shutil.copytree(saved["keras2"], path)
    for text in (b"[" * 1_000_000, b"{", b"[]", b"\xff"):
        node = raw.message((1, raw.message((3, b"root"), (5, text))))
        _write(os.path.join(path, "keras_metadata.pb"), node)
        (finding,) = findings_of(path, FORMAT, "quick")
        assert finding.code == "bad-json"
        with FORMAT.open(path) as contents:
            assert (contents.config, contents.optimizer_config) == (None, None)
            assert (contents.facts.step, contents.facts.model_name) == (STEPS, "")


@pytest.mark.parametrize("data", [b"", b"\x08\x01", b"\xff" * 40, raw.message((2, 1))])
def test_no_graph(data: bytes, tmp_path: Path) -> None:
    """A file of that name without a graph in it is damaged."""
    _write(str(tmp_path / GRAPH), data)
    with pytest.raises(DamagedError, match=GRAPH):
        FORMAT.open(str(tmp_path))


def test_a_graph_that_cannot_be_listed(tmp_path: Path) -> None:
    """What could not be looked through is not called safe."""
    graph = raw.message((2, raw.message((1, b"\xff"))))
    _write(str(tmp_path / GRAPH), raw.message((1, 1), (2, graph)))
    with FORMAT.open(str(tmp_path)) as contents:
        for found in (contents.dangers(), contents.damage("quick")):
            assert [finding.code for finding in found] == ["bad-graph"]
