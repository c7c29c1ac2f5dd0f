"""Puts a new checkpoint in its place: made, read back, recorded, and then seen at once."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.errors import DestinationError
from ckptsel.record import RECORD_SUFFIX
from ckptsel.transfer import checks
from ckptsel.transfer.at_once import at_once
from ckptsel.transfer.atomic import Staging
from ckptsel.transfer.disk import left_behind, remove, sync_folder, temporary_name, write_file
from ckptsel.transfer.failures import writing
from ckptsel.transfer.record import encode, head, is_record, now
from ckptsel.transfer.state import plan_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Produced:
    """A checkpoint that was made.

    Attributes:
        dest: what a loader takes: the file, the folder, or the TensorFlow prefix.
        files: name, seen from the folder that holds it, and size in bytes of each of its files.
        record: the path of the record beside it, "" if there is none.
        state_file: the path of TensorFlow's state file, "" if none was written for it.
        findings: what there is to say about it.
    """

    dest: str
    files: tuple[tuple[str, int], ...]
    record: str = ""
    state_file: str = ""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """See `Placed`."""

    dest: str
    files: tuple[tuple[str, str], ...]
    is_tensorflow: bool

    @property
    def folder(self) -> str:
        return os.path.dirname(self.dest)


def check_destination(
    dest: str, sources: Sequence[str], size_bytes: int, *, force: bool, is_prefix: bool = False
) -> tuple[Finding, ...]:
    """What must hold before anything is made; a look at the disk, nothing is written.

    Args:
        dest: the new path.
        sources: the files that are read, none of which may be written.
        size_bytes: about how large it will be.
        force: whether what is there is replaced.
        is_prefix: whether `dest` is a TensorFlow prefix, not itself a file.

    Returns:
        What `produce` will say of it.

    Raises:
        CopyError: if a source is gone.
        DestinationError: if the destination exists, cannot be written, or has no room.
    """
    name = os.path.basename(dest)
    if not name or "\0" in dest or name in (os.curdir, os.pardir):
        raise DestinationError(f"{dest!r} is no path of a file", hint="give a file")
    folder = os.path.dirname(dest)
    if folder and not os.path.isdir(folder):
        raise DestinationError(f"{folder!r} is no folder that exists", hint="create it first")
    unrecorded = _unrecorded(dest)
    targets = [dest + ".index" if is_prefix else dest]
    is_there = any(map(os.path.lexists, targets))
    labels = [] if unrecorded else [dest + RECORD_SUFFIX]
    checks.check_apart(sources, [*targets, *labels])
    for target in targets:
        is_folder = os.path.isdir(target) and not os.path.islink(target)
        checks.check_free(target, is_folder=is_folder, force=force)
    for label in labels:
        orphan = not is_there and is_record(label)
        checks.check_free(label, is_folder=False, force=force or orphan)
    checks.check_folder(folder, [*targets, *labels], size_bytes)
    return unrecorded


def _unrecorded(dest: str) -> tuple[Finding, ...]:
    """What is said where the record's name would be longer than names can be."""
    folder, name = os.path.split(dest + RECORD_SUFFIX)
    if len(os.fsencode(name)) <= checks.longest_name_bytes(folder):
        return ()
    message = "its name is so long that no record can be written beside it"
    return (Finding("no-record", message, dest, strict=True),)


def produce(
    dest: str,
    make: Callable[[str], None],
    *,
    command: str,
    told: Callable[[str], Mapping[str, object]],
    force: bool = False,
    is_prefix: bool = False,
    check: Callable[[str], None] | None = None,
) -> Produced:
    """Make a checkpoint in a folder of its own, look at it, and put it in place as a whole.

    However this ends, nothing half made stands at the destination, and what stood there stays
    until the new one is whole. `check_destination` comes first.

    Args:
        dest: the new path.
        make: is given a path with the destination's own name in an empty folder, and writes
            there: that file or folder, or files whose names begin with it, or shards beside it.
        command: the record's.
        told: is given the record's folder; what the record says beyond the files.
        force: whether what is there is replaced.
        is_prefix: whether `dest` is a TensorFlow prefix, not itself a file.
        check: is given the path that `make` was given; raises if what was made is not right.

    Raises:
        DestinationError: if the destination exists, cannot be written, or has no room.
    """
    folder, name = os.path.split(dest)
    work = temporary_name(dest)
    with writing(dest):
        os.mkdir(work)
    try:
        made = os.path.join(work, name)
        make(made)

        def sync() -> None:
            with writing(dest):
                _sync(work)

        at_once(lambda: check(made) if check else None, sync)
        found = _place(dest, work, command, told(folder), force=force, is_prefix=is_prefix)
    finally:
        remove(work)
    return replace(found, findings=(*found.findings, *_left_behind(dest)))


def _sync(path: str) -> None:
    """Bring all that was written down to the disk."""
    for above, _, names in os.walk(path, topdown=False):
        for name in names:
            number = os.open(os.path.join(above, name), os.O_RDONLY)
            try:
                os.fsync(number)
            finally:
                os.close(number)
        sync_folder(above)


def _place(
    dest: str,
    work: str,
    command: str,
    told: Mapping[str, object],
    *,
    force: bool,
    is_prefix: bool,
) -> Produced:
    folder, name = os.path.split(dest)
    # What makes the others count comes last: the file itself, or the index of a prefix.
    names = sorted(os.listdir(work), key=lambda each: (each in (name, name + ".index"), each))
    pairs = tuple((os.path.join(work, each), os.path.join(folder, each)) for each in names)
    place = _Place(dest, pairs, is_prefix)
    files = tuple(_sizes(work))
    old = checks.leftovers(place)
    is_there = any(os.path.lexists(target) for _, target in pairs)
    for source, target in pairs:
        checks.check_free(target, is_folder=os.path.isdir(source), force=force)
    for target in old:
        checks.check_free(target, is_folder=False, force=force)
    findings = _unrecorded(dest)
    path = "" if findings else dest + RECORD_SUFFIX
    states, unnamed = plan_state([place], force=force)
    with Staging(force=force) as staging:
        orphan = bool(path) and not is_there and is_record(path)
        temporaries = staging.stage([target for _, target in pairs], without=old)
        records = staging.stage([path] if path else [], force=orphan, labels=True)
        for (source, target), temporary in zip(pairs, temporaries, strict=True):
            with writing(target):
                os.rename(source, temporary)
        for temporary in records:
            listed = [(each, size_bytes, None) for each, size_bytes in files]
            record = {**head(command, listed), **told, f"{_PAST[command]}_at": now()}
            write_file(temporary, encode(record), target=path)
        for state, content in states.items():
            (temporary,) = staging.stage([state])
            write_file(temporary, content, target=state)
        staging.commit()
    return Produced(dest, files, path, next(iter(states), ""), (*findings, *unnamed))


def _left_behind(dest: str) -> Iterator[Finding]:
    """What a kill left beside it earlier is as large as a checkpoint, and nobody else tells."""
    folder = os.path.dirname(dest)
    # `ls` does not show them.
    names = left_behind(folder)
    if names:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        message = (
            f"{os.path.join(folder, names[0])!r}{more} is left of a write that was killed, or"
            " still goes on: remove it, or rename what has `old` in its name"
        )
        yield Finding("left-behind", message, dest)


_PAST = {"export": "exported", "average": "averaged"}


def _sizes(work: str) -> Iterator[tuple[str, int]]:
    for above, folders, names in os.walk(work):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(above, name)
            yield os.path.relpath(path, work), os.path.getsize(path)
