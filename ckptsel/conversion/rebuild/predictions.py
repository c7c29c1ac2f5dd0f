"""Do two models say the same of inputs that are drawn? Runs in the worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ckptsel.checkpoint import Finding
from ckptsel.conversion.rebuild.worker import shortened
from ckptsel.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ckptsel.conversion.rebuild.subject import Input, Subject

ROWS = 4
# So many where words are looked up, so that each comes once, if they are not too many.
_MOST_ROWS = 64
# How numbers are drawn, one after the other until every output has answered them in two ways.
_DRAWS = ("normal", "uniform", "wide", "narrow")
# Sizes that are tried where the model takes any; convolutions want more than a few.
_SIZES = (8, 1, 16, 32, 64, 128, 224, 512)
_HINT = "--no-check exports it without this comparison"

TOLERANCE, HALF_TOLERANCE = 1e-4, 2e-2
"""How far an output may be off, in parts of its largest value: in 32 bits, and in 16.

Runtimes add up in other orders than TensorFlow does; half of a last place in float16 is 5e-4.
"""


@dataclass(frozen=True, slots=True)
class Compared:
    """How near two models came to each other.

    Attributes:
        worst: the largest difference, in parts of the largest value of its output.
        allowed: the largest that would have been let pass.
        not_finite: how many values are NaN or infinite, in both.
        weak: what kept the comparison from telling much; "" if nothing.
    """

    worst: float
    allowed: float
    not_finite: int = 0
    weak: str = ""


def drawn(subject: Subject, how: str = _DRAWS[0]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs that a model takes, the same ones every time, and what it says of them.

    Raises:
        ConversionError: if it takes none of those that are tried.
    """
    inputs = subject.inputs
    open_sizes = any(size is None for each in inputs for size in each.shape[1:])
    problem: Exception | None = None
    # What is looked up for one input may be out of range for another.
    vocabularies = [subject.words, ()] if subject.words else [()]
    sizes = _SIZES if open_sizes else _SIZES[:1]
    for words, size in ((words, size) for words in vocabularies for size in sizes):
        values = _draw(inputs, size, how, words=words, largest_id=subject.largest_id)
        try:
            return values, subject.predict(values)
        except Exception as error:  # noqa: BLE001 - TensorFlow has its own for every occasion
            problem = problem or error
    assert problem is not None
    raise ConversionError(
        f"the model takes none of the inputs that were drawn for it: {shortened(problem)}",
        hint=_HINT,
    ) from problem


def _draw(
    inputs: list[Input], size: int, how: str, *, words: Sequence[bytes | int], largest_id: int
) -> dict[str, Any]:
    draw = np.random.default_rng(_DRAWS.index(how))
    rows = max(ROWS, min(_MOST_ROWS, 2 * len(words)))
    texts = [word for word in words if isinstance(word, bytes)]
    numbers = [word for word in words if isinstance(word, int)]
    found = {}
    for each in inputs:
        first = each.shape[0] if each.shape and each.shape[0] else rows
        shape = (first, *(size if n is None else n for n in each.shape[1:]))
        if each.dtype == "string":
            found[each.name] = _mixed(draw, texts, draw.choice(_STRANGE, shape)).astype("S")
        elif each.dtype == "bool":
            found[each.name] = draw.random(shape) < 0.5
        elif np.issubdtype(np.dtype(each.dtype), np.integer):
            values = draw.integers(0, largest_id or 2, shape)
            found[each.name] = _mixed(draw, numbers, values).astype(each.dtype)
        elif largest_id:
            # Keras gives ids as floats, too, where the input does not say its type.
            found[each.name] = draw.integers(0, largest_id, shape).astype(each.dtype)
        else:
            found[each.name] = _floats(draw, shape, how).astype(each.dtype)
    return found


_STRANGE = np.array([b"a", b"bc", b"d e"], object)


def _mixed(draw: np.random.Generator, words: Sequence[Any], values: Any) -> Any:
    """Half of them words that are known: all of these, if there is room."""
    if not words:
        return values
    known = np.array([*words] * (values.size // len(words) + 1), object)[: values.size]
    known = draw.permutation(known).reshape(values.shape)
    return np.where(draw.random(values.shape) < 0.5, known, values.astype(object))


def _floats(draw: np.random.Generator, shape: tuple[int, ...], how: str) -> Any:
    if how == "uniform":
        return draw.random(shape)
    return draw.standard_normal(shape) * {"normal": 1.0, "wide": 30.0, "narrow": 0.03}[how]


def compare(
    subject: Subject, other: Callable[[Mapping[str, Any]], dict[str, Any]], *, half: bool = False
) -> Compared:
    """Compare what two models say of the same inputs.

    Inputs are drawn anew as long as there is an output that says the same of all of them: two
    models that are always silent have nothing in common but that.

    Args:
        subject: the model.
        other: what was made of it; inputs by name → outputs by name.
        half: whether it computes in 16 bits where the model does not.

    Raises:
        ConversionError: if they do not say the same.
    """
    allowed = HALF_TOLERANCE if half or subject.is_half else TOLERANCE
    worst, not_finite = 0.0, 0
    answers: dict[str, list[Any]] = {}
    for how in _DRAWS:
        values, expected = drawn(subject, how)
        for name, value in _pairs(expected, other(values)):
            worst = max(worst, _difference(name, value[0], value[1], allowed))
        for name, answer in expected.items():
            answers.setdefault(name, []).append(answer)
        not_finite += sum(map(_not_finite, expected.values()))
        if not any(map(_tells_nothing, answers.values())):
            return Compared(worst, allowed, not_finite)
    silent = sorted(name for name, found in answers.items() if _tells_nothing(found))
    weak = f"{', '.join(silent)} said the same of all inputs that were drawn"
    return Compared(worst, allowed, not_finite, weak)


def _not_finite(answer: Any) -> int:
    return int((~np.isfinite(answer)).sum()) if answer.dtype.kind in "fc" else 0


def _tells_nothing(answers: Sequence[Any]) -> bool:
    """Whether an output was the same for every row of every draw, or never finite."""
    rows = [row for answer in answers for row in (answer if np.ndim(answer) else [answer])]
    rows = [row for row in rows if row.dtype.kind not in "fc" or np.isfinite(row).any()]
    return all(_is_same(row, rows[0]) for row in rows[1:])


def _is_same(one: Any, other: Any) -> bool:
    return bool(np.array_equal(one, other, equal_nan=one.dtype.kind in "fc"))


def weak_comparison(found: Compared, path: str) -> list[Finding]:
    """What is to be said of a comparison that tells little."""
    if not found.weak:
        return []
    message = f"the comparison of predictions tells little: {found.weak}"
    return [Finding("weak-comparison", message, path, strict=True)]


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
        hint="a layer that draws at random, as those that augment images, differs every time, and"
        f" will when it is served; {_HINT}",
    )
