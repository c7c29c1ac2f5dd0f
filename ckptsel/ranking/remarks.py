"""What must be said of a search, beside its result."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.naming.vocabulary import canonical, keras2_direction
from ckptsel.ranking.monitor import has_unlabelled, metrics_in
from ckptsel.ranking.unlogged import unlogged

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from ckptsel.checkpoint import Monitor
    from ckptsel.ranking.columns import Column
    from ckptsel.search.places import TableIn
    from ckptsel.search.survey import Survey


def name_traps(found: Survey) -> list[Finding]:
    """The frameworks' habits that the names follow."""
    traps = {table.pattern.trap for table in found.tables if table.pattern.trap}
    return [Finding(trap.code, trap.says) for trap in traps]


def grave(found: Survey, *, and_logs: bool = False) -> tuple[str, ...]:
    """What must not be overheard; and why a log, in which a value may stand, was not used."""
    return tuple(
        finding.said
        for finding in found.findings
        if finding.strict or (and_logs and finding.code.startswith("log-"))
    )


# What Keras writes, or TensorFlow for it; who has other files never met its `auto`.
_KERAS = ("keras", "weights.h5", "sharded weights", "h5", "tf-checkpoint", "savedmodel")


def keras2_auto(monitor: Monitor, columns: Iterable[Column]) -> list[Finding]:
    """That Keras 2 would have chosen the other direction by itself, where files are Keras's."""
    kinds = (column.place.folder.kind_of(name) for column in columns for name in column.names[:1])
    if keras2_direction(monitor.name) == monitor.mode or not any(
        kind.startswith(_KERAS) for kind in kinds
    ):
        return []
    other = "minimise" if monitor.mode == "max" else "maximise"
    said = f"Keras 2's own mode='auto' would {other} {monitor.name}; ckptsel does not"
    return [Finding("keras2-auto", said)]


def called_otherwise(found: Survey, name: str) -> Iterator[Finding]:
    """That a log has what names call so under another label: all of them print its `val_loss`."""
    for read in found.reads:
        label = read.joined.otherwise.get(canonical(name), "") if read.trusts_names else ""
        if label:
            column = next(
                each
                for row in read.joined.rows
                if row is not None
                for each in row.names
                if canonical(each) == label
            )
            said = f"names print its {column} as their {name}: that is meant, and no other column"
            yield Finding("monitor-alias", said, read.log.path)
            return  # of many runs it is the same


def count_valueless(found: Survey, columns: list[Column], name: str) -> list[Finding]:
    """Count the checkpoints that could not compete, in `found.passed_over`, and say why.

    Grave where the name holds another metric, or a value without a label, or a log has the monitor
    in other spellings, or lacks a row that was to be expected: then the best may be among them. A
    `last.ckpt` is no such thing.
    """
    competing = {id(column.place) for column in columns}
    others = [place.table for place in found.read if id(place) not in competing]
    nameless = sum(len(table.names) for table in others if has_unlabelled(table))
    partly = [column for column in columns if has_unlabelled(column.place.table)]
    spoken = [t for t in others if not has_unlabelled(t) and metrics_in(t)]
    otherwise = sum(len(table.names) for table in spoken)
    without = sum(len(table.names) for table in others) + len(found.unread) - nameless
    without += sum(column.absent for column in columns if column not in partly)
    nameless += sum(column.absent for column in partly)
    where = "in their names" + (" or logs" if found.logs else "")
    unusable = [*_not_finite(columns)]
    found.passed_over += Counter(
        {
            f"no {name} {looked_in(found)}": without,
            f"a value without a label, which may or may not be {name}": nameless,
            f"no finite {name}": len(unusable),
        }
    )
    of_all = f"of {found.seen} checkpoints"
    findings = []
    if without:
        said = f"{without} {of_all} have no {name} {where}"
        if metrics := sorted({metric for table in spoken for metric in metrics_in(table)}):
            said += f"; {otherwise} of these have {', '.join(metrics[:5])}"
        spelled = _spelled_twice(found, competing, name)
        if spelled:
            said += f"; the log of {spelled.run or '.'} has several that could be it"
        lost = [*unlogged(found, columns)]
        if lost:
            said += "; " + "; ".join(lost)
        is_grave = otherwise > 0 or spelled is not None or bool(lost)
        findings.append(Finding("missing-value", said, strict=is_grave))
    if nameless:
        said = f"{nameless} {of_all} have a value without a label, and do not compete with those"
        findings.append(Finding("unlabelled-value", f"{said} that say {name!r}", strict=True))
    if unusable:
        said = f"{len(unusable)} {of_all} have no finite {name}"
        findings.append(Finding("non-finite", said, unusable[0], strict=True))
    return findings


def _spelled_twice(found: Survey, competing: Collection[int], name: str) -> TableIn | None:
    """A table without a value whose logs have the monitor in more than one other spelling."""
    return next(
        (
            place
            for place in found.read
            if id(place) not in competing
            and any(canonical(label) == canonical(name) for label in place.logged)
        ),
        None,
    )


def looked_in(found: Survey) -> str:
    """Where a value was looked for."""
    return "in the name or a log" if found.logs else "in the name"


def _not_finite(columns: list[Column]) -> Iterator[str]:
    """The paths of the checkpoints whose printed value is NaN, infinite or no number."""
    for column in columns:
        if len(column.finite) == len(column.values):
            continue
        for row, (name, value) in enumerate(zip(column.names, column.values, strict=True)):
            if math.isfinite(value):
                continue
            # A zero that Lightning may have written is NaN here; that is said by itself.
            metric = column.metric(row)
            if metric is not None and not _is_zero(metric.text):
                yield column.place.folder.join(name)


def _is_zero(text: str) -> bool:
    return text.strip("-+0.% ") == "" and "0" in text
