"""Folders for which some version named the wrong file, or a doubtful one without a word."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

import ckptsel
from ckptsel.errors import (
    AmbiguousMonitorError,
    CkptselError,
    LocationNotFoundError,
    MonitorNotFoundError,
    StrictError,
    TieError,
)
from ckptsel.selection import Query, select
from tests.folders import make
from tests.selecting import codes, places, ranked

if TYPE_CHECKING:
    from pathlib import Path


def best(monitor: str | None = None, **options: Any) -> str:
    """The path of the best, below the current folder."""
    rows = select(Query(monitor=monitor, **options), keep=2).rows
    return rows[0].checkpoint.path.removeprefix("./")


@pytest.mark.parametrize(
    "names, options, expected",
    [
        # The value never varies in one of two shapes: it may be the best one.
        ("a.05-1.00.h5 a.09-1.00.h5 b.01-0.98.h5 b.02-0.99.h5", "val_acc", AmbiguousMonitorError),
        ("A/w.05-0.10.h5 A/w.09-0.10.h5 B/w.01-0.200.h5 B/w.02-0.300.h5", "val_loss", ValueError),
        # Counters and settings are no metric without a label.
        ("w.01-0.9.h5 w.02-0.5.h5 w.03-0.7.h5", "epoch max", "w.03-0.7.h5"),
        ("w.01-0.9.h5 w.02-0.5.h5 w.03-0.7.h5", "step max", MonitorNotFoundError),
        ("w.01-0.9.h5 w.02-0.5.h5 w.03-0.7.h5", "lr min", MonitorNotFoundError),
        # Labels that may stand behind their numbers.
        ("ep_1_0.45_loss_0.93_acc.h5 ep_2_0.50_loss_0.90_acc.h5", "loss", AmbiguousMonitorError),
        ("10_epochs_0.93_acc_0.35_loss.h5 20_epochs_0.90_acc_0.40_loss.h5", "acc", ValueError),
        # Thousands.
        ("val_loss=1_000.5.pt val_loss=999.5.pt", "val_loss", "val_loss=999.5.pt"),
        # A sibling shows that the second dash is a minus.
        ("w-1-loss--0.5.h5 w-2-loss-0.3.h5 w-3-loss--0.7.h5", "loss", "w-3-loss--0.7.h5"),
        # Negative losses that ignite did not write.
        ("sep_val_loss=-12.3.pt sep_val_loss=-15.9.pt", "val_loss min", "sep_val_loss=-15.9.pt"),
        ("epoch_1_loss=-0.50.pt epoch_2_loss=-0.70.pt", "loss", "epoch_2_loss=-0.70.pt"),
        # A label that a slash has cut in two, whatever stands beside it.
        (
            "e=1-train/loss=0.3.ckpt e=1-train/loss=0.2.ckpt e=1-val/loss=0.5.ckpt",
            "val_loss",
            "e=1-val/loss=0.5.ckpt",
        ),
        ("e=1-val/loss=0.3.ckpt e=1-train/loss=0.2.ckpt", "loss", MonitorNotFoundError),
        # Lightning without inserted names writes zeros as well.
        ("e01-val_loss0.3.ckpt e02-val_loss0.0.ckpt", "val_loss", "e01-val_loss0.3.ckpt"),
        # The later of Lightning's versions.
        ("val_loss=0.5.ckpt val_loss=0.5-v1.ckpt val_loss=0.5-v10.ckpt val_loss=0.5-v2.ckpt",
         "val_loss", "val_loss=0.5-v10.ckpt"),
    ],
)  # fmt: skip
def test_the_right_file_or_a_refusal(
    here: Path, names: str, options: str, expected: str | type[Exception]
) -> None:
    """The right file, or a clear refusal."""
    make(here, *names.split())
    monitor, _, mode = options.partition(" ")
    if isinstance(expected, str):
        assert best(monitor, mode=mode or "auto") == expected
    else:
        kind = CkptselError if expected is ValueError else expected
        with pytest.raises(kind):
            best(monitor, mode=mode or "auto")


@pytest.mark.parametrize("locations", [("runs", "runs/a"), ("runs/a", "runs")])
def test_the_order_of_locations_does_not_matter(here: Path, locations: tuple[str, ...]) -> None:
    """What one location is too far from to see, another may see."""
    make(here, "runs/w-val_loss=0.50.h5", "runs/a/x/w-val_loss=0.10.h5")
    found = best("val_loss", locations=locations, max_depth=2)
    assert found == "runs/a/x/w-val_loss=0.10.h5"


def test_a_link_hides_nothing(here: Path) -> None:
    """A folder that a link has reached too deep is found by its own way, and under its name."""
    make(here, "a/.k", "b/sub/w-val_loss=0.10.h5", "w-val_loss=0.5.h5")
    os.symlink("../b", here / "a" / "link")
    assert best("val_loss", max_depth=3) == "b/sub/w-val_loss=0.10.h5"
    os.symlink("b", here / "0-latest")
    assert best("val_loss") == "b/sub/w-val_loss=0.10.h5"
    assert best("val_loss", exclude=("./0-latest/*",)) == "b/sub/w-val_loss=0.10.h5"


def test_a_pipe_is_no_checkpoint(here: Path) -> None:
    """Only files and folders are; reading a pipe would never end."""
    make(here, "val_loss=0.5.h5")
    os.mkfifo(here / "val_loss=0.1.h5")
    assert best("val_loss") == "val_loss=0.5.h5"


@pytest.mark.parametrize(
    "pattern, expected",
    [
        ("{run}/e{epoch:03d}/w-{val_loss:.2f}.h5", ["r2/e001/w-0.30.h5", "r1/e002/w-0.40.h5"]),
        ("e{epoch:03d}/w-{val_loss:.2f}.h5", ["r2/e001/w-0.30.h5", "r1/e002/w-0.40.h5"]),
    ],
)
def test_per_run_with_folders_in_the_pattern(here: Path, pattern: str, expected: list[str]) -> None:
    """Folders that count are below the run; one that is only text is the run itself."""
    make(here, "r1/e001/w-0.50.h5", "r1/e002/w-0.40.h5", "r2/e001/w-0.30.h5")
    rows = select(Query(monitor="val_loss", patterns=(pattern,), per_run=True)).rows
    assert [row.checkpoint.path[2:] for row in rows] == expected


def test_a_pattern_that_fits_only_some(here: Path) -> None:
    """What does not match is said to be so, and is grave if it may hold a value."""
    make(here, *(f"weights.{n}.weights.h5" for n in ("01-0.50", "10-0.30", "100-0.35")))
    options: dict[str, Any] = {"patterns": ("weights.{epoch:03d}-{val_loss}.weights.h5",)}
    ranking = ranked(**options)
    assert "no-match" in codes(ranking)
    with pytest.raises(StrictError, match="do not match"):
        ranked(strict=True, **options)
    make(here, "last.weights.h5")
    ranked(strict=True, patterns=("weights.{epoch:02d}-{val_loss:.2f}.weights.h5",))


def test_another_spelling_in_its_place_competes(here: Path) -> None:
    """A spelling that was not asked for is the monitor, and it is said; a `last.h5` is not."""
    make(here, "a/e1-val_acc0.99.h5", "b/e1-val_accuracy0.80.h5", "last.h5")
    ranking = ranked("val_accuracy")
    assert places(ranking)[0] == (1, "a/e1-val_acc0.99.h5")
    said = next(finding for finding in ranking.findings if finding.code == "monitor-alias")
    assert "val_acc" in said.message


def test_two_patterns_that_read_the_same_name(here: Path) -> None:
    """The first counts, and that it is not alone is grave."""
    make(here, "w.01-0.9.h5", "w.02-0.5.h5")
    patterns = ("w.{epoch:02d}-{val_loss:.1f}.h5", "w.{epoch:02d}-{val_acc:.1f}.h5")
    assert codes(ranked(patterns=patterns)) == {"read-twice"}
    assert codes(ranked(patterns=patterns[:1])) == set()


def test_one_file_under_two_values(here: Path) -> None:
    """Two links with different values cannot both be right."""
    make(here, "w1-val_loss=0.50.h5")
    os.link(here / "w1-val_loss=0.50.h5", here / "w1-val_loss=0.40.h5")
    assert "two-names" in codes(ranked())


def test_a_tie_at_the_cut(here: Path) -> None:
    """Which of two equals is among the best N is as doubtful as which is the best."""
    make(here, "e1-val_loss0.50.h5", "e2-val_loss0.60.h5", "e3-val_loss0.60.h5")
    assert codes(ranked(keep=3)) == {"tie"}
    with pytest.raises(TieError):
        ranked(keep=3, tie="error")
    assert codes(ranked(keep=2)) == set()


def test_a_tie_without_epochs(here: Path) -> None:
    """Where only the path decides, nothing is called later."""
    make(here, "alpha-val_loss0.50.h5", "beta-val_loss0.50.h5")
    assert "later" not in next(iter(ranked().findings)).message


def test_rounding_is_seen_beyond_the_shortlist(here: Path) -> None:
    """A coarse value that may be the best is said, however many finer ones are better."""
    make(here, *(f"e1-val_acc0.{n}.h5" for n in range(9425, 9450)), "e2-val_acc0.9.h5")
    assert "rounded-apart" in codes(ranked("val_acc", keep=2))


def test_the_api_warns(here: Path) -> None:
    """`ckptsel.best` returns no findings, so the grave ones are warnings."""
    make(here, "w.01-0.9.h5", "w.02-0.5.h5")
    with pytest.warns(ckptsel.CkptselWarning, match="without a label"):
        assert ckptsel.best(monitor="val_loss").checkpoint.epoch == 2


def test_globs_of_the_api_may_be_one_text(here: Path) -> None:
    """One glob is one glob, not one for each of its letters."""
    make(here, "a1-val_loss=0.5.h5", "a2-val_loss=0.4.h5")
    assert ckptsel.best(include="*1*").checkpoint.name == "a1-val_loss=0.5.h5"


def test_an_unreadable_location_is_an_error(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A location that cannot be read is no empty one."""
    make(here, "private/val_loss=0.1.h5")

    def refuse(_: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("ckptsel.storage.entries", refuse)
    with pytest.raises(LocationNotFoundError, match="Permission denied"):
        best(locations=("private",))
