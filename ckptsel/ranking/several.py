"""Ranking by more than one printed value: further monitors, the Pareto front, smoothed values."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ckptsel.checkpoint import Finding
from ckptsel.ranking.order import turns_of
from ckptsel.ranking.ties import rounded_apart, tied_apart

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from ckptsel.checkpoint import Checkpoint, Metric, Monitor, Ranked
    from ckptsel.ranking.monitor import MonitorFields
    from ckptsel.search.query import Query


class Order(NamedTuple):
    """One of the monitors, as checkpoints are put in order by it.

    Attributes:
        monitor: the monitor.
        fields: where its values stand.
        values: a checkpoint's path → its value, if that can be ranked by.
        smoothed: a checkpoint's path → the value to rank by in place of its own.
    """

    monitor: Monitor
    fields: MonitorFields
    values: Mapping[str, float]
    smoothed: Mapping[str, float] | None = None

    def metric(self, checkpoint: Checkpoint) -> Metric | None:
        """The value with its evidence; None where there is none that can be ranked by."""
        return self.fields.metric_of(checkpoint) if checkpoint.path in self.values else None

    def cost(self, checkpoint: Checkpoint) -> float:
        """The value, turned so that low is good; infinite where there is none."""
        values = self.values if self.smoothed is None else self.smoothed
        value = values.get(checkpoint.path, math.nan)
        if not math.isfinite(value):
            return math.inf
        return value if self.monitor.mode == "min" else -value


def reranked(
    rows: Sequence[Ranked], orders: Sequence[Order], query: Query, keep: int | None = None
) -> tuple[list[Ranked], list[Finding]]:
    """Put checkpoints in order by all monitors: the first one, where equal the second, ….

    Args:
        rows: the checkpoints with a finite value of the first monitor.
        orders: what they are ordered by.
        query: of it, `pareto`, `per_run`, `tie` and `rejected`.
        keep: how many of the best are wanted, the runner-up among them; None for all.

    Returns:
        The rows, best first, and behind them those that are not of the front with `pareto`; and
        what there is to say.

    Raises:
        TieError: for a tie that decides what is taken, if `query.tie` is `error`.
    """
    costs = {row.checkpoint.path: tuple(one.cost(row.checkpoint) for one in orders) for row in rows}
    # Neighbours often have the same median; then the value itself decides.
    own = orders[0]._replace(smoothed=None)
    exact = {
        row.checkpoint.path: (*costs[row.checkpoint.path], own.cost(row.checkpoint)) for row in rows
    }
    findings = [
        *_missing(rows, orders, "do not compete" if query.pareto else "come last among equals")
    ]
    turn = 1 if query.tie == "earlier" else -1
    equals = ((exact[row.checkpoint.path], row.checkpoint) for row in rows)
    written = turns_of(equals, per_run=query.per_run)

    def key(row: Ranked) -> tuple[tuple[float, ...], tuple[float, ...], str]:
        path = row.checkpoint.path
        turns = tuple(math.inf if n is None else turn * n for n in written[path])
        return exact[path], turns, path

    def of(row: Ranked) -> Hashable:
        return exact[row.checkpoint.path], row.checkpoint.run if query.per_run else ""

    def equal(some: Sequence[Ranked]) -> list[tuple[Hashable, Checkpoint]]:
        return [(exact[row.checkpoint.path], row.checkpoint) for row in some]

    def same(_: int) -> str:
        return "the same " + " and ".join(one.monitor.name for one in orders)

    times = Counter(of(row) for row in rows if row.checkpoint.path not in query.rejected)
    groups: dict[str, list[Ranked]] = {}
    for row in sorted(rows, key=key):
        if row.checkpoint.path in query.rejected:
            continue
        groups.setdefault(row.checkpoint.run if query.per_run else "", []).append(row)
    placed: list[Ranked] = []
    beaten: list[Ranked] = []
    for group in groups.values():
        if query.pareto:
            front, behind = _front(group, costs)
            placed += front
            beaten += behind
            findings += _hidden_in_front(front, group, orders)
            continue
        findings += _hidden_among_equals(group, costs, orders)
        taken = 1 if query.per_run or keep is None else max(1, keep - 1)
        findings += tied_apart(equal(group), same, query.tie, taken)
        placed += group[:1] if query.per_run else group
    placed.sort(key=key)
    if query.per_run and not query.pareto and keep is not None:
        findings += tied_apart(equal(placed), same, query.tie, places=[keep - 2])
    ranked = [
        replace(row, rank=rank, tied=times[of(row)] > 1) for rank, row in enumerate(placed, 1)
    ]
    return [
        replace(row, further=tuple(one.metric(row.checkpoint) for one in orders[1:]))
        for row in ranked + beaten
    ], findings


def _missing(rows: Sequence[Ranked], orders: Sequence[Order], so: str) -> list[Finding]:
    """Those without a value of a further monitor, and what follows from it."""
    found = []
    for one in orders[1:]:
        without = [row for row in rows if math.isinf(one.cost(row.checkpoint))]
        if without:
            path = without[0].checkpoint.path
            said = f"{len(without)} of {len(rows)} have no value of {one.monitor.name}, and {so}:"
            said += f" {path!r}"
            found.append(Finding("missing-value", said, path, strict=True))
    return found


def _front(
    group: Sequence[Ranked], costs: Mapping[str, tuple[float, ...]]
) -> tuple[list[Ranked], list[Ranked]]:
    """Those than which no other is better in one value, and no worse in all; and the others."""
    front: list[Ranked] = []
    behind: list[Ranked] = []
    # In lexicographic order, none can be beaten by one that comes later.
    for row in group:
        mine = costs[row.checkpoint.path]
        better = next((r for r in front if _beats(costs[r.checkpoint.path], mine)), None)
        if any(map(math.isinf, mine)):
            behind.append(replace(row, rank=None, reason="has no value of one of the monitors"))
        elif better is None:
            front.append(row)
        else:
            behind.append(
                replace(row, rank=None, reason=f"in nothing better than {better.checkpoint.name!r}")
            )
    return front, behind


def _beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def _hidden_among_equals(
    group: Sequence[Ranked], costs: Mapping[str, tuple[float, ...]], orders: Sequence[Order]
) -> list[Finding]:
    """What rounding may hide between the first one and those equal to it in all monitors before."""
    found: list[Finding] = []
    first, *others = group
    mine = costs[first.checkpoint.path]
    for place, one in enumerate(orders):
        others = [row for row in others if costs[row.checkpoint.path][:place] == mine[:place]]
        found += _hidden(first, others, one)
    return found


def _hidden_in_front(
    front: Sequence[Ranked], group: Sequence[Ranked], orders: Sequence[Order]
) -> list[Finding]:
    """What rounding may hide between those of the front, and between them and all others."""
    found: list[Finding] = []
    for one in orders:
        # Mostly all are printed alike, and nothing can be hidden.
        if len({one.fields.unit_of(row.checkpoint) for row in group}) > 1:
            hidden = (said for row in front if (said := _hidden(row, group, one)))
            found += next(hidden, [])
    return found


def _hidden(first: Ranked, others: Sequence[Ranked], one: Order) -> list[Finding]:
    own = one.fields.metric_of(first.checkpoint)
    if own is None:
        return []
    metrics = ((row.checkpoint, one.fields.metric_of(row.checkpoint)) for row in others)
    pairs = [(checkpoint, metric) for checkpoint, metric in metrics if metric is not None]
    return rounded_apart((first.checkpoint, own), pairs, one.fields)
