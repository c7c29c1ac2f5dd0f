"""Files out of the order of their epochs, and of their log, are of more than one training."""

from __future__ import annotations

import os
import random
from itertools import accumulate, permutations
from typing import TYPE_CHECKING

import pytest

from ckptsel.errors import StrictError
from tests.folders import make, write_csv
from tests.selecting import codes, ranked

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LOSSES = [0.9, 0.7, 0.5, 0.6, 0.4, 0.3, 0.35, 0.2, 0.25, 0.1]
CODE, OLDER = "log-out-of-order", "log-older"


def saved(here: Path, form: str, epochs: Sequence[int], pauses: Sequence[float] = ()) -> set[str]:
    """What is said of files that were saved in this order, beside a log of ten epochs.

    Args:
        here: the folder.
        form: of their names, for an epoch and its loss.
        epochs: in the order of time.
        pauses: seconds before each but the first; 60 if there are none.
    """
    names = {epoch: form.format(epoch, LOSSES[epoch - 1]) for epoch in epochs}
    make(here, *names.values())
    write_csv(here / "training.csv", *LOSSES)
    waits = pauses or (60,) * (len(epochs) - 1)
    for epoch, when in zip(epochs, accumulate(waits, initial=1e9), strict=True):
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
    ],
)
def test_a_training_that_began_again(here: Path, epochs: Sequence[int]) -> None:
    """The log is that of the last one, and gives values to the files of all."""
    assert CODE in saved(here, "cp-{:02d}.keras", epochs)
    with pytest.raises(StrictError, match=r"was saved before .cp-01\.keras"):
        ranked(strict=True)


@pytest.mark.parametrize(
    ("epochs", "pauses", "is_said"),
    [
        ([3, 4, 1, 2], (60, 900, 60), True),
        ([6, 9, 1, 2, 4], (180, 900, 60, 120), True),
        ([3, 4, 1, 2], (60, 60, 60), False),  # as several are fetched at once
        ([3, 4, 1, 2], (0.1, 2, 0.1), False),  # as several small ones are
        ([3, 4, 1, 2], (0, 0, 0), False),
        ([4, 3, 2, 1], (60, 900, 60), False),
        # One file was fetched again.
        ([2, 3, 4, 1], (60, 60, 900), False),
        ([2, 1], (900,), False),
    ],
)
def test_few_files(
    here: Path, epochs: Sequence[int], pauses: Sequence[float], *, is_said: bool
) -> None:
    """Many orders go back once: a pause as between two trainings has to be there as well."""
    assert (CODE in saved(here, "cp-{:02d}.keras", epochs, pauses)) is is_said


@pytest.mark.parametrize("epochs", [*permutations(range(1, 4))])
def test_any_order_of_three(here: Path, epochs: Sequence[int]) -> None:
    """It tells nothing."""
    assert CODE not in saved(here, "cp-{:02d}.keras", epochs)


def test_how_seldom_a_copy_is_taken_for_two_trainings(here: Path) -> None:
    """Of eight files in any order, that are fetched at once."""
    order = random.Random(1)
    times = 0
    for _ in range(150):
        epochs = order.sample(range(1, 9), 8)
        pauses = [order.expovariate(1 / 20) for _ in epochs[1:]]
        times += CODE in saved(here, "cp-{:02d}.keras", epochs, pauses)
    assert times <= 3


def test_neighbours_in_turn(here: Path) -> None:
    """As files that were copied by two at once, in the order of their names."""
    assert CODE not in saved(here, "cp-{:02d}.keras", [1, 2, 3, 5, 4, 6, 7, 8, 9, 10])


def test_in_order(here: Path) -> None:
    """As a training saves them."""
    assert CODE not in saved(here, "cp-{:02d}.keras", [1, 2, 4, 7, 10])


def test_a_copy_by_name(here: Path) -> None:
    """It has 10 before 2."""
    assert CODE not in saved(here, "epoch={}.ckpt", [1, 10, 2, 3, 4, 5, 6, 7, 8, 9])


@pytest.mark.parametrize(
    ("log", "first", "pause", "is_said"),
    [
        (0, 100 * 86400, 100, True),
        (0, 1000, 100, True),
        # A training writes its log after its files, or once before the last one.
        (0, -400, 100, False),
        (0, -300, 100, False),
        # The files are there ten minutes after the log, or were not written much later than
        # it takes to write them.
        (0, 500, 100, False),
        (0, 3000, 1000, False),
        # Copied, or converted, in one go; unpacked with one time.
        (0, 86400, 2, False),
        (0, 86400, 0, False),
    ],
)
def test_a_log_of_before(
    here: Path, log: float, first: float, pause: float, *, is_said: bool
) -> None:
    """A training that wrote all files anew, and its log elsewhere."""
    make(here, *(f"cp-{n:02d}.keras" for n in range(1, 6)))
    write_csv(here / "training.csv", *LOSSES[:5])
    for n in range(5):
        os.utime(here / f"cp-{n + 1:02d}.keras", (1e9 + first + n * pause,) * 2)
    os.utime(here / "training.csv", (1e9 + log, 1e9 + log))
    assert (OLDER in codes(ranked())) is is_said
    if is_said:
        with pytest.raises(StrictError, match=r"hours before the first of its files, .cp-01\.k"):
            ranked(strict=True)
    # Who names a table knows that it is about these files.
    assert OLDER not in codes(ranked(metrics=("training.csv",), exclude=("training.csv",)))


def test_times_of_one_file_and_of_large_ones(here: Path) -> None:
    """They tell nothing of one; and large ones may have been copied after each other."""
    write_csv(here / "training.csv", *LOSSES[:2])
    os.utime(here / "training.csv", (1e9, 1e9))
    for n in (1, 2):
        make(here, f"cp-{n:02d}.keras")
        os.utime(here / f"cp-{n:02d}.keras", (2e9 + n * 60, 2e9 + n * 60))
        assert (OLDER in codes(ranked(patterns=("cp-{epoch:02d}.keras",)))) is (n == 2)
    for n in (1, 2):
        with (here / f"cp-{n:02d}.keras").open("r+b") as file:
            file.truncate(10**9)
        os.utime(here / f"cp-{n:02d}.keras", (2e9 + n * 60, 2e9 + n * 60))
    assert OLDER not in codes(ranked())


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


def test_two_trainings_in_the_order_of_names(here: Path) -> None:
    """A copy by name has 10 before 2 as well, and no pause of hours."""
    pauses = (60, 20_000, 60, 60)
    assert CODE in saved(here, "epoch={}.ckpt", [8, 10, 2, 3, 5], pauses)
    assert CODE in saved(here, "e{}.ckpt", [10, 9, 2, 3, 4], pauses)
    assert CODE not in saved(here, "epoch={}.ckpt", [10, 1, 2, 3, 5], (1, 1, 1, 1))


def test_a_copy_within_a_moment(here: Path) -> None:
    """The clock of a disk ticks every few milliseconds: no training is over so soon."""
    ticks = (0, 0, 0, 0, 0, 0.004, 0, 0, 0)
    assert CODE not in saved(here, "cp-{:02d}.keras", [1, 2, 4, 5, 7, 9, 10, 3, 6, 8], ticks)
