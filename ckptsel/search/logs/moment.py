"""Whether a file was saved at the end of its epoch, of which a log knows: its own step shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.errors import CkptselError
from ckptsel.formats import open_contents
from ckptsel.sources.log import place_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ckptsel.checkpoint import Metric
    from ckptsel.search.logs.read import LogRead
    from ckptsel.sources.log import LogRow

# Files beside it that are opened: for so many steps, at most so many.
_BESIDE, _NEIGHBOURS = 2, 4


def saved_within(
    reads: Iterable[LogRead], values: Mapping[str, Sequence[Metric]]
) -> Iterator[Finding]:
    """Say of which of these the value may be that of a later moment of the same epoch.

    A name that tells nothing but the epoch does not show when in it the file was saved, unless
    a value shows it. Lightning's log tells the step of each row; of Keras's it is known that all
    epochs have the same number of steps, and another file tells it.

    Args:
        reads: the logs that were joined.
        values: the paths of the checkpoints that matter, each with those of its values that do.
            Each checkpoint that has one of these from a log is opened, with some beside it.
    """
    for read in reads:
        if read.joined.key != "epoch" or read.joined.is_confirmed:
            continue
        told = read.by_path()
        for path, metrics in values.items():
            from_it = any(metric.source.startswith(read.source) for metric in metrics)
            if not from_it or path not in told:
                continue
            if said := _other_moment(read, told, path):
                yield Finding("log-too-coarse", said, path, strict=True)


def _other_moment(read: LogRead, told: dict[str, LogRow], path: str) -> str:
    row = told[path]
    # Only of Keras it is known that epochs begin with 1; else nothing is asked of the file.
    is_comparable = row.at_step is not None or (read.joined.offset == 1 and row.epoch is not None)
    step = _step_in(path) if is_comparable else None
    if not step:
        return ""
    if row.at_step is not None:
        # It counts each step once, and a file that of each of several optimizers. Who logs a `step`
        # of their own mostly has the epoch there.
        if step % (row.at_step + 1) == 0 or row.at_step == row.epoch:
            return ""
        return (
            f"was saved at step {step}, and {place_of(row, read.log.unit)} of its log is of step"
            f" {row.at_step + 1}: the value is that of another moment"
        )
    epochs = {other: each.epoch + 1 for other, each in told.items() if each.epoch is not None}
    steps = {path: step, **_steps_beside(path, epochs)}
    if len(steps) == 1 or _is_paced([(epochs[one], step) for one, step in steps.items()], read):
        return ""
    other = [*steps][1]
    return (
        f"was saved at step {step} of epoch {epochs[path]}, and {other!r} at step {steps[other]} of"
        f" epoch {epochs[other]}: not the same number of steps for each epoch, so that one of them"
        " may be of a moment within it, of which the log only knows the end"
    )


def _steps_beside(path: str, epochs: dict[str, int]) -> dict[str, int]:
    """The steps in files of the nearest other epochs, the nearest first: two, if there are."""
    epoch = epochs[path]
    near = (other for other in epochs if epochs[other] != epoch)
    found: dict[str, int] = {}
    for other in sorted(near, key=lambda each: (abs(epochs[each] - epoch), each))[:_NEIGHBOURS]:
        if step := _step_in(other):
            found[other] = step
        if len(found) == _BESIDE:
            break
    return found


def _is_paced(saved: list[tuple[int, int]], read: LogRead) -> bool:
    """Whether all epochs have one number of steps, counted from a training's begin.

    Args:
        saved: the epoch and the step of some files, first the one that is asked about.
        read: the log.
    """
    (epoch, step), (other_epoch, other_step), *further = saved
    if step * other_epoch == other_step * epoch:
        return True
    pace, rest = divmod(other_step - step, other_epoch - epoch)
    if rest or pace <= 0 or step % pace or not further:
        return False
    if any(each - step != pace * (at - epoch) for at, each in further):
        return False
    # A second `fit` counts epochs anew and goes on with steps; one with `initial_epoch` and a new
    # optimizer the other way round, and then what was before has left its traces.
    before = epoch - step // pace
    first = next(read.rows([]), None)
    told = (row.epoch for row in read.joined.rows if row is not None and row.epoch is not None)
    return before < 0 or (first is not None and first.epoch == before) or min(told) < before


def _step_in(path: str) -> int | None:
    """The step that a file tells; None if it tells none, or cannot be read."""
    try:
        with open_contents(path) as contents:
            return contents.step
    except CkptselError:
        return None
