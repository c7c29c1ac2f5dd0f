"""Keras's callback TensorBoard: `train/` and `validation/` with an event file each.

Source: keras/src/callbacks/tensorboard.py: tags `epoch_<metric>`, the same in both folders; their
step is the epoch, counted from 0. Others (`batch_loss`, `evaluation_loss_vs_iterations`) count
batches, and those of training loops that write such folders by themselves, whatever they like.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.sources.log import KERAS_KINDS, LogKind
from ckptsel.sources.reading.moments import Part
from ckptsel.sources.reading.together import alone
from ckptsel.sources.tensorboard_events import named, read_together, recognise

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckptsel.checkpoint import Finding
    from ckptsel.sources.log import LogRow
    from ckptsel.sources.tensorboard_events import Scalar

_EPOCH = "epoch_"


def _part(folder: str, scalar: Scalar) -> Part | None:
    if scalar.tag.startswith(_EPOCH):
        values = {named(folder, scalar.tag.removeprefix(_EPOCH)): scalar.text}
        return Part(scalar.place, values, epoch=scalar.step)
    return Part(scalar.place, {named(folder, scalar.tag): scalar.text}, step=scalar.step)


def _read_together(run: str, paths: Sequence[str], findings: list[Finding]) -> Iterator[LogRow]:
    return read_together(run, paths, findings, _part)


KIND = LogKind(
    "tensorboard",
    recognise,
    alone(_read_together, 2),
    {"epoch": 1, "step": None},
    "Keras counts epochs from 1 in names and from 0 for TensorBoard",
    unit="record",
    read_together=_read_together,
    only_by_values=frozenset({"step"}),
    writes=KERAS_KINDS,
)
