"""The metrics inside the files themselves, where neither names nor logs have the monitor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.errors import CkptselError
from ckptsel.naming.vocabulary import canonical
from ckptsel.search.logs.measured import data_of
from ckptsel.search.logs.silent import silent_places, take_told
from ckptsel.search.places import Logged
from ckptsel.sources.keras_totals import KINDS, SOURCE, totals_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from ckptsel.search.logs.measured import Data
    from ckptsel.search.places import TableIn
    from ckptsel.search.survey import Survey
    from ckptsel.sources.keras_totals import Totals
    from ckptsel.sources.log import LogRow


def add_totals(found: Survey, monitors: Sequence[str] = ()) -> None:
    """Look into the files for metrics; what they say is in `found.read` then.

    A file does not tell which data its metrics are of: validation, if there was one. So its `loss`
    is the answer to `val_loss` and to `loss`, and that is a finding.

    Args:
        found: what the search found.
        monitors: what is looked for; nothing, where metrics are only to be shown.
    """
    read = [(place, _of_files(found, place)) for place in found.read]
    silent = [(place, _of_files(found, place)) for place in silent_places(found)]
    runs: dict[str, list[tuple[TableIn, list[Totals | None]]]] = {}
    for place, totals in (*read, *silent):
        runs.setdefault(place.run, []).append((place, totals))
    usable = {run: _usable(found, run, places) for run, places in runs.items()}
    data = {run: data_of(places) for run, places in runs.items()}
    found.read = [_with(place, totals, usable[place.run]) for place, totals in read]
    for place, totals in silent:
        take_told(found, _with(place, totals, usable[place.run]))
    taken = {column: monitor for monitor in monitors for column in _called(found, monitor, data)}
    if not monitors:
        taken = {name: name for metrics in usable.values() for name in metrics}
    is_doubtful = any(not data[run] and usable[run].keys() & taken.keys() for run in runs)
    if taken and (is_doubtful or not monitors):
        said = f"{', '.join(taken.values())}: read from inside the files, which keep what was"
        said += " computed last before the save: of validation, if that came before, else of"
        said += " training; and of other weights, if any were restored in between"
        found.findings.append(Finding("totals-assumed", said, strict=True))
    found.findings += _of_other_data(usable, taken)


def _of_files(found: Survey, place: TableIn) -> list[Totals | None]:
    """What each file of a table has; nothing of any, if neither the first nor the last has it.

    Those are Keras 3's. The first alone may have been saved before the training.
    """
    names, folder = place.table.names, place.folder
    totals: list[Totals | None] = [None] * len(names)
    unread: list[CkptselError] = []
    inside = [at for at, name in enumerate(names) if folder.kind_of(name) in KINDS]
    for count, at in enumerate((*inside[:1], *reversed(inside[1:])), 1):
        try:
            totals[at] = totals_of(folder.join(names[at]))
        except CkptselError as error:
            unread.append(error)
        if count - len(unread) == 2 and not any(totals):
            return []
    if not any(totals):
        return []
    if unread:
        files = "1 file" if len(unread) == 1 else f"{len(unread)} files"
        said = f"the metrics inside {files} cannot be read: {unread[0].message}"
        found.findings.append(Finding("totals-unread", said, place.run, strict=True))
    return totals


def _usable(
    found: Survey, run: str, places: Iterable[tuple[TableIn, list[Totals | None]]]
) -> dict[str, float]:
    """The metrics of a run that are all of the same number of samples, with that number.

    Else some are of a part of an epoch, or some of validation and others of training.
    """
    counts: dict[str, set[float]] = {}
    for one in filter(None, (each for _, totals in places for each in totals)):
        for name, count in one.samples.items():
            counts.setdefault(name, set()).add(count)
    unlike = [name for name, seen in counts.items() if len(seen) > 1]
    if unlike:
        seen = counts[unlike[0]]
        said = f"the metrics inside the files ({', '.join(unlike)}) are means of {min(seen):g} to"
        said += f" {max(seen):g} samples: some were saved within an epoch, or some after a"
        said += " validation and others not. They were not used"
        found.findings.append(Finding("totals-unlike", said, run, strict=True))
    return {name: min(seen) for name, seen in counts.items() if len(seen) == 1}


def _of_other_data(
    usable: Mapping[str, Mapping[str, float]], taken: Iterable[str]
) -> Iterator[Finding]:
    """That runs are compared by means of different numbers of samples."""
    for name in taken:
        runs = {metrics[name]: run for run, metrics in usable.items() if name in metrics}
        if len(runs) > 1:
            (one, first), (other, second), *_ = sorted(runs.items())
            said = f"the {name} inside the files is of {one:g} samples in {first!r}, and of"
            said += f" {other:g} in {second!r}: of other data, as of training and of validation"
            yield Finding("totals-unlike", said, strict=True)
            return


def _with(place: TableIn, totals: list[Totals | None], usable: Collection[str]) -> TableIn:
    """A table with the usable metrics of its files."""
    rows = [_only(one.row, usable) if one else None for one in totals]
    names = {name: name for row in rows if row for name in row.names}
    if not names:
        return place
    return place._replace(logs=(*place.logs, Logged(SOURCE, rows, names)))


def _only(row: LogRow, usable: Collection[str]) -> LogRow:
    kept = [at for at, name in enumerate(row.names) if name in usable]
    names = tuple(row.names[at] for at in kept)
    return row._replace(names=names, texts=[row.texts[at] for at in kept], places=names)


def _without(log: Logged, column: str) -> Logged:
    left = {name: label for name, label in log.labels.items() if name != column}
    return log._replace(rows=[row and _only(row, left) for row in log.rows], labels=left)


def _called(found: Survey, monitor: str, data: Mapping[str, Data]) -> set[str]:
    """Call the metric in the files as the monitor is called, where it can only be this one.

    Returns:
        What the files call it.
    """
    wanted = canonical(monitor)
    taken: set[str] = set()
    for at, place in enumerate(found.read):
        logs = []
        for log in place.logs:
            names = {c: (canonical(c), canonical(f"val_{c}")) for c in log.labels}
            alike = [column for column, each in names.items() if wanted in each]
            if log.source == SOURCE and len(alike) == 1:
                of = data[place.run]
                if of and wanted != names[alike[0]][of == "validation"]:
                    said = f"the {alike[0]} inside the files is of {of}, as the names or a log show"
                    said += f": it was not used for {monitor}"
                    found.findings.append(Finding("totals-unlike", said, place.run, strict=True))
                    log = _without(log, alike[0])  # noqa: PLW2901
                else:
                    taken |= {*alike}
                    log = log._replace(labels={**log.labels, alike[0]: monitor})  # noqa: PLW2901
            logs.append(log)
        found.read[at] = place._replace(logs=tuple(logs))
    return taken
