"""A monitor that stands nowhere: what there is instead, and what may have been meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.errors import MonitorNotFoundError
from ckptsel.naming.vocabulary import OF_TASK, SPLITS, canonical, role_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

LEARN = "say how the names are built: --pattern"
"""The way out where names may hold the value."""


_FUNCTION = "mean_metric_wrapper"  # what tf_keras saves it as


def not_found(
    asked: str, names: list[str], beside: Collection[str], where: str
) -> MonitorNotFoundError:
    """That the monitor stands nowhere, with what does.

    Args:
        asked: the monitor.
        names: what stands in the names and elsewhere.
        beside: those of them that stand elsewhere.
        where: what has these, in words: `logs`.
    """
    metrics = [name for name in names if role_of(name) == "metric"]
    hint = LEARN
    if not names:
        return MonitorNotFoundError(f"no name holds a value for {asked!r}", hint=hint)
    if metrics:
        from shlex import quote  # noqa: PLC0415

        close = _close(asked, metrics)
        hint = f"did you mean --monitor {quote(close)}?" if close else "choose one by --monitor"
        if not close and beside and _FUNCTION in metrics:
            hint = f"a function that was given to compile() is called {_FUNCTION} there"
    logged = [name for name in metrics or names if name in beside]
    read = [name for name in metrics or names if name not in beside]
    held = " and ".join(
        f"the {place} hold {listed(found)}"
        for place, found in (("names", read), (where, logged))
        if found
    )
    nowhere = "no name and no log holds" if beside else "no name holds"
    return MonitorNotFoundError(f"{nowhere} {asked!r}; {held}", hint=hint)


def _close(asked: str, metrics: list[str]) -> str:
    """The metric that was meant: a slip of the pen, or a name without its group and task."""
    from difflib import get_close_matches  # noqa: PLC0415

    for name in metrics:
        group, _, last = name.rpartition("/")
        # `loss` is near to `val/loss`, and another metric.
        if group not in SPLITS and canonical(OF_TASK.sub("", last)) == canonical(asked):
            return name
    close = get_close_matches(asked, metrics, 1, 0.75)
    return close[0] if close else ""


def listed(names: Sequence[str]) -> str:
    """Names for people; of many, the first ones."""
    shown = ", ".join(map(repr, names[:8]))
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"
