"""Files that were not saved in the order of their epochs are of more than one training."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ckptsel.errors import StrictError
from tests.folders import make, write_csv
from tests.selecting import codes, ranked

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LOSSES = [0.9, 0.7, 0.5, 0.6, 0.4, 0.3, 0.35, 0.2, 0.25, 0.1]
CODE = "log-out-of-order"


def saved(here: Path, form: str, epochs: Sequence[int]) -> set[str]:
    """What is said of files that were saved in this order, beside a log of ten epochs."""
    names = {epoch: form.format(epoch, LOSSES[epoch - 1]) for epoch in epochs}
    make(here, *names.values())
    write_csv(here / "training.csv", *LOSSES)
    for when, epoch in enumerate(epochs, 1_000):
        os.utime(here / names[epoch], (when, when))
    return codes(ranked())


@pytest.mark.parametrize(
    "epochs",
    [
        # A second training that saved the first epochs anew.
        [5, 6, 7, 8, 9, 10, 1, 2, 3, 4],
        [3, 6, 9, 10, 1, 2, 4, 5, 7, 8],
        # And a third one.
        [6, 8, 9, 10, 4, 5, 7, 1, 2, 3],
        [2, 1],
    ],
)
def test_a_training_that_began_again(here: Path, epochs: Sequence[int]) -> None:
    """The log is that of the last one, and gives values to the files of all."""
    assert CODE in saved(here, "cp-{:02d}.keras", epochs)
    with pytest.raises(StrictError, match=r"was saved before .cp-01\.keras"):
        ranked(strict=True)


def test_in_order(here: Path) -> None:
    """As a training saves them."""
    assert CODE not in saved(here, "cp-{:02d}.keras", [1, 2, 4, 7, 10])


def test_a_copy_by_name(here: Path) -> None:
    """It has 10 before 2."""
    assert CODE not in saved(here, "epoch={}.ckpt", [1, 10, 2, 3, 4, 5, 6, 7, 8, 9])


def test_a_copy_in_no_order(here: Path) -> None:
    """As folders list their files; their times say nothing."""
    assert CODE not in saved(here, "cp-{:02d}.keras", [3, 1, 9, 7, 2, 10, 5, 8, 4, 6])


def test_values_in_the_names(here: Path) -> None:
    """They show that the log is that of these files, whenever they were written."""
    assert CODE not in saved(here, "cp-{:02d}-{:.3f}.keras", [5, 6, 7, 8, 9, 10, 1, 2, 3, 4])


def test_two_formats(here: Path) -> None:
    """What was made of all of them afterwards is later, and of the same epochs."""
    saved(here, "cp-{:02d}.keras", [*range(1, 11)])
    assert CODE not in saved(here, "cp-{:02d}.weights.h5", [*range(1, 11)])
