"""The greedy soup."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckptsel.errors import EvaluationError
from ckptsel.transfer.evaluation import Greedy
from ckptsel.transfer.soup import Trial, greedy_soup

if TYPE_CHECKING:
    from ckptsel.checkpoint import Mode


@given(
    st.lists(st.floats(-5, 5), min_size=1, max_size=6), st.sampled_from(["min", "max"]), st.data()
)
def test_algorithm_one(values: list[float], mode: Mode, data: st.DataObject) -> None:
    """As arXiv 2203.05482 has it: a member stays where the value is at least as good."""
    told: dict[tuple[str, ...], float] = {(str(at),): value for at, value in enumerate(values)}

    def evaluate(members: tuple[str, ...]) -> float:
        if members not in told:
            told[members] = data.draw(st.floats(-5, 5))
        return told[members]

    names = [str(at) for at in range(len(values))]
    kept, trials = greedy_soup(names, Greedy("x {path}", mode), evaluate)
    soup: tuple[str, ...] = ()
    sign = 1 if mode == "max" else -1
    for at in names:
        tried = (*soup, at)
        if not soup or sign * told[tried] >= sign * told[soup]:
            soup = tried
    assert kept == soup
    assert [trial.added for trial in trials] == names
    assert [trial.added for trial in trials if trial.kept] == [*kept]
    # Never worse than the first, which is the best one.
    assert sign * told[kept] >= sign * values[0]


def test_equal_is_kept() -> None:
    """And every trial is told, with the size of its mean."""
    values = iter([0.5, 0.5, 0.4, 0.6])
    heard: list[Trial] = []
    kept, _ = greedy_soup("abcd", Greedy("x {path}", "max"), lambda _: next(values), heard.append)
    assert kept == ("a", "b", "d")
    assert heard == [
        Trial("a", 0.5, True, 1),
        Trial("b", 0.5, True, 2),
        Trial("c", 0.4, False, 3),
        Trial("d", 0.6, True, 3),
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("mode", ["min", "max"])
def test_what_is_not_finite_stays_out(value: float, mode: Mode) -> None:
    """One bad mean does not end a soup: it is left out, and the members before it stay."""
    values = iter([0.5, value, 0.5])
    kept, trials = greedy_soup("abc", Greedy("x {path}", mode), lambda _: next(values))
    assert kept == ("a", "c")
    assert [trial.kept for trial in trials] == [True, False, True]
    with pytest.raises(EvaluationError, match="first member, 'a', is"):
        greedy_soup("abc", Greedy("x {path}", mode), lambda _: value)
