"""Says what decided among equals, and where rounding may hide the order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.errors import TieError
from ckptsel.naming.read import as_number
from ckptsel.ranking import may_be_reversed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckptsel.checkpoint import Checkpoint, Monitor
    from ckptsel.monitor import Source


def tie_findings(
    ordered: Sequence[Checkpoint], source: Source, monitor: Monitor, tie: str
) -> list[Finding]:
    """What is to be said of the first of several checkpoints, in their order.

    Raises:
        TieError: for a tie, if `tie` is `error`.
    """
    metrics = [source.metric_of(checkpoint) for checkpoint in ordered]
    found: list[Finding] = []
    if len(metrics) < 2 or (best := metrics[0]) is None:
        return found
    value = as_number(best.value)
    equal = sum(metric is not None and as_number(metric.value) == value for metric in metrics)
    if equal > 1:
        said = f"{equal} checkpoints have the same {monitor.name} of {best.text} in print"
        if tie == "error":
            raise TieError(said, hint="--tie later takes the later epoch")
        chosen = f"{said}; of these, the {tie} one comes first"
        found.append(Finding("tie", chosen, ordered[0].path, strict=True))
    for checkpoint, metric in zip(ordered, metrics, strict=True):
        if metric is not None and may_be_reversed(best, metric):
            said = (
                f"{best.text} and {metric.text} are printed with different precision:"
                " rounding may hide which is better"
            )
            found.append(Finding("rounded-apart", said, checkpoint.path, strict=True))
            break
    return found
