"""The state of one optimizer is not put into a model that was compiled with another."""

from __future__ import annotations

import json
import shutil
from itertools import permutations
from typing import TYPE_CHECKING, Any

import h5py
import pytest

from ckptsel.conversion.converter import Options
from ckptsel.errors import ConversionError
from ckptsel.transfer.export import export
from tests.conversion.conftest import run

if TYPE_CHECKING:
    from pathlib import Path

    from ckptsel.checkpoint import Finding


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights and configs of Keras itself, one pair an optimizer."""
    pytest.importorskip("keras")
    folder = tmp_path_factory.mktemp("optimizers")
    run("optimizer_writer", str(folder))
    return folder


def put_together(written: Path, weights: str, model: str) -> tuple[Finding, ...]:
    """What is said of the weights of one with the config of another; nothing is written."""
    options = Options(model=str(written / f"{model}.json"))
    source = str(written / f"{weights}.weights.h5")
    return export(source, str(written / "m.keras"), options, dry_run=True).findings


# The same class, and as many variables: only the order tells them apart, or nothing at all.
ALIKE = {"Adam-amsgrad", "Adam-ema", "Adam-accumulated"}


def test_each_with_its_own(written: Path) -> None:
    """Every class with its own settings is taken, and nothing is in doubt."""
    names = json.loads((written / "index.json").read_text())
    doubtful = {name for name in names if put_together(written, name, name)}
    assert doubtful == {"named", "Adam-ema", "Adam-accumulated"}


def test_each_with_every_other(written: Path) -> None:
    """Refused, or, where the class is the same and the number agrees, an error under `--strict`."""
    names = set(json.loads((written / "index.json").read_text())) - {"named"}
    for weights, model in permutations(sorted(names), 2):
        if {weights, model} <= ALIKE:
            (found,) = put_together(written, weights, model)
            assert (found.code, found.strict) == ("doubtful-optimizer", True), (weights, model)
            continue
        if (weights, model) == ("SGD", "SGD-momentum"):
            (found,) = put_together(written, weights, model)
            assert found.code == "optimizer-begins-anew"
            continue
        with pytest.raises(ConversionError, match=r"the state of|optimizer's state") as caught:
            put_together(written, weights, model)
        assert "--drop-optimizer" in caught.value.hint


def test_a_name_of_ones_own(written: Path) -> None:
    """Then nothing tells the class, where the numbers agree: an error under `--strict`."""
    for weights, model in (("named", "named"), ("named", "Adam"), ("named", "Adamax")):
        (found,) = put_together(written, weights, model)
        assert (found.code, found.strict) == ("doubtful-optimizer", True)
        assert "'mine'" in found.message
    with pytest.raises(ConversionError, match="Keras would not load them"):
        put_together(written, "named", "Lion")


def test_a_name_that_is_anothers(written: Path, tmp_path: Path) -> None:
    """Somebody may call an Adamax `adam`: it may be right, and is not passed on in silence."""
    config = json.loads((written / "Adamax.json").read_text())
    config["compile_config"]["optimizer"]["config"]["name"] = "adam"
    (tmp_path / "called.json").write_text(json.dumps(config))
    shutil.copy(written / "Adam.weights.h5", tmp_path)
    (found,) = put_together(tmp_path, "Adam", "called")
    assert found.code == "doubtful-optimizer"


def test_without_names(written: Path, tmp_path: Path) -> None:
    """tf_keras names no groups."""
    shutil.copy(written / "Adam.weights.h5", tmp_path / "w.weights.h5")
    shutil.copy(written / "Adam.json", tmp_path)
    with h5py.File(tmp_path / "w.weights.h5", "r+") as file:
        del file["optimizer/vars"].attrs["name"]
    (found,) = put_together(tmp_path, "w", "Adam")
    assert found.code == "doubtful-optimizer"
    assert "has no name" in found.message


def test_a_state_that_has_not_begun(written: Path) -> None:
    """A model that was compiled and never trained has the counters only."""
    (found,) = put_together(written, "new", "Adam")
    assert found.code == "optimizer-begins-anew"
    with pytest.raises(ConversionError, match="the state of Adam"):
        put_together(written, "new", "SGD")


def test_another_number_of_trained_weights(written: Path, tmp_path: Path) -> None:
    """A layer that is frozen in the config, and was not: Keras would skip the state."""
    config: dict[str, Any] = json.loads((written / "Adam.json").read_text())
    config["config"]["layers"][-1]["config"]["trainable"] = False
    (tmp_path / "frozen.json").write_text(json.dumps(config))
    shutil.copy(written / "Adam.weights.h5", tmp_path)
    with pytest.raises(ConversionError, match="Keras would not load them"):
        put_together(tmp_path, "Adam", "frozen")


def test_classes_that_are_not_known(written: Path, tmp_path: Path) -> None:
    """Where it cannot be told what is trained, whole sets of slots are all that is asked for."""
    for name in ("Adam", "Lion"):
        config: dict[str, Any] = json.loads((written / f"{name}.json").read_text())
        last = config["config"]["layers"][-1]
        last.update(class_name="Dense", module="mine", registered_name="mine>Dense")
        (tmp_path / f"{name}.json").write_text(json.dumps(config))
        shutil.copy(written / f"{name}.weights.h5", tmp_path)
        with h5py.File(tmp_path / f"{name}.weights.h5", "r+") as file:
            file["optimizer/vars"].attrs["name"] = "mine"
    for weights, model in (("Adam", "Adam"), ("Lion", "Lion")):
        codes = {found.code for found in put_together(tmp_path, weights, model)}
        assert "doubtful-optimizer" in codes
    with pytest.raises(ConversionError, match="Keras would not load them"):
        put_together(tmp_path, "Adam", "Lion")
