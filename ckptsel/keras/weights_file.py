"""Weights that Keras writes: the room for them is asked for first."""

from __future__ import annotations

import errno
import math
import os
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

# What HDF5 needs besides the values: measured with keras 3.15 for 1 to 300 layers, and rounded up.
_FILE_BYTES, _LAYER_BYTES, _VARIABLE_BYTES = 16 * 1024, 3 * 1024, 2 * 1024
# The file system does not know how to reserve.
_CANNOT_RESERVE = {errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENODEV}


def save_weights(model: Any, path: str) -> None:
    """Write `.weights.h5` under a new name.

    HDF5 does not survive a disk that fills while it closes a file: the whole process ends by a
    segmentation fault (h5py 3.14, HDF5 1.14). So the disk is asked before for as much as the
    file may take.

    Raises:
        OSError: if there is no room, or it cannot be written.
    """
    _reserve(path, size_bytes(model))
    try:
        model.save_weights(path, overwrite=True)
    except RuntimeError as error:
        # What h5py makes of HDF5's errors without a number.
        if "file" not in str(error).lower():
            raise
        raise OSError(errno.EIO, str(error)) from error


def layers_of(model: Any) -> Iterator[Any]:
    """All layers, each before those in it."""
    for layer in getattr(model, "layers", ()):
        yield layer
        yield from layers_of(layer)


def size_bytes(model: Any) -> int:
    """How large the file may become."""
    optimizer = getattr(model, "optimizer", None)
    variables = [*model.variables, *(optimizer.variables if optimizer is not None else ())]
    values: int = sum(math.prod(each.shape) * _item_bytes(each.dtype) for each in variables)
    layers = sum(1 for _ in layers_of(model))
    return _FILE_BYTES + _LAYER_BYTES * layers + _VARIABLE_BYTES * len(variables) + values


def _item_bytes(dtype: object) -> int:
    try:
        return np.dtype(str(dtype)).itemsize
    except TypeError:
        return 4  # bfloat16 and the like are smaller


def _reserve(path: str, size_bytes: int) -> None:
    """Create a file, and see that it could become so large.

    Raises:
        OSError: if it could not.
    """
    with open(path, "xb") as file:
        if not hasattr(os, "posix_fallocate"):  # pragma: no cover - macOS and Windows
            if shutil.disk_usage(os.path.dirname(path) or os.curdir).free < size_bytes:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
            return
        try:
            os.posix_fallocate(file.fileno(), 0, size_bytes)
        except OSError as error:
            if error.errno not in _CANNOT_RESERVE:
                raise
