"""Which epoch a file is by its own word, and by the optimizer's steps in others."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ckptsel.which.checkpoints import evidence_of
from ckptsel.which.evidence import Evidence
from ckptsel.which.log_rows import values_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckptsel.checkpoint import Checkpoint
    from ckptsel.comparison.fingerprint import Likeness
    from ckptsel.formats.contents import Facts
    from ckptsel.which.surroundings import Surroundings

# What names may count epochs from, beyond the number of epochs that were over.
_BASES = (0, 1)
# Other checkpoints that have to agree on the steps of an epoch, and on that.
_FEWEST = 2


class Compared(NamedTuple):
    """Another checkpoint that was opened.

    Attributes:
        checkpoint: the checkpoint.
        facts: what it says of its training.
        likeness: how its weights compare with those of the file.
    """

    checkpoint: Checkpoint
    facts: Facts
    likeness: Likeness


def told(facts: Facts, others: Sequence[Compared], around: Surroundings) -> Iterator[Evidence]:
    """What the file says of itself; and by the optimizer's steps."""
    epoch = facts.epoch
    if epoch is not None and epoch < 0:
        epoch = None  # ultralytics says so of a file that was stripped after training
    if epoch is not None:
        yield Evidence("inside", "likely", epoch + _count_from(others), facts.step)
    if facts.step is not None:
        for other, its, likeness in others:
            # One training has one set of weights at a step: with others, it is another training.
            step = other.step if its.step is None else its.step
            if likeness != "other weights" and facts.step == step:
                yield from evidence_of(other, "step", around)
        at = _by_pace(facts.step, _nearest(others, around))
        if at is not None:
            values = values_at(at, facts.step, around)
            yield Evidence("step", "likely", at, facts.step, values)
        if epoch is None:
            yield Evidence("inside", "likely", None, facts.step)


def _count_from(others: Sequence[Compared]) -> int:
    """What names count beyond the files themselves; 0 if the others do not agree on it."""
    beyond = {
        other.epoch - its.epoch
        for other, its, _ in others
        if other.epoch is not None and its.epoch is not None and its.epoch >= 0
    }
    only = beyond.pop() if len(beyond) == 1 else 0
    return int(only) if only in _BASES else 0


def _nearest(others: Sequence[Compared], around: Surroundings) -> set[tuple[int, int]]:
    """Epoch and step of those of the file's own run; of all, if none of these tells both."""
    own: set[tuple[int, int]] = set()
    known: set[tuple[int, int]] = set()
    for other, its, _ in others:
        if its.step and other.epoch is not None and other.epoch == int(other.epoch):
            known.add((int(other.epoch), its.step))
            if around.is_of_own_run(other.run):
                own.add((int(other.epoch), its.step))
    return own or known


def _by_pace(step: int, known: set[tuple[int, int]]) -> int | None:
    """The epoch, if all others have as many steps an epoch, and none is of that epoch.

    That takes two of them at least: of one alone it is not known from what its name counts.
    """
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
