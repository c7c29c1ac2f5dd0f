"""Weights files made by hand, for the tests of HDF5."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from ckptsel.formats import open_contents

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

GROUP = "layers/dense/vars"
VALUES = np.random.default_rng(5).random((23, 11))


def write(path: str, add: Callable[[h5py.Group], object], **options: Any) -> str:
    """A weights file with one sound weight, and what `add` adds."""
    with h5py.File(path, "w", **options) as file:
        file[f"{GROUP}/0"] = np.arange(6, dtype="f4").reshape(2, 3)
        add(file[GROUP])
    return path


def nothing(_: object) -> None:
    """Add nothing."""


def damage(path: str, level: Any = "full") -> list[str]:
    """The codes of the damage."""
    with open_contents(path) as contents:
        return [finding.code for finding in contents.damage(level)]


def dangers(path: str) -> list[str]:
    """The codes of the dangers."""
    with open_contents(path) as contents:
        return [finding.code for finding in contents.dangers()]


def read(path: str, name: str = "1") -> NDArray[Any]:
    """A weight's values."""
    with open_contents(path) as contents:
        tensors = {tensor.path: tensor for tensor in contents.tensors}
        return contents.read(tensors[f"{GROUP}/{name}"])
