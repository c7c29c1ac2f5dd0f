"""Whether the values in names are negative, their minus read as the dash before a value. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.sources.joining.agreement import Agreement, columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckptsel.sources.joining.agreement import Names, Printed
    from ckptsel.sources.log import LogRow


def as_negative(named: Names, rows: Mapping[int, LogRow]) -> str:
    """How to say it, if a metric agrees with a log in all names but for the sign; "" if none does.

    Args:
        named: the checkpoints.
        rows: index of a checkpoint → the row that contradicts it.
    """
    for printed in named.printed:
        told = [index for index, value in enumerate(printed.values) if value is not None]
        if not printed.label or not told or not all(index in rows for index in told):
            continue
        turned = Agreement(named._replace(printed=[_turned(printed)]))
        if all(
            f"-{printed.texts[index]}" in named.names[index] and turned.of(index, rows[index])
            for index in told
        ):
            text = printed.texts[told[0]]
            column = columns(rows[told[0]].names)[printed.label]
            decimals = len(text.partition(".")[2])
            return f"--pattern says so, with {{{column}:.{decimals}f}} where {'-' + text!r} stands"
    return ""


def _turned(printed: Printed) -> Printed:
    values = [value if value is None else -value for value in printed.values]
    return printed._replace(values=values)
