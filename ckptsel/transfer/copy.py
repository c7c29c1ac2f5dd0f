"""Copies the best checkpoint, byte for byte and as one, with a record of why it was the one."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.record import RECORD_SUFFIX
from ckptsel.transfer import checks
from ckptsel.transfer.atomic import Staging
from ckptsel.transfer.disk import sync_folder, write_file
from ckptsel.transfer.failures import writing
from ckptsel.transfer.plan import CopyPlan, plan_copy
from ckptsel.transfer.record import encode, is_record, record
from ckptsel.transfer.source import Part, changed, copy_file, list_parts
from ckptsel.transfer.state import plan_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ckptsel.checkpoint import Ranking

__all__ = ["Copied", "CopiedFile", "CopyPlan", "copy", "plan_copy"]


@dataclass(frozen=True, slots=True)
class CopiedFile:
    """One file of a copy.

    Attributes:
        name: its path, seen from the folder that holds the copy.
        size_bytes: its size.
        sha256: its hash in hex, if it was asked for.
    """

    name: str
    size_bytes: int
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Copied:
    """One checkpoint that was copied, or would be.

    Attributes:
        dest: what a loader takes: the file, the folder, or the TensorFlow prefix.
        source: the path of the checkpoint.
        files: all of its files; with the state file, where TensorFlow needs one.
        record: the path of the record beside it, "" if there is none.
        state_file: the path of TensorFlow's state file, "" if none was written for it.
        findings: what there is to say about it.
    """

    dest: str
    source: str
    files: tuple[CopiedFile, ...]
    record: str
    state_file: str = ""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class _Job:
    """A plan, and what a look at the disk adds to it.

    Attributes:
        plan: the plan.
        parts: what each of its files consists of.
        record: the record's path, "" if its name would be too long.
        orphan: whether a record without its checkpoint stands at the record's path.
        leftovers: what has to go from the destination.
        findings: the plan's and its own.
    """

    plan: CopyPlan
    parts: tuple[tuple[Part, ...], ...]
    record: str
    orphan: bool
    leftovers: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def targets(self) -> list[str]:
        return [*(target for _, target in self.plan.files), *filter(None, [self.record])]


def copy(
    ranking: Ranking,
    dest: str,
    *,
    top: int | None = None,
    force: bool = False,
    sha256: bool = False,
    dry_run: bool = False,
    on_bytes: Callable[[int], None] | None = None,
) -> tuple[Copied, ...]:
    """Copy the best checkpoint, or the N best: all of it, or nothing.

    Args:
        ranking: the checkpoints, best first.
        dest: the new path, or a folder (see `plan_copy`).
        top: how many, into a folder; None for the best one alone.
        force: replace what is there.
        sha256: hash each file, for the record.
        dry_run: check everything, and write nothing.
        on_bytes: called with the number of bytes after each chunk of a file.

    Raises:
        CopyError: if a source is gone, unreadable, or changed meanwhile.
        DestinationError: if the destination exists, cannot be written, or has no room.
        NothingFoundError: if nothing is ranked.
        UsageError: if `top` is less than 1.
    """
    plans = plan_copy(ranking, dest, top=top)
    jobs = [_prepare(plan) for plan in plans]
    _check(jobs, force=force)
    states, findings = plan_state(plans, force=force)
    if dry_run:
        copies = [_described(job, {}) for job in jobs]
    else:
        with Staging(force=force) as staging:
            copies = [
                _copy_one(job, ranking, staging, sha256=sha256, on_bytes=on_bytes) for job in jobs
            ]
            for path, content in states.items():
                (temporary,) = staging.stage([path])
                write_file(temporary, content, target=path)
            staging.commit()
    _add_states(copies, plans, states, sha256=sha256 and not dry_run)
    copies[0] = replace(copies[0], findings=(*copies[0].findings, *findings))
    return tuple(copies)


def _prepare(plan: CopyPlan) -> _Job:
    parts = tuple(list_parts(source) for source, _ in plan.files)
    path, findings = plan.dest + RECORD_SUFFIX, plan.findings
    if len(os.fsencode(os.path.basename(path))) > checks.longest_name_bytes(plan.folder):
        message = "its name is so long that no record can be written beside it"
        findings = (*findings, Finding("no-record", message, plan.dest, strict=True))
        path = ""
    is_there = any(os.path.lexists(target) for _, target in plan.files)
    # It stays where a copy is killed between two renames, or where only the copy is deleted.
    orphan = bool(path) and not is_there and is_record(path)
    return _Job(plan, parts, path, orphan, checks.leftovers(plan), findings)


def _check(jobs: list[_Job], *, force: bool) -> None:
    sources = [source for job in jobs for source, _ in job.plan.files]
    checks.check_apart(sources, [t for job in jobs for t in (*job.targets, *job.leftovers)])
    needed = sum(part.size_bytes for job in jobs for parts in job.parts for part in parts)
    for job in jobs:
        for (_, target), parts in zip(job.plan.files, job.parts, strict=True):
            checks.check_free(target, is_folder=parts[0].is_folder, force=force)
        for target in job.leftovers:
            checks.check_free(target, is_folder=False, force=force)
        if job.record:
            checks.check_free(job.record, is_folder=False, force=force or job.orphan)
        checks.check_folder(job.plan.folder, job.targets, needed)


def _copy_one(
    job: _Job,
    ranking: Ranking,
    staging: Staging,
    *,
    sha256: bool,
    on_bytes: Callable[[int], None] | None,
) -> Copied:
    plan = job.plan
    staging.make_folder(plan.folder)
    temporaries = staging.stage([target for _, target in plan.files], without=job.leftovers)
    records = staging.stage([job.record] if job.record else [], force=job.orphan, labels=True)
    hashes: dict[str, str | None] = {}
    for (source, target), temporary, parts in zip(plan.files, temporaries, job.parts, strict=True):
        for part in parts:
            inside = part.inside
            if part.is_folder:
                with writing(target):
                    os.mkdir(_join(temporary, inside))
            else:
                hashes[_join(target, inside)] = copy_file(
                    _join(source, inside),
                    _join(temporary, inside),
                    part,
                    target=_join(target, inside),
                    sha256=sha256,
                    on_bytes=on_bytes,
                )
        for part in parts:
            if part.is_folder:
                with writing(target):
                    sync_folder(_join(temporary, part.inside))
    for (source, _), parts in zip(plan.files, job.parts, strict=True):
        if list_parts(source) != parts:
            raise changed(source)
    copied = _described(job, hashes)
    for temporary in records:
        files = [(file.name, file.size_bytes, file.sha256) for file in copied.files]
        write_file(temporary, encode(record(plan, ranking, files)), target=job.record)
    return copied


def _add_states(
    copies: list[Copied], plans: Sequence[CopyPlan], states: Mapping[str, bytes], *, sha256: bool
) -> None:
    """Say with the best of each folder's TensorFlow checkpoints that it got a state file."""
    for path, content in states.items():
        folder, name = os.path.split(path)
        place = next(
            i for i, plan in enumerate(plans) if plan.is_tensorflow and plan.folder == folder
        )
        digest = hashlib.sha256(content).hexdigest() if sha256 else None
        files = (*copies[place].files, CopiedFile(name, len(content), digest))
        copies[place] = replace(copies[place], files=files, state_file=path)


def _described(job: _Job, hashes: dict[str, str | None]) -> Copied:
    plan = job.plan
    files = [
        CopiedFile(os.path.relpath(path, plan.folder or os.curdir), size_bytes, hashes.get(path))
        for path, size_bytes in _files(job)
    ]
    return Copied(plan.dest, plan.checkpoint.path, tuple(files), job.record, findings=job.findings)


def _files(job: _Job) -> Iterator[tuple[str, int]]:
    for (_, target), parts in zip(job.plan.files, job.parts, strict=True):
        for part in parts:
            if not part.is_folder:
                yield _join(target, part.inside), part.size_bytes


def _join(path: str, inside: str) -> str:
    return os.path.join(path, inside) if inside else path
