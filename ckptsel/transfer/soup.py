"""The greedy soup: members are added in their order, and stay if the mean does not get worse.

Source: Wortsman et al. 2022, "Model soups", arXiv 2203.05482, recipe 1 (GreedySoup): a member
stays if the accuracy with it is greater than, or equal to, the accuracy without it.
"""

from __future__ import annotations

import math
import re
import shlex
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptsel.errors import EvaluationError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ckptsel.checkpoint import Mode

_PATH = "{path}"
# A number that is no part of a word, such as `v2` or `12ms`.
_NUMBER = re.compile(
    r"(?<![\w.])[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|inf|nan)(?![\w.]*\w)", re.IGNORECASE
)
_TOLD_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Greedy:
    """How to find out whether a mean is better.

    Attributes:
        command: what evaluates a checkpoint, with `{path}` where its path stands. It is run
            without a shell; the last number that it prints is the value.
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


@dataclass(frozen=True, slots=True)
class Trial:
    """One mean that was evaluated.

    Attributes:
        added: the member that was tried.
        value: what the command printed.
        kept: whether the member stays.
        members: of how many the mean was.
    """

    added: str
    value: float
    kept: bool
    members: int


def greedy_soup(
    paths: Sequence[str],
    greedy: Greedy,
    evaluate: Callable[[tuple[str, ...]], float],
    on_trial: Callable[[Trial], None] | None = None,
) -> tuple[tuple[str, ...], tuple[Trial, ...]]:
    """Find the members of a soup.

    Args:
        paths: the candidates, best first.
        greedy: which values are good.
        evaluate: members → the value of their mean.
        on_trial: is told of each trial.

    Returns:
        The members that stay, and all trials. The first candidate always stays.
    """
    sign = 1 if greedy.mode == "max" else -1
    kept: tuple[str, ...] = ()
    reached = -math.inf
    trials = []
    for path in paths:
        value = evaluate((*kept, path))
        stays = sign * value >= reached
        if stays:
            kept, reached = (*kept, path), sign * value
        trials.append(Trial(path, value, stays, len(kept) + (not stays)))
        if on_trial is not None:
            on_trial(trials[-1])
    return kept, tuple(trials)


def measure(greedy: Greedy, path: str) -> float:
    """Run the command on a checkpoint; its stderr goes where this program's does.

    Returns:
        The last number on its stdout.

    Raises:
        EvaluationError: if it cannot be started, fails, or prints no finite number last.
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
    numbers = _NUMBER.findall(done.stdout)
    if not numbers:
        raise EvaluationError(f"--greedy: {arguments[0]!r} printed no number", details=details)
    value = float(numbers[-1])
    if not math.isfinite(value):
        raise EvaluationError(f"--greedy: {arguments[0]!r} printed {value} last", details=details)
    return value
