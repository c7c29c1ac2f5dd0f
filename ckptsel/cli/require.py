"""`--require`: conditions that the selected checkpoint has to meet."""

# ruff: noqa: PLC0415 - what only some calls need is imported by those calls.
from __future__ import annotations

import math
import operator
import re
from typing import TYPE_CHECKING, NamedTuple

from ckptsel.errors import ConditionNotMetError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ckptsel.checkpoint import Ranked, Ranking
    from ckptsel.cli.fields import Field

_COMPARE = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_CONDITION = (
    r"\s*(?P<name>[^<>=!]+?)"  # a metric's name, which holds no operator
    r"\s*(?P<operator><=|>=|==|!=|<|>)"
    r"\s*(?P<limit>\S+)\s*"
)


class Condition(NamedTuple):
    """One condition.

    Attributes:
        text: as it was given.
        name: the field.
        operator: how it is compared.
        limit: what it is compared with.
    """

    text: str
    name: str
    operator: str
    limit: float


def parse_conditions(texts: Iterable[str]) -> list[Condition]:
    """Read conditions such as `val_loss<=0.3`.

    Raises:
        UsageError: one is not of that form, or compares with what is no number.
    """
    return [_parse(text) for text in texts]


def _parse(text: str) -> Condition:
    match = re.fullmatch(_CONDITION, text)
    hint = "write it like 'val_loss<=0.3', with one of < <= > >= == !="
    if match is None:
        raise UsageError(f"--require {text!r} is no condition", hint=hint)
    try:
        limit = float(match["limit"])
    except ValueError:
        limit = math.nan
    if math.isnan(limit):
        raise UsageError(f"--require {text!r}: {match['limit']!r} is no number", hint=hint)
    return Condition(text, match["name"], match["operator"], limit)


def check(conditions: Sequence[Condition], rows: Iterable[Ranked], ranking: Ranking) -> None:
    """Make sure that every row meets every condition.

    Args:
        conditions: the conditions.
        rows: rows of the ranking.
        ranking: all that could have such a field.

    Raises:
        ConditionNotMetError: one does not, or has no number of that name.
        UsageError: no checkpoint has such a field.
    """
    if not conditions:
        return
    from ckptsel.cli.fields import Fields

    fields = Fields(ranking)
    for row in rows:
        for condition in conditions:
            found = fields.get(row, f"--require {condition.text!r}", condition.name)
            _check(condition, row, found)


def _check(condition: Condition, row: Ranked, found: Field) -> None:
    value, text = found
    if value is None:
        problem = f"it has no {condition.name}"
    elif isinstance(value, str):
        problem = f"{condition.name} is {text!r}, which is no number"
    # A NaN is unequal to everything, and yet nobody who asks for "!= 0" wants one.
    elif not math.isnan(value) and _COMPARE[condition.operator](value, condition.limit):
        return
    else:
        problem = f"{condition.name} is {text}"
    names = [metric.name for metric in row.checkpoint.metrics]
    raise ConditionNotMetError(
        f"{row.checkpoint.path} does not meet {condition.text!r}: {problem}",
        hint=f"it has {', '.join(names) or 'no metrics'}" if value is None else "",
    )
