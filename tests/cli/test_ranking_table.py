"""The table of a ranking: what it says beside the rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ckptsel.checkpoint import Ranking
from ckptsel.cli import output
from ckptsel.cli.reports.ranking import RankingReport
from tests import running
from tests.cli.rankings import by_val_loss, checkpoint, ranked, three
from tests.folders import make

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Written


def test_table_of_what_was_not_ranked(written: Written) -> None:
    """Without a monitor there is no rank, no mark, and no reason for having no place."""
    one = replace(checkpoint(1, "0.45"), size_bytes=-1, modified=0.0)
    ranking = Ranking(None, (replace(ranked(None, one), metric=None),))
    assert written(ranking, "table").decode() == (
        "not ranked (--monitor NAME ranks)\n"
        "\n"
        "run     name             epoch  val_loss  size  age  kind\n"
        "runs/a  w.01-0.45.keras      1      0.45     ?    ?  keras\n"
    )


def test_table_shows_a_few_patterns(written: Written) -> None:
    """A folder with many shapes of names does not end in a page of patterns."""
    patterns = tuple((f"{letter}{{epoch}}.h5", 1) for letter in "abcdefg")
    lines = written(replace(three(), patterns=patterns), "table").decode().splitlines()
    assert lines[-2:] == ["--pattern 'e{epoch}.h5'  (learned, 1 name)", "and 2 more patterns"]


def test_table_says_when_rows_are_left_out(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A table of some rows says of how many."""
    ranking = three()
    output.write(RankingReport("list", ranking, ranking.rows[:1]), "table")
    assert "\n1 of 3 checkpoints shown\n" in capfd.readouterr().out


def test_a_value_without_a_label_is_shown_as_what_it_is_taken_for(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The column of a position says which metric it was taken for."""
    one = checkpoint(1, "0.45")
    unlabelled = replace(one.metrics[1], name="1", labelled=False)
    row = ranked(1, replace(one, metrics=(one.metrics[0], unlabelled)))
    ranking = by_val_loss(replace(row, metric=unlabelled))
    output.write(RankingReport("list", ranking, ranking.rows), "table")
    assert "  epoch  val_loss (1)  " in capfd.readouterr().out


def test_table_marks_ties_and_names_below_the_run(written: Written) -> None:
    """A tie is noted, and a name is told from its run's folder on, so that it can be found."""
    one = replace(checkpoint(1, "0.45"), path="runs/a/ckpt/w.keras")
    lines = written(by_val_loss(ranked(1, one, tied=True)), "table").decode().splitlines()
    assert lines[3].split() == [
        *("*", "1", "runs/a", "ckpt/w.keras", "1", "0.45", "1.5", "KiB", "16", "min"),
        *("keras", "tied"),
    ]


@pytest.mark.parametrize("pareto", [False, True])
def test_a_column_for_each_further_monitor(here: Path, *, pareto: bool) -> None:
    """Which value beats another must be seen, also where only a log has it."""
    make(here, "m1.keras", "m2.keras", "m3.keras")
    rows = "0,.5,.7,1\n1,.5,.8,1\n2,.6,.9,1\n"
    (here / "log.csv").write_text("epoch,val_loss,val_acc,lr\n" + rows)
    front = ["--pareto"] if pareto else []
    done = running.run("list", "-m", "val_loss", "-m", "val_accuracy", *front)
    lines = done.stdout.decode().splitlines()
    between = "and" if pareto else "then"
    assert lines[0].endswith(f"; {between} val_accuracy, highest first")
    assert "  val_loss  val_accuracy (val_acc)  source" in lines[2]
    assert lines[3].split()[5:8] == [".5", ".8", "csv:log.csv:3"]
    assert " .9  csv:log.csv:4" in done.stdout.decode()
