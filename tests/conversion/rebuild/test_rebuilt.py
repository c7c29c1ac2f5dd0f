"""Models that Keras rebuilds: what comes out, what is refused, and what a comparison finds."""

from __future__ import annotations

from importlib import import_module, util
from typing import TYPE_CHECKING

import h5py
import pytest

from ckptsel.conversion.table import TABLE
from ckptsel.errors import ConversionError, MissingExtraError, StrictError
from ckptsel.formats import open_contents
from ckptsel.transfer.export import Exported, Options, export

if TYPE_CHECKING:
    from pathlib import Path

needs_onnx = pytest.mark.skipif(
    util.find_spec("tf2onnx") is None or util.find_spec("onnxruntime") is None,
    reason="the extra onnx is not installed",
)
TO = ["savedmodel", "tflite", pytest.param("onnx", marks=needs_onnx), "tf-checkpoint"]
# Target → the suffix of a destination.
SUFFIX = {
    "savedmodel": "",
    "tflite": ".tflite",
    "onnx": ".onnx",
    "tf-checkpoint": ".ckpt",
    "h5-model": ".h5",
}

pytestmark = pytest.mark.usefixtures("one_worker")


def exported(source: Path, to: Path, target: str, options: Options | None = None) -> Exported:
    """A checked export."""
    dest = str(to / ("made" + SUFFIX[target]))
    done = export(str(source), dest, options, chosen=target)
    assert done.is_checked
    return done


def codes(done: Exported) -> list[str]:
    """The codes of what was said."""
    return [finding.code for finding in done.findings]


@pytest.mark.parametrize("target", TO)
@pytest.mark.parametrize("name", ["two.keras", "words.keras", "unzipped", "old.h5"])
def test_hard_models(name: str, target: str, hard: Path, tmp_path: Path) -> None:
    """Named inputs and outputs, ids of words, a folder, the `mse` and LSTM of Keras 2."""
    done = exported(hard / name, tmp_path, target)
    assert ("predictions-compared" in codes(done)) == (target in {"tflite", "onnx"})
    assert all(finding.path in {done.source, done.dest} for finding in done.findings)


def test_one_row(hard: Path, tmp_path: Path) -> None:
    """TensorFlow Lite has recurrent layers for a known number of rows only, which is said."""
    assert "one-row" in codes(exported(hard / "old.h5", tmp_path, "tflite"))


@pytest.mark.parametrize("name", ["lambda.keras", "lambda.h5"])
def test_lambda(name: str, hard: Path, tmp_path: Path) -> None:
    """Code in a file runs with --unsafe only, and the refusal says what that means."""
    with pytest.raises(ConversionError, match="carries Python code") as caught:
        exported(hard / name, tmp_path, "savedmodel")
    assert "runs with all your rights" in caught.value.hint
    assert not [*tmp_path.iterdir()]
    exported(hard / name, tmp_path, "savedmodel", Options(unsafe=True))


@pytest.mark.parametrize("name", ["lambda.keras", "lambda.h5"])
def test_keras_is_asked_for_safe_mode(
    name: str, hard: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where this program sees no danger, Keras still refuses code."""
    monkeypatch.setattr("ckptsel.conversion.rebuild.rebuilt.refuse_code", lambda *_, **__: None)
    with pytest.raises(ConversionError, match=r"Keras cannot build the model: .*[Ll]ambda"):
        exported(hard / name, tmp_path, "savedmodel")


@pytest.mark.parametrize("unsafe", [False, True])
@pytest.mark.parametrize(
    ("name", "known_as"), [("custom.keras", "mine>Doubled"), ("old-custom.h5", "Halved")]
)
def test_classes_of_ones_own(
    name: str, known_as: str, unsafe: bool, hard: Path, tmp_path: Path
) -> None:
    """Their code is not in the file; the class is named."""
    with pytest.raises(ConversionError, match=known_as) as caught:
        exported(hard / name, tmp_path, "savedmodel", Options(unsafe=unsafe))
    assert "not its code" in caught.value.hint


def test_a_loss_of_ones_own(hard: Path, tmp_path: Path) -> None:
    """It matters only where the optimizer is kept."""
    exported(hard / "loss.keras", tmp_path, "tflite")
    with pytest.raises(ConversionError, match="my_loss") as caught:
        exported(hard / "loss.keras", tmp_path, "tf-checkpoint")
    assert "--drop-optimizer" in caught.value.hint
    done = exported(hard / "loss.keras", tmp_path, "tf-checkpoint", Options(drop_optimizer=True))
    assert done.optimizer_bytes > 0


def test_the_optimizer_goes_into_a_prefix(hard: Path, tmp_path: Path) -> None:
    """With its count of steps, from a whole model and from weights; --drop-optimizer drops it."""
    done = exported(hard / "plain.keras", tmp_path, "tf-checkpoint")
    model = Options(model=str(hard / "plain.keras"))
    (tmp_path / "w").mkdir()
    weights = exported(hard / "plain.weights.h5", tmp_path / "w", "tf-checkpoint", model)
    (tmp_path / "d").mkdir()
    options = Options(drop_optimizer=True)
    dropped = exported(hard / "plain.keras", tmp_path / "d", "tf-checkpoint", options)
    for each, step in ((done, 2), (weights, 2), (dropped, None)):
        with open_contents(each.dest) as contents:
            assert contents.facts.step == step
    assert [done.optimizer_bytes, weights.optimizer_bytes] == [0, 0]
    assert dropped.optimizer_bytes > 0
    assert (tmp_path / "checkpoint").read_text().startswith('model_checkpoint_path: "made.ckpt"')


def test_float16(hard: Path, tmp_path: Path) -> None:
    """TensorFlow Lite keeps weights in 16 bits, and computes in 32; all else is refused."""
    exported(hard / "plain.keras", tmp_path, "tflite", Options(dtype="float16"))
    for target, dtype in (("tflite", "bfloat16"), ("savedmodel", "float16")):
        with pytest.raises(ConversionError, match=f"--dtype {dtype} does not go with"):
            exported(hard / "plain.keras", tmp_path, target, Options(dtype=dtype))  # type: ignore[arg-type]


def test_a_model_for_a_model(hard: Path, tmp_path: Path) -> None:
    """--model with a file that holds its own is refused, not passed over."""
    options = Options(model=str(hard / "plain.json"))
    with pytest.raises(ConversionError, match="holds its own model"):
        exported(hard / "plain.keras", tmp_path, "savedmodel", options)


@pytest.mark.parametrize("target", [*TO, "h5-model"])
def test_a_comparison_finds_another_model(target: str, hard: Path, tmp_path: Path) -> None:
    """What was made of one model is not taken for what was made of another."""
    module = import_module("ckptsel.conversion." + TABLE["keras", target].module)
    dest = str(tmp_path / ("made" + SUFFIX[target]))
    module.CONVERTER.write(str(hard / "plain.keras"), dest, Options())
    module.CONVERTER.check(str(hard / "plain.keras"), dest, Options())
    with pytest.raises(ConversionError, match=r"what was written|is not in what Keras wrote"):
        module.CONVERTER.check(str(hard / "other.keras"), dest, Options())


@pytest.mark.parametrize(("target", "extra"), [("savedmodel", "tensorflow"), ("onnx", "onnx")])
def test_missing_extras(
    target: str, extra: str, hard: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra is named, before anything is written."""
    package = {"onnx": "tf2onnx"}.get(extra, extra)
    monkeypatch.setattr(
        "ckptsel.conversion.table.find_spec",
        lambda name: None if name == package else util.find_spec(name),
    )
    with pytest.raises(MissingExtraError) as caught:
        exported(hard / "plain.keras", tmp_path, target)
    assert extra in caught.value.hint
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("unsafe", [False, True])
def test_files_that_reach_outside(unsafe: bool, hard: Path, tmp_path: Path) -> None:
    """Keras is not given HDF5 that reads other files, whatever the user allows."""
    source = tmp_path / "linked.h5"
    source.write_bytes((hard / "old.h5").read_bytes())
    with h5py.File(source, "r+") as file:
        file["model_weights/more"] = h5py.ExternalLink("/etc/passwd", "x")
    with pytest.raises(ConversionError, match="is not given to Keras: ") as caught:
        exported(source, tmp_path, "savedmodel", Options(unsafe=unsafe))
    assert "not even --unsafe" in caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["linked.h5"]


def test_another_suffix(hard: Path, tmp_path: Path) -> None:
    """What a file is decides, though Keras itself goes by the suffix; nothing is left of that."""
    for name in ("plain.keras", "old.h5"):
        (tmp_path / name).mkdir()
        source = tmp_path / name / "model.backup"
        source.write_bytes((hard / name).read_bytes())
        exported(source, tmp_path / name, "tf-checkpoint")
        made = {path.name for path in (tmp_path / name).iterdir()}
        assert made == {
            "model.backup", "checkpoint", "made.ckpt.index", "made.ckpt.data-00000-of-00001",
            "made.ckpt.ckptsel.json",
        }  # fmt: skip


def test_mixed_precision(hard: Path, tmp_path: Path) -> None:
    """The outer optimizer repeats what the inner one has; the prefix holds it once."""
    done = exported(hard / "mixed.keras", tmp_path, "tf-checkpoint")
    assert done.optimizer_bytes == 0


@pytest.mark.parametrize("drop", [False, True])
def test_what_tensorflow_does_not_track(drop: bool, hard: Path, tmp_path: Path) -> None:
    """Weights that only the optimizer brings back are not in the model's checkpoint."""
    with pytest.raises(ConversionError, match=r"does not come back|is not in what"):
        exported(hard / "cells.keras", tmp_path, "tf-checkpoint", Options(drop_optimizer=drop))
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("strings", "savedmodel"),
        ("strings", "tflite"),
        ("ints", "savedmodel"),  # TensorFlow Lite has none
        ("silent", "savedmodel"),
        ("silent", "tflite"),
    ],
)
def test_inputs_that_tell(
    name: str, target: str, hard: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Words of the vocabulary, and numbers of both signs: else all models say the same."""
    monkeypatch.setattr("ckptsel.conversion.rebuild.rebuilt.require_same", lambda *_: None)
    module = import_module("ckptsel.conversion." + TABLE["keras", target].module)
    dest = str(tmp_path / ("made" + SUFFIX[target]))
    module.CONVERTER.write(str(hard / f"{name}.keras"), dest, Options())
    said = module.CONVERTER.check(str(hard / f"{name}.keras"), dest, Options())
    assert "weak-comparison" not in [finding.code for finding in said]
    with pytest.raises(ConversionError, match="does not predict what the model does"):
        module.CONVERTER.check(str(hard / f"{name}-other.keras"), dest, Options())


def test_a_model_that_always_says_the_same(hard: Path, tmp_path: Path) -> None:
    """The comparison tells nothing, and that is said; under --strict nothing is put in place."""
    done = exported(hard / "mute.keras", tmp_path, "tflite")
    (weak,) = [finding for finding in done.findings if finding.code == "weak-comparison"]
    assert "said the same of all inputs that were drawn" in weak.message
    assert weak.strict
    dest = tmp_path / "strict.tflite"
    with pytest.raises(StrictError, match="tells little"):
        export(str(hard / "mute.keras"), str(dest), strict=True)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("strict")] == []


def test_several_signatures(hard: Path, tmp_path: Path) -> None:
    """Only the default one goes on, which is said."""
    done = exported(hard / "signed", tmp_path, "tflite")
    (said,) = [finding for finding in done.findings if finding.code == "signatures-left-out"]
    assert "'encode'" in said.message
    with pytest.raises(StrictError, match="only the signature"):
        export(str(hard / "signed"), str(tmp_path / "s.tflite"), strict=True)


def test_the_reason_is_told(hard: Path, tmp_path: Path) -> None:
    """Keras puts it last, behind the whole config."""
    config = (hard / "plain.json").read_text().replace('"linear"', '"swish2"')
    (tmp_path / "m.json").write_text(config)
    options = Options(model=str(tmp_path / "m.json"))
    with pytest.raises(ConversionError, match="swish2"):
        export(str(hard / "plain.weights.h5"), str(tmp_path / "made"), options, chosen="savedmodel")


def test_what_hdf5_cannot_hold(hard: Path, tmp_path: Path) -> None:
    """Keras writes it and cannot read it: that is no code of the user's."""
    with pytest.raises(ConversionError, match="does not load what it wrote") as caught:
        exported(hard / "ops.keras", tmp_path, "h5-model")
    assert "not its code" not in caught.value.hint
