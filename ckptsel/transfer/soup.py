"""The greedy soup: members are added in their order, and stay if the mean does not get worse.

Source: Wortsman et al. 2022, "Model soups", arXiv 2203.05482, recipe 1 (GreedySoup): a member
stays if the accuracy with it is greater than, or equal to, the accuracy without it. So what is not
a number, or infinite, stays out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptsel.errors import EvaluationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ckptsel.transfer.evaluation import Greedy


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
