"""The metrics inside the files themselves, where neither names nor logs have the monitor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.errors import CkptselError
from ckptsel.naming.vocabulary import canonical
from ckptsel.search.logs.silent import silent_places, take_told
from ckptsel.search.places import Logged
from ckptsel.sources.keras_totals import KINDS, SOURCE, totals_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckptsel.search.places import TableIn
    from ckptsel.search.survey import Survey
    from ckptsel.sources.keras_totals import Totals
    from ckptsel.sources.log import LogRow


def add_totals(found: Survey, monitors: Iterable[str] = ()) -> None:
    """Look into the files for metrics; what they say is in `found.read` then.

    A file does not tell which data its metrics are of: validation, if there was one. So its `loss`
    is the answer to `val_loss` and to `loss`, and that is a finding.

    Args:
        found: what the search found.
        monitors: what is looked for.
    """
    read = {id(place): _of_files(found, place) for place in found.read}
    silent = [(place, _of_files(found, place)) for place in silent_places(found)]
    runs: dict[str, list[Totals]] = {}
    for place, totals in [*((place, read[id(place)]) for place in found.read), *silent]:
        runs.setdefault(place.run, []).extend(one for one in totals if one)
    usable = {run: _usable(found, run, totals) for run, totals in runs.items()}
    found.read = [_with(place, read[id(place)], usable[place.run]) for place in found.read]
    for place, totals in silent:
        take_told(found, _with(place, totals, usable[place.run]))
    for monitor in monitors:
        _call(found, monitor)


def _of_files(found: Survey, place: TableIn) -> list[Totals | None]:
    """What each file of a table has; nothing of any, if the first has nothing: it is Keras 3's."""
    totals: list[Totals | None] = []
    unread: list[CkptselError] = []
    for name in place.table.names:
        one = None
        if place.folder.kind_of(name) in KINDS:
            try:
                one = totals_of(place.folder.join(name))
            except CkptselError as error:
                unread.append(error)
            else:
                if one is None and not any(totals):
                    return []
        totals.append(one)
    if not any(totals):
        return []
    if unread:
        files = "1 file" if len(unread) == 1 else f"{len(unread)} files"
        said = f"the metrics inside {files} cannot be read: {unread[0].message}"
        found.findings.append(Finding("totals-unread", said, place.run, strict=True))
    return totals


def _usable(found: Survey, run: str, totals: Iterable[Totals]) -> set[str]:
    """The metrics of a run that are all of the same number of samples.

    Else some are of a part of an epoch, or some of validation and others of training.
    """
    counts: dict[str, set[float]] = {}
    for one in totals:
        for name, count in one.samples.items():
            counts.setdefault(name, set()).add(count)
    unlike = [name for name, seen in counts.items() if len(seen) > 1]
    if unlike:
        seen = counts[unlike[0]]
        said = f"the metrics inside the files ({', '.join(unlike)}) are means of {min(seen):g} to"
        said += f" {max(seen):g} samples: some were saved within an epoch, or some after a"
        said += " validation and others not. They were not used"
        found.findings.append(Finding("totals-unlike", said, run, strict=True))
    return counts.keys() - unlike


def _with(place: TableIn, totals: list[Totals | None], usable: set[str]) -> TableIn:
    """A table with the usable metrics of its files."""
    rows = [_only(one.row, usable) if one else None for one in totals]
    names = {name: name for row in rows if row for name in row.names}
    if not names:
        return place
    return place._replace(logs=(*place.logs, Logged(SOURCE, rows, names)))


def _only(row: LogRow, usable: set[str]) -> LogRow:
    kept = [at for at, name in enumerate(row.names) if name in usable]
    names = tuple(row.names[at] for at in kept)
    return row._replace(names=names, texts=[row.texts[at] for at in kept], places=names)


def _call(found: Survey, monitor: str) -> None:
    """Call the metric in the files as the monitor is called, where it can only be this one."""
    wanted = canonical(monitor)
    taken: set[str] = set()
    for at, place in enumerate(found.read):
        logs = []
        for log in place.logs:
            alike = [c for c in log.labels if wanted in (canonical(c), canonical(f"val_{c}"))]
            if log.source == SOURCE and len(alike) == 1:
                taken |= {*alike}
                log = log._replace(labels={**log.labels, alike[0]: monitor})  # noqa: PLW2901
            logs.append(log)
        found.read[at] = place._replace(logs=tuple(logs))
    if taken:
        said = f"{monitor} is read from inside the files, which keep the {' or '.join(taken)} that"
        said += " was computed last before the save: of validation, if that came before, else of"
        said += " training"
        found.findings.append(Finding("totals-assumed", said, strict=True))
