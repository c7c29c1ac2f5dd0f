"""Models within a model whose layers have the same names; layers that only have a seed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from ckptsel.conversion.converter import Options
from ckptsel.errors import ConversionError
from ckptsel.transfer.export import export
from tests.conversion.made import config, legacy, weights

if TYPE_CHECKING:
    from pathlib import Path

DENSE = {"units": 2}
# Where each of the four layers stands in the layout of Keras 3, by the models around it.
PLACES = {
    ("p", "d"): "layers/sequential/layers/sequential/layers/dense",
    ("p", "e"): "layers/sequential/layers/sequential/layers/dense_1",
    ("q", "d"): "layers/sequential/layers/sequential_1/layers/dense",
    ("q", "e"): "layers/sequential/layers/sequential_1/layers/dense_1",
}


def within(name: str, layers: list[Any]) -> dict[str, Any]:
    """A Sequential as a layer."""
    return {
        "module": "keras", "class_name": "Sequential", "config": {"name": name, "layers": layers},
    }  # fmt: skip


@pytest.fixture
def options(tmp_path: Path) -> Options:
    """`--model` with a model in which two models have layers of the same names."""
    pair = config(("Dense", "d", DENSE), ("Dense", "e", DENSE))["config"]["layers"]
    model = config()
    model["config"]["layers"] = [within("mid", [within("p", pair), within("q", pair)])]
    (tmp_path / "model.json").write_text(json.dumps(model))
    return Options(model=str(tmp_path / "model.json"))


def kernel(number: int) -> Any:
    """Weights that are those of one layer only."""
    return np.full((2, 2), number, "f4")


def biases(number: int) -> Any:
    """The same for a bias."""
    return np.full((2,), -number, "f4")


def keras_three(path: Path) -> str:
    """Four layers in the layout of Keras 3, each with values of its own, and names."""
    with h5py.File(weights(path, {}), "r+") as file:
        for number, (names, group) in enumerate(PLACES.items()):
            file[f"{group}/vars/0"], file[f"{group}/vars/1"] = kernel(number), biases(number)
            file[f"{group}/vars"].attrs["name"] = names[-1]
    return str(path)


def test_each_keeps_its_own(tmp_path: Path, options: Options) -> None:
    """None is written in the place of another, and all are found again by their names."""
    source = keras_three(tmp_path / "w.weights.h5")
    there = export(source, str(tmp_path / "w.h5"), options).dest
    with h5py.File(there) as file:
        names = [name.decode() for name in file["mid"].attrs["weight_names"]]
        values = [file["mid"][name][()].flat[0] for name in names]
    assert [name.rpartition("/")[0] for name in names] == [
        "p/d", "p/d", "p/e", "p/e", "q/d", "q/d", "q/e", "q/e"
    ]  # fmt: skip
    assert values == [0, 0, 1, -1, 2, -2, 3, -3]
    back = export(there, str(tmp_path / "b.weights.h5"), options).dest
    with h5py.File(back) as file:
        for number, group in enumerate(PLACES.values()):
            np.testing.assert_array_equal(file[f"{group}/vars/0"], kernel(number))
            np.testing.assert_array_equal(file[f"{group}/vars/1"], biases(number))


@pytest.mark.parametrize("is_reversed", [False, True])
@pytest.mark.parametrize("outer", ["", "mid/"])
def test_hdf5_of_keras_3(tmp_path: Path, options: Options, outer: str, is_reversed: bool) -> None:
    """Its names have the models around a layer in front, whatever the order."""
    numbers = {names: number for number, names in enumerate(PLACES)}
    found = {}
    for names in reversed(PLACES) if is_reversed else PLACES:
        for variable, made in (("kernel", kernel), ("bias", biases)):
            found[f"{outer}{'/'.join(names)}/{variable}"] = made(numbers[names])
    source = legacy(tmp_path / "w.h5", {"mid": found})
    dest = export(source, str(tmp_path / "b.weights.h5"), options).dest
    with h5py.File(dest) as file:
        for number, group in enumerate(PLACES.values()):
            np.testing.assert_array_equal(file[f"{group}/vars/0"], kernel(number))


def test_names_that_do_not_tell(tmp_path: Path, options: Options) -> None:
    """tf_keras leaves the models' names out: nothing tells one layer from the other."""
    found = {"d/kernel:0": kernel(0), "d/bias:0": biases(0)}
    with pytest.raises(ConversionError, match="several layers"):
        export(legacy(tmp_path / "w.h5", {"mid": found}), str(tmp_path / "b.weights.h5"), options)


def test_one_name_twice(tmp_path: Path) -> None:
    """HDF5 has one place for a name, so that one weight would get the other's values."""
    source = legacy(tmp_path / "w.h5", {"mid": {"d/kernel:0": kernel(0)}})
    with h5py.File(source, "r+") as file:
        file["mid"].attrs["weight_names"] = np.array([b"d/kernel:0"] * 2)
    with pytest.raises(ConversionError, match="several weights of one name"):
        export(source, str(tmp_path / "b.h5"))
    assert not (tmp_path / "b.h5").exists()


def test_layers_that_have_a_seed_only(tmp_path: Path) -> None:
    """What changes images by chance has no weights to be placed."""
    layers: Any = (("RandomFlip", "flip", {}), ("Dense", "d", DENSE), ("RandomZoom", "zoom", {}))
    (tmp_path / "model.json").write_text(json.dumps(config(*layers)))
    arrays = {
        "layers/dense/vars/0": kernel(1),
        "layers/dense/vars/1": biases(1),
        "layers/random_flip/seed_generator/vars/0": np.zeros((2,), "uint32"),
    }
    source = weights(tmp_path / "w.weights.h5", arrays)
    with h5py.File(source, "r+") as file:
        file["layers/dense/vars"].attrs["name"] = "d"
    options = Options(model=str(tmp_path / "model.json"))
    done = export(source, str(tmp_path / "w.h5"), options)
    with h5py.File(done.dest) as file:
        assert [*file.attrs["layer_names"]] == [b"d"]
    assert export(done.dest, str(tmp_path / "b.weights.h5"), options).is_checked
