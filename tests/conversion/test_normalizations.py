"""The weights of a normalization are all of one shape: their names say which they are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from ckptsel.conversion.converter import Options
from ckptsel.errors import ConversionError
from ckptsel.transfer.export import export
from tests.conversion.made import config, legacy

if TYPE_CHECKING:
    from pathlib import Path

CENTER, SCALE = {"scale": False}, {"center": False}
MOVING = ("moving_mean", "moving_variance")


def model(folder: Path, class_name: str, fields: dict[str, Any]) -> Options:
    """`--model` with one normalization."""
    path = folder / "model.json"
    path.write_text(json.dumps(config((class_name, "n", fields))))
    return Options(model=str(path))


def saved(folder: Path, *names: str) -> str:
    """A normalization in the HDF5 of Keras 2; each weight holds its place in the row."""
    values = {name: np.full((2,), number, "f4") for number, name in enumerate(names)}
    return legacy(folder / "w.h5", {"n": {f"n/{name}:0": value for name, value in values.items()}})


@pytest.mark.parametrize("dest", ["m.keras", "m.weights.h5", "m.weights.json"])
@pytest.mark.parametrize(
    ("class_name", "fields", "names"),
    [
        ("BatchNormalization", CENTER, ("gamma", *MOVING)),
        ("BatchNormalization", SCALE, ("beta", *MOVING)),
        ("BatchNormalization", {}, ("beta", "gamma", *MOVING)),
        ("BatchNormalization", {}, ("gamma", "beta", *reversed(MOVING))),
        ("LayerNormalization", CENTER, ("gamma",)),
        ("GroupNormalization", SCALE, ("beta",)),
        ("LayerNormalization", {"rms_scaling": True}, ("beta",)),
    ],
)
def test_another_weight_of_the_same_shape(
    tmp_path: Path, class_name: str, fields: dict[str, Any], names: tuple[str, ...], dest: str
) -> None:
    """A gamma does not become a beta, though number and shapes agree."""
    with pytest.raises(ConversionError, match=f"has {', '.join(names)}"):
        export(saved(tmp_path, *names), str(tmp_path / dest), model(tmp_path, class_name, fields))
    assert not (tmp_path / dest).exists()


@pytest.mark.parametrize(
    ("fields", "names"),
    [(CENTER, ("beta", *MOVING)), (SCALE, ("gamma", *MOVING)), ({}, ("gamma", "beta", *MOVING))],
)
def test_there_and_back(tmp_path: Path, fields: dict[str, Any], names: tuple[str, ...]) -> None:
    """What is written as HDF5 of Keras 2 has the names by which it is read again."""
    options = model(tmp_path, "BatchNormalization", fields)
    one = export(saved(tmp_path, *names), str(tmp_path / "m.keras"), options)
    two = export(one.dest, str(tmp_path / "m.h5"), chosen="h5")
    with h5py.File(two.dest) as file:
        assert [*file["n"].attrs["weight_names"]] == [f"n/{name}".encode() for name in names]
    three = export(two.dest, str(tmp_path / "m.weights.h5"), options)
    assert one.findings == two.findings == three.findings == ()
    with h5py.File(three.dest) as file:
        found = [file[f"layers/batch_normalization/vars/{n}"][0] for n in range(len(names))]
    assert found == [*range(len(names))]


@pytest.mark.parametrize("fields", [CENTER, SCALE])
def test_weights_without_names(tmp_path: Path, fields: dict[str, Any]) -> None:
    """Which of the two it is cannot be told: said, and an error under `--strict`."""
    options = model(tmp_path, "BatchNormalization", fields)
    done = export(saved(tmp_path, "0", "1", "2"), str(tmp_path / "m.weights.h5"), options)
    assert [(each.code, each.strict) for each in done.findings] == [("doubtful-fit", True)]
    assert "gamma or a beta" in done.findings[0].message


def test_both_without_names(tmp_path: Path) -> None:
    """With both, Keras has had one order since its first version."""
    options = model(tmp_path, "BatchNormalization", {})
    done = export(saved(tmp_path, "0", "1", "2", "3"), str(tmp_path / "m.weights.h5"), options)
    assert done.findings == ()


def test_another_class_of_the_same_shapes(tmp_path: Path) -> None:
    """A whole model in HDF5 tells the classes of its layers: another one in `--model` is said."""
    source = saved(tmp_path, "gamma", "beta")
    with h5py.File(source, "a") as file:
        file.attrs["model_config"] = json.dumps(config(("LayerNormalization", "n", {})))
        for name in file["n"].attrs["weight_names"]:
            file[f"model_weights/n/{name.decode()}"] = file[f"n/{name.decode()}"][()]
        file["model_weights"].attrs["layer_names"] = file.attrs["layer_names"]
        file["model_weights/n"].attrs["weight_names"] = file["n"].attrs["weight_names"]
        del file["n"], file.attrs["layer_names"]
    same = model(tmp_path, "LayerNormalization", {})
    assert export(source, str(tmp_path / "a.weights.h5"), same).findings == ()
    other = model(tmp_path, "GroupNormalization", {})
    done = export(source, str(tmp_path / "b.weights.h5"), other)
    assert [(each.code, each.strict) for each in done.findings] == [("doubtful-fit", True)]
    assert "'n' is a LayerNormalization in the file" in done.findings[0].message
