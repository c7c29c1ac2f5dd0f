"""Which of the values that were read is the monitor? By its label, by its place, or a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ckptsel.checkpoint import Finding
from ckptsel.errors import AmbiguousMonitorError, MonitorNotFoundError
from ckptsel.naming.decimals import printed_unit
from ckptsel.naming.vocabulary import canonical, role_of
from ckptsel.ranking.not_found import LEARN, listed, not_found

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from ckptsel.checkpoint import Checkpoint, Metric
    from ckptsel.naming.form import Form
    from ckptsel.naming.read import Table


class Beside(NamedTuple):
    """The metrics that are known from elsewhere than the names.

    Attributes:
        metrics: those of the tables of each pattern, by its text.
        where: what has them, in words.
    """

    metrics: Mapping[str, Collection[str]]
    where: str = "logs"

    @property
    def names(self) -> set[str]:
        """All of them."""
        return {name for found in self.metrics.values() for name in found}


class MonitorFields(NamedTuple):
    """Which field of each pattern holds the monitor.

    Attributes:
        name: what the user calls the monitor.
        labels: the field's name for each pattern that has the monitor, by the pattern's text.
        findings: what was assumed.
        exact: the patterns that print the monitor as it is, without rounding.
    """

    name: str
    labels: dict[str, str]
    findings: tuple[Finding, ...] = ()
    exact: frozenset[str] = frozenset()

    def field_of(self, table: Table) -> str | None:
        """The field of a table that holds the monitor, if it has one."""
        return self.labels.get(table.pattern.text)

    def metric_of(self, checkpoint: Checkpoint) -> Metric | None:
        """The monitor's value of one checkpoint, with its evidence."""
        name = self.labels.get(checkpoint.pattern)
        return None if name is None else checkpoint.metric(name)

    def unit_of(self, checkpoint: Checkpoint) -> float:
        """One unit of the last digit of its value; 0.0 where it is not rounded."""
        metric = self.metric_of(checkpoint)
        if metric is None or metric.source != "name" or checkpoint.pattern in self.exact:
            return 0.0
        return printed_unit(metric.text)


def find_monitor(
    tables: Sequence[Table],
    asked: str | None,
    unread: Sequence[str] = (),
    beside: Beside | None = None,
    *,
    only_logs: bool = False,
) -> MonitorFields:
    """Find the monitor among the labels of the search, or take the only metric in reach.

    Args:
        tables: everything that was read.
        asked: what the user calls it; None for the only metric in reach.
        unread: names that no pattern reads.
        beside: the metrics that logs have, or the files themselves.
        only_logs: whether metrics count from logs only.

    Raises:
        MonitorNotFoundError: if it stands nowhere.
        AmbiguousMonitorError: if several values could be meant.
    """
    fields = _find(tables, asked, unread, beside or Beside({}), only_logs=only_logs)
    exact = (
        table.pattern.text
        for table in tables
        for field in table.form.fields
        if field.name == fields.field_of(table) and field.is_exact
    )
    return fields._replace(exact=frozenset(exact))


def _find(
    tables: Sequence[Table],
    asked: str | None,
    unread: Sequence[str],
    beside: Beside,
    *,
    only_logs: bool,
) -> MonitorFields:
    in_names, unlabelled = _fields(tables)
    if only_logs:
        unlabelled = {}
        in_names = {t: [n for n in ns if role_of(n) != "metric"] for t, ns in in_names.items()}
    labelled = {text: [*names, *beside.metrics.get(text, ())] for text, names in in_names.items()}
    if asked is None:
        return _only_metric(tables, in_names, labelled, unlabelled, beside)
    everywhere = {text: names for text, names in labelled.items() if names}
    names = {name for found in everywhere.values() for name in found}
    alike = {name for name in names if canonical(name) == canonical(asked)}
    labels = _spelled(asked, alike, everywhere)
    others = sorted({*labels.values()} - {asked})
    if others:
        in_some = any(name in found for found in in_names.values() for name in others)
        where = "names" if in_some else beside.where
        where = f"some of the {where}" if asked in labels.values() else f"the {where}"
        said = Finding("monitor-alias", f"{asked} is read from {listed(others)} in {where}")
        return MonitorFields(asked, labels, (said,))
    if labels:
        return MonitorFields(asked, labels)
    if alike:
        raise AmbiguousMonitorError(
            f"{asked!r} could be {listed(sorted(alike))}", hint="ask for one of them by --monitor"
        )
    if role_of(asked) != "metric":
        return _counter(tables, asked, sorted(names), beside)
    # Where a log was joined, a value without a label is one of the log's, and that is not asked.
    unsettled = {
        text: values for text, values in unlabelled.items() if not beside.metrics.get(text)
    }
    return _assumed(tables, asked, unread, unsettled, sorted(names), beside)


def _spelled(
    asked: str, alike: AbstractSet[str], everywhere: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """For each pattern the very name that is asked for, else the only one that is alike."""
    labels = {}
    for text, found in everywhere.items():
        here = [asked] if asked in found else [*alike & {*found}]
        if len(here) == 1:
            labels[text] = here[0]
    return labels


def _counter(
    tables: Sequence[Table], asked: str, names: list[str], beside: Beside
) -> MonitorFields:
    """An epoch without a label; no other counter or setting is known by its place."""
    found = {
        table.pattern.text: metric.name
        for table in tables
        for metric in table.metrics(0)
        if metric.role == "epoch" == role_of(asked)
    }
    if not found:
        raise not_found(asked, names, beside.names, beside.where)
    said = Finding("monitor-alias", f"{asked} is the number without a label in the names")
    return MonitorFields(asked, found, (said,))


def _fields(tables: Sequence[Table]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """For each pattern's text: its labelled fields, and its unlabelled decimals."""
    labelled: dict[str, dict[str, None]] = {}
    unlabelled: dict[str, dict[str, None]] = {}
    for table in tables:
        text = table.pattern.text
        names = [m.name for m in table.metrics(0) if m.labelled]
        labelled.setdefault(text, {}).update(dict.fromkeys(names))
        unlabelled.setdefault(text, {}).update(dict.fromkeys(_decimals(table)))
    return {t: [*n] for t, n in labelled.items()}, {t: [*n] for t, n in unlabelled.items()}


def _decimals(table: Table) -> list[str]:
    """The fields without a label that hold decimals; in some of the rows: `1`, `0.5`."""
    metrics = [m for m in table.metrics(0) if not m.labelled]
    if not table.readings:
        return [m.name for m in metrics if m.role == "metric"]
    values = [reading.values for reading in table.readings]
    return [m.name for m in metrics if any(isinstance(v[m.name], float) for v in values)]


def has_unlabelled(table: Table) -> bool:
    """Whether the names hold a decimal without a label, which could be any metric."""
    return bool(_decimals(table))


def metrics_in(table: Table) -> list[str]:
    """The labelled metrics that the names of a table hold; neither counters nor settings."""
    return [m.name for m in table.metrics(0) if m.labelled and m.role == "metric"]


def _is_number(tables: Sequence[Table], name: str) -> bool:
    """Whether a field has a number in some name; a date or a model's name is no metric."""
    return any(
        isinstance(m.value, (int, float))
        for table in tables
        for row in range(len(table.names) if table.readings else 1)
        for m in table.metrics(row)
        if m.name == name
    )


def _assumed(
    tables: Sequence[Table],
    asked: str,
    unread: Sequence[str],
    unlabelled: dict[str, list[str]],
    names: list[str],
    beside: Beside,
) -> MonitorFields:
    """The one unlabelled decimal of each pattern that has any."""
    competing = {text: found for text, found in unlabelled.items() if found}
    for text, found in competing.items():
        if len(found) > 1:
            raise AmbiguousMonitorError(
                f"no name says {asked!r}, and {text!r} has {len(found)} values without a label",
                hint="name the fields in --pattern, as the training code has them",
            )
    if not competing:
        raise not_found(asked, names, beside.names, beside.where)
    others = [(t.names[0], t.form) for t in tables if t.pattern.text not in competing]
    for name, form in [*others, *((name, None) for name in unread)]:
        if number := _free_decimal(name, form):
            raise AmbiguousMonitorError(
                f"no name says {asked!r}; {name!r} holds {number} without a label, which may or"
                " may not be it",
                hint="say how the names are built by --pattern, or leave some out by --exclude",
            )
    said = Finding(
        "assumed-monitor",
        f"no name says {asked!r}: the value without a label is taken for it"
        f" ({listed(sorted(competing))})",
        strict=True,
    )
    return MonitorFields(asked, {text: found[0] for text, found in competing.items()}, (said,))


def _free_decimal(name: str, form: Form | None) -> str:
    """The first decimal of a name that was taken for a literal, "" if there is none."""
    from ckptsel.naming.parse import unlabelled_numbers  # noqa: PLC0415 - only where it is doubtful

    found = (m.text for m in unlabelled_numbers(name, form) if isinstance(m.value, float))
    return next(found, "")


def _only_metric(
    tables: Sequence[Table],
    in_names: dict[str, list[str]],
    labelled: dict[str, list[str]],
    unlabelled: dict[str, list[str]],
    beside: Beside,
) -> MonitorFields:
    names = sorted({name for found in in_names.values() for name in found})
    metrics = [n for n in names if role_of(n) == "metric" and _is_number(tables, n)]
    nameless = [text for text, names in unlabelled.items() if names]
    where = "names"
    if not metrics and not nameless:
        # What stands in the names was chosen to be watched; a log holds whatever there is.
        names = sorted({name for found in labelled.values() for name in found})
        metrics = [n for n in names if role_of(n) == "metric" and not _is_number(tables, n)]
        where = beside.where
    if len(metrics) == 1 and not nameless:
        name = metrics[0]
        said = Finding("only-metric", f"ranked by {name}, the only metric in the {where}")
        return MonitorFields(
            name, {t: name for t, found in labelled.items() if name in found}, (said,)
        )
    if metrics:
        also = " and values without a label" if nameless else ""
        raise AmbiguousMonitorError(
            f"the {where} hold several metrics: {listed(metrics)}{also}",
            hint=f"choose one, such as --monitor {metrics[0]}",
        )
    if nameless:
        raise AmbiguousMonitorError(
            f"the names hold values without a label: {listed(nameless)}",
            hint="say which metric they are, such as --monitor val_loss",
        )
    raise MonitorNotFoundError("no name holds a metric", hint=LEARN)
