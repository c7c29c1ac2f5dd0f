"""Whether weights fit into a model: every verdict against the real Keras."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ckptsel.errors import DamagedError, UnknownFormatError, UsageError
from ckptsel.inspection.against import Model, against
from ckptsel.inspection.fitting import Place, fit

if TYPE_CHECKING:
    from pathlib import Path

CASES = (
    *("same", "swapped", "fewer-last", "fewer-middle", "more", "width", "inputs", "renamed"),
    *("no-bias", "nested", "nested-swapped", "nested-flat", "branches", "branches-swapped"),
    *("texts", "texts-wider", "texts-both", "images", "images-groups", "images-filters"),
    "automatic",
)


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
    assert set(truth(pairs)) == set(CASES)


@pytest.mark.parametrize("model", ["keras", "json", "h5"])
@pytest.mark.parametrize("file", ["weights.h5", "h5"])
@pytest.mark.parametrize("case", CASES)
def test_as_keras_loads(pairs: Path, case: str, file: str, model: str) -> None:
    """It fits exactly if Keras gives every layer its own weights, and leaves none over."""
    found = against(Model(f"{pairs}/{case}.to.{model}"), f"{pairs}/{case}.from.{file}")
    assert found.fits == truth(pairs)[case][file], found
    assert found.way == ("path" if file == "weights.h5" else "order")


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
    assert any("3 layers are alike" in note for note in found.notes)


def test_what_a_config_cannot_tell(pairs: Path) -> None:
    """A layer whose shapes no config tells is unknown, and said to be."""
    found = against(Model(f"{pairs}/texts-both.to.json"), f"{pairs}/texts-both.from.weights.h5")
    assert [match.state for match in found.matches] == ["fits", "unknown", "fits"]
    assert found.notes == ("1 of the layers cannot be compared: the model's weights would tell",)


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


def test_unknown_sizes_in_a_nested_model() -> None:
    """The weights of a nested model come in any order, and sizes may be unknown on one side."""
    wanted = ((None, 4), (4,), (None, 4), (4,), (4, 9))
    nested = Place("layers/sequential", "inner", "Sequential", wanted, is_merged=True)
    for last, fits in (((4, 9), True), ((4, 8), False)):
        file = Place("", "inner", shapes=((6, 4), (4,), (4, 4), (4,), last))
        assert fit([nested], [file], "order").fits is fits
