"""The greedy soup: members are added in their order, and stay if the mean does not get worse.

Source: Wortsman et al. 2022, "Model soups", arXiv 2203.05482, recipe 1 (GreedySoup): a member
stays if the accuracy with it is greater than, or equal to, the accuracy without it. So what is not
a number, or infinite, stays out.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptsel.errors import EvaluationError
from ckptsel.transfer.disk import remove, temporary_name
from ckptsel.transfer.evaluation import measure
from ckptsel.transfer.failures import writing
from ckptsel.transfer.mean_file import write_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ckptsel.checkpoint import Ranked
    from ckptsel.transfer.evaluation import Greedy

    OnBytes = Callable[[int], None] | None


@dataclass(frozen=True, slots=True)
class Trial:
    """One mean that was evaluated.

    Attributes:
        added: the member that was tried.
        value: what the command printed; it may be NaN or infinite.
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

    Raises:
        EvaluationError: if the value of the first candidate is not finite.
    """
    sign = 1 if greedy.mode == "max" else -1
    kept: tuple[str, ...] = ()
    reached = -math.inf
    trials = []
    for path in paths:
        value = evaluate((*kept, path))
        if not kept and not math.isfinite(value):
            raise EvaluationError(f"--greedy: the value of the first member, {path!r}, is {value}")
        stays = math.isfinite(value) and sign * value >= reached
        if stays:
            kept, reached = (*kept, path), sign * value
        trials.append(Trial(path, value, stays, len(kept) + (not stays)))
        if on_trial is not None:
            on_trial(trials[-1])
    return kept, tuple(trials)


def soup_of(
    rows: Sequence[Ranked],
    dest: str,
    greedy: Greedy,
    on_bytes: OnBytes,
    on_trial: Callable[[Trial], None] | None,
) -> tuple[tuple[Ranked, ...], tuple[Trial, ...]]:
    """Find the members of a soup by writing their means beside the destination.

    Args:
        rows: the candidates, best first.
        dest: what the soup will be called.
        greedy: how to evaluate.
        on_bytes: is told how many more bytes of members have been read.
        on_trial: is told of each trial.

    Raises:
        EvaluationError: if the command fails.
        ConversionError, DamagedError, DestinationError: see `write_mean`.
    """
    by_path = {row.checkpoint.path: row for row in rows}

    def evaluate(paths: tuple[str, ...]) -> float:
        # Beside the destination, where there is room, and under its own name, because loaders
        # go by the suffix, and other files of a checkpoint by the whole name.
        work = temporary_name(dest)
        with writing(dest):
            os.mkdir(work)
        try:
            trial = os.path.join(work, os.path.basename(dest))
            chosen = [by_path[path] for path in paths]
            write_mean(chosen, [1.0] * len(chosen), trial, dest, on_bytes)
            return measure(greedy, trial)
        finally:
            remove(work)

    kept, trials = greedy_soup(list(by_path), greedy, evaluate, on_trial)
    return tuple(by_path[path] for path in kept), trials
