"""What tf_keras leaves of its metrics inside its own files: the last values before the save.

No log, but read as one: a row for each file. Keras 3 keeps nothing of them. Source: `reset_metrics`
and `on_epoch_end` in tf_keras/src/engine/training.py: a validation replaces what the epoch left.
"""

from __future__ import annotations

from typing import NamedTuple

from ckptsel.formats import open_contents
from ckptsel.sources.log import LogRow, names_of

SOURCE = "totals:"
"""What the source of such a value begins with; the metric in the file follows."""

KINDS = frozenset({"keras", "weights.h5", "savedmodel"})
"""The checkpoints that may have totals; neither the old `.h5` nor TensorFlow's checkpoints do."""


class Totals(NamedTuple):
    """What one file has.

    Attributes:
        row: the values, in the row of a log.
        samples: metric → of how many samples it is the mean.
    """

    row: LogRow
    samples: dict[str, float]


def totals_of(path: str) -> Totals | None:
    """The totals inside a checkpoint; None if it has none.

    Raises:
        CkptselError: if it cannot be read.
    """
    with open_contents(path) as contents:
        facts = contents.facts
    if not facts.samples:
        return None
    names = names_of(*facts.samples)
    texts = [repr(facts.metrics[name]) for name in names]
    return Totals(LogRow(0, names, texts, places=names), dict(facts.samples))
