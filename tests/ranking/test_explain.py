"""Why a checkpoint has its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.ranking.explain import explain
from tests.folders import make
from tests.selecting import ranked

if TYPE_CHECKING:
    from pathlib import Path

CSV = "epoch,loss,val_loss\n0,1,0.3161\n1,1,0.3239\n2,1,0.4\n"


def test_a_value_from_a_log(here: Path) -> None:
    """Its line, what the name says, and how far behind the next one is."""
    make(here, *(f"run/w-0{n}-val_loss=0.{v}.keras" for n, v in ((1, 32), (2, 32), (3, 40))))
    (here / "run/training.csv").write_text(CSV)
    ranking = ranked(keep=2)
    found = explain(ranking, ranking.rows[0])
    assert found.log is ranking.logs[0]
    assert (found.line, found.margin) == (2, 0.3239 - 0.3161)
    assert found.in_name is not None
    assert (found.in_name.text, found.in_name.source) == ("0.32", "name")
    assert found.runner_up is ranking.rows[1]


def test_a_value_from_the_name(here: Path) -> None:
    """Without a log there is none to tell of; a tie has no margin."""
    make(here, "w-01-val_loss=0.32.keras", "w-02-val_loss=0.32.keras")
    ranking = ranked(keep=2)
    found = explain(ranking, ranking.rows[0])
    assert (found.log, found.line, found.margin) == (None, None, 0.0)
    last = explain(ranking, ranking.rows[1])
    assert (last.runner_up, last.margin) == (None, None)


def test_values_without_a_label(here: Path) -> None:
    """The name's number is told, though not what it is."""
    make(here, "w-01-0.32.keras", "w-02-0.33.keras")
    (here / "log.csv").write_text("epoch,acc,val_loss\n0,0.9,0.321\n1,0.8,0.329\n")
    ranking = ranked("acc", keep=2)
    found = explain(ranking, ranking.rows[0])
    assert found.in_name is None
    assert [metric.text for metric in found.unlabelled] == ["0.32"]


def test_the_best_of_each_run_has_no_rival(here: Path) -> None:
    """With per_run the next row is another run's best."""
    make(here, "a/w-1-loss=0.5.keras", "a/w-2-loss=0.4.keras", "b/w-1-loss=0.6.keras")
    ranking = ranked("loss", per_run=True)
    assert explain(ranking, ranking.rows[0]).runner_up is None
