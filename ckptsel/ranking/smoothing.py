"""Smoothed values to rank by: of a noisy metric, one lucky epoch is not the best."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.history import by_run, of_checkpoints, of_log, time_of, unit_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ckptsel.checkpoint import Log, Ranked
    from ckptsel.history import History


def smooth(
    rows: Sequence[Ranked], name: str, logs: Iterable[Log], width: int
) -> tuple[list[Ranked], Mapping[str, float], list[Finding]]:
    """Rank by smoothed values; those that are shown stay what they are.

    Args:
        rows: the checkpoints with a finite value.
        name: the monitor.
        logs: the logs that were joined.
        width: of how many values the median is, an odd number.

    Returns:
        The checkpoints that can be smoothed; path → smoothed value; and what there is to say.
    """
    values = _smoothed(rows, logs, name, width)
    said = f"ranked by the median of {width} values of {name} around each; the values shown are not"
    findings = [Finding("smoothed", f"{said} smoothed")]
    without = [row for row in rows if row.checkpoint.path not in values]
    if without:
        path = without[0].checkpoint.path
        said = f"{len(without)} of {len(rows)} have no epoch or step to smooth around, and do not"
        findings.append(Finding("not-smoothed", f"{said} compete: {path!r}", path, strict=True))
    known = [
        replace(row, smoothed=values[row.checkpoint.path])
        for row in rows
        if row.checkpoint.path in values
    ]
    return known, values, findings


def _smoothed(
    rows: Sequence[Ranked], logs: Iterable[Log], monitor: str, width: int
) -> Mapping[str, float]:
    """The centred median of a metric around each checkpoint, over the values of its own run.

    Near both ends the median is of the fewer values that there are. Values come from the run's
    log where it has more of them than the checkpoints. NaN and infinities are left out of the
    medians; a checkpoint whose own value is one has no place anyway.

    Returns:
        Path → median, for the checkpoints whose place in the history is known.
    """
    groups: dict[str, list[Ranked]] = {}
    for row in rows:
        groups.setdefault(row.checkpoint.run, []).append(row)
    of_run = by_run(logs, groups)
    found: dict[str, float] = {}
    for run, group in groups.items():
        history = _history(group, of_run.get(run, ()), monitor)
        times = [point.at for point in history.points]
        medians = _medians([point.value for point in history.points], width)
        place = {at: index for index, at in enumerate(times) if at is not None}
        for row in group:
            at = time_of(row.checkpoint, history.unit)
            if at is not None and at in place:
                found[row.checkpoint.path] = medians[place[at]]
    return found


def _history(group: Sequence[Ranked], logs: Iterable[Log], monitor: str) -> History:
    unit = unit_of(row.checkpoint for row in group)
    saved = of_checkpoints(((row.checkpoint, row.metric) for row in group), unit)
    return max((saved, *(of_log(log, monitor) for log in logs)), key=lambda h: len(h.points))


def _medians(values: Sequence[float], width: int) -> list[float]:
    half = width // 2
    found = []
    for index in range(len(values)):
        around = values[max(0, index - half) : index + half + 1]
        finite = [value for value in around if math.isfinite(value)]
        found.append(median(finite) if finite else math.nan)
    return found
