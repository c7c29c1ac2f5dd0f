"""Lightning's TensorBoardLogger, its default: event files with a scalar `epoch` beside the others.

Source: lightning/pytorch/trainer/connectors/logger_connector/logger_connector.py: what is logged at
a step has the epoch among it. Rows are those of its CSVLogger.
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from ckptsel.sources.lightning_csv import HABIT, OFFSETS, WRITES, rows_of
from ckptsel.sources.log import LogKind, whole
from ckptsel.sources.reading.moments import Part
from ckptsel.sources.reading.together import alone
from ckptsel.sources.tensorboard_events import moments_of, named, recognise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ckptsel.checkpoint import Finding
    from ckptsel.sources.log import LogRow
    from ckptsel.sources.reading.moments import Moment
    from ckptsel.sources.tensorboard_events import Scalar

_EPOCH = "epoch"
# The scalar's tag in a record, behind its field and its length.
_TAG = b"\n\x05epoch"
# What may stand before the first one: hyperparameters, a graph, texts and pictures.
_HEAD_BYTES = 2**20


def _recognise(head: bytes) -> bool:
    return recognise(head) and _TAG in head


def _part(folder: str, scalar: Scalar) -> Part:
    tag = scalar.tag if scalar.tag == _EPOCH else named(folder, scalar.tag)
    return Part(scalar.place, {tag: scalar.text}, step=scalar.step)


def _read_together(run: str, paths: Sequence[str], findings: list[Finding]) -> Iterator[LogRow]:
    moments = moments_of(run, paths, findings, _part)
    # The first epoch of one is not to meet the last one of another.
    for _, some in groupby(moments, key=itemgetter(0)):
        yield from rows_of(_with_epochs(moment for _, moment in some))


def _with_epochs(moments: Iterable[Moment]) -> Iterator[tuple[int, Moment]]:
    for moment in moments:
        moment.epoch = whole(moment.values.pop(_EPOCH, None))
        moment.places.pop(_EPOCH, None)
        if moment.values:
            yield 0, moment


KIND = LogKind(
    "tensorboard",
    _recognise,
    alone(_read_together),
    OFFSETS,
    HABIT,
    unit="record",
    read_together=_read_together,
    epochs_alike=True,
    writes=WRITES,
    head_bytes=_HEAD_BYTES,
)
