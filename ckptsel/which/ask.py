"""Asks names, logs and other checkpoints which epoch a file is."""

from __future__ import annotations

import filecmp
import os
from typing import TYPE_CHECKING, NamedTuple

from ckptsel import storage
from ckptsel.checkpoint import Finding
from ckptsel.comparison.fingerprint import fingerprint, likeness
from ckptsel.errors import CkptselError, LocationNotFoundError
from ckptsel.formats import open_contents
from ckptsel.search.logs.moment import saved_within
from ckptsel.which.checkpoints import evidence_of, own_evidence
from ckptsel.which.counters import Compared, told
from ckptsel.which.evidence import answer_of, strongest
from ckptsel.which.surroundings import look_around

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ckptsel.checkpoint import Checkpoint
    from ckptsel.comparison.fingerprint import Fingerprint
    from ckptsel.search.query import Query
    from ckptsel.which.evidence import Answer, Evidence
    from ckptsel.which.surroundings import Surroundings


class _Files(NamedTuple):
    """The files of a checkpoint, as the disk knows them.

    Attributes:
        paths: where they are.
        identities: device and inode of each; empty if they are not known.
        size_bytes: of all of them; -1 if it is not known, or of a folder.
    """

    paths: tuple[str, ...]
    identities: frozenset[tuple[int, int]] = frozenset()
    size_bytes: int = -1


def which(path: str, query: Query, progress: Callable[[int], None] | None = None) -> Answer:
    """Find out which epoch a checkpoint is.

    Args:
        path: the file, the folder or the TensorFlow prefix.
        query: how names are read, and where other checkpoints are besides those of its own run.
        progress: is told now and then how many files have been seen.

    Raises:
        LocationNotFoundError: if there is nothing at `path`, or at a location.
    """
    path = path.rstrip(os.sep) or path
    if not os.path.exists(path) and not os.path.exists(path + ".index"):
        raise LocationNotFoundError(f"no such file or folder: {path!r}", hint="check the path")
    around = look_around(path, query, progress)
    evidence = [*own_evidence(around)]
    for same in (_same_file, _same_bytes):
        if not _is_certain(evidence):
            evidence += same(around)
    findings: list[Finding] = []
    if not _is_certain(evidence):
        found, findings = _by_content(around)
        # What is only likely by itself says no more than a name does.
        evidence += [each for each in found if not evidence or each.how == "same weights"]
    return answer_of(path, evidence, [*findings, *_noticed(around, strongest(evidence))])


def _is_certain(evidence: list[Evidence]) -> bool:
    return any(each.sure == "certain" for each in evidence)


def _noticed(around: Surroundings, answer: Evidence | None) -> Iterator[Finding]:
    """What is to be said of the checkpoint that answers, and of its run."""
    telling = around.own
    if answer is not None and answer.path:
        telling = around.at(answer.path)
    run = around.run if telling is None else telling.run
    paths = [around.path, *([telling.path] if telling is not None else [])]
    for finding in around.noticed_of(run, paths):
        # That is asked of the very file, and is among the doubts of the evidence.
        if finding.code != "log-unconfirmed":
            yield finding
    if answer is not None and telling is not None:
        yield from saved_within(around.reads, {telling.path: answer.metrics})


def _files(one: Checkpoint | None, path: str) -> _Files:
    paths = one.files if one is not None else (path,)
    try:
        stats = [storage.stat(each) for each in paths]
    except OSError:
        return _Files(paths)
    size = -1 if os.path.isdir(path) else sum(stat.size_bytes for stat in stats)
    return _Files(paths, frozenset(stat.identity for stat in stats), size)


def _same_file(around: Surroundings) -> Iterator[Evidence]:
    """A link of either kind to another checkpoint, to all of its files."""
    identities = _files(around.own, around.path).identities
    for other in around.others:
        if identities and identities == _files(other, other.path).identities:
            yield from evidence_of(other, "same file", around)


def _same_bytes(around: Surroundings) -> Iterator[Evidence]:
    """A copy of another checkpoint."""
    own = _files(around.own, around.path)
    if own.size_bytes <= 0:
        return  # nothing is the same as anything else that is empty
    for other in around.others:
        if other.size_bytes != own.size_bytes or len(other.files) != len(own.paths):
            continue
        try:
            pairs = zip(sorted(own.paths), sorted(other.files), strict=True)
            if all(filecmp.cmp(one, two, shallow=False) for one, two in pairs):
                yield from evidence_of(other, "same bytes", around)
        except OSError:
            continue


def _by_content(around: Surroundings) -> tuple[list[Evidence], list[Finding]]:
    """Another checkpoint with the same weights; if there is none, what the file says itself."""
    try:
        with open_contents(around.path) as contents:
            facts, wanted = contents.facts, fingerprint(contents)
    except CkptselError as error:
        return [], [_not_compared(around.path, error)]
    known: list[Compared] = []
    same: list[Evidence] = []
    findings: list[Finding] = []
    for other in around.others:
        compared = _compare(other, wanted)
        if isinstance(compared, Finding):
            findings.append(compared)
            continue
        known.append(compared)
        if compared.likeness == "same weights":
            same += evidence_of(other, "same weights", around)
    return same or [*told(facts, known, around)], findings


def _compare(other: Checkpoint, wanted: Fingerprint) -> Compared | Finding:
    """What another checkpoint says of itself, and how its weights compare with those wanted."""
    try:
        with open_contents(other.path) as contents:
            return Compared(other, contents.facts, likeness(contents, wanted))
    except CkptselError as error:
        return _not_compared(other.path, error)


def _not_compared(path: str, error: CkptselError) -> Finding:
    return Finding("not-compared", f"cannot be compared: {error.message}", path)
