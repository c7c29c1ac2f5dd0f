"""Weights of the members of a mean, as parts of 1."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ckptsel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

# Sums of weights beyond these lose digits of the values, or all of them.
_LEAST_TOTAL = 1e-100


def shares_of(weights: Sequence[float] | None, number: int) -> list[float]:
    """The weights as parts of 1.

    Args:
        weights: one a member, in their order; None for the same of each.
        number: how many members there are.

    Raises:
        UsageError: if they are not one a member, or no weights.
    """
    if weights is None:
        return [1 / number] * number
    if len(weights) != number:
        raise UsageError(
            f"--weights has {len(weights)} numbers, and there are {number} members",
            hint="give one a member, best first; those that are the same count once",
        )
    total = sum(weights)
    if not all(math.isfinite(one) and one >= 0 for one in weights):
        raise UsageError("--weights: they have to be numbers of 0 or more")
    if not _LEAST_TOTAL <= total <= 1 / _LEAST_TOTAL:
        raise UsageError(
            f"--weights: their sum is {total}, by which nothing can be divided exactly",
            hint="only their proportions matter: 3,2,1 is as good as 0.5,0.33,0.17",
        )
    return [one / total for one in weights]
