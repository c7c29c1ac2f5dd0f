"""What `--format` and `--require` ask for by name: one lookup for both."""

# ruff: noqa: PLC0415 - what only some calls need is imported by those calls.
from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from ckptsel.cli.reports.ranking_record import fixed_fields, fixed_names, metric_names
from ckptsel.errors import PatternError, UsageError
from ckptsel.naming.vocabulary import canonical
from ckptsel.record import by_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.checkpoint import Metric, Ranked, Ranking, Value


class Field(NamedTuple):
    """What was found under a name.

    Attributes:
        value: None where this checkpoint has none.
        text: as it stands in the source.
    """

    value: Value | None
    text: str


class Fields:
    """The fields of a ranking's checkpoints.

    A name is that of a fixed field, of the monitor, of a metric, or another spelling of
    exactly one metric (`val_accuracy` of `val_acc`). As in csv, `metric.NAME` is a metric that
    is called like a fixed field.
    """

    def __init__(self, ranking: Ranking) -> None:
        self._ranking = ranking
        self._fixed = fixed_names(ranking)

    def get(self, row: Ranked, asked: str, name: str) -> Field:
        """Look a name up in one row.

        Args:
            row: a row of the ranking.
            asked: the option that asks, for an error.
            name: the field.

        Raises:
            UsageError: no checkpoint has such a field, or several metrics could be meant.
        """
        if name in self._fixed and (value := fixed_fields(row, self._ranking)[name]) is not None:
            read = row.metric if name == "value" else None
            return Field(value, read.text if read else str(value))
        metric = self._metric(row, asked, name)
        if metric is not None:
            return Field(metric.value, metric.text)
        if name not in self._known and canonical(name) not in map(canonical, self._metrics):
            raise UsageError(f"{asked}: there is no field {name!r}", hint=self._hint(name))
        return Field(None, "")

    def _metric(self, row: Ranked, asked: str, name: str) -> Metric | None:
        monitor = self._ranking.monitor
        plain = name.removeprefix("metric.")
        name = plain if plain in self._fixed else name
        if monitor is not None and name == monitor.name and row.metric:
            # No name need say what it was asked for by: the value can stand there without one.
            return row.metric
        if exact := row.checkpoint.metric(name):
            return exact
        wanted = canonical(name)
        alike = by_name(m for m in row.checkpoint.metrics if wanted and canonical(m.name) == wanted)
        if monitor is not None and row.metric and canonical(monitor.name) == wanted:
            alike[row.metric.name] = row.metric
        if len(alike) > 1:
            raise UsageError(f"{asked}: {name!r} could be {', '.join(map(repr, alike))}")
        return next(iter(alike.values()), None)

    @cached_property
    def _metrics(self) -> dict[str, None]:
        """The names of all metrics, also of those that only checkpoints without a row have."""
        return dict.fromkeys(self._metric_names())

    def _metric_names(self) -> Iterator[str]:
        from ckptsel.naming.pattern import Pattern

        if self._ranking.monitor:
            yield self._ranking.monitor.name
        for row in self._ranking.rows:
            for metric in row.checkpoint.metrics:
                yield metric.name
        for text, _ in self._ranking.patterns:
            with suppress(PatternError):
                yield from (field.name for field in Pattern(text).fields)

    @cached_property
    def _known(self) -> dict[str, None]:
        """All names, those that are listed for whoever asks for another."""
        named = {
            f"metric.{name}" for name in metric_names(self._ranking.rows) if name in self._fixed
        }
        return dict.fromkeys((*self._fixed, *sorted(named), *self._metrics))

    def _hint(self, name: str) -> str:
        from difflib import get_close_matches

        close = get_close_matches(name, self._known, 1, 0.5)
        meant = f"did you mean {close[0]!r}? " if close else ""
        return f"{meant}the fields are {', '.join(self._known)}"
