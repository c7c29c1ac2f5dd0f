"""Lightning's CSVLogger: `metrics.csv`, whose rows are split between training and validation.

Source: lightning/fabric/loggers/csv_logs.py: each call of `log_metrics` writes a row; columns that
it did not log are empty. `step` counts batches from 0, and the checkpoint that is saved after
that batch says one more (since Lightning 1.6); `epoch` counts from 0 in both, and is missing where
a callback logs by itself, such as LearningRateMonitor.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ckptsel.naming.vocabulary import SPLITS
from ckptsel.sources.log import LogKind, whole
from ckptsel.sources.reading.csv_table import table_rows, titles_of
from ckptsel.sources.reading.moments import Moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ckptsel.checkpoint import Finding
    from ckptsel.sources.log import Key, LogRow

_STEP, _EPOCH = "step", "epoch"

OFFSETS: dict[Key, int | None] = {"step": 1, "epoch": 0}
HABIT = "Lightning's names count epochs as its log does, and steps one more"
"""Of all its loggers."""
WRITES = frozenset({"ckpt"})
"""The checkpoints that Lightning writes; anybody may write a `metrics.csv`, and count otherwise."""

# Of an epoch with more validations than this, the last ones are kept.
_CANDIDATES = 64
_HELD_OUT = re.compile(
    # `val`, `VAL_loss`, `valLoss`, and not `values`.
    rf"(?i:{'|'.join(sorted({*SPLITS} - {'train', 'training', 'trn'}))})(?![a-z])"
)


def _recognise(head: bytes) -> bool:
    return {_STEP, _EPOCH} <= {*titles_of(head)}


def _read(path: str, findings: list[Finding]) -> Iterator[LogRow]:
    return rows_of(_moments(path, findings))


def rows_of(moments: Iterable[tuple[int, Moment]]) -> Iterator[LogRow]:
    """Each moment twice: by its step, showing its epoch; and those that stand for an epoch.

    Args:
        moments: each with the place of its row, in the order of time.
    """
    of_epoch: list[tuple[int, Moment]] = []
    for place, moment in moments:
        epoch, held_out = moment.epoch, _is_held_out(moment)
        shown = {} if epoch is None else {_EPOCH: str(epoch)}
        by_step = Moment(None, moment.step, {**moment.values}, {**moment.places})
        by_step.add(str(place), shown)
        yield by_step.row(place)
        if epoch is None:
            continue
        if of_epoch and of_epoch[0][1].epoch != epoch:
            yield from _epoch_rows(of_epoch)
            of_epoch = []
        # Only the last one counts of those in which nothing was validated.
        if of_epoch and not _is_held_out(of_epoch[-1][1]):
            of_epoch.pop()
        if held_out or not of_epoch:
            of_epoch.append((place, moment))
        del of_epoch[:-_CANDIDATES]
    yield from _epoch_rows(of_epoch)


def _is_held_out(moment: Moment) -> bool:
    """Whether something was validated then."""
    return any(map(_HELD_OUT.match, moment.values))


def _epoch_rows(moments: list[tuple[int, Moment]]) -> Iterator[LogRow]:
    """An epoch's validations, or its last moment."""
    for place, moment in moments:
        yield moment.row(place)._replace(step=None, at_step=moment.step)


def _moments(path: str, findings: list[Finding]) -> Iterator[tuple[int, Moment]]:
    """Lines of one step that follow each other and do not contradict each other, as one."""
    current: tuple[int, Moment] | None = None
    for row in table_rows(path, findings, "step", _STEP):
        line, step = row.place, row.step
        values = {name: text for name, text in row.values.items() if text.strip()}
        epoch = whole(values.pop(_EPOCH, None))
        values.pop(_STEP, None)
        moment = current[1] if current is not None else None
        if current is not None and moment is not None:
            other_epoch = None not in (epoch, moment.epoch) and epoch != moment.epoch
            if step != moment.step or other_epoch or moment.contradicts(values):
                yield current
                moment = None
        moment = moment or Moment(epoch, step)
        moment.epoch = epoch if moment.epoch is None else moment.epoch
        moment.add(str(line), values)
        current = line, moment
    if current is not None:
        yield current


KIND = LogKind(
    "lightning",
    _recognise,
    _read,
    OFFSETS,
    HABIT,
    epochs_alike=True,
    writes=WRITES,
)
