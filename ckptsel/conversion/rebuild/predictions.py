"""Do two models say the same of inputs that are drawn? Runs in the worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ckptsel.conversion.rebuild.worker import shortened
from ckptsel.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ckptsel.conversion.rebuild.subject import Input, Subject

ROWS = 4
# Sizes that are tried where the model takes any; convolutions want more than a few.
_SIZES = (8, 1, 16, 32, 64, 128, 224, 512)
_HINT = "--no-check exports it without this comparison"

TOLERANCE, HALF_TOLERANCE = 1e-4, 2e-2
"""How far an output may be off, in parts of its largest value: in 32 bits, and in 16.

Runtimes add up in other orders than TensorFlow does; half of a last place in float16 is 5e-4.
"""


def drawn(subject: Subject) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs that a model takes, the same ones every time, and what it says of them.

    Raises:
        ConversionError: if it takes none of those that are tried.
    """
    inputs = subject.inputs
    open_sizes = any(size is None for each in inputs for size in each.shape[1:])
    problem: Exception | None = None
    for size in _SIZES if open_sizes else _SIZES[:1]:
        values = _draw(inputs, size, subject.largest_id)
        try:
            return values, subject.predict(values)
        except Exception as error:  # noqa: BLE001 - TensorFlow has its own for every occasion
            problem = problem or error
    assert problem is not None
    raise ConversionError(
        f"the model takes none of the inputs that were drawn for it: {shortened(problem)}",
        hint=_HINT,
    ) from problem


def _draw(inputs: list[Input], size: int, largest_id: int) -> dict[str, Any]:
    draw = np.random.default_rng(0)
    found = {}
    for each in inputs:
        first = each.shape[0] if each.shape and each.shape[0] else ROWS
        shape = (first, *(size if n is None else n for n in each.shape[1:]))
        if each.dtype == "string":
            found[each.name] = draw.choice(np.array([b"a", b"bc", b"d e"]), shape)
        elif each.dtype == "bool":
            found[each.name] = draw.random(shape) < 0.5
        elif np.issubdtype(np.dtype(each.dtype), np.integer):
            found[each.name] = draw.integers(0, largest_id or 2, shape).astype(each.dtype)
        elif largest_id:
            # Keras gives ids as floats, too, where the input does not say its type.
            found[each.name] = draw.integers(0, largest_id, shape).astype(each.dtype)
        else:
            found[each.name] = draw.random(shape).astype(each.dtype)
    return found


def compare(
    subject: Subject, other: Callable[[Mapping[str, Any]], dict[str, Any]], *, half: bool = False
) -> tuple[float, float]:
    """Compare what two models say of the same inputs.

    Args:
        subject: the model.
        other: what was made of it; inputs by name → outputs by name.
        half: whether it computes in 16 bits where the model does not.

    Returns:
        The largest difference, in parts of the largest value of its output, and what is allowed.

    Raises:
        ConversionError: if they do not say the same.
    """
    values, expected = drawn(subject)
    found = other(values)
    allowed = HALF_TOLERANCE if half or subject.is_half else TOLERANCE
    worst = 0.0
    for name, value in _pairs(expected, found):
        worst = max(worst, _difference(name, value[0], value[1], allowed))
    return worst, allowed


def _pairs(expected: dict[str, Any], found: dict[str, Any]) -> list[tuple[str, tuple[Any, Any]]]:
    if set(expected) == set(found):
        return [(name, (value, found[name])) for name, value in expected.items()]
    if len(expected) == len(found) == 1:
        ((name, value),), (other,) = expected.items(), found.values()
        return [(name, (value, other))]
    raise ConversionError(
        f"what was written has outputs {sorted(found)}, and the model {sorted(expected)}",
        hint=_HINT,
    )


def _difference(name: str, expected: Any, found: Any, allowed: float) -> float:
    if expected.shape != found.shape:
        raise _differs(f"{name} has the shape {found.shape} instead of {expected.shape}")
    if expected.dtype.kind not in "fcV":
        if not np.array_equal(expected, found):
            raise _differs(f"{name} has other values")
        return 0.0
    a, b = expected.astype("f8"), found.astype("f8")
    finite = np.isfinite(a)
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        raise _differs(f"{name} is not finite elsewhere")
    scale = float(np.abs(a[finite]).max(initial=0.0))
    worst = float(np.abs(a[finite] - b[finite]).max(initial=0.0))
    worst = worst / scale if scale else worst
    if not worst <= allowed:
        raise _differs(f"{name} is off by {worst:.1e} of its largest value")
    return worst


def _differs(what: str) -> ConversionError:
    return ConversionError(
        f"what was written does not predict what the model does: {what}",
        hint=f"a layer that draws at random differs every time; {_HINT}",
    )
