"""Training runs, told in each of the output formats."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptsel.cli.reports import text
from ckptsel.cli.reports.ranking_record import finding_record, log_record
from ckptsel.cli.reports.table import Column, Table
from ckptsel.naming.decimals import in_short
from ckptsel.record import finite

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ckptsel.checkpoint import Ranking
    from ckptsel.runs import Run

_HEADING = (
    "run", "checkpoints", "unit", "first", "last", "monitor", "best_value", "best_at", "best_path",
    "last_value", "latest_path", "latest_is_best", "trouble",
)  # fmt: skip
_BARS = "▁▂▃▄▅▆▇█"
_NOT_FINITE = "!"
_WIDTH = 20


@dataclass(frozen=True, slots=True)
class RunsReport:
    """Some runs.

    Attributes:
        ranking: where their best checkpoints come from.
        runs: the runs to show.
        found: how many there are.
    """

    ranking: Ranking
    runs: Sequence[Run]
    found: int

    def paths(self) -> Sequence[str]:
        """The folders of the runs."""
        return [run.path for run in self.runs]

    def document(self) -> Mapping[str, object]:
        """All the runs, with their histories."""
        monitor = self.ranking.monitor
        return {
            "command": "runs",
            "monitor": monitor and {"name": monitor.name, "mode": monitor.mode, "why": monitor.why},
            "runs": self.records(),
            "found": self.found,
            "logs": [log_record(log) for log in self.ranking.logs],
            "findings": [finding_record(finding) for finding in self.ranking.findings],
        }

    def records(self) -> Sequence[Mapping[str, object]]:
        """One a run."""
        return [_record(run) for run in self.runs]

    def cells(self) -> Iterator[Sequence[str]]:
        """One row a run; values read back as the same values."""
        yield _HEADING
        monitor = self.ranking.monitor
        for run in self.runs:
            value, at, path = _best(run)
            cells: list[float | str | None] = [
                run.path, run.checkpoints, run.unit, run.first, run.last,
                monitor.name if monitor else None, value, at, path,
                _last(run), run.latest.path, str(run.is_latest_best).lower(),
                " ".join(finding.code for finding in run.trouble),
            ]  # fmt: skip
            yield ["" if cell is None else text.number(cell) for cell in cells]

    def table(self) -> Table:
        """One row a run, for people."""
        monitor = self.ranking.monitor
        bests = [_best(run) for run in self.runs]
        units = {run.unit for run in self.runs if run.unit}
        unit = units.pop() if len(units) == 1 else "at"
        columns = [
            Column("run", [run.path or "." for run in self.runs]),
            Column("checkpoints", [str(run.checkpoints) for run in self.runs], right=True),
            Column(f"{unit}s" if units or unit != "at" else "at", [*map(_span, self.runs)]),
            Column("best", [_short(value) for value, _, _ in bests], right=True),
            Column(unit, [_short(at) for _, at, _ in bests], right=True),
            Column("last", [_short(_last(run)) for run in self.runs], right=True),
            Column("trend", [sparkline([p.value for p in run.history]) for run in self.runs]),
            Column("latest is best", ["yes" if run.is_latest_best else "no" for run in self.runs]),
            Column("trouble", ["; ".join(f.message for f in run.trouble) for run in self.runs]),
        ]
        direction = "lowest" if monitor and monitor.mode == "min" else "highest"
        footer = [f"{len(self.runs)} of {text.count(self.found, 'run')} shown"]
        return Table(
            [column for column in columns if any(column.cells)],
            caption=f"{monitor.name}, {direction} first" if monitor else "",
            footer=footer if len(self.runs) < self.found else (),
        )


def _record(run: Run) -> dict[str, object]:
    best, latest = run.best, run.latest
    return {
        "run": run.path,
        "checkpoints": run.checkpoints,
        "unit": run.unit or None,
        "first": run.first,
        "last": run.last,
        "best": best
        and {
            "path": best.checkpoint.path,
            "rank": best.rank,
            "epoch": best.checkpoint.epoch,
            "step": best.checkpoint.step,
            "value": best.metric and finite(best.metric.value),
            "source": best.metric and best.metric.source,
        },
        "latest": {"path": latest.path, "epoch": latest.epoch, "step": latest.step},
        "latest_is_best": run.is_latest_best,
        "last_value": finite(_last(run)),
        "values": run.values,
        "history_unit": run.history_unit or None,
        "history": [
            {"at": point.at, "value": finite(point.value), "source": point.source}
            for point in run.history
        ],
        "trouble": [finding_record(finding) for finding in run.trouble],
    }


def _best(run: Run) -> tuple[float | str | None, float | None, str | None]:
    """The best value, when it was, and the checkpoint's path."""
    if run.best is None:
        return None, None, None
    checkpoint, metric = run.best.checkpoint, run.best.metric
    at = checkpoint.epoch if run.unit == "epoch" else checkpoint.step
    return (metric.value if metric else None), at, checkpoint.path


def _last(run: Run) -> float | None:
    return run.history[-1].value if run.history else None


def _span(run: Run) -> str:
    if run.first is None or run.last is None:
        return ""
    first, last = in_short(run.first), in_short(run.last)
    return first if first == last else f"{first}–{last}"  # noqa: RUF001


def _short(value: float | str | None) -> str:
    return "" if value is None else value if isinstance(value, str) else in_short(value)


def sparkline(values: Sequence[float], width: int = _WIDTH) -> str:
    """Values as bars of eight heights; of many, each bar is the mean of some. NaN is a mark.

    >>> sparkline([0.9, 0.5, 0.4, float("nan")])
    '█▂▁!'
    """
    bars = min(width, len(values))
    means = []
    for bar in range(bars):
        part = values[bar * len(values) // bars : (bar + 1) * len(values) // bars]
        # A fourth of the mean: neither the sum nor the range of huge values overflows so.
        is_finite = all(map(math.isfinite, part))
        means.append(math.fsum(v / 4 / len(part) for v in part) if is_finite else math.nan)
    finite_means = [mean for mean in means if math.isfinite(mean)]
    low, high = min(finite_means, default=0.0), max(finite_means, default=0.0)
    span = high - low or 1.0
    return "".join(
        _BARS[round((mean - low) / span * (len(_BARS) - 1))] if math.isfinite(mean) else _NOT_FINITE
        for mean in means
    )
