"""Values → the bytes of a type, rounded once, to the nearest, and never out of range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from ckptsel.errors import ConversionError
from ckptsel.formats.narrow_floats import narrow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

Order: TypeAlias = Literal["<", ">"]


def encoded(
    pieces: Iterator[NDArray[Any]], dtype: str, order: Order, elements: int, what: str
) -> Iterator[memoryview]:
    """The bytes of a tensor, piece by piece.

    Args:
        pieces: its values, flat and in order.
        dtype: the type to write, as in `Tensor.dtype`.
        order: the byte order, `<` or `>`.
        elements: how many there must be.
        what: the tensor, for messages.

    Raises:
        ConversionError: if a finite value is out of the type's range, the type cannot be
            written, or there are more or fewer values.
    """
    done = 0
    for piece in pieces:
        done += piece.size
        yield _stored(piece, dtype, order, what).reshape(-1).view("u1").data
    if done != elements:
        raise ConversionError(f"{what} has {elements} values, and {done} were given")


def _stored(piece: NDArray[Any], dtype: str, order: Order, what: str) -> NDArray[Any]:
    if dtype == "bfloat16":
        found = narrow(piece)
        is_finite = (found & 0x7F80) != 0x7F80
        found = found.astype(f"{order}u2", copy=False)
    else:
        try:
            target = np.dtype(dtype).newbyteorder(order)
        except TypeError:
            raise ConversionError(f"{what}: values of type {dtype} are not written") from None
        with np.errstate(over="ignore"):
            found = np.ascontiguousarray(piece, target)
        if target.kind not in "fc" or piece.dtype.itemsize <= target.itemsize:
            return found
        is_finite = np.isfinite(found)
    if not is_finite.all() and np.isfinite(piece[~is_finite]).any():
        raise ConversionError(
            f"{what} holds values that are too large for {dtype}",
            hint="choose a type of a larger range, such as bfloat16 or float32",
        )
    return found
