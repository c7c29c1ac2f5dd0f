"""Whether a file was saved at the end of its epoch, of which a log knows: its own step shows it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.errors import CkptselError
from ckptsel.formats import open_contents
from ckptsel.sources.log import place_of, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from ckptsel.checkpoint import Metric
    from ckptsel.formats.contents import Contents
    from ckptsel.search.logs.read import LogRead
    from ckptsel.search.places import TableIn
    from ckptsel.sources.log import LogRow

# Files beside it, of the nearest other epochs, whose steps are asked for.
_NEIGHBOURS = 4


def saved_within(
    reads: Iterable[LogRead], values: Mapping[str, Sequence[Metric]]
) -> Iterator[Finding]:
    """Say of which of these the value may be that of a later moment of the same epoch.

    A name that tells nothing but the epoch does not show when in it the file was saved, unless
    a value shows it. Lightning's log tells the step of each row; of Keras's it is known that all
    epochs have the same number of steps, and other files tell it.

    Args:
        reads: the logs that were joined.
        values: the paths of the checkpoints that matter, each with those of its values that do.
            Each that has one of these from a log is opened; of Keras's also up to four beside it,
            the first and the last one, each once.
    """
    step_in = cache(_step_in)
    for read in reads:
        by_step = read.joined.key == "step" and not any(map(_tells_epoch, read.places))
        if not (by_step or read.joined.key == "epoch") or read.joined.is_confirmed:
            continue
        told = read.by_path()
        for path, metrics in values.items():
            from_it = any(metric.source.startswith(read.source) for metric in metrics)
            if not from_it or path not in told:
                continue
            if by_step:
                yield from _other_epoch(read, told[path], path)
                continue
            # Only of Keras it is known that epochs begin with 1; else nothing is asked of the file.
            if told[path].at_step is not None:
                yield from _other_than_logged(read, told[path], path, step_in(path))
            elif read.joined.offset == 1 and told[path].epoch is not None:
                yield from _other_than_beside(read, told, path, step_in)


def _tells_epoch(place: TableIn) -> bool:
    return any(metric.role == "epoch" for metric in place.table.metrics(0))


def _other_epoch(read: LogRead, row: LogRow, path: str) -> Iterator[Finding]:
    """What a file says of its epoch, where a step is all that name and row have in common.

    Lightning's files count the steps of each optimizer, and its log does not.
    """
    logged, found = whole(row.values.get("epoch")), None
    if logged is not None:
        found = _told(path, lambda contents: contents.epoch)
    # At a training's end, a file may count the epoch that would follow.
    if logged is None or found in (None, logged, logged + 1):
        return
    said = (
        f"is of epoch {found}, and {place_of(row, read.log.unit)} of its log, of the same step, of"
    )
    said += f" epoch {logged}: it is of several optimizers, or of another training than the log"
    yield Finding("log-steps-differ", said, path, strict=True)


def _other_than_logged(
    read: LogRead, row: LogRow, path: str, step: int | None
) -> Iterator[Finding]:
    # Who logs a `step` of their own mostly has the epoch there.
    if not step or row.at_step is None or row.at_step == row.epoch:
        return
    each, rest = divmod(step, row.at_step + 1)
    said = f"was saved at step {step}, and {place_of(row, read.log.unit)} of its log is of step"
    said += f" {row.at_step + 1}"
    if rest:
        said += ": the value is that of another moment"
        yield Finding("log-too-coarse", said, path, strict=True)
    elif each > 1 and all(one.code != "log-steps-differ" for one in read.joined.findings):
        # A log counts each step once, and a file that of each of several optimizers.
        said += f": it is of {each} optimizers, or of another training than the log"
        yield Finding("log-steps-differ", said, path, strict=True)


def _other_than_beside(
    read: LogRead, told: dict[str, LogRow], path: str, step_in: Callable[[str], int | None]
) -> Iterator[Finding]:
    epochs = {other: each.epoch + 1 for other, each in told.items() if each.epoch is not None}
    step, at = step_in(path), epochs[path]
    if not step:
        return
    of_epoch = {epoch: other for other, epoch in sorted(epochs.items(), reverse=True)}
    other = _off_pace(read, {**of_epoch, at: path}, at, step_in)
    if other:
        said = f"was saved at step {step} of epoch {at}, and {other!r} at step {step_in(other)} of"
        said += f" epoch {epochs[other]}: not the same number of steps for each epoch from the"
        said += " first one on, so that one of them may be of a moment within it, of which the log"
        said += " only knows the end"
        yield Finding("log-too-coarse", said, path, strict=True)


def _off_pace(
    read: LogRead, files: dict[int, str], epoch: int, step_in: Callable[[str], int | None]
) -> str:
    """A file that speaks against all epochs having one number of steps; "" if none does.

    They have, where three files fit one number, or two of a training that began with no steps. An
    optimizer may have made others before, as a loaded model's: so many that are not whole
    epochs of this training. Fewer than none it cannot have made, unless it is a new one.

    Saves in the midst of epochs fit one number for some while, if they come a little more often
    than epochs end; so the first file has to fit as well, and the last one cannot have more.
    What cannot be told is whether that is so where all files fit, and of two files whether the
    optimizer is a loaded one, which is said.

    Args:
        read: the log.
        files: epoch → a file of it.
        epoch: that of the file that is asked about.
        step_in: tells a file's step.
    """
    step = step_in(files[epoch]) or 0
    near = sorted(files, key=lambda other: (abs(other - epoch), other))[1 : _NEIGHBOURS + 1]
    steps: dict[int, int] = {}
    against = None
    for other in near:
        other_step = step_in(files[other])
        if not other_step:
            continue
        steps[other] = other_step
        against = other if against is None else against
        pace, rest = divmod(other_step - step, other - epoch)
        if rest or pace <= 0:
            continue
        made = step - pace * epoch
        fitting = sum(each == made + pace * at for at, each in steps.items())
        if (made and fitting < 2) or not _may_have_made(made, pace, read):
            continue
        ends = min(at for at in files if pace * at + made > 0), max(files)
        first, last = (_beyond(made + pace * at, step_in(files[at])) for at in ends)
        if not first and last <= 0:
            return ""
        against = ends[0] if first else ends[1]
    return "" if against is None else files[against]


def _beyond(expected: int, step: int | None) -> int:
    """How far a file is beyond a step; 0 if it tells none."""
    return 0 if step is None else step - expected


def _may_have_made(steps: int, pace: int, read: LogRead) -> bool:
    """Whether so many steps can have been made before a log's first epoch; less than 0: later.

    A `fit` with `initial_epoch` and a new optimizer counts anew at an epoch's begin, and what was
    before has left its traces: the log begins there, or there are files of before.
    """
    begin, rest = divmod(-steps, pace)
    if steps >= 0:
        return True
    first = next(read.rows([]), None)
    told = (row.epoch for row in read.joined.rows if row is not None and row.epoch is not None)
    return not rest and ((first is not None and first.epoch == begin) or min(told) < begin)


def _step_in(path: str) -> int | None:
    """The step that a file tells; None if it tells none, or cannot be read."""
    return _told(path, lambda contents: contents.step)


def _told(path: str, ask: Callable[[Contents], int | None]) -> int | None:
    try:
        with open_contents(path) as contents:
            return ask(contents)
    except CkptselError:
        return None
