"""Checkpoints without a value: what was never measured, and what a log has lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.folders import make, write_csv
from tests.selecting import ranked

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def is_grave(monitor: str = "val_loss") -> bool:
    """Whether it is, that some have no value."""
    (said,) = (each for each in ranked(monitor).findings if each.code == "missing-value")
    return said.strict


@pytest.mark.parametrize(
    "epochs, rows, grave",
    [
        # The log ends before the last one, begins after the first, or has lost one in between.
        ((1, 2, 3, 4), (1, 2, 3), True),
        ((1, 2, 3, 4), (2, 3, 4), True),
        ((1, 2, 3, 4), (1, 2, 4), True),
        # Validated every second epoch, from which rows are.
        ((2, 3, 4, 5, 6), (2, 4, 6), False),
    ],
)
def test_rows_that_are_missing(
    here: Path, epochs: Sequence[int], rows: Sequence[int], *, grave: bool
) -> None:
    """One that was lost may be the best; what nobody measured has no value to lose."""
    make(here, *(f"m{n}-acc0.{n}1.pt" for n in epochs))
    (here / "log.csv").write_text(
        "epoch,acc,val_loss\n" + "".join(f"{n},0.{n}1,0.{9 - n}\n" for n in rows)
    )
    assert is_grave() == grave


def test_a_row_without_a_value(here: Path) -> None:
    """The log knows of it, and that there was no validation."""
    make(here, *(f"cp-{n:02d}.keras" for n in (1, 2, 3, 4)))
    write_csv(here / "training.csv", "", "0.5", "", "0.4")
    assert not is_grave()


def test_a_run_without_any(here: Path) -> None:
    """The best may be in it; a file that counts nothing is no such thing."""
    make(here, "a/cp-01.keras", "a/cp-02.keras", "a/last.keras", "c/final.keras")
    write_csv(here / "a/training.csv", "0.5", "0.4")
    assert not is_grave()
    make(here, "b/cp-01.keras", "b/cp-02.keras")
    assert is_grave()


@pytest.mark.parametrize(
    "losses, grave",
    [(("0.5", "0.1", "0.3", "0.4"), True), (("0.5", "0.4", "0.3", "0.4"), False)],
)
def test_a_file_called_best(here: Path, losses: Sequence[str], *, grave: bool) -> None:
    """It may be that of the log's best epoch, if none of the others is as good."""
    make(here, "w.01.keras", "w.03.keras", "w.04.keras", "best.keras")
    write_csv(here / "training.csv", *losses)
    said = [f for f in ranked().findings if f.path.endswith("best.keras")]
    assert bool(said) == grave
    assert all(each.strict and "0.1 in csv:training.csv:3" in each.message for each in said)


def test_a_table_that_does_not_name_all(here: Path) -> None:
    """It was made for these files, and the best may be among the rest."""
    make(here, "a.pt", "b.pt", "c.pt")
    (here / "t.csv").write_text("file,val_loss\na.pt,0.5\nb.pt,0.4\n")
    found = ranked(metrics=("t.csv",)).findings
    assert [each.strict for each in found if each.code == "missing-value"] == [True]
