"""Runs whose logs spell one metric differently: none drops out, or it is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ckptsel.errors import StrictError
from ckptsel.runs import overview
from ckptsel.search.query import Query
from tests.folders import make
from tests.selecting import codes, places, ranked

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [f"cp-{n:02d}.keras" for n in (1, 2, 3)]


def run_with(folder: Path, titles: str, *rows: str) -> None:
    """Checkpoints without values, and what CSVLogger writes."""
    make(folder, *NAMES)
    lines = "".join(f"{epoch},{row}\n" for epoch, row in enumerate(rows))
    (folder / "training.csv").write_text(f"epoch,{titles}\n{lines}")


@pytest.mark.parametrize("spelling", ["val/loss", "valLoss", "val-loss"])
def test_two_logs_spell_it_differently(here: Path, spelling: str) -> None:
    """The best is the best of both; its value has its source, and the spelling is said."""
    run_with(here / "a", "val_loss", ".5", ".4", ".3")
    run_with(here / "b", spelling, ".2", ".1", ".15")
    ranking = ranked()
    assert places(ranking)[0] == (1, "b/cp-02.keras")
    assert len([row for row in ranking.rows if row.rank]) == 6
    (said,) = (each.message for each in ranking.findings if each.code == "monitor-alias")
    assert said == f"val_loss is read from {spelling!r} in some of the logs"
    metric = ranking.rows[0].metric
    assert metric is not None
    assert (metric.value, metric.source) == (0.1, "csv:training.csv:3")


def test_neither_log_spells_it_as_asked(here: Path) -> None:
    """Nor need any of them."""
    run_with(here / "a", "val/loss", ".5", ".4", ".3")
    run_with(here / "b", "valLoss", ".2", ".1", ".15")
    assert places(ranked())[0] == (1, "b/cp-02.keras")


def test_a_further_monitor(here: Path) -> None:
    """The same of a further monitor."""
    run_with(here / "a", "acc,val_loss", ".9,.5", ".9,.4", ".9,.3")
    run_with(here / "b", "acc,val/loss", ".9,.2", ".9,.1", ".9,.15")
    assert places(ranked("acc", further=("val_loss",)))[0] == (1, "b/cp-02.keras")


def test_runs_and_smoothed_values(here: Path) -> None:
    """Each run has the history of its own log, in its own spelling."""
    run_with(here / "a", "val_loss", ".5", ".4", ".3")
    run_with(here / "b", "val/loss", ".2", ".1", ".15")
    found = overview(Query((str(here),), monitor="val_loss", smooth=3)).runs
    assert [[point.value for point in run.history] for run in found] == [
        [0.2, 0.1, 0.15], [0.5, 0.4, 0.3]
    ]  # fmt: skip


def test_names_spell_it_differently(here: Path) -> None:
    """The same where the values stand in names."""
    make(here, "a/e=1-val_loss=0.30.keras", "a/e=2-val_loss=0.40.keras")
    make(here, "b/m1_valloss0.10.keras", "b/m2_valloss0.20.keras")
    ranking = ranked()
    assert places(ranking)[0] == (1, "b/m1_valloss0.10.keras")
    assert "monitor-alias" in codes(ranking)


def test_two_spellings_in_one_log(here: Path) -> None:
    """Which of the two is meant is not known: that run does not compete, and it is grave."""
    run_with(here / "a", "val_loss", ".5", ".4", ".3")
    run_with(here / "b", "val/loss,val-loss", ".2,.9", ".1,.8", ".15,.7")
    ranking = ranked()
    assert places(ranking)[0] == (1, "a/cp-03.keras")
    (said,) = (each for each in ranking.findings if each.code == "missing-value")
    assert said.strict
    assert "the log of ./b has several that could be it" in said.message
    with pytest.raises(StrictError):
        ranked(strict=True)
