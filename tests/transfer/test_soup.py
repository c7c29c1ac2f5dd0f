"""The greedy soup, and the command that evaluates."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckptsel.errors import EvaluationError, UsageError
from ckptsel.transfer.soup import Greedy, Trial, greedy_soup, measure

if TYPE_CHECKING:
    from pathlib import Path

    from ckptsel.checkpoint import Mode


def python(code: str) -> Greedy:
    """A command that runs this code, with the path as its argument."""
    return Greedy(f"{shlex.quote(sys.executable)} -c {shlex.quote(code)} {{path}}", "max")


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


@pytest.mark.parametrize(
    "printed, value",
    [
        ("0.5", 0.5),
        ("accuracy: 0.91 (12 of 360)\n0.25\n", 0.25),
        ("loss=1e-3", 1e-3),
        ("-2", -2.0),
        (".5", 0.5),
        ("97.5%", 97.5),
        ("0.5 in 3s with v2 at 7ms/step", 0.5),
        ("nan then 3.", 3.0),
    ],
)
def test_the_last_number(printed: str, value: float) -> None:
    """What is part of a word is no number."""
    assert measure(python(f"print({printed!r})"), "x") == value


@pytest.mark.parametrize(
    "code, says",
    [
        ("print('none')", "printed no number"),
        ("print(1, float('nan'))", "printed nan last"),
        ("print('-inf')", "printed -inf last"),
        ("import sys; print(1); sys.exit(3)", "exit code 3"),
        ("import os; os.kill(os.getpid(), 9)", "signal 9"),
    ],
)
def test_commands_that_tell_nothing(code: str, says: str) -> None:
    """A failure ends the call: no soup is made of it."""
    with pytest.raises(EvaluationError, match=says):
        measure(python(code), "x")


def test_no_shell(tmp_path: Path) -> None:
    """A path is one argument, whatever it is called, and nothing in it is obeyed."""
    name = f"{tmp_path}/a b; touch c $(touch d) '{{x}}'"
    code = f"import sys; print(len(sys.argv), int(sys.argv[1] == 'at=' + {name!r}))"
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(code)} at={{path}}"
    assert measure(Greedy(command, "max"), name) == 1
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    "command, says", [("evaluate", "where the checkpoint's path"), ("'x {path}", "No closing")]
)
def test_commands_that_make_no_sense(command: str, says: str) -> None:
    """They are refused before anything is averaged."""
    with pytest.raises(UsageError, match=says):
        Greedy(command, "max").arguments("x")


def test_a_program_that_is_not_there() -> None:
    """It is said which."""
    with pytest.raises(EvaluationError, match="'no-such-program' cannot be started"):
        measure(Greedy("no-such-program {path}", "max"), "x")
