"""Small checkpoints that tests make themselves, where a framework would add nothing."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def weights(path: Path, arrays: Mapping[str, Any]) -> str:
    """A `.weights.h5` of these datasets."""
    with h5py.File(path, "w") as file:
        for name, value in arrays.items():
            file[name] = value
    return str(path)


def dense(path: Path, *values: float, dtype: str = "float32") -> str:
    """One layer with a bias of these values, and an optimizer that counts."""
    return weights(
        path,
        {
            "layers/dense/vars/0": np.ones((2, len(values)), dtype),
            "layers/dense/vars/1": np.array(values, dtype),
            "layers/dense/vars/2": np.array([7], "int64"),
            "optimizer/vars/0": np.array(3, "int64"),
            "optimizer/vars/1": np.full((2, len(values)), 1e-9, "float32"),
        },
    )


def legacy(path: Path, layers: Mapping[str, Mapping[str, Any]]) -> str:
    """Weights in the HDF5 of Keras 2: layer → weight's name → values."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = np.array([name.encode() for name in layers])
        for name, found in layers.items():
            group = file.create_group(name)
            group.attrs["weight_names"] = np.array([each.encode() for each in found])
            for each, value in found.items():
                group[each] = value
    return str(path)


def config(*layers: tuple[str, str, dict[str, Any]]) -> dict[str, Any]:
    """The config of a Sequential: class, name and further fields of each layer."""
    return {
        "module": "keras",
        "class_name": "Sequential",
        "config": {
            "name": "made",
            "layers": [
                {
                    "module": "keras.layers",
                    "class_name": class_name,
                    "config": {"name": name, **fields},
                    "build_config": {"input_shape": [None, 2]},
                }
                for class_name, name, fields in layers
            ],
        },
    }


def with_config_of_another_model(source: Path, dest: Path) -> str:
    """A `.keras` whose config wants one unit more in its last Dense than the weights have."""
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(dest, "w") as changed:
        for member in archive.namelist():
            data = archive.read(member)
            if member == "config.json":
                found = json.loads(data)
                dense = [e for e in found["config"]["layers"] if e["class_name"] == "Dense"]
                dense[-1]["config"]["units"] += 1
                data = json.dumps(found).encode()
            changed.writestr(member, data)
    return str(dest)
