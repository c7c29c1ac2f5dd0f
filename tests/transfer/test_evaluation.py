"""The command that evaluates, and the number that it prints."""

from __future__ import annotations

import math
import shlex
import sys
from typing import TYPE_CHECKING

import pytest

from ckptsel.errors import EvaluationError, UsageError
from ckptsel.transfer.evaluation import Greedy, last_number, measure

if TYPE_CHECKING:
    from pathlib import Path


def python(code: str) -> Greedy:
    """A command that runs this code, with the path as its argument."""
    return Greedy(f"{shlex.quote(sys.executable)} -c {shlex.quote(code)} {{path}}", "max")


@pytest.mark.parametrize(
    "printed, value",
    [
        ("0.5", 0.5),
        ("accuracy: 0.91 (12 of 360)\n0.25\n\n", 0.25),
        ("loss=1e-3", 1e-3),
        ("-2", -2.0),
        (".5", 0.5),
        ("acc 97.5%", 97.5),
        ("97.5 %\r\n", 97.5),
        ("0.5 in 3s with v2 at 7ms/step: 0.25", 0.25),
        ("nan then 3.", 3.0),
        ("[0.12, 0.97]", 0.97),
        ("tensor(0.97)", 0.97),
        ('{"accuracy": 0.97}', 0.97),
        ("Epoch 10\n\x1b[32m0.97\x1b[0m", 0.97),
        ("evaluated 1000 images\naccuracy \x1b[1;36m0.667\x1b[0m\x1b]0;done\x07", 0.667),
        ("-inf", -math.inf),
    ],
)
def test_the_number_at_the_end(printed: str, value: float) -> None:
    """Whatever else is printed, and in colours, too."""
    assert last_number(printed) == value


@pytest.mark.parametrize(
    "printed",
    [
        *("", "none", "1,900.0", "loss 1,234.5", "0,97", "1.234,5", "1'234.5", "1\u202f234.5"),
        *("\u22120.5", "loss: \u2212 0.5", "0.97/1.00", "0.97 / 1.00", "97 of 100", "0.97 ± 0.01"),
        *(
            "0.97 (12)",
            "0.97 (+/- 0.01)",
            "0.97 +- 0.01",
            "0.5 in 3s",
            "0x1F",
            "1_000",
            "1.2.3",
            "at 12:30:05",
            "2026-01-02",
        ),
        *("accuracy 0.97 on 360 images", "0.97\nDone.", "v2", "1.5e+3x", "--2", "\ufffd5"),
    ],
)
def test_what_may_be_another_number(printed: str) -> None:
    """A soup that is chosen by wrong numbers would look as good as one of right ones."""
    assert last_number(printed) is None


def test_endless_output_takes_no_time() -> None:
    """Of a long line only the end matters."""
    assert last_number("1" * 10**6) is None
    assert last_number("\x1b[" * 10**5 + " 1") is not None


def test_nan_is_a_number() -> None:
    """What it means is not the command's affair."""
    assert math.isnan(measure(python("print(1, float('nan'))"), "x"))


@pytest.mark.parametrize(
    "code, says",
    [
        ("print('none')", "printed no number last"),
        ("print('1,900.0')", "or one that can be read otherwise"),
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
