"""Which checkpoints stay."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckptsel.keras.keeping import copies, is_better, kept
from ckptsel.training_log.events import Saved

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("values", "best", "last", "mode", "threshold", "expected"),
    [
        ([3, 1, 2], 1, 0, "min", None, {1}),
        ([3, 1, 2], 1, 0, "max", None, {0}),
        ([3, 1, 2], 1, 1, "min", None, {1, 2}),
        ([1, 1, 1], 1, 0, "min", None, {2}),
        ([1, 1, 1], 2, 0, "max", None, {1, 2}),
        ([NAN, 1, NAN], 2, 0, "min", None, {1}),
        ([NAN, INF, -INF], 3, 0, "min", None, set()),
        ([NAN, INF, -INF], 3, 2, "max", None, {1, 2}),
        ([3, 1, 2], None, 0, "min", None, {0, 1, 2}),
        ([3, NAN, 2], 0, None, "min", None, {0, 1, 2}),
        ([3, 1, 2], 3, 0, "min", 2, {1}),
        ([3, 1, 2], 3, 0, "max", 1, {0, 2}),
        ([], 3, 1, "min", None, set()),
        ([5], 3, 2, "min", None, {0}),
    ],
)
def test_kept(
    values: list[float], best: int, last: int, mode: str, threshold: float, expected: set[int]
) -> None:
    """The best few and the last few; NaN is only ever among the last."""
    found = kept(values, best=best, last=last, mode=mode, threshold=threshold)  # type: ignore[arg-type]
    assert found == expected


@given(
    st.lists(st.floats(allow_nan=True) | st.sampled_from([0.0, 1.0])),
    st.integers(1, 4),
    st.integers(0, 3),
)
def test_the_best_always_stays(values: list[float], best: int, last: int) -> None:
    """Adding one value after the other and removing the rest never loses the best of all."""
    places: list[int] = []
    for place in range(len(values)):
        places.append(place)
        stays = kept([values[one] for one in places], best=best, last=last, mode="min")
        places = [one for number, one in enumerate(places) if number in stays]
    finite = [value for value in values if math.isfinite(value)]
    if finite:
        assert min(finite) in [values[place] for place in places]
    assert len(places) <= best + last


@pytest.mark.parametrize(
    ("value", "best", "mode", "expected"),
    [
        (1, None, "min", True),
        (NAN, None, "min", False),
        (-INF, 0, "min", False),
        (1, 1, "min", False),
        (0, 1, "min", True),
        (0, 1, "max", False),
    ],
)
def test_is_better(value: float, best: float | None, mode: str, expected: bool) -> None:
    """Strictly better, and a number."""
    assert is_better(value, best, mode) is expected  # type: ignore[arg-type]


def save(epoch: int, step: int, **metrics: float) -> Saved:
    """A line of the log."""
    return Saved(f"{epoch}.keras", epoch, step, "", "", 1, "loss", "min", metrics)


def test_copies() -> None:
    """The same epoch, step and values, NaN among them; of several the last is none."""
    saves = [save(1, 2, loss=1.0, a=NAN), save(1, 2, a=NAN, loss=1.0), save(1, 2, loss=1.0)]
    saves += [save(2, 2, loss=1.0), save(1, 3, loss=1.0), save(1, 2, loss=1.0, a=NAN)]
    assert copies(saves) == {0, 1}


def test_copies_take_no_place() -> None:
    """Neither among the best nor among the last; where all stay, they do."""
    values = [1.0, 1.0, 1.0, 2.0, 3.0, 3.0]
    assert kept(values, best=2, last=2, mode="min", copies={0, 1, 4}) == {2, 3, 5}
    assert kept(values, best=None, last=0, mode="min", copies={0, 1, 4}) == {*range(6)}
