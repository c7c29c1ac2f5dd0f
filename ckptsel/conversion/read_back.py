"""Is what was written what it should be? Read back, and compared tensor by tensor."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from ckptsel.comparison.compare import together
from ckptsel.comparison.matching import Pair
from ckptsel.conversion.gaps import refuse_gaps
from ckptsel.errors import CkptselError, ConversionError
from ckptsel.formats import open_contents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from ckptsel.formats.contents import Contents, Tensor

# Type → how far the nearest value of it can be: by a factor of the value, and near zero.
# Half of the last place: 11, 8 and 24 bits count; the smallest steps are 2^-24, 2^-133, 2^-149.
_ROUNDING = {
    "float16": (2.0**-11, 2.0**-25),
    "bfloat16": (2.0**-8, 2.0**-134),
    "float32": (2.0**-24, 2.0**-150),
}
_AT_ONCE = 2**18
_WIDTH = {"bfloat16": 16, "float16": 16, "float32": 32, "float64": 64}


def compare(
    source: Contents,
    expected: Sequence[tuple[Tensor, str, str]],
    dest: str,
    confirm: Callable[[Contents], None] | None = None,
) -> None:
    """Compare what was written with what it was made of.

    Bit by bit; where a type was rounded to, every value has to be as near as that type allows.

    Args:
        source: the source, open.
        expected: for every tensor of the new checkpoint: of what it was made, its path, its type.
        dest: the new checkpoint.
        confirm: is given the new checkpoint, open; compares what there is beside the tensors.

    Raises:
        ConversionError: if anything differs, is missing, or is there and should not be.
    """
    try:
        with open_contents(dest) as made:
            found = {tensor.path: tensor for tensor in made.tensors}
            paths = {path for _, path, _ in expected}
            if odd := sorted(paths ^ set(found)):
                what = "is missing in" if odd[0] in paths else "is too much in"
                raise wrong(f"{odd[0]} {what} what was written")
            for tensor, path, dtype in expected:
                _one(source, made, tensor, found[path], dtype)
            refuse_gaps(made, dest)
            if confirm is not None:
                confirm(made)
    except ConversionError:
        raise
    except CkptselError as error:
        raise wrong(f"what was written cannot be compared: {error.message}") from error


def _one(source: Contents, made: Contents, one: Tensor, other: Tensor, dtype: str) -> None:
    if other.shape != one.shape or other.dtype != dtype:
        raise wrong(
            f"{other.path} is {other.dtype} {other.shape} in what was written,"
            f" and should be {dtype} {one.shape}"
        )
    is_rounded = _WIDTH.get(dtype, 64) < _WIDTH.get(one.dtype, 0)
    rounding = _ROUNDING[dtype] if is_rounded or _swaps(one.dtype, dtype) else None
    for x, y in together(source, made, Pair(one, other, "path")):
        if not (_are_near(x, y, *rounding) if rounding else _is_same(x, y)):
            raise wrong(f"{other.path} has other values in what was written")


def _swaps(one: str, other: str) -> bool:
    """Whether both are of 16 bits, and each has values that the other has not."""
    return {one, other} == {"float16", "bfloat16"}


def _is_same(x: NDArray[Any], y: NDArray[Any]) -> bool:
    if x.dtype != y.dtype:
        x = x.astype(y.dtype)  # to a wider type, in which each value has its place
    return x.tobytes() == y.tobytes()


def _are_near(x: NDArray[Any], y: NDArray[Any], factor: float, step: float) -> bool:
    # Few at a time: they are compared as float64, in several arrays.
    return all(
        _is_near(x[at : at + _AT_ONCE], y[at : at + _AT_ONCE], factor, step)
        for at in range(0, len(x), _AT_ONCE)
    )


def _is_near(x: NDArray[Any], y: NDArray[Any], factor: float, step: float) -> bool:
    a, b = x.astype(np.float64), y.astype(np.float64)
    finite = np.isfinite(a)
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return False
    a, b = a[finite], b[finite]
    return bool(np.all(np.abs(a - b) <= np.maximum(np.abs(a) * factor, step)))


def require_same(what: str, made: object, wanted: object) -> None:
    """Raises ConversionError unless the two are equal."""
    if made != wanted:
        raise wrong(f"{what} in what was written is not what it should be")


def require_same_bytes(what: str, made: Iterable[bytes], wanted: Iterable[bytes]) -> None:
    """Raises ConversionError unless two streams are equal, however they are cut."""
    digests = []
    for blocks in (made, wanted):
        digest = hashlib.blake2b()
        for block in blocks:
            digest.update(block)
        digests.append(digest.digest())
    require_same(what, *digests)


def wrong(message: str) -> ConversionError:
    """What is raised if what was written is not what it should be."""
    return ConversionError(
        message, hint="this is a fault of the disk or of ckptsel; nothing was put in place"
    )
