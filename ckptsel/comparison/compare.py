"""Two checkpoints of any formats: what is only in one, what differs, and by how much."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ckptsel.comparison.config_differences import config_differences
from ckptsel.comparison.matching import match
from ckptsel.errors import DamagedError, MissingExtraError, NothingFoundError, UsageError
from ckptsel.formats import open_contents

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from ckptsel.comparison.matching import Pair
    from ckptsel.formats.contents import Contents, Tensor

_NUMBERS = "biufc"
_INTEGERS = "biu"
_IN_ORDER = "h5"


@dataclass(frozen=True, slots=True)
class Difference:
    """How two tensors differ.

    Attributes:
        pair: the tensors.
        largest: the largest absolute difference; NaN if only one value of the two is NaN, or
            if the shapes differ.
        relative: the L2 norm of the difference over that of A; infinite if A is all zeros.
        cosine: the cosine of the angle between them; NaN if one is all zeros.
        is_within: whether no value differs by more than the tolerance.
    """

    pair: Pair
    largest: float
    relative: float
    cosine: float
    is_within: bool

    @property
    def is_reshaped(self) -> bool:
        """Whether the shapes differ."""
        return self.pair.a.shape != self.pair.b.shape

    @property
    def is_retyped(self) -> bool:
        """Whether the dtypes differ."""
        return self.pair.a.dtype != self.pair.b.dtype


@dataclass(frozen=True, slots=True)
class Comparison:
    """What comparing A and B found.

    Attributes:
        a: the path of A.
        b: the path of B.
        kinds: the formats of A and of B.
        only_a: tensors without a counterpart in B.
        only_b: tensors without a counterpart in A.
        different: pairs whose shapes, dtypes or values differ.
        identical: how many pairs have the same shape, dtype and, within the tolerance, values.
        config: dotted key → its value in A and in B, where the model configs differ.
        doubtful: how many weights were paired with others of their shapes by order alone.
        unsure: how many of `only_a` nothing but the values could pair.
    """

    a: str
    b: str
    kinds: tuple[str, str]
    only_a: tuple[Tensor, ...]
    only_b: tuple[Tensor, ...]
    different: tuple[Difference, ...]
    identical: int
    config: Mapping[str, tuple[object, object]]
    doubtful: int = 0
    unsure: int = 0

    @property
    def is_same(self) -> bool:
        """Whether nothing at all differs."""
        return not (self.only_a or self.only_b or self.different or self.config)


def compare(a: str, b: str, *, tolerance: float = 0.0, weights_only: bool = False) -> Comparison:
    """Compare two checkpoints, of the same format or not.

    What a format adds for itself, as TensorFlow does its object graph, is compared only
    between two checkpoints of that format.

    Args:
        a: a file, a folder or a TensorFlow prefix.
        b: another one.
        tolerance: absolute differences up to this are none.
        weights_only: whether all else is left out: the optimizer's state, and the config.

    Raises:
        LocationNotFoundError, UnknownFormatError, DamagedError: if one cannot be read.
        MissingExtraError: if reading values needs a package that is not installed.
        NothingFoundError: if there is nothing to compare in either.
        UsageError: if the tolerance is negative or no number.
    """
    if not 0 <= tolerance < math.inf:
        raise UsageError(f"a tolerance of {tolerance} makes no sense", hint="give 0 or more")
    with open_contents(a) as one, open_contents(b) as other:
        tensors_a = _compared(one, a, weights_only=weights_only)
        tensors_b = _compared(other, b, weights_only=weights_only)
        if not tensors_a and not tensors_b:
            what = "weight" if weights_only else "tensor"
            raise NothingFoundError(f"neither {a!r} nor {b!r} holds a {what} to compare")
        # Only this format lists the layers as the model does.
        is_ordered = (one.kind == _IN_ORDER, other.kind == _IN_ORDER)
        matching = match(tensors_a, tensors_b, ordered=is_ordered)
        only_a, only_b = matching.only_a, matching.only_b
        if one.kind != other.kind:
            only_a = [tensor for tensor in only_a if tensor.role != "other"]
            only_b = [tensor for tensor in only_b if tensor.role != "other"]
        found = [_difference(one, other, pair, tolerance) for pair in matching.pairs]
        different = [d for d in found if d.is_reshaped or d.is_retyped or not d.is_within]
        config: Mapping[str, tuple[object, object]] = {}
        if not weights_only and one.config is not None and other.config is not None:
            config = dict(config_differences(one.config, other.config))
        return Comparison(
            a=a,
            b=b,
            kinds=(one.kind, other.kind),
            only_a=tuple(only_a),
            only_b=tuple(only_b),
            different=tuple(different),
            identical=len(found) - len(different),
            config=config,
            doubtful=sum(not pair.is_alone for pair in matching.pairs),
            unsure=matching.unsure,
        )


def _compared(contents: Contents, path: str, *, weights_only: bool) -> list[Tensor]:
    if not contents.lists_tensors:
        raise MissingExtraError(
            f"what {path!r} holds cannot be listed",
            hint="a package that reads this format is not installed",
        )
    return [t for t in contents.tensors if t.role == "weight" or not weights_only]


def _difference(one: Contents, other: Contents, pair: Pair, tolerance: float) -> Difference:
    import numpy as np  # noqa: PLC0415 - with the first values that are read

    if pair.a.shape != pair.b.shape:
        return Difference(pair, math.nan, math.nan, math.nan, is_within=False)
    largest = squares = norm_a = norm_b = product = 0.0
    for x, y in together(one, other, pair):
        if x.dtype.kind not in _NUMBERS or y.dtype.kind not in _NUMBERS:
            # Bytes of a type that numpy does not know compare with nothing.
            opaque = x.dtype.kind == "V" or y.dtype.kind == "V"
            same = x.tobytes() == y.tobytes() if opaque else np.array_equal(x, y)
            largest = max(largest, 0.0 if same else math.inf)
            continue
        kind = np.complex128 if "c" in (x.dtype.kind, y.dtype.kind) else np.float64
        p, q = x.astype(kind), y.astype(kind)
        with np.errstate(all="ignore"):
            norm = float(np.vdot(p, p).real)
            norm_a += norm
            if x.dtype == y.dtype and x.tobytes() == y.tobytes():
                norm_b += norm
                product += norm
                continue
            gap = np.abs(p - q)
            # Infinity minus itself is NaN, and so is NaN minus NaN.
            gap[(p == q) | (np.isnan(p) & np.isnan(q))] = 0.0
            if x.dtype.kind in _INTEGERS and y.dtype.kind in _INTEGERS:
                # From 2^53 on, neighbouring integers are the same float.
                gap[(x != y) & (gap == 0)] = 1.0
            # Both ways, since NaN wins in neither `max` nor a comparison.
            largest = float(np.max(gap, initial=largest))
            squares += float(np.vdot(gap, gap))
            norm_b += float(np.vdot(q, q).real)
            product += float(np.vdot(p, q).real)
    norms = math.sqrt(norm_a) * math.sqrt(norm_b)
    return Difference(
        pair,
        largest,
        relative=0.0 if not squares else math.sqrt(squares / norm_a) if norm_a else math.inf,
        cosine=product / norms if norms else math.nan,
        # Not `> tolerance`: NaN is a difference.
        is_within=largest <= tolerance,
    )


def together(
    one: Contents, other: Contents, pair: Pair
) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """The pieces of two tensors of one shape, cut so that each two have the same length."""
    a, b = one.pieces(pair.a), other.pieces(pair.b)
    x, y = next(a, None), next(b, None)
    while x is not None and y is not None:
        size = min(x.size, y.size)
        yield x[:size], y[:size]
        x = x[size:] if size < x.size else next(a, None)
        y = y[size:] if size < y.size else next(b, None)
    # A tensor without elements may come as one empty piece, or as none.
    if any(rest is not None and rest.size for rest in (x, y)):
        raise DamagedError(f"{pair.a.path!r} ends early in one of the two")
