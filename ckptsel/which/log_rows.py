"""What the logs of a run say of an epoch of which no checkpoint is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.search.places import Logged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.checkpoint import Metric
    from ckptsel.search.logs.read import LogRead
    from ckptsel.sources.log import LogRow
    from ckptsel.which.surroundings import Surroundings


def values_at(epoch: int, step: int, around: Surroundings) -> tuple[Metric, ...]:
    """The values of an epoch in the logs of the file's own run.

    A log of which something grave was noticed is not believed, nor one with several such rows.

    Args:
        epoch: as names count it.
        step: of the file; the row of another moment of that epoch is not its.
        around: what was found around the file.
    """
    grave = {finding.path for finding in around.findings if finding.strict}
    return tuple(
        metric
        for read in around.reads
        if read.joined.key == "epoch"
        and around.is_of_own_run(read.run)
        and read.log.path not in grave
        for metric in _values(read, epoch, step)
    )


def _values(read: LogRead, epoch: int, step: int) -> Iterator[Metric]:
    try:
        rows = [row for row in read.rows([]) if _counted(row, read) == epoch]
    except OSError:
        return  # it is gone by now
    # As in the log's own findings, a step in it counts from 0.
    if len(rows) == 1 and rows[0].at_step in (None, step - 1, epoch):
        labels = {name: name for name in rows[0].names}
        yield from Logged(read.source, rows, labels).metrics(0)


def _counted(row: LogRow, read: LogRead) -> int | None:
    return None if row.epoch is None else row.epoch + read.joined.offset
