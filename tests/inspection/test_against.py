"""Whether weights fit into a model: every verdict against the real Keras."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from ckptsel.errors import DamagedError, UnknownFormatError, UsageError
from ckptsel.formats import open_contents
from ckptsel.inspection.against import Model, against
from ckptsel.inspection.places import same_shapes

if TYPE_CHECKING:
    from pathlib import Path

CASES = (
    *("same", "swapped", "fewer-last", "fewer-middle", "more", "width", "inputs", "renamed"),
    *("no-bias", "nested", "nested-swapped", "nested-flat", "branches", "branches-swapped"),
    *("texts", "texts-wider", "texts-both", "images", "images-groups", "images-filters"),
    *("recurrent", "recurrent-swapped", "wrapped", "wrapped-swapped", "distributed-swapped"),
    *("attention", "attention-swapped", "towers", "towers-swapped", "cells", "cells-swapped"),
    *("cells-mixed", "cells-mixed-swapped"),
    *("frozen", "frozen-whole", "frozen-first", "frozen-norm", "thawed", "halved"),
    *("halved-other", "own", "own-swapped", "normalized", "normalized-less", "normalized-more"),
    *("quantized", "quantized-swapped", "quantized-from-plain", "adapted", "adapted-swapped"),
    *("adapted-from-plain", "forked", "forked-crossed", "automatic"),
)
# A file of Keras 3 does not say which of two it is, gamma or beta; that is said with the verdict.
HALVED = ("halved-other", "weights.h5")
# A config does not tell in how many weights eight bits are kept: more than those of plain layers.
QUANTIZED = ("quantized-from-plain", "json")


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models, and in truth.json what Keras did with them."""
    folder = tmp_path_factory.mktemp("pairs")
    command = [sys.executable, "-m", "tests.inspection.fitting_writer", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def truth(pairs: Path) -> dict[str, dict[str, bool]]:
    """Case → kind of file → whether Keras loads every layer's own weights into it."""
    found: dict[str, dict[str, bool]] = json.loads((pairs / "truth.json").read_text())
    return found


def test_every_case_is_tested(pairs: Path) -> None:
    """No case that was written goes without a test."""
    assert set(truth(pairs)) == {*CASES, "tensorflow"}


@pytest.mark.parametrize("model", ["keras", "json", "h5"])
@pytest.mark.parametrize("file", ["weights.h5", "h5"])
@pytest.mark.parametrize("case", CASES)
def test_as_keras_loads(pairs: Path, case: str, file: str, model: str) -> None:
    """It fits exactly if Keras gives every layer its own weights, and leaves none over."""
    found = against(Model(f"{pairs}/{case}.to.{model}"), f"{pairs}/{case}.from.{file}")
    assert found.way == ("path" if file == "weights.h5" else "order")
    if (case, file) == HALVED:
        assert "a gamma or a beta" in found.caveats[0]
        return
    assert found.fits == truth(pairs)[case][file], found
    if case != QUANTIZED[0]:
        assert found.verdict != "cannot be told"


@pytest.mark.parametrize("file", ["weights.h5", "h5"])
@pytest.mark.parametrize("case", CASES)
def test_weights_as_the_model(pairs: Path, case: str, file: str) -> None:
    """Where weights alone stand for the model, no verdict is wrong, and what is open is said."""
    found = against(Model(f"{pairs}/{case}.to.weights.h5"), f"{pairs}/{case}.from.{file}")
    if case in ("halved-other", "adapted-from-plain"):
        # Which weight of a normalization it is, and whether a layer has LoRA, is not in there.
        assert found.verdict == "cannot be told" or not found.matches[0].problem
        return
    expected = "fits" if truth(pairs)[case][file] else "does not fit"
    assert found.verdict in (expected, "cannot be told"), found
    if file == "weights.h5":
        assert found.verdict == expected


@pytest.mark.parametrize("case", ["nested", "branches", "texts", "images", "cells", "own"])
def test_the_order_of_classes_is_not_in_weights(pairs: Path, case: str) -> None:
    """Keras 2's HDF5 goes by order, of which Keras 3's has only that within a class."""
    found = against(Model(f"{pairs}/{case}.to.weights.h5"), f"{pairs}/{case}.from.h5")
    assert found.verdict == "cannot be told"
    assert "layers of different classes" in found.doubts[0]
    assert all(match.is_good for match in found.matches)


@pytest.mark.parametrize("model", ["keras", "json", "h5"])
def test_swapped_layers_are_pointed_at(pairs: Path, model: str) -> None:
    """Where Keras would load other layers' weights without a word, the layers are named."""
    found = against(Model(f"{pairs}/swapped.to.{model}"), f"{pairs}/swapped.from.weights.h5")
    assert [(match.state, match.silent) for match in found.matches] == [("other-layer", True)] * 2
    assert "weights of 'a'" in found.matches[0].problem


def test_weights_left_over_are_silent(pairs: Path) -> None:
    """A model with fewer layers leaves weights over, of which Keras says nothing."""
    found = against(Model(f"{pairs}/fewer-last.to.keras"), f"{pairs}/fewer-last.from.weights.h5")
    assert [match.state for match in found.matches] == ["fits", "fits", "extra"]
    assert found.matches[2].silent
    assert found.matches[2].source is not None
    assert found.matches[2].source.name == "c"


def test_skip_mismatch_is_said(pairs: Path) -> None:
    """How many layers `skip_mismatch=True` would pass over."""
    found = against(Model(f"{pairs}/width.to.keras"), f"{pairs}/width.from.weights.h5")
    assert found.notes == (
        "load_weights fails; with skip_mismatch=True 2 layers would stay as they are",
    )


def test_a_new_name_alone_fits(pairs: Path) -> None:
    """Keras does not look at names; a layer under a new name is said to be renamed."""
    found = against(Model(f"{pairs}/renamed.to.keras"), f"{pairs}/renamed.from.weights.h5")
    assert [match.state for match in found.matches] == ["renamed", "fits"]


def test_doubt_is_said_where_names_tell_nothing(pairs: Path) -> None:
    """Layers alike in class and shape with Keras's own names may have been swapped."""
    found = against(Model(f"{pairs}/automatic.to.keras"), f"{pairs}/automatic.from.weights.h5")
    assert found.fits
    assert any("3 layers are alike" in caveat for caveat in found.caveats)


def test_what_a_config_cannot_tell(pairs: Path) -> None:
    """A layer whose shapes no config tells is unknown, and said to be."""
    found = against(Model(f"{pairs}/texts-both.to.json"), f"{pairs}/texts-both.from.weights.h5")
    assert [match.state for match in found.matches] == ["fits", "unknown", "fits"]
    assert found.caveats == ("1 of the layers cannot be compared: the model's weights would tell",)


def test_other_weights_are_a_model_too(pairs: Path) -> None:
    """Weights alone are compared with weights."""
    same, other = f"{pairs}/same.from.weights.h5", f"{pairs}/more.from.weights.h5"
    assert against(Model(same), same).fits
    assert not against(Model(same), other).fits


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('{"class_name": "Mine", "config": {"name": "mine"}}', UsageError),
        ('{"weight": [1, 2]}', UnknownFormatError),
        ("epoch,loss", UnknownFormatError),
        ('{"class_name": ', DamagedError),
    ],
)
def test_what_is_no_model(tmp_path: Path, text: str, error: type[Exception]) -> None:
    """A config without layers, and files that are none, are refused."""
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(error):
        Model(str(tmp_path / "c.json"))


def test_a_config_of_keras_2(tmp_path: Path, pairs: Path) -> None:
    """Keras 2 gives the axis of a BatchNormalization as a list."""
    config = json.loads((pairs / "branches.to.json").read_text())
    norm = config["config"]["layers"][1]
    assert norm["class_name"] == "BatchNormalization"
    norm["config"]["axis"] = [1]
    (tmp_path / "c.json").write_text(json.dumps(config))
    found = against(Model(str(tmp_path / "c.json")), f"{pairs}/branches.from.weights.h5")
    assert {match.state for match in found.matches} == {"fits"}


@pytest.mark.parametrize(("last", "fits"), [((4, 9), True), ((4, 8), False)])
def test_unknown_sizes_in_any_order(last: tuple[int, int], fits: bool) -> None:
    """Where the order is not known, and sizes are not on one side, each shape needs its own."""
    wanted = ((None, 4), (4,), (None, 4), (4,), (4, 9))
    found = ((4, 4), (4,), last, (4,), (6, 4))
    assert same_shapes(wanted, found, in_order=False) is fits


def test_a_lost_layer_of_its_own(pairs: Path, tmp_path: Path) -> None:
    """A whole model's config says what it wants, and not the weights that are beside it."""
    import h5py  # noqa: PLC0415

    source = zipfile.ZipFile(pairs / "same.to.keras")
    held = io.BytesIO(source.read("model.weights.h5"))
    with h5py.File(held, "r+") as file:
        del file["layers/dense_1"]
    lost = tmp_path / "lost.keras"
    with zipfile.ZipFile(lost, "w") as target:
        target.writestr("config.json", source.read("config.json"))
        target.writestr("metadata.json", source.read("metadata.json"))
        target.writestr("model.weights.h5", held.getvalue())
    found = against(Model(str(lost)), str(lost))
    assert [match.state for match in found.matches] == ["fits", "missing", "fits"]
    assert against(Model(str(lost)), f"{pairs}/same.from.weights.h5").fits


def test_groups_of_the_first_keras_3(pairs: Path, tmp_path: Path) -> None:
    """Files that name the list of layers as Keras 2 did are still loaded."""
    import h5py  # noqa: PLC0415

    old = tmp_path / "old.weights.h5"
    old.write_bytes((pairs / "same.from.weights.h5").read_bytes())
    with h5py.File(old, "r+") as file:
        file.move("layers", "_layer_checkpoint_dependencies")
    assert against(Model(f"{pairs}/same.to.keras"), str(old)).fits


def test_a_class_of_a_known_name(pairs: Path, tmp_path: Path) -> None:
    """Somebody's own Dense is not Keras's: its shapes are not told by its config."""
    config = json.loads((pairs / "same.to.json").read_text())
    own = config["config"]["layers"][1]
    own.update(module=None, registered_name="mine>Dense")
    own["config"]["units"] = 99
    (tmp_path / "c.json").write_text(json.dumps(config))
    found = against(Model(str(tmp_path / "c.json")), f"{pairs}/same.from.weights.h5")
    assert [match.state for match in found.matches] == ["unknown", "fits", "fits"]


def arrays(pairs: Path, target: Path, order: list[str]) -> str:
    """The weights of `swapped.from` in an `.npz`, each layer under its name, in an order."""
    import numpy as np  # noqa: PLC0415

    with open_contents(f"{pairs}/swapped.from.weights.h5") as contents:
        held = {(t.layer, t.path[-1]): contents.read(t) for t in contents.tensors}
    names = {"0": "kernel", "1": "bias"}
    named: Any = {f"{layer}/{names[n]}": held[layer, n] for layer in order for n in "01"}
    np.savez(target, **named)
    return str(target)


@pytest.mark.parametrize("order", [["a", "b"], ["b", "a"]])
def test_names_in_an_npz(pairs: Path, tmp_path: Path, order: list[str]) -> None:
    """What Keras does not load itself is matched by the names in its keys, and that is said."""
    found = against(Model(f"{pairs}/swapped.to.keras"), arrays(pairs, tmp_path / "w.npz", order))
    pairs_found = [(m.layer.name, m.source.name) for m in found.matches if m.layer and m.source]
    assert pairs_found == [("b", "b"), ("a", "a")]
    assert (found.verdict, found.way) == ("fits", "name")
    assert found.caveats == ("matched by name only, the order was not checked",)


def test_arrays_without_names(pairs: Path, tmp_path: Path) -> None:
    """Where a file names no layers, nothing can be told."""
    import numpy as np  # noqa: PLC0415

    np.savez(tmp_path / "w.npz", *[np.zeros((8, 8)), np.zeros(8)] * 2)
    found = against(Model(f"{pairs}/swapped.to.keras"), str(tmp_path / "w.npz"))
    assert found.verdict == "cannot be told"


@pytest.mark.parametrize("case", ["same", "swapped", "towers-swapped", "gap"])
@pytest.mark.parametrize("model", ["keras", "json"])
def test_as_tensorflow_loads(pairs: Path, case: str, model: str) -> None:
    """TensorFlow's checkpoints go by the numbers of layers, as the real `read` shows."""
    found = against(Model(f"{pairs}/tf-{case}.to.{model}"), f"{pairs}/tf-{case}")
    assert found.fits == truth(pairs)["tensorflow"][case], found
    assert found.way == "order"
