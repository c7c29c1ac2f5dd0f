"""From a query to a ranking: who wins, who has no place, and what is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ckptsel.errors import DirectionError, MonitorNotFoundError, StrictError, TieError, UsageError
from ckptsel.search.query import Query
from ckptsel.selection import select
from tests.folders import make
from tests.selecting import codes, places, ranked

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "mode, expected", [("min", "0.2"), ("auto", "0.2"), ("max", "0.9")], ids=str
)
def test_modes(here: Path, mode: str, expected: str) -> None:
    """The lowest, the highest, or what the table says of a loss."""
    make(here, *(f"e={n}-val_loss={v}.h5" for n, v in enumerate((0.5, 0.2, 0.9))))
    best = ranked(mode=mode).best
    assert best is not None
    assert best.metric is not None
    assert best.metric.text == expected


def test_auto_maximises_an_accuracy(here: Path) -> None:
    """Keras 2 would minimise an AUC; that ckptsel does not is said."""
    make(here, "e=1-val_auc=0.5.h5", "e=2-val_auc=0.9.h5", "e=3-val_auc=0.7.h5")
    ranking = ranked("val_auc")
    assert places(ranking)[0] == (1, "e=2-val_auc=0.9.h5")
    assert codes(ranking) == {"keras2-auto"}


@pytest.mark.parametrize("name", ["e={}-val_auc=0.{}.pth", "epoch={}-val_auc=0.{}.ckpt"])
def test_keras_is_not_told_of_to_others(here: Path, name: str) -> None:
    """Whose files are no framework's of Keras never met its auto."""
    make(here, *(name.format(n, n + 3) for n in range(3)))
    assert codes(ranked("val_auc")) == set()


def test_an_unknown_direction(here: Path) -> None:
    """A metric that nobody knows is not ranked by a guess."""
    make(here, "e=1-zing=0.5.h5", "e=2-zing=0.9.h5")
    with pytest.raises(DirectionError, match="'zing'"):
        ranked("zing")
    assert places(ranked("zing", mode="max"))[0] == (1, "e=2-zing=0.9.h5")


@pytest.mark.parametrize(
    "options",
    [{"mode": "best"}, {"mode": ""}, {"tie": "first"}, {"max_depth": 0}, {"monitor": ""}],
    ids=str,
)
def test_options_that_make_no_sense(options: dict[str, Any]) -> None:
    """Are refused before anything is looked at."""
    with pytest.raises(UsageError) as caught:
        Query(**options)
    assert caught.value.hint


def test_rows_without_a_place_come_last(here: Path) -> None:
    """Non-finite and missing values never rank; they are listed after the others, with why."""
    make(
        here,
        "e=1-val_loss=nan.h5",
        "e=2-val_loss=0.50.h5",
        "e=3-val_loss=-inf.h5",
        "e=4-val_loss=0.30.h5",
        "a-plain.h5",
        "z-plain.h5",
    )
    for mode, first in (("min", "e=4-val_loss=0.30.h5"), ("max", "e=2-val_loss=0.50.h5")):
        ranking = ranked(mode=mode)
        assert places(ranking)[0] == (1, first)
        assert [row.rank for row in ranking.rows] == [1, 2, None, None, None, None]
        assert [(row.checkpoint.name, row.reason) for row in ranking.rows[2:]] == [
            ("a-plain.h5", "no val_loss in the name"),
            ("e=1-val_loss=nan.h5", "val_loss is nan"),
            ("e=3-val_loss=-inf.h5", "val_loss is -inf"),
            ("z-plain.h5", "no val_loss in the name"),
        ]
        assert codes(ranking) == {"missing-value", "non-finite"}
    with pytest.raises(StrictError, match="no finite val_loss"):
        ranked(strict=True)


def test_nothing_to_rank(here: Path) -> None:
    """Only NaN: `list` shows them without a place, and `best` refuses."""
    make(here, "e=1-val_loss=nan.h5", "e=2-val_loss=nan.h5")
    ranking = ranked()
    assert ranking.best is None
    assert ranking.runner_up is None
    assert [row.rank for row in ranking.rows] == [None, None]
    with pytest.raises(MonitorNotFoundError, match="no checkpoint has a usable value of val_loss"):
        ranked(keep=1)


@pytest.mark.parametrize(
    "tie, first", [("later", "e=10-val_loss=0.30.h5"), ("earlier", "e=2-val_loss=0.3.h5")]
)
def test_ties(here: Path, tie: str, first: str) -> None:
    """Equal prints go by epoch, and it is said; 0.3 and 0.30 are equal."""
    make(
        here,
        "e=2-val_loss=0.3.h5",
        "e=9-val_loss=0.30.h5",
        "e=10-val_loss=0.30.h5",
        "e=11-val_loss=0.40.h5",
    )
    for keep in (None, 1):
        ranking = ranked(tie=tie, keep=keep)
        assert places(ranking)[0] == (1, first)
        assert ranking.rows[0].tied
        (finding,) = (finding for finding in ranking.findings if finding.code == "tie")
        assert f"3 checkpoints have the same val_loss of 0.3{'0' * (tie == 'later')} in print" in (
            finding.message
        )
        assert f"the {tie} one comes first" in finding.message
    assert [row.tied for row in ranked(tie=tie).rows] == [True, True, True, False]
    # Who says it has decided it.
    assert places(ranked(tie=tie, strict=True))[0] == (1, first)
    with pytest.raises(StrictError, match="3 checkpoints have the same"):
        ranked(strict=True)


def test_ties_of_texts(here: Path) -> None:
    """In a field that can hold a text, 0.50 and 0.5 are one value all the same."""
    make(here, "w-1-0.50.h5", "w-2-0.5.h5", "w-3-0.7.h5")
    ranking = ranked("v", mode="min", patterns=("w-{epoch}-{v}.h5",))
    assert places(ranking)[0] == (1, "w-2-0.5.h5")
    assert "tie" in codes(ranking)
    assert [row.tied for row in ranking.rows] == [True, True, False]


def test_ties_can_be_errors(here: Path) -> None:
    """A tie for the best is then no answer; one further down is none of its business."""
    make(here, "e=1-val_loss=0.3.h5", "e=2-val_loss=0.4.h5", "e=3-val_loss=0.4.h5")
    assert places(ranked(tie="error"))[0] == (1, "e=1-val_loss=0.3.h5")
    make(here, "e=4-val_loss=0.3.h5")
    with pytest.raises(TieError) as caught:
        ranked(tie="error")
    assert caught.value.exit_code == 4


def test_rounding_is_said(here: Path) -> None:
    """A coarser print further down can hide a better value, too."""
    make(here, "a-val_loss=0.3194.h5", "b-val_loss=0.3195.h5", "c-val_loss=0.32.h5")
    ranking = ranked(keep=1)
    assert places(ranking) == [(1, "a-val_loss=0.3194.h5")]
    (finding,) = ranking.findings
    assert (finding.code, finding.path, finding.strict) == (
        "rounded-apart",
        "./c-val_loss=0.32.h5",
        True,
    )


def test_top(here: Path) -> None:
    """So many of the best, in order; all that is fewer than asked for."""
    make(here, *(f"e={n}-val_loss=0.{n}.h5" for n in range(1, 10)))
    for keep in (1, 3, 9, 20):
        expected = [(n, f"e={n}-val_loss=0.{n}.h5") for n in range(1, min(keep, 9) + 1)]
        assert places(ranked(keep=keep)) == expected


def test_the_best_of_each_run(here: Path) -> None:
    """One a run, best first; a tie within a run is said, one between runs is none."""
    make(
        here,
        "a/e=1-val_loss=0.4.h5",
        "a/e=2-val_loss=0.5.h5",
        "b/e=1-val_loss=0.4.h5",
        "c/checkpoints/e=1-val_loss=0.1.h5",
        "c/checkpoints/e=2-val_loss=0.2.h5",
        "d/e=1-val_loss=nan.h5",
    )
    expected = [
        (1, "c/checkpoints/e=1-val_loss=0.1.h5"),
        (2, "a/e=1-val_loss=0.4.h5"),
        (3, "b/e=1-val_loss=0.4.h5"),
    ]
    ranking = ranked(per_run=True, tie="error")
    assert places(ranking) == expected
    assert not any(row.tied for row in ranking.rows)
    assert places(ranked(per_run=True, keep=2)) == expected[:2]
    make(here, "a/e=3-val_loss=0.4.h5")
    ranking = ranked(per_run=True)
    assert places(ranking)[1] == (2, "a/e=3-val_loss=0.4.h5")
    assert [row.tied for row in ranking.rows] == [False, True, False]
    assert "tie" in codes(ranking)
    with pytest.raises(TieError):
        ranked(per_run=True, tie="error")


def test_without_a_rank(here: Path) -> None:
    """Asked for no ranking, all checkpoints in the order of their paths."""
    make(here, "b-val_loss=0.1.h5", "a-val_loss=0.9.h5", "c.h5")
    ranking = select(Query(), rank=False)
    assert places(ranking) == [
        (None, "a-val_loss=0.9.h5"),
        (None, "b-val_loss=0.1.h5"),
        (None, "c.h5"),
    ]
    assert ranking.monitor is None
    assert ranking.best is None
    assert ranking.seen == 3


def test_a_labelled_value_beside_unlabelled_ones(here: Path) -> None:
    """Values without a label do not compete with labelled ones, and that is said."""
    make(here, "a/e=1-val_loss=0.50.h5", "a/e=2-val_loss=0.40.h5", "b/w.1-0.10.h5", "b/w.2-0.20.h5")
    ranking = ranked()
    assert places(ranking)[0] == (1, "a/e=2-val_loss=0.40.h5")
    assert "unlabelled-value" in codes(ranking)
    with pytest.raises(StrictError, match="do not compete"):
        ranked(strict=True)


def test_a_tie_between_runs(here: Path) -> None:
    """Of the best of each run, one is taken and one is left."""
    make(here, "a/w-val_loss=0.2.h5", "b/w-val_loss=0.2.h5", "c/w-val_loss=0.1.h5")
    assert "tie" not in codes(ranked(per_run=True))
    assert "tie" not in codes(ranked(per_run=True, keep=2))
    assert "tie" in codes(ranked(per_run=True, keep=3))
    with pytest.raises(TieError):
        ranked(per_run=True, keep=3, tie="error")
