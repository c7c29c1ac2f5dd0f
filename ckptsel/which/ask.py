"""Asks names, logs and other checkpoints which epoch a file is."""

from __future__ import annotations

import filecmp
import os
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ckptsel import storage
from ckptsel.checkpoint import Finding
from ckptsel.comparison.fingerprint import fingerprint, has_weights
from ckptsel.errors import CkptselError, LocationNotFoundError, NothingFoundError
from ckptsel.formats import open_contents
from ckptsel.search.grouping import run_of
from ckptsel.selection import select
from ckptsel.which.counters import told
from ckptsel.which.evidence import Evidence, answer_of, evidence_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ckptsel.checkpoint import Checkpoint
    from ckptsel.comparison.fingerprint import Fingerprint
    from ckptsel.formats.contents import Facts
    from ckptsel.search.query import Query
    from ckptsel.which.evidence import Answer, How


class _File(NamedTuple):
    """The file that is asked about.

    Attributes:
        path: where it is.
        identities: device and inode of each of its files.
        size_bytes: of all its files; -1 if they are not known.
        files: its files, if it was found as a checkpoint.
    """

    path: str
    identities: frozenset[tuple[int, int]]
    size_bytes: int
    files: tuple[str, ...]


def which(path: str, query: Query, progress: Callable[[int], None] | None = None) -> Answer:
    """Find out which epoch a checkpoint is.

    Args:
        path: the file, the folder or the TensorFlow prefix.
        query: where the other checkpoints are, such as in `run_folder(path)`.
        progress: is told now and then how many files have been seen.

    Raises:
        LocationNotFoundError: if there is nothing at `path`, or at a location.
    """
    path = path.rstrip(os.sep) or path
    if not os.path.exists(path) and not os.path.exists(path + ".index"):
        raise LocationNotFoundError(f"no such file or folder: {path!r}", hint="check the path")
    checkpoints, findings = _search(path, query, progress)
    own = next((one for one in checkpoints if _is_at(one, path)), None)
    evidence = [*_spoken(own)] if own is not None else []
    if not evidence:
        file = _file(path, own)
        others = [one for one in checkpoints if one is not own and _tells(one)]
        evidence = [*_same_file(file, others)]
        evidence = evidence or [*_same_bytes(file, others)]
        if not evidence:
            found, noticed = _by_content(file, others)
            evidence += found
            findings += noticed
    return answer_of(path, evidence, findings)


def _search(
    path: str, query: Query, progress: Callable[[int], None] | None
) -> tuple[list[Checkpoint], list[Finding]]:
    """All checkpoints of the run, with what names and logs say of them; and the file itself."""
    itself = path if os.path.exists(path) else path + ".index"
    checkpoints: list[Checkpoint] = []
    findings: list[Finding] = []
    for locations in (query.locations, (itself,)):
        asked = replace(query, locations=locations, monitor=None, strict=False, about=path)
        try:
            ranking = select(asked, rank=False, progress=progress)
        except NothingFoundError:
            continue  # it may still say something itself
        checkpoints += [row.checkpoint for row in ranking.rows]
        findings += [finding for finding in ranking.findings if finding.code.startswith("log-")]
        if any(_is_at(checkpoint, path) for checkpoint in checkpoints):
            break
    return checkpoints, findings


def run_folder(path: str) -> str:
    """The folder of the run that a checkpoint belongs to, by where it stands."""
    return run_of(os.path.dirname(path), "") or os.curdir


def _is_at(checkpoint: Checkpoint, path: str) -> bool:
    return os.path.abspath(checkpoint.path) == os.path.abspath(path)


def _tells(checkpoint: Checkpoint) -> bool:
    return checkpoint.epoch is not None or checkpoint.step is not None


def _spoken(own: Checkpoint) -> Iterator[Evidence]:
    """What its name says, or a log that tells of it."""
    if not _tells(own):
        return
    counters = [metric for metric in own.metrics if metric.role in ("epoch", "step")]
    how: How = "name" if any(metric.source == "name" for metric in counters) else "log"
    yield Evidence(how, "certain", own.epoch, own.step, own.metrics)


def _file(path: str, own: Checkpoint | None) -> _File:
    files = own.files if own is not None else (path,)
    try:
        stats = [storage.stat(file) for file in files]
    except OSError:
        return _File(path, frozenset(), -1, files)
    size = -1 if os.path.isdir(path) else sum(stat.size_bytes for stat in stats)
    return _File(path, frozenset(stat.identity for stat in stats), size, files)


def _same_file(file: _File, others: Sequence[Checkpoint]) -> Iterator[Evidence]:
    """A link of either kind to another checkpoint."""
    for other in others:
        if file.identities & _file(other.path, other).identities:
            yield evidence_of(other, "same file", "certain")


def _same_bytes(file: _File, others: Sequence[Checkpoint]) -> Iterator[Evidence]:
    """A copy of another checkpoint."""
    for other in others:
        if other.size_bytes != file.size_bytes or len(other.files) != len(file.files):
            continue
        try:
            pairs = zip(sorted(file.files), sorted(other.files), strict=True)
            if all(filecmp.cmp(one, two, shallow=False) for one, two in pairs):
                yield evidence_of(other, "same bytes", "certain")
        except OSError:
            continue


def _by_content(file: _File, others: Sequence[Checkpoint]) -> tuple[list[Evidence], list[Finding]]:
    """Another checkpoint with the same weights; if there is none, what the file says itself."""
    try:
        with open_contents(file.path) as contents:
            facts, wanted = contents.facts, fingerprint(contents)
    except CkptselError as error:
        return [], [_not_compared(file.path, error)]
    known: list[tuple[Checkpoint, Facts]] = []
    same: list[Evidence] = []
    findings: list[Finding] = []
    for other in others:
        looked = _look(other, wanted)
        if isinstance(looked, Finding):
            findings.append(looked)
            continue
        known.append((other, looked[0]))
        if looked[1]:
            same.append(evidence_of(other, "same weights", "certain"))
    return same or [*told(facts, known)], findings


def _look(other: Checkpoint, wanted: Fingerprint) -> tuple[Facts, bool] | Finding:
    """What another checkpoint says of itself, and whether it holds the same weights."""
    try:
        with open_contents(other.path) as contents:
            return contents.facts, bool(wanted) and has_weights(contents, wanted)
    except CkptselError as error:
        return _not_compared(other.path, error)


def _not_compared(path: str, error: CkptselError) -> Finding:
    return Finding("not-compared", f"cannot be compared: {error.message}", path)
