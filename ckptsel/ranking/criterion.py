"""One monitor of a search: what it is called, which way it is good, and its usable values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from ckptsel.checkpoint import Monitor
from ckptsel.errors import AmbiguousMonitorError, MonitorNotFoundError
from ckptsel.ranking.columns import columns_of
from ckptsel.ranking.monitor import Beside, find_monitor
from ckptsel.ranking.not_found import LEARN
from ckptsel.ranking.order import monitor_for
from ckptsel.ranking.remarks import grave, keras2_auto
from ckptsel.ranking.traps import negated_loss, without_missing
from ckptsel.search.query import parse_monitor
from ckptsel.search.survey import holds_metric

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckptsel.ranking.columns import Column
    from ckptsel.ranking.monitor import MonitorFields
    from ckptsel.search.query import Query
    from ckptsel.search.survey import Survey


class Criterion(NamedTuple):
    """A monitor, with what is known of it. The first one and further ones are alike in this.

    Attributes:
        monitor: the monitor.
        fields: where its values stand.
        columns: the tables that hold it; NaN stands for what cannot be ranked by.
    """

    monitor: Monitor
    fields: MonitorFields
    columns: list[Column]

    def values(self) -> Mapping[str, float]:
        """A checkpoint's path → its finite value."""
        return {
            column.place.folder.join(name): value
            for column in self.columns
            for name, value in zip(column.names, column.values, strict=True)
            if math.isfinite(value)
        }


def criterion(found: Survey, name: str | None, mode: str, query: Query) -> Criterion:
    """Find a monitor and its values; what was noticed goes into `found.findings`.

    Args:
        found: what the search found, with what its logs say.
        name: the monitor; None for the only metric in reach.
        mode: `min`, `max` or `auto`.
        query: what else is asked for.

    Raises:
        AmbiguousMonitorError: if it could be one of several values.
        DirectionError: if the mode is auto and nobody knows the direction.
        MonitorNotFoundError: if it stands nowhere.
    """
    fields = _fields(found, name, query)
    columns = columns_of(found, fields)
    if found.logs:
        from ckptsel.ranking.spoilt import no_numbers  # noqa: PLC0415 - names hold nothing else

        found.findings += no_numbers(columns, fields.name)
    monitor = _monitor(found, columns, fields, mode, query)
    if not query.allow_zero:
        columns, zeros = without_missing(columns, monitor.mode)
        found.findings += [zeros] if zeros else []
    return Criterion(monitor, fields, columns)


def look_inside(found: Survey, query: Query, *, rank: bool) -> None:
    """Add what the files keep of the monitors, if one stands neither in names nor in logs.

    Args:
        found: what the search found, with what its logs say.
        query: what is asked for.
        rank: whether to rank where no monitor is asked for; else metrics are only to be shown.
    """
    monitors = [parse_monitor(text)[0] for text in query.further]
    if query.monitor is not None:
        monitors.insert(0, query.monitor)
    if monitors:
        is_missing = any(_is_missing(found, monitor, query) for monitor in monitors)
    elif rank:
        is_missing = _is_missing(found, None, query)
    else:
        is_missing = not any(place.logged or holds_metric(place.table) for place in found.read)
    if is_missing:
        from ckptsel.search.logs.totals import add_totals  # noqa: PLC0415 - opens all the files

        add_totals(found, monitors)


def _is_missing(found: Survey, name: str | None, query: Query) -> bool:
    try:
        _look_for(found, name, query)
    except MonitorNotFoundError:
        return True
    except AmbiguousMonitorError:
        pass  # which is raised where it is ranked by
    return False


def _fields(found: Survey, name: str | None, query: Query) -> MonitorFields:
    """Where the monitor's values stand."""
    try:
        fields = _look_for(found, name, query)
    except MonitorNotFoundError as error:
        # It may stand in the very names that could not be read, or in a log that was not used.
        error.details += grave(found, and_logs=True)
        if query.logs != "ignore":
            _tell_of_logs(found, error)
        raise
    found.findings += fields.findings
    return fields


def _look_for(found: Survey, name: str | None, query: Query) -> MonitorFields:
    unread = [one.name for one in found.unread]
    beside = Beside(_logged(found), "logs" if found.logs else "files themselves")
    return find_monitor(found.tables, name, unread, beside, only_logs=query.logs == "only")


def _tell_of_logs(found: Survey, error: MonitorNotFoundError) -> None:
    """Add which logs were not used, and why; a pattern is no way to a value that is in a log."""
    from ckptsel.search.logs.unused import unused_logs  # noqa: PLC0415 - only where all failed

    unused = unused_logs(found)
    error.details += unused
    if error.hint == LEARN and (
        unused or any(f.code.startswith(("log-", "totals-")) for f in found.findings)
    ):
        error.hint = "it may be in a log that was not used; --metrics FILE takes one"
        if found.unread and any(not log.joined for log in found.logs):
            # One file alone, `m-03.keras`: its number may be anything.
            error.hint = f"{LEARN}; a log is there, and is asked by the epoch that names tell"


def _logged(found: Survey) -> dict[str, set[str]]:
    """The metrics that logs have, by the pattern of the names."""
    logged: dict[str, set[str]] = {}
    for place in found.read:
        if place.logs:
            logged.setdefault(place.table.pattern.text, set()).update(place.logged)
    return logged


def _monitor(
    found: Survey, columns: list[Column], fields: MonitorFields, mode: str, query: Query
) -> Monitor:
    """The monitor's direction: as asked, or from the table; turned where ignite negated."""
    # Who gives the pattern knows how the names are built, and what stands in them.
    negated = None if query.patterns else negated_loss(fields.name, columns)
    if negated:
        found.findings.append(negated)
        return Monitor(fields.name, "max", "pytorch-ignite's scores: higher is better")
    monitor = monitor_for(fields.name, mode)
    if mode == "auto":
        found.findings += keras2_auto(monitor, columns)
    return monitor
