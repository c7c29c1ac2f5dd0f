"""Runs the command that evaluates a checkpoint, and reads the number that it prints."""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptsel.errors import EvaluationError, UsageError

if TYPE_CHECKING:
    from ckptsel.checkpoint import Mode

_PATH = "{path}"
_TOLD_CHARACTERS = 500

# Colours and other commands to a terminal (ECMA-48): CSI, OSC, and those of two characters.
_TERMINAL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~] | \x1b\][^\x07\x1b]*(?:\x07|\x1b\\) | \x1b[ -/]*[0-~]", re.VERBOSE
)
# The end of a line, if it is a number in itself. A comma, an apostrophe or a digit before it would
# be the rest of a larger number, a colon behind a digit a time of day; of two numbers at the end
# (`97 of 100`, `0.97 ± 0.01`, `0.97 (3)`) it would be the wrong one.
_LAST_NUMBER = re.compile(
    r"""
    (?: ^ | [ \t\["] | (?<= [a-z_] ) \( | (?<! \d ) [:=] )
    ( [-+]? (?: (?: \d+ \.? \d* | \. \d+ ) (?: e [-+]? \d+ )? | inf(?:inity)? | nan ) )
    [ \t]* %? [)\]}"]* \.? $
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_OTHER_FIRST = re.compile(r"(?:[/±~−]|\+/?-|\bof|\bout\ of)[ \t]*$", re.IGNORECASE)  # noqa: RUF001
_NUMBER_CHARACTERS = 400  # A line that ends in a number of more characters holds no measurement.


@dataclass(frozen=True, slots=True)
class Greedy:
    """How to find out whether a mean is better.

    Attributes:
        command: what evaluates a checkpoint, with `{path}` where its path stands. It is run
            without a shell; the number at the end of what it prints is the value.
        mode: which values are good.
    """

    command: str
    mode: Mode

    def arguments(self, path: str) -> list[str]:
        """The command for one checkpoint.

        Raises:
            UsageError: if it cannot be split, or has no place for the path.
        """
        try:
            words = shlex.split(self.command)
        except ValueError as error:
            raise UsageError(f"--greedy {self.command!r}: {error}") from None
        if not any(_PATH in word for word in words):
            raise UsageError(
                f"--greedy {self.command!r} does not say where the checkpoint's path stands",
                hint="write {path} there: --greedy 'python evaluate.py {path}'",
            )
        return [word.replace(_PATH, path) for word in words]


def measure(greedy: Greedy, path: str) -> float:
    """Run the command on a checkpoint; its stderr goes where this program's does.

    Returns:
        The number at the end of the last line on its stdout; it may be NaN or infinite.

    Raises:
        EvaluationError: if it cannot be started, fails, or does not print a number last.
        UsageError: as `Greedy.arguments` does.
    """
    arguments = greedy.arguments(path)
    try:
        done = subprocess.run(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise EvaluationError(
            f"--greedy: {arguments[0]!r} cannot be started: {error.strerror}",
            hint="it is run without a shell: give a program and its arguments",
        ) from None
    told = done.stdout[-_TOLD_CHARACTERS:].strip()
    details = (told,) if told else ()
    if done.returncode:
        how = f"exit code {done.returncode}"
        if done.returncode < 0:
            how = f"signal {-done.returncode}"
        raise EvaluationError(f"--greedy: {arguments[0]!r} ended with {how}", details=details)
    value = last_number(done.stdout)
    if value is None:
        raise EvaluationError(
            f"--greedy: {arguments[0]!r} printed no number last, or one that can be read otherwise",
            details=details,
            hint="end the last line with the number, as `accuracy: 0.9712`: no unit behind it, and"
            " no comma in it",
        )
    return value


def last_number(printed: str) -> float | None:
    """The number that ends the last line; None if it ends otherwise, or that is in doubt."""
    lines = _TERMINAL.sub("", printed).split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    if len(last) > _NUMBER_CHARACTERS:
        last = "…" + last[-_NUMBER_CHARACTERS:]
    match = _LAST_NUMBER.search(last)
    if match is None or _OTHER_FIRST.search(last[: match.start(1)]):
        return None
    return float(match[1])
