"""What is read back beside the tensors: names, orders, configs; a fault in them is found."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from ckptsel.conversion.converter import Options
from ckptsel.conversion.table import TABLE
from ckptsel.errors import ConversionError
from ckptsel.transfer.export import export
from tests.conversion.made import config, legacy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DENSE = {"units": 2}


@pytest.fixture
def options(tmp_path: Path) -> Options:
    """`--model` with two layers alike, and an asset."""
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        layers = (("Dense", "a", DENSE), ("Dense", "b", DENSE))
        archive.writestr("config.json", json.dumps(config(*layers)))
        archive.writestr("metadata.json", '{"keras_version": "3.0.0"}')
        archive.writestr("assets/words.txt", "one\ntwo\n")
        archive.writestr("model.weights.h5", weights(tmp_path / "own.weights.h5").read_bytes())
    return Options(model=str(tmp_path / "model.keras"))


def weights(path: Path) -> Path:
    """Two layers alike in the layout of Keras 3, with their names."""
    with h5py.File(path, "w") as file:
        for group, name in (("dense", "a"), ("dense_1", "b")):
            vars_ = file.create_group(f"layers/{group}/vars")
            vars_.attrs["name"] = name
            vars_["0"], vars_["1"] = np.ones((2, 2), "f4"), np.zeros((2,), "f4")
    return path


def swapped_names(path: Path) -> None:
    """Each layer is called like the other."""
    with h5py.File(path, "r+") as file:
        for group, name in (("dense", "b"), ("dense_1", "a")):
            file[f"layers/{group}/vars"].attrs["name"] = name


def other_order(path: Path) -> None:
    """The layers are listed the other way round."""
    with h5py.File(path, "r+") as file:
        file.attrs["layer_names"] = file.attrs["layer_names"][::-1]


def other_weights(path: Path) -> None:
    """The weights of a layer are listed the other way round."""
    with h5py.File(path, "r+") as file:
        file["a"].attrs["weight_names"] = file["a"].attrs["weight_names"][::-1]


def no_list(path: Path) -> None:
    """Keras would load nothing."""
    with h5py.File(path, "r+") as file:
        file.attrs["layer_names"] = np.array([], "S1")


def short_index(path: Path) -> None:
    """Keras finds a group by the index only."""
    index = json.loads(path.read_text())
    del index["weight_map"]["/layers/dense_1/vars"]
    path.write_text(json.dumps(index))


def replaced(member: str, content: bytes) -> Callable[[Path], None]:
    """A member of a `.keras` with another content, or none at all."""

    def tamper(path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        members[member] = content
        with zipfile.ZipFile(path, "w") as archive:
            for name, each in members.items():
                if each:
                    archive.writestr(name, each)

    return tamper


OTHER = json.dumps(config(("Dense", "a", DENSE), ("Dense", "c", DENSE))).encode()


@pytest.mark.parametrize(
    ("source", "target", "tamper"),
    [
        ("weights.h5", "weights.h5", swapped_names),
        ("weights.h5", "weights.json", short_index),
        ("weights.h5", "h5", other_order),
        ("weights.h5", "h5", other_weights),
        ("weights.h5", "h5", no_list),
        ("h5", "weights.h5", swapped_names),
        ("h5", "h5", other_order),
        ("weights.h5", "keras", replaced("config.json", OTHER)),
        ("weights.h5", "keras", replaced("metadata.json", b'{"keras_version": "3.1.0"}')),
        ("weights.h5", "keras", replaced("assets/words.txt", b"two\none\n")),
        ("weights.h5", "keras", replaced("assets/words.txt", b"")),
        ("weights.h5", "keras", replaced("assets/more.txt", b"more")),
        ("keras", "keras", replaced("config.json", OTHER)),
        ("keras", "keras", replaced("assets/words.txt", b"two\none\n")),
        ("keras", "keras", replaced("assets/more.txt", b"more")),
    ],
)
def test_a_writer_that_errs(
    tmp_path: Path, options: Options, source: str, target: str, tamper: Callable[[Path], None]
) -> None:
    """The tensors agree, and Keras would still load something else, or nothing."""
    paths = {
        "weights.h5": weights(tmp_path / "w.weights.h5"),
        "keras": tmp_path / "model.keras",
        "h5": tmp_path / "w.h5",
    }
    layer = {"kernel:0": np.ones((2, 2), "f4"), "bias:0": np.zeros((2,), "f4")}
    legacy(paths["h5"], {n: {f"{n}/{key}": each for key, each in layer.items()} for n in "ab"})
    converter = TABLE[source, target].converter(options)
    dest = tmp_path / "out" / f"b.{target}"
    dest.parent.mkdir()
    converter.write(str(paths[source]), str(dest), options)
    converter.check(str(paths[source]), str(dest), options)
    tamper(dest)
    with pytest.raises(ConversionError, match="what was written"):
        converter.check(str(paths[source]), str(dest), options)


@pytest.mark.parametrize("key", ["model_config", "training_config"])
def test_a_whole_model_of_keras_2(tmp_path: Path, key: str) -> None:
    """Its configs and its list of layers are the source's."""
    source, dest = tmp_path / "m.h5", tmp_path / "n.h5"
    settings: dict[str, Any] = {"optimizer_config": {"class_name": "Adam", "config": {}}}
    legacy(source, {"a": {"a/kernel:0": np.ones((2, 2), "f4")}})
    with h5py.File(source, "r+") as file:
        group = file.create_group("model_weights")
        file.move("a", "model_weights/a")
        group.attrs["layer_names"] = file.attrs["layer_names"]
        file.attrs["model_config"] = json.dumps(config(("Dense", "a", DENSE)))
        file.attrs["training_config"] = json.dumps(settings)
    options = Options()
    converter = TABLE["h5 model", "h5-model"].converter(options)
    converter.write(str(source), str(dest), options)
    converter.check(str(source), str(dest), options)
    with h5py.File(dest, "r+") as file:
        file.attrs[key] = file.attrs[key].replace("Adam", "Lion").replace('"a"', '"b"')
    with pytest.raises(ConversionError, match="in what was written"):
        converter.check(str(source), str(dest), options)


def test_a_dropped_optimizer_is_no_fault(tmp_path: Path, options: Options) -> None:
    """Its groups are gone, and their names with them."""
    with h5py.File(weights(tmp_path / "w.weights.h5"), "r+") as file:
        file["optimizer/vars/0"] = 3
        file["optimizer/vars"].attrs["name"] = "adam"
    dropped = Options(model=options.model, drop_optimizer=True)
    assert export(str(tmp_path / "w.weights.h5"), str(tmp_path / "m.keras"), dropped).is_checked
