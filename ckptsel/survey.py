"""What a search finds, before anything is ranked: checkpoints, and what their names say."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ckptsel import storage
from ckptsel.checkpoint import Checkpoint, Finding, Metric
from ckptsel.errors import NothingFoundError, PatternMismatchError
from ckptsel.grouping import run_of
from ckptsel.naming.pattern import Pattern
from ckptsel.naming.read import Reader, Table
from ckptsel.scan import Scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ckptsel.grouping import Folder
    from ckptsel.naming.form import Reading
    from ckptsel.query import Query


_NOTHING_HINT = "look in another folder; or --pattern, for names with an unusual suffix"


@dataclass(frozen=True, slots=True)
class Read:
    """Names of one folder that one pattern reads."""

    folder: Folder
    table: Table


@dataclass(frozen=True, slots=True)
class Unread:
    """A checkpoint whose name says nothing, or too much."""

    folder: Folder
    name: str
    reading: Reading


@dataclass(slots=True)
class Survey:
    """What a search found.

    Attributes:
        read: the names that were read, by folder and pattern.
        unread: those that were not.
        learned: whether the patterns were learned from the names.
        findings: what was noticed.
        passed_over: reason → how many entries were no candidates.
    """

    read: list[Read] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    learned: bool = False
    findings: list[Finding] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)

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
            counts[read.table.pattern.text] += len(read.table.names)
        return tuple(counts.most_common())

    def existing(self, checkpoints: Iterable[Checkpoint]) -> list[Checkpoint]:
        """The checkpoints with size and age; links to one that came before are counted once."""
        found: dict[tuple[int, int], Checkpoint] = {}
        for checkpoint in checkpoints:
            try:
                stats = [storage.stat(file) for file in checkpoint.files]
            except OSError as error:
                said = f"cannot be read: {error.strerror}"
                self.findings.append(Finding("vanished", said, checkpoint.path, strict=True))
                continue
            if stats[0].identity in found:
                self.passed_over["a link to a checkpoint already counted"] += 1
                continue
            found[stats[0].identity] = checkpoint.with_stat(
                sum(stat.size_bytes for stat in stats), max(stat.modified for stat in stats)
            )
        return [*found.values()]


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
    if not given:
        # A given pattern says itself which folders belong to the names.
        from ckptsel.nesting import nest  # noqa: PLC0415

        nest(folders)
    found = Survey(learned=not given, findings=scan.findings, passed_over=scan.passed_over)
    reader = Reader(given)
    late: list[tuple[Folder, dict[str, Reading]]] = []
    for folder in folders:
        names = folder.names + folder.weak + (folder.others if given else [])
        if not names:
            continue
        path = os.path.abspath(folder.path) if given else folder.path
        tables, unread = reader.read(path, names)
        found.read += [Read(folder, table) for table in tables]
        if unread:
            late.append((folder, unread))
    if late and not given:
        found.read += _read_late(reader, late)
    for folder, unread in late:
        _sort_out(found, folder, unread)
    _say_ambiguous(found)
    if not found.seen:
        raise NothingFoundError(_nothing(query, scan), hint=_NOTHING_HINT)
    if given and not found.read:
        _refuse(given, found.unread)
    return found


def _read_late(reader: Reader, late: list[tuple[Folder, dict[str, Reading]]]) -> list[Read]:
    """Read what stood alone in its folder: by patterns of other folders, or all together."""
    read = [Read(folder, t) for folder, unread in late for t in reader.apply(folder.path, unread)]
    together = {name: why for _, unread in late for name, why in unread.items()}
    reader.learn("", together, alone=True)
    for folder, unread in late:
        read += [Read(folder, table) for table in reader.apply(folder.path, unread)]
        for name in unread:
            if together.get(name, unread[name]).status == "ambiguous":
                unread[name] = together[name]
    return read


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
        count = "1 name has" if len(ones) == 1 else f"{len(ones)} names have"
        said = f"{count} more than one reading, and does not compete: {ones[0].name!r}: {why}"
        path = ones[0].folder.join(ones[0].name)
        found.findings.append(Finding("ambiguous-name", said, path, strict=True))


def checkpoint_of(read: Read, row: int) -> Checkpoint:
    """The checkpoint behind one name that was read."""
    return _checkpoint(
        read.folder, read.table.names[row], read.table.metrics(row), read.table.pattern.text,
        levels=read.table.form.depth,
    )  # fmt: skip


def bare_checkpoint(unread: Unread) -> Checkpoint:
    """The checkpoint behind a name that was not read."""
    return _checkpoint(unread.folder, unread.name, (), "")


def _checkpoint(
    folder: Folder, name: str, metrics: tuple[Metric, ...], pattern: str, *, levels: int = 0
) -> Checkpoint:
    levels = max(0, levels - name.count("/"))
    return Checkpoint(
        path=folder.join(name),
        files=folder.files_of(name),
        kind=folder.kind_of(name),
        run=run_of(folder.path, folder.root, levels=levels),
        metrics=metrics,
        pattern=pattern,
    )


def _nothing(query: Query, scan: Scan) -> str:
    where = ", ".join(map(repr, query.locations)) if query.files is None else "the listed files"
    what = f"{scan.seen} entries, none of them a checkpoint" if scan.seen else "it is empty"
    return f"no checkpoint in {where}: {what}"


def _refuse(given: tuple[Pattern, ...], unread: list[Unread]) -> None:
    """Say where the nearest name and the pattern part.

    Raises:
        PatternMismatchError: always.
    """
    if any(one.reading.status == "ambiguous" for one in unread):
        nearest = next(one for one in unread if one.reading.status == "ambiguous")
        raise PatternMismatchError(
            f"every name that fits {given[0].text!r} has more than one reading, such as"
            f" {nearest.name!r}: {dict(nearest.reading.values)} or {dict(nearest.reading.other)}",
            hint="separate the fields, or give their number formats",
        )
    nearest = max(unread, key=lambda one: one.reading.furthest)
    text = nearest.name
    depth = max(pattern.forms[0].depth for pattern in given)
    hint = "compare the pattern with the name, from the caret on"
    if depth:
        inner = given[0].text.rpartition("/")[2]
        text = "/".join(os.path.abspath(nearest.folder.join(text)).split("/")[-depth - 1 :])
        if any(Pattern(inner).parse(one.name).status == "ok" for one in unread):
            hint = f"the folders do not match, but the names do: --pattern {inner!r}"
    caret = " " * nearest.reading.furthest + "^"
    raise PatternMismatchError(
        f"no name matches the pattern {given[0].text!r}; the nearest is",
        hint=hint,
        details=("".join(c if c.isprintable() else "?" for c in text), caret),
    )
