"""Two checkpoints of any formats: what is only in one, what differs, and by how much."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ckptsel.formats import open_contents

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from ckptsel.formats.contents import Contents, Tensor


@dataclass(frozen=True, slots=True)
class Pair:
    """A tensor of A and the one of B that stands for the same.

    Attributes:
        a: the tensor of A.
        b: the tensor of B.
        by_path: whether their paths are the same; otherwise order and shape matched them.
    """

    a: Tensor
    b: Tensor
    by_path: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """How two tensors' values differ.

    Attributes:
        pair: the tensors.
        largest: the largest absolute difference; NaN if one value of the two is NaN.
        relative: the L2 norm of the difference over that of A; infinite if A is all zeros.
        cosine: the cosine of the angle between them; NaN if one is all zeros.
    """

    pair: Pair
    largest: float
    relative: float
    cosine: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """What comparing A and B found.

    Attributes:
        only_a: tensors without a counterpart in B.
        only_b: tensors without a counterpart in A.
        reshaped: pairs whose shapes differ.
        retyped: pairs whose dtypes differ; their values are compared as well.
        different: pairs whose values differ by more than the tolerance.
        identical: how many pairs have the same values, within the tolerance.
        config: dotted key → its value in A and in B, where the model configs differ.
    """

    only_a: tuple[Tensor, ...]
    only_b: tuple[Tensor, ...]
    reshaped: tuple[Pair, ...]
    retyped: tuple[Pair, ...]
    different: tuple[Difference, ...]
    identical: int
    config: Mapping[str, tuple[object, object]]

    @property
    def is_same(self) -> bool:
        """Whether nothing at all differs."""
        return not any(
            (self.only_a, self.only_b, self.reshaped, self.retyped, self.different, self.config)
        )


def compare(a: str, b: str, *, tolerance: float = 0.0) -> Comparison:
    """Compare two checkpoints, of the same format or not.

    Args:
        a: a file, a folder or a TensorFlow prefix.
        b: another one.
        tolerance: absolute differences up to this are none.

    Raises:
        LocationNotFoundError, UnknownFormatError, DamagedError: if one cannot be read.
        MissingExtraError: if reading values needs a package that is not installed.
    """
    with open_contents(a) as one, open_contents(b) as other:
        pairs, only_a, only_b = match(one.tensors, other.tensors)
        reshaped = [pair for pair in pairs if pair.a.shape != pair.b.shape]
        different = []
        compared = [pair for pair in pairs if pair.a.shape == pair.b.shape]
        for pair in compared:
            difference = _difference(one, other, pair)
            # Not `> tolerance`: a NaN on one side is a difference.
            if not difference.largest <= tolerance:
                different.append(difference)
        config: Mapping[str, tuple[object, object]] = {}
        if one.config is not None and other.config is not None:
            config = dict(config_differences(one.config, other.config))
        return Comparison(
            only_a=tuple(only_a),
            only_b=tuple(only_b),
            reshaped=tuple(reshaped),
            retyped=tuple(pair for pair in compared if pair.a.dtype != pair.b.dtype),
            different=tuple(different),
            identical=len(compared) - len(different),
            config=config,
        )


def match(
    a: Sequence[Tensor], b: Sequence[Tensor]
) -> tuple[list[Pair], list[Tensor], list[Tensor]]:
    """Pair tensors by path; what is left of the weights, by order and shape.

    Two formats name the same weight differently, but keep the order of the layers. So the
    second rule holds only as long as the shapes agree, one after the other.
    """
    by_path = {tensor.path: tensor for tensor in b}
    pairs = [Pair(tensor, by_path[tensor.path], True) for tensor in a if tensor.path in by_path]
    paired = {pair.a.path for pair in pairs}
    left = [tensor for tensor in a if tensor.path not in paired]
    right = [tensor for tensor in b if tensor.path not in paired]
    weights_left = [tensor for tensor in left if tensor.role == "weight"]
    weights_right = [tensor for tensor in right if tensor.role == "weight"]
    shapes = [tensor.shape for tensor in weights_left]
    if shapes and shapes == [tensor.shape for tensor in weights_right]:
        pairs += [Pair(x, y, False) for x, y in zip(weights_left, weights_right, strict=True)]
        left = [tensor for tensor in left if tensor.role != "weight"]
        right = [tensor for tensor in right if tensor.role != "weight"]
    return pairs, left, right


def config_differences(
    a: object, b: object, key: str = ""
) -> Iterator[tuple[str, tuple[object, object]]]:
    """Where two configs differ, key by key; an entry that is missing on one side is None."""
    if isinstance(a, dict) and isinstance(b, dict):
        for name in [*a, *(name for name in b if name not in a)]:
            inner = f"{key}.{name}" if key else str(name)
            yield from config_differences(a.get(name), b.get(name), inner)
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for index, (x, y) in enumerate(zip(a, b, strict=True)):
            yield from config_differences(x, y, f"{key}[{index}]")
    elif a != b:
        yield key, (a, b)


def _difference(one: Contents, other: Contents, pair: Pair) -> Difference:
    import numpy as np  # noqa: PLC0415 - with the first values that are read

    largest = squares = norm_a = norm_b = product = 0.0
    for x, y in _together(one.pieces(pair.a), other.pieces(pair.b)):
        if x.dtype.kind not in "biufc" or y.dtype.kind not in "biufc":
            same = bool(np.array_equal(x, y))
            largest = max(largest, 0.0 if same else math.inf)
            continue
        same_bits = x.dtype == y.dtype and x.tobytes() == y.tobytes()
        kind = np.complex128 if "c" in (x.dtype.kind, y.dtype.kind) else np.float64
        p, q = x.astype(kind), y.astype(kind)
        with np.errstate(all="ignore"):
            if not same_bits:  # equal bits are equal, NaN and infinities included
                gap = np.abs(p - q)
                gap[p == q] = 0.0  # infinity minus itself is NaN
                top = float(gap.max()) if gap.size else 0.0
                largest = top if math.isnan(top) or math.isnan(largest) else max(largest, top)
                squares += float((gap**2).sum())
            norm_a += float((np.abs(p) ** 2).sum())
            norm_b += float((np.abs(q) ** 2).sum())
            product += float(np.real(np.vdot(p, q)))
    relative = 0.0 if not squares else math.inf if not norm_a else math.sqrt(squares / norm_a)
    norms = math.sqrt(norm_a) * math.sqrt(norm_b)
    return Difference(pair, largest, relative, product / norms if norms else math.nan)


def _together(
    a: Iterator[NDArray[Any]], b: Iterator[NDArray[Any]]
) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """The pieces of two tensors of one shape, cut so that each two have the same length."""
    x = y = None
    while True:
        x = x if x is not None and x.size else next(a, None)
        y = y if y is not None and y.size else next(b, None)
        if x is None or y is None:
            return
        size = min(x.size, y.size)
        yield x[:size], y[:size]
        x, y = x[size:], y[size:]
