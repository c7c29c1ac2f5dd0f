"""Lightning's TensorBoardLogger, its default: event files with a scalar `epoch` beside the others.

Source: lightning/pytorch/trainer/connectors/logger_connector/logger_connector.py: what is logged at
a step has the epoch among it. Rows are those of its CSVLogger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.sources.lightning_csv import HABIT, OFFSETS, rows_of
from ckptsel.sources.log import LogKind, whole
from ckptsel.sources.reading.moments import Part
from ckptsel.sources.reading.together import alone
from ckptsel.sources.tensorboard_events import moments_of, named, recognise

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckptsel.checkpoint import Finding
    from ckptsel.sources.log import LogRow
    from ckptsel.sources.reading.moments import Moment
    from ckptsel.sources.tensorboard_events import Scalar

_EPOCH = "epoch"
# The scalar's tag in a record, behind its field and its length.
_TAG = b"\n\x05epoch"


def _recognise(head: bytes) -> bool:
    return recognise(head) and _TAG in head


def _part(folder: str, scalar: Scalar) -> Part:
    tag = scalar.tag if scalar.tag == _EPOCH else named(folder, scalar.tag)
    return Part(scalar.place, {tag: scalar.text}, step=scalar.step)


def _moments(
    run: str, paths: Sequence[str], findings: list[Finding]
) -> Iterator[tuple[int, Moment]]:
    for moment in moments_of(run, paths, findings, _part):
        moment.epoch = whole(moment.values.pop(_EPOCH, None))
        moment.places.pop(_EPOCH, None)
        if moment.values:
            yield 0, moment


def _read_together(run: str, paths: Sequence[str], findings: list[Finding]) -> Iterator[LogRow]:
    return rows_of(_moments(run, paths, findings))


KIND = LogKind(
    "tensorboard",
    _recognise,
    alone(_read_together),
    OFFSETS,
    HABIT,
    unit="record",
    read_together=_read_together,
    epochs_alike=True,
    writes=frozenset({"ckpt"}),
)
