"""What a checkpoint tells of a file that is it, or the same, and how sure that is."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from ckptsel import storage
from ckptsel.checkpoint import Finding
from ckptsel.search.logs.files import Doubt
from ckptsel.search.logs.replaced import is_it
from ckptsel.training_log.identity import Mark
from ckptsel.which.evidence import Evidence
from ckptsel.which.surroundings import tells

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.checkpoint import Checkpoint, Metric
    from ckptsel.search.logs.read import LogRead
    from ckptsel.which.evidence import How, Sure
    from ckptsel.which.surroundings import Surroundings

# So many numbers that follow each other are counted; two may be sizes, folds or versions.
_SUCCESSIVE = 3


def own_evidence(around: Surroundings) -> Iterator[Evidence]:
    """What the file's own name says, or a log that tells of it."""
    if around.own is None:
        return
    for each in evidence_of(around.own, "name", around):
        counters = [metric for metric in each.metrics if metric.role in ("epoch", "step")]
        by_name = any(metric.source == "name" for metric in counters)
        yield replace(each, how="name" if by_name else "log", path="")


def evidence_of(one: Checkpoint, how: How, around: Surroundings) -> Iterator[Evidence]:
    """What a checkpoint tells; nothing, if only a log did that is about another file."""
    doubts: list[Finding] = []
    unsure: list[str] = []
    for read in around.reads:
        doubt = _doubt(one, read)
        is_same = True if doubt is None else is_it(doubt)
        if doubt is None or is_same:
            continue
        doubts.append(_said(doubt, is_same=is_same))
        unsure.append(read.source)
        if is_same is False:
            left = tuple(m for m in one.metrics if not m.source.startswith(read.source))
            one = replace(one, metrics=left)
    if not tells(one):
        return
    counter = _counter(one)
    is_doubted = counter.source.startswith(tuple(unsure)) or not _is_counted(one, counter, around)
    sure: Sure = "likely" if how == "step" or is_doubted else "certain"
    # The same step is the same epoch in many a training, and only in one with the same values.
    has_values = how != "step" or around.is_of_own_run(one.run)
    metrics = one.metrics if has_values else ()
    yield Evidence(how, sure, one.epoch, one.step, metrics, one.path, tuple(doubts))


def _counter(one: Checkpoint) -> Metric:
    """What tells the epoch; the step, if nothing does."""
    role = "step" if one.epoch is None else "epoch"
    return next(metric for metric in one.metrics if metric.role == role)


def _is_counted(one: Checkpoint, counter: Metric, around: Surroundings) -> bool:
    """Whether a number of a name counts, and is not a size or a version: `unet_256.h5`."""
    if counter.labelled or not around.learned:
        return True
    if any(read.joined.key != "file" and one.path in read.by_path() for read in around.reads):
        return True
    counts = {_count(other) for other in around.checkpoints if _is_beside(other, one)}
    own, length = _count(one), 1
    for step in (-1, 1):
        at = own + step
        while at in counts and length < _SUCCESSIVE:
            at, length = at + step, length + 1
    return length >= _SUCCESSIVE


def _is_beside(other: Checkpoint, one: Checkpoint) -> bool:
    return other.run == one.run and other.pattern == one.pattern and tells(other)


def _count(one: Checkpoint) -> float:
    count = one.step if one.epoch is None else one.epoch
    return -1 if count is None else count


def _doubt(one: Checkpoint, read: LogRead) -> Doubt | None:
    """What a log says of a file of that name, if it does not show that it is still that file."""
    row = read.by_path().get(one.path) if read.joined.key == "file" else None
    if row is None or row.mark is None or row.mark[1:] == Mark()[1:]:
        return None
    try:
        stats = [storage.stat(file) for file in one.files]
    except OSError:
        return None  # it is gone, which is said where it is looked at
    size_bytes = sum(stat.size_bytes for stat in stats)
    is_of = row.mark.is_of(size_bytes, stats[0].mtime_ns)
    return None if is_of else Doubt(one.path, row, read.log.path)


def _said(doubt: Doubt, *, is_same: bool | None) -> Finding:
    said = f"line {doubt.row.place} tells of a {os.path.basename(doubt.path)!r}"
    if is_same is False:
        said += " with another SHA-256: the log is not about this file, and was not used for it"
        return Finding("log-other-file", said, doubt.log, strict=True)
    said += " that was written at another time, and no SHA-256 of it shows that it is this one"
    return Finding("log-unconfirmed", said, doubt.log, strict=True)
