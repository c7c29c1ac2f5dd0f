"""One metric, spelled otherwise by the logs of several runs: `val_loss` here, `val/loss` there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.naming.vocabulary import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from ckptsel.search.places import Logged, TableIn
    from ckptsel.search.survey import Survey


def one_spelling(found: Survey, names: Iterable[str]) -> None:
    """Call a monitor in all logs as it is asked for, where they spell it differently.

    Otherwise the runs whose log has another spelling would drop out. What is spelled in one way
    only, or in two within one log, or as the names beside it, stays as it is.
    """
    spellings = {label for place in found.read for label in place.logged}
    for name in names:
        alike = {label for label in spellings if canonical(label) == canonical(name)}
        if len(alike) < 2:
            continue
        found.read = [_renamed(place, alike, name) for place in found.read]
        listed = ", ".join(map(repr, sorted(alike - {name})))
        said = f"{name} is read from {listed} in some of the logs"
        found.findings.append(Finding("monitor-alias", said))


def _renamed(place: TableIn, alike: AbstractSet[str], name: str) -> TableIn:
    return place._replace(logs=tuple(_called(log, place, alike, name) for log in place.logs))


def _called(log: Logged, place: TableIn, alike: AbstractSet[str], name: str) -> Logged:
    here = alike & {*log.labels.values()}
    if len(here) != 1 or name in here or any(map(place.in_names, here)):
        return log
    labels = {column: name if label in here else label for column, label in log.labels.items()}
    return log._replace(labels=labels)
