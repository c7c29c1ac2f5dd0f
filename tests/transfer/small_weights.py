"""Small `.weights.h5` files as Keras lays them out, made without Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from ckptsel.search.query import Query

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

KERNEL = "layers/dense/vars/0"
STEPS = "optimizer/vars/0"


def write(path: Path | str, value: float, *, steps: int = 7, **more: NDArray[Any] | None) -> str:
    """A kernel that is filled with a value, a bias, and an optimizer's counter.

    Args:
        path: the file.
        value: what fills the kernel.
        steps: the counter.
        more: further arrays; a name with two underscores for each slash. None takes one away.
    """
    arrays: dict[str, Any] = {
        KERNEL: np.full((20, 30), value, "float32"),
        "layers/dense/vars/1": np.full(30, -value, "float32"),
        STEPS: np.int64(steps),
    }
    arrays |= {name.replace("__", "/"): array for name, array in more.items()}
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            if array is not None:
                file[name] = array
    return str(path)


def kernel(path: Path | str) -> NDArray[Any]:
    """The kernel in a file."""
    with h5py.File(path) as file:
        return np.asarray(file[KERNEL][...])


def steps(path: Path | str) -> int:
    """The optimizer's counter in a file."""
    with h5py.File(path) as file:
        return int(file[STEPS][()])


def name(epoch: int, loss: float) -> str:
    """A checkpoint's name."""
    return f"w.epoch{epoch:02d}-val_loss{loss:.2f}.weights.h5"


def series(folder: Path, *losses: float) -> list[str]:
    """Checkpoints of the epochs 1, 2, …, whose kernels are filled with the epoch."""
    return [
        write(folder / name(epoch, loss), epoch, steps=epoch)
        for epoch, loss in enumerate(losses, 1)
    ]


def query(*locations: Path | str, **options: Any) -> Query:
    """What asks for the checkpoints there, by val_loss unless told otherwise."""
    return Query(tuple(map(str, locations)), **{"monitor": "val_loss", **options})
