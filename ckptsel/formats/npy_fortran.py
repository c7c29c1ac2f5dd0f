"""Arrays whose first index moves fastest, read in the usual order without holding them whole."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ckptsel.errors import UnreadValuesError
from ckptsel.formats.contents import PIECE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

    import numpy as np
    from numpy.typing import NDArray

# What is gathered at once; for each such part the array is read from its beginning.
_PART_BYTES = 64 * 2**20
_MOST_TIMES = 64


def in_usual_order(
    start: Callable[[], IO[bytes]], shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Iterator[NDArray[Any]]:
    """The values, flat, last index fastest, in pieces.

    Args:
        start: opens the values, at the first one.
        shape: of two axes or more; not empty.
        dtype: of an element.

    Raises:
        EOFError: if they end too soon.
        UnreadValuesError: if they would have to be read too often.
    """
    height, columns = shape[0], math.prod(shape[1:])
    rows = max(1, _PART_BYTES // (columns * dtype.itemsize))
    if -(-height // rows) > _MOST_TIMES:
        says = "it is in Fortran's order, and too large to be put into another"
        raise UnreadValuesError(says, hint="numpy.ascontiguousarray does, before it is saved")
    limit = PIECE_BYTES // max(8, dtype.itemsize)
    for first in range(0, height, rows):
        last = min(first + rows, height)
        with start() as file:
            part = _gathered(file, slice(first, last), height, columns, dtype)
        values = part.reshape((last - first, *shape[1:]), order="F")
        step = max(1, limit // columns)
        for row in range(0, last - first, step):
            flat = values[row : row + step].reshape(-1)
            for at in range(0, flat.size, limit):
                yield flat[at : at + limit]


def _gathered(
    file: IO[bytes], rows: slice, height: int, columns: int, dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Some rows of every column, column by column."""
    import numpy as np  # noqa: PLC0415

    count = rows.stop - rows.start
    part = np.empty((columns, count), dtype)
    together = PIECE_BYTES // (height * dtype.itemsize)
    if together:
        for at in range(0, columns, together):
            here = min(together, columns - at)
            data = _read(file, here * height * dtype.itemsize)
            part[at : at + here] = np.frombuffer(data, dtype).reshape(here, height)[:, rows]
        return part.reshape(-1)
    for column in range(columns):
        _skip(file, rows.start * dtype.itemsize)
        part[column] = np.frombuffer(_read(file, count * dtype.itemsize), dtype)
        _skip(file, (height - rows.stop) * dtype.itemsize)
    return part.reshape(-1)


def _skip(file: IO[bytes], size: int) -> None:
    for at in range(0, size, PIECE_BYTES):
        _read(file, min(PIECE_BYTES, size - at))


def _read(file: IO[bytes], size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise EOFError("it ends before its values do")
    return data
