"""Which of the values that were read is the monitor? By its label, by its place, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.errors import AmbiguousMonitorError, MonitorNotFoundError
from ckptsel.naming.vocabulary import canonical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckptsel.checkpoint import Checkpoint, Metric
    from ckptsel.naming.read import Table


@dataclass(frozen=True, slots=True)
class Source:
    """Where the monitor's values stand.

    Attributes:
        name: what the user calls the monitor.
        labels: the field's name for each pattern that has the monitor, by the pattern's text.
        labelled: whether that name is a label, or only a position.
        findings: what was assumed.
    """

    name: str
    labels: dict[str, str]
    labelled: bool
    findings: tuple[Finding, ...] = ()

    def field_of(self, table: Table) -> str | None:
        """The field of a table that holds the monitor, if it has one."""
        return self.labels.get(table.pattern.text)

    def metric_of(self, checkpoint: Checkpoint) -> Metric | None:
        """The monitor's value of one checkpoint, with its evidence."""
        name = self.labels.get(checkpoint.pattern)
        return None if name is None else checkpoint.metric(name)


def find_monitor(tables: Sequence[Table], asked: str | None) -> Source:
    """Find the monitor among the labels of the search, or take the only metric in reach.

    Args:
        tables: everything that was read.
        asked: what the user calls it; None for the only metric in reach.

    Raises:
        MonitorNotFoundError: if it stands nowhere.
        AmbiguousMonitorError: if several values could be meant.
    """
    labelled, unlabelled = _fields(tables)
    if asked is None:
        return _only_metric(tables, labelled, unlabelled)
    everywhere = {text: names for text, names in labelled.items() if names}
    names = {name for found in everywhere.values() for name in found}
    if asked in names:
        return Source(asked, {t: asked for t, found in everywhere.items() if asked in found}, True)
    alike = sorted(name for name in names if canonical(name) == canonical(asked))
    if len(alike) > 1:
        raise AmbiguousMonitorError(
            f"{asked!r} could be {_listed(alike)}", hint="ask for one of them by --monitor"
        )
    if alike:
        name = alike[0]
        said = Finding("monitor-alias", f"{asked} is read from {name!r} in the names")
        return Source(
            asked, {t: name for t, found in everywhere.items() if name in found}, True, (said,)
        )
    return _assumed(asked, labelled, unlabelled)


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
    asked: str, labelled: dict[str, list[str]], unlabelled: dict[str, list[str]]
) -> Source:
    """The one unlabelled decimal of each pattern that has any."""
    competing = {text: names for text, names in unlabelled.items() if names}
    for text, names in competing.items():
        if len(names) > 1:
            raise AmbiguousMonitorError(
                f"no name says {asked!r}, and {text!r} has {len(names)} values without a label",
                hint="name the fields: --pattern, as the training code has it",
            )
    if not competing:
        raise _not_found(asked, sorted({n for names in labelled.values() for n in names}))
    said = Finding(
        "assumed-monitor",
        f"no name says {asked!r}: the value without a label is taken for it"
        f" ({_listed(sorted(competing))})",
        strict=True,
    )
    return Source(asked, {text: names[0] for text, names in competing.items()}, False, (said,))


def _only_metric(
    tables: Sequence[Table], labelled: dict[str, list[str]], unlabelled: dict[str, list[str]]
) -> Source:
    from ckptsel.naming.vocabulary import role_of  # noqa: PLC0415

    names = sorted({name for found in labelled.values() for name in found})
    metrics = [n for n in names if role_of(n) == "metric" and _is_number(tables, n)]
    nameless = [text for text, names in unlabelled.items() if names]
    if len(metrics) == 1 and not nameless:
        name = metrics[0]
        said = Finding("only-metric", f"ranked by {name}, the only metric in the names")
        return Source(
            name, {t: name for t, found in labelled.items() if name in found}, True, (said,)
        )
    if metrics:
        also = " and values without a label" if nameless else ""
        raise AmbiguousMonitorError(
            f"the names hold several metrics: {_listed(metrics)}{also}",
            hint=f"choose one, such as --monitor {metrics[0]}",
        )
    if nameless:
        raise AmbiguousMonitorError(
            f"the names hold values without a label: {_listed(nameless)}",
            hint="say which metric they are, such as --monitor val_loss",
        )
    raise MonitorNotFoundError(
        "no name holds a metric", hint="say how the names are built: --pattern"
    )


def _not_found(asked: str, names: list[str]) -> MonitorNotFoundError:
    if not names:
        return MonitorNotFoundError(
            f"no name holds a value for {asked!r}", hint="say how the names are built: --pattern"
        )
    from difflib import get_close_matches  # noqa: PLC0415

    close = get_close_matches(asked, names, 1, 0.5)
    hint = f"did you mean --monitor {close[0]}?" if close else "choose one by --monitor"
    return MonitorNotFoundError(
        f"no name holds {asked!r}; the names hold {_listed(names)}", hint=hint
    )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:8]))
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"
