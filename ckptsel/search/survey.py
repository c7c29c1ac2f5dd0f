"""What a search finds, before anything is ranked: checkpoints, and what their names say."""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ckptsel import storage
from ckptsel.checkpoint import Checkpoint, Finding, Log
from ckptsel.naming.form import Reading
from ckptsel.naming.pattern import Pattern
from ckptsel.naming.read import Reader, Table
from ckptsel.search.mismatch import Unread, mismatch, nothing_found
from ckptsel.search.places import TableIn
from ckptsel.search.scan import Scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ckptsel.search.grouping import Folder
    from ckptsel.search.logs.files import Doubt
    from ckptsel.search.logs.read import LogRead
    from ckptsel.search.query import Query


@dataclass(slots=True, eq=False, repr=False)
class Survey:
    """What a search found.

    Attributes:
        read: the names that were read, by folder and pattern.
        unread: those that were not.
        learned: whether the patterns were learned from the names.
        findings: what was noticed.
        passed_over: reason → how many entries were no candidates.
        folders: all folders that were searched.
        logs: the logs that were read.
        reads: of these, the ones that were joined, and how they are gone through again.
        doubted: what logs say of files that may be others by now.
        looked_at: path → the checkpoint with size and age; None for one that does not count.
    """

    read: list[TableIn] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    learned: bool = False
    findings: list[Finding] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)
    folders: list[Folder] = field(default_factory=list)
    logs: list[Log] = field(default_factory=list)
    reads: list[LogRead] = field(default_factory=list)
    doubted: list[Doubt] = field(default_factory=list)
    looked_at: dict[str, Checkpoint | None] = field(default_factory=dict)
    _identities: dict[tuple[int, int], Checkpoint] = field(default_factory=dict)

    @property
    def tables(self) -> list[Table]:
        """The tables alone."""
        return [read.table for read in self.read]

    @property
    def seen(self) -> int:
        """How many checkpoints there are."""
        return sum(len(read.table.names) for read in self.read) + len(self.unread)

    @property
    def patterns(self) -> tuple[tuple[str, int], ...]:
        """Each pattern's text, and how many names it reads; the most first."""
        counts: Counter[str] = Counter()
        for read in self.read:
            # Names that only a log tells about are read by no pattern.
            if read.table.pattern.text:
                counts[read.table.pattern.text] += len(read.table.names)
        return tuple(counts.most_common())

    def existing(self, checkpoints: Iterable[Checkpoint]) -> list[Checkpoint]:
        """The checkpoints with size and age; links to one that came before are counted once."""
        found: dict[str, Checkpoint] = {}
        for checkpoint in checkpoints:
            path = checkpoint.path
            if path not in self.looked_at:
                self.looked_at[path] = self._look_at(checkpoint)
            if (one := self.looked_at[path]) is not None:
                found[path] = one
        return [*found.values()]

    def forget(self) -> None:
        """Look at all checkpoints anew: what logs say of them has changed."""
        self.looked_at.clear()
        self._identities.clear()

    def _look_at(self, checkpoint: Checkpoint) -> Checkpoint | None:
        try:
            stats = [storage.stat(file) for file in checkpoint.files]
        except OSError as error:
            said = f"cannot be read: {error.strerror}"
            self.findings.append(Finding("vanished", said, checkpoint.path, strict=True))
            return None
        if (first := self._identities.get(stats[0].identity)) is not None:
            self.passed_over["a link to a checkpoint already counted"] += 1
            values = [{m.name: m.value for m in c.metrics} for c in (first, checkpoint)]
            if all(values) and values[0] != values[1]:
                said = f"the same file as {first.name!r}, under a name with other values"
                self.findings.append(Finding("two-names", said, checkpoint.path, strict=True))
            return None
        self._identities[stats[0].identity] = checkpoint
        return checkpoint.with_stat(
            sum(stat.size_bytes for stat in stats), max(stat.modified for stat in stats)
        )


def survey(query: Query, progress: Callable[[int], None] | None = None) -> Survey:
    """Search the locations and read the names.

    Raises:
        PatternError: for a malformed pattern.
        LocationNotFoundError: if a location does not exist.
        NothingFoundError: if there is no checkpoint, or none that a given pattern matches.
    """
    given = tuple(map(Pattern, query.patterns))
    scan = Scan(query.max_depth, query.include, query.exclude, progress)
    walk = scan.folders(query.locations) if query.files is None else scan.files(query.files)
    folders = list(walk)
    if not given and len(folders) > 1:
        # A given pattern says itself which folders belong to the names.
        from ckptsel.search.nesting import nest  # noqa: PLC0415

        nest(folders)
    found = Survey(
        learned=not given, findings=scan.findings, passed_over=scan.passed_over, folders=folders
    )
    reader = Reader(given)
    late: list[tuple[Folder, dict[str, Reading]]] = []
    for folder in folders:
        names = folder.names + folder.weak + (folder.others if given else [])
        if not names:
            continue
        path = os.path.abspath(folder.path) if given else folder.path
        tables, unread = reader.read(path, names)
        found.read += [TableIn(folder, table) for table in tables]
        if unread:
            late.append((folder, unread))
    if not given:
        found.read += _read_late(reader, late)
        found.read = [new for place in found.read for new in _read_again(reader, place)]
    for folder, unread in late:
        _sort_out(found, folder, unread)
    _say_ambiguous(found)
    if given:
        _say_unmatched(found)
        _say_read_twice(given, found)
    if given and late and not found.read:
        raise mismatch(
            given, [Unread(f, name, r) for f, names in late for name, r in names.items()]
        )
    if not found.seen:
        raise nothing_found(query, scan)
    return found


def _read_late(reader: Reader, late: list[tuple[Folder, dict[str, Reading]]]) -> list[TableIn]:
    """Read what stood alone in its folder: by patterns of other folders, or all together."""
    read = [
        TableIn(folder, t) for folder, unread in late for t in reader.apply(folder.path, unread)
    ]
    together = {name: why for _, unread in late for name, why in unread.items()}
    reader.learn("", together, alone=True)
    for folder, unread in late:
        read += [TableIn(folder, table) for table in reader.apply(folder.path, unread)]
        for name in unread:
            if together.get(name, unread[name]).status == "ambiguous":
                unread[name] = together[name]
    return read


def _read_again(reader: Reader, place: TableIn) -> list[TableIn]:
    """Read names without a metric by another folder's pattern, if that finds one in all of them.

    Where all names of a folder have the same `0.50`, it looks like a part of the name; beside a
    folder with others, it is the value that these are to be compared with.
    """
    if holds_metric(place.table):
        return [place]
    for pattern in reader.learned:
        unread = dict.fromkeys(place.table.names, Reading("no-match"))
        tables = Reader((pattern,)).apply(place.folder.path, unread)
        if not unread and all(map(holds_metric, tables)):
            return [TableIn(place.folder, table) for table in tables]
    return [place]


def holds_metric(table: Table) -> bool:
    """Whether the names of a table hold any metric, labelled or not."""
    return any(metric.role == "metric" for metric in table.metrics(0))


def _sort_out(found: Survey, folder: Folder, unread: dict[str, Reading]) -> None:
    """Unread names with a checkpoint's suffix are checkpoints still; others are passed over."""
    for name, reading in unread.items():
        if name in folder.weak or name in folder.others:
            found.passed_over["no checkpoint by its suffix, and no value in the name"] += 1
            continue
        found.unread.append(Unread(folder, name, reading))


def _say_ambiguous(found: Survey) -> None:
    """One finding for each way in which names are ambiguous, with an example."""
    names: dict[str, list[Unread]] = {}
    for one in found.unread:
        if one.reading.status == "ambiguous":
            names.setdefault(one.reading.reason, []).append(one)
    for reason, ones in names.items():
        first = ones[0].reading
        why = reason or f"{dict(first.values)} or {dict(first.other)}"
        said = (
            "1 name has more than one reading, and does not compete"
            if len(ones) == 1
            else f"{len(ones)} names have more than one reading, and do not compete"
        )
        said += f": {ones[0].name!r}: {why}"
        path = ones[0].folder.join(ones[0].name)
        found.findings.append(Finding("ambiguous-name", said, path, strict=True))


def _say_unmatched(found: Survey) -> None:
    """Say how many checkpoints the given patterns pass over; grave where a value may be lost."""
    unmatched = [one for one in found.unread if one.reading.status == "no-match"]
    if not unmatched or not found.read:
        return
    # `last.ckpt` holds no number that could be a value.
    doubtful = [one for one in unmatched if re.search(r"\d", _stem(one.name))]
    example = (doubtful or unmatched)[0]
    said = f"{len(unmatched)} of {found.seen} names do not match the pattern, such as"
    said += f" {example.name!r}"
    if doubtful and example.reading.furthest:
        said += f" from {example.name[example.reading.furthest :]!r} on"
    path = example.folder.join(example.name)
    found.findings.append(Finding("no-match", said, path, strict=bool(doubtful)))


def _say_read_twice(given: tuple[Pattern, ...], found: Survey) -> None:
    """Say that another of the given patterns reads other values; the first one counts."""
    for place in found.read:
        name, pattern = place.table.names[0], place.table.pattern
        path = place.folder.join(name)
        values = dict(place.table.reading(0).values)
        for other in given:
            reading = other.parse(os.path.abspath(path))
            if other is not pattern and reading.status == "ok" and reading.values != values:
                said = f"{pattern.text!r} reads {values}, and {other.text!r} {dict(reading.values)}"
                found.findings.append(Finding("read-twice", said, path, strict=True))
                return


def _stem(name: str) -> str:
    """A name without its last suffixes, whose digits (`.h5`) say nothing."""
    return re.sub(r"(\.[A-Za-z]\w*)+$", "", os.path.basename(name))
