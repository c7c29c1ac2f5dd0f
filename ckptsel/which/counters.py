"""Which epoch a file is by its own word, and by the optimizer's steps in others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.which.evidence import Evidence, evidence_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckptsel.checkpoint import Checkpoint
    from ckptsel.formats.contents import Facts

# What names may count epochs from, beyond the number of epochs that were over.
_BASES = (0, 1)
# Other checkpoints that have to agree on the steps of an epoch, and on that.
_FEWEST = 2


def told(facts: Facts, others: Sequence[tuple[Checkpoint, Facts]]) -> Iterator[Evidence]:
    """What the file says of itself; and by the optimizer's steps."""
    epoch = facts.epoch
    if epoch is not None and epoch < 0:
        epoch = None  # ultralytics says so of a file that was stripped after training
    if epoch is not None:
        yield Evidence("inside", "likely", epoch + _count_from(others), facts.step)
    if facts.step is not None:
        for other, its in others:
            if its.step == facts.step or (its.step is None and other.step == facts.step):
                yield evidence_of(other, "step", "likely")
        at = _by_pace(facts.step, others)
        if at is not None:
            yield Evidence("step", "likely", at, facts.step)
        if epoch is None:
            yield Evidence("inside", "likely", None, facts.step)


def _count_from(others: Sequence[tuple[Checkpoint, Facts]]) -> int:
    """What names count beyond the files themselves; 0 if the others do not agree on it."""
    beyond = {
        other.epoch - its.epoch
        for other, its in others
        if other.epoch is not None and its.epoch is not None and its.epoch >= 0
    }
    only = beyond.pop() if len(beyond) == 1 else 0
    return int(only) if only in _BASES else 0


def _by_pace(step: int, others: Sequence[tuple[Checkpoint, Facts]]) -> int | None:
    """The epoch, if all others have as many steps an epoch, and none is of that epoch.

    That takes two of them at least: of one alone it is not known from what its name counts.
    """
    known = {
        (int(other.epoch), its.step)
        for other, its in others
        if its.step and other.epoch is not None and other.epoch == int(other.epoch)
    }
    if len({epoch for epoch, _ in known}) < _FEWEST:
        return None
    for base in _BASES:
        # Where names count from 0, one more epoch was over than they say.
        over = [(epoch + base, steps) for epoch, steps in known]
        if any(epochs <= 0 or steps % epochs for epochs, steps in over):
            continue
        pace = {steps // epochs for epochs, steps in over}
        if len(pace) == 1:
            epochs, rest = divmod(step, pace.pop())
            at = epochs - base
            return at if not rest and at >= 0 and all(epoch != at for epoch, _ in known) else None
    return None
