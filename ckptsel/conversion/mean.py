"""The mean of checkpoints: of what it is taken, and its values, piece by piece."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from ckptsel.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from ckptsel.conversion.rewriting.job import Values
    from ckptsel.formats.contents import Contents, Tensor

# Numbers of which a mean makes sense. Those of one byte mostly stand for others, by a scale
# that is a tensor of its own.
_AVERAGED = frozenset(("float16", "bfloat16", "float32", "float64", "complex64", "complex128"))
# Values that go through all of this stay in the processor's cache.
_STEP = 2**16

_METRIC = re.compile(r"(keras_api/)?metrics/")
# Keras's and PyTorch's names of the statistics, and the usual ones of the layer.
_BATCH_NORM = re.compile(
    r"batch_?norm|moving_(mean|var)|running_(mean|var)|(^|[/._])bn\d*([/._]|$)", re.IGNORECASE
)


def is_averaged(tensor: Tensor) -> bool:
    """Whether a tensor's mean is taken: of weights that are floats.

    Integers, texts, the optimizer's state and what belongs to neither (seeds, metrics) have
    none that means something.
    """
    return tensor.role == "weight" and tensor.dtype in _AVERAGED


def is_total(tensor: Tensor) -> bool:
    """Whether a tensor is a metric's state, which Keras 2 leaves in its files.

    It says how good that member was. Zeros say nothing, as after `reset_state`.
    """
    return tensor.role == "other" and _METRIC.match(tensor.path) is not None


def batch_norms(tensors: Sequence[Tensor]) -> list[Tensor]:
    """The averaged tensors that seem to belong to batch normalization, by their names."""
    return [
        tensor
        for tensor in tensors
        if is_averaged(tensor) and _BATCH_NORM.search(f"{tensor.path} {tensor.layer}")
    ]


def weights_of(contents: Contents) -> dict[str, Tensor]:
    """Path → tensor, of the weights."""
    return {tensor.path: tensor for tensor in contents.tensors if tensor.role == "weight"}


def mean(
    members: Mapping[str, Contents],
    weights: Sequence[float],
    *,
    on_bytes: Callable[[int], None] | None = None,
) -> Values:
    """The mean of members that agree, for `rewrite` of the first of them.

    Sums are in float64 (complex numbers: complex128), one member after the other, and divided
    by the sum of the weights at the end, as numpy's `mean` and `average` do over a first axis. (Of
    arrays of one value numpy adds 8 members or more in pairs; here there is one order for all.)

    Args:
        members: path → contents, open.
        weights: one a member; none negative, not all zero.
        on_bytes: is told how many more bytes have been read.

    Returns:
        What gives a tensor's mean, in pieces; zeros for metrics' state, which is no mean's; None
        for what is the first member's. It raises
        DamagedError for a NaN or an infinity, and names the member.
    """
    tensors = [weights_of(contents) for contents in members.values()]

    def values(tensor: Tensor) -> Iterator[NDArray[Any]] | None:
        if is_total(tensor) and tensor.dtype in _AVERAGED:
            return _zeros(math.prod(tensor.shape))
        if not is_averaged(tensor):
            return None
        pieces = [
            contents.pieces(theirs[tensor.path])
            for contents, theirs in zip(members.values(), tensors, strict=True)
        ]
        return _mean(tensor, [*members], aligned(pieces, on_bytes), weights)

    return values


def _zeros(count: int) -> Iterator[NDArray[Any]]:
    import numpy as np  # noqa: PLC0415

    for start in range(0, count, _STEP):
        yield np.zeros(min(_STEP, count - start))


def _mean(
    tensor: Tensor,
    paths: Sequence[str],
    rows: Iterator[list[NDArray[Any]]],
    weights: Sequence[float],
) -> Iterator[NDArray[Any]]:
    import numpy as np  # noqa: PLC0415

    total = sum(weights)
    wide = np.dtype("complex128" if tensor.dtype.startswith("complex") else "float64")
    is_plain = all(weight == 1 for weight in weights)
    for row in rows:
        with np.errstate(over="ignore", invalid="ignore"):
            if is_plain:
                found = row[0].astype(wide)
                for part in row[1:]:
                    found += part
            else:
                found = row[0].astype(wide) * weights[0]
                for part, weight in zip(row[1:], weights[1:], strict=True):
                    found += part.astype(wide) * weight
            if len(row) > 1 or not is_plain:
                found /= total
        if not np.isfinite(found).all():
            raise _not_finite(tensor, paths, row)
        yield found


def _not_finite(tensor: Tensor, paths: Sequence[str], row: list[NDArray[Any]]) -> DamagedError:
    import numpy as np  # noqa: PLC0415

    for path, part in zip(paths, row, strict=True):
        if not np.isfinite(part).all():
            return DamagedError(
                f"{path!r} has NaN or infinity in {tensor.path}",
                hint="--verify passes such members over, and takes the next best",
            )
    return DamagedError(f"the sum of {tensor.path} is too large for a float64")


def aligned(
    pieces: Sequence[Iterator[NDArray[Any]]], on_bytes: Callable[[int], None] | None = None
) -> Iterator[list[NDArray[Any]]]:
    """The same elements of every member at a time; each cuts its pieces as its file suggests.

    Raises:
        DamagedError: if one ends before the others do.
    """
    left: list[NDArray[Any] | None] = [None] * len(pieces)
    while True:
        for number, iterator in enumerate(pieces):
            part = left[number]
            while part is None or not part.size:
                part = next(iterator, None)
                if part is None:
                    break
                if on_bytes is not None:
                    on_bytes(part.nbytes)
            left[number] = part
        parts = [part for part in left if part is not None]
        if not parts:
            return
        if len(parts) < len(left):
            raise DamagedError("a member has fewer values than its shape says")
        size = min(part.size for part in parts)
        for start in range(0, size, _STEP):
            stop = min(start + _STEP, size)
            yield [part[start:stop] for part in parts]
        left = [part[size:] for part in parts]
