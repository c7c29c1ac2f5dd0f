"""Smoothed values: from names and logs to rankings by medians."""

from __future__ import annotations

import json
import math
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckptsel.errors import MonitorNotFoundError, StrictError, UsageError
from ckptsel.ranking.smoothing import median_around
from ckptsel.search.query import Query
from tests.folders import make
from tests.selecting import codes, places, ranked
from tests.sources.trainer_states import trainer_states

if TYPE_CHECKING:
    from pathlib import Path


def save(folder: Path, *losses: float) -> list[str]:
    """A checkpoint an epoch, the first being 1, with a loss each."""
    names = [f"w.{n:02d}-val_loss={loss:.3f}.keras" for n, loss in enumerate(losses, 1)]
    make(folder, *names)
    return names


def table(path: Path, *losses: float, first: int = 0, more: str = "") -> None:
    """What CSVLogger writes."""
    rows = "".join(f"{n},{loss}\n" for n, loss in enumerate(losses, first))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("epoch,val_loss\n" + rows + more)


def smoothed(width: int = 3, **options: Any) -> dict[float | None, float | None]:
    """Epoch → smoothed value, best first."""
    asked = ranked(smooth=width, **options)
    return {row.checkpoint.epoch: row.smoothed for row in asked.rows if row.rank}


def test_one_lucky_epoch(here: Path) -> None:
    """By the median of three, the valley wins over the spike; the values shown are as read."""
    names = save(here, 0.9, 0.8, 0.1, 0.8, 0.5, 0.4, 0.5, 0.7)
    assert places(ranked())[0] == (1, names[2])
    asked = ranked(smooth=3)
    row = asked.rows[0]
    assert (row.checkpoint.name, row.smoothed) == (names[5], 0.5)
    assert row.metric is not None
    assert row.metric.value == 0.4
    assert "smoothed" in codes(asked)


def test_one_lucky_epoch_at_the_edge(here: Path) -> None:
    """The first and the last epochs have as many values around them as all others."""
    save(here, 0.50, 0.10, 0.60, 0.31, 0.30, 0.32)
    assert smoothed() == {5: 0.31, 4: 0.31, 6: 0.31, 2: 0.5, 1: 0.5, 3: 0.31}
    asked = ranked(smooth=3)
    assert asked.rows[0].checkpoint.epoch == 5


def test_values_that_are_not_finite(here: Path) -> None:
    """They are neighbours as well: of `nan .3 nan` the .3 is no median."""
    make(here, *(f"w.{n:02d}.keras" for n in range(1, 6)))
    table(here / "training.csv", 0.5, 0.5, math.nan, 0.3, math.nan)
    asked = ranked(smooth=3)
    assert {row.checkpoint.epoch for row in asked.rows if row.rank} == {1, 2}
    assert "not-smoothed" in codes(asked)
    (without,) = (row for row in asked.rows if row.checkpoint.epoch == 4)
    assert without.reason == "no smoothed value: too few around it"
    with pytest.raises(StrictError):
        ranked(smooth=3, strict=True)


def test_names_that_are_not_finite(here: Path) -> None:
    """The same of names, without a log."""
    make(here, *(f"w.{n:02d}-val_loss={v}.keras" for n, v in enumerate(("nan", "0.3", "nan"), 1)))
    make(here, *(f"w.{n:02d}-val_loss=0.9.keras" for n in (4, 5, 6)))
    assert 2 not in smoothed()


def test_fewer_values_than_are_asked_for(here: Path) -> None:
    """Then all medians are one, which is grave: it is the values themselves that decide."""
    names = save(here, 0.5, 0.1, 0.6)
    asked = ranked(smooth=5)
    assert places(asked)[0] == (1, names[1])
    assert "not-smoothed" in codes(asked)
    assert "not-smoothed" not in codes(ranked(smooth=3))
    with pytest.raises(MonitorNotFoundError):
        ranked(smooth=7, keep=1)


def test_smoothing_uses_the_log(here: Path) -> None:
    """Where only some epochs were saved, the medians are of all that were logged."""
    make(here, "w.03-val_loss=0.10.keras", "w.06-val_loss=0.40.keras")
    table(here / "training.csv", 0.9, 0.9, 0.1, 0.9, 0.5, 0.4, 0.5)
    assert smoothed() == {6: 0.5, 3: 0.9}


def test_a_log_of_two_trainings(here: Path) -> None:
    """The names agree with the first one: the second one's values are not among the medians."""
    losses = (0.801, 0.602, 0.403, 0.304, 0.355, 0.456, 0.507)
    names = save(here, *losses)
    alone = smoothed()
    other = (0.01, 0.02, 0.03, 0.94, 0.95, 0.96, 0.97, 0.98)
    again = "".join(f"{n},{loss}\n" for n, loss in enumerate(other))
    table(here / "training.csv", *losses, more=again)
    assert smoothed() == alone
    assert places(ranked(smooth=3))[0] == (1, names[3])


def test_a_training_that_was_resumed(here: Path) -> None:
    """The log goes on from the epoch before, whose rows are there twice: the later ones count."""
    make(here, "w.03-val_loss=0.30.keras", "w.06-val_loss=0.60.keras")
    more = "".join(f"{n},{loss}\n" for n, loss in ((3, 0.7), (4, 0.8), (5, 0.6), (6, 0.9)))
    table(here / "training.csv", 0.1, 0.2, 0.3, 0.95, 0.96, more=more)
    assert smoothed() == {3: 0.3, 6: 0.8}


def test_the_table_that_is_given(here: Path) -> None:
    """It is read as it was when it was joined, also where another kind would count otherwise."""
    make(here, *(f"epoch={n:02d}.pt" for n in range(1, 7)))
    values = dict(enumerate((0.1, 0.8, 0.9, 0.85, 0.2, 0.3, 0.25), 1))
    rows = "".join(f"{n},{value}\n" for n, value in values.items())
    (here / "results.csv").write_text("epoch,metrics/mAP50(B)\n" + rows)
    name = "metrics/mAP50(B)"
    given: dict[str, Any] = {"monitor": name, "mode": "max", "metrics": ("results.csv",)}
    assert smoothed(key="epoch", **given) == {
        3: 0.85, 4: 0.85, 2: 0.8, 1: 0.8, 5: 0.3, 6: 0.25
    }  # fmt: skip


@pytest.mark.parametrize("suffix", ["csv", "json"])
@pytest.mark.parametrize("folder", ["run", "elsewhere"])
def test_wherever_the_table_stands(here: Path, folder: str, suffix: str) -> None:
    """A table of any format, beside the checkpoints or far from them, gives the same medians."""
    make(here, *(f"run/epoch={n}.pt" for n in (2, 4, 6)))
    values = dict(enumerate((0.1, 0.9, 0.1, 0.5, 0.6, 0.55, 0.5), 1))
    (here / folder).mkdir(exist_ok=True)
    path = here / folder / f"s.{suffix}"
    if suffix == "csv":
        path.write_text("epoch,s\n" + "".join(f"{n},{value}\n" for n, value in values.items()))
    else:
        path.write_text(json.dumps([{"epoch": n, "s": value} for n, value in values.items()]))
    options: dict[str, Any] = {"monitor": "s", "mode": "max", "metrics": (str(path),)}
    assert smoothed(locations=("run",), **options) == {6: 0.55, 4: 0.5, 2: 0.1}


def test_a_log_that_names_the_files(here: Path) -> None:
    """The Trainer's state counts steps, and knows those of checkpoints that were deleted."""
    values = {100: 0.9, 200: 0.2, 300: 0.5, 400: 0.4, 500: 0.45}
    trainer_states(here, values, (300, 400, 500))
    asked = ranked("eval_loss", smooth=3)
    assert {row.checkpoint.step: row.smoothed for row in asked.rows} == {
        300: 0.4, 400: 0.45, 500: 0.45
    }  # fmt: skip


def test_nothing_to_smooth_around(here: Path) -> None:
    """A checkpoint without an epoch does not compete, and that is grave."""
    names = save(here, 0.5, 0.4)
    make(here, "best-val_loss=0.10.keras")
    asked = ranked(smooth=3)
    assert places(asked)[0] == (1, names[1])
    assert "not-smoothed" in codes(asked)


def test_within_an_epoch(here: Path) -> None:
    """Steps are in order within an epoch, though the best one is found first."""
    values = dict(enumerate((0.10, 0.38, 0.36, 0.22, 0.23, 0.29)))
    make(here, *(f"epoch={n // 2}-step={100 * n}-val_loss={v:.2f}.ckpt" for n, v in values.items()))
    asked = ranked(smooth=3)
    assert {row.checkpoint.step: row.smoothed for row in asked.rows} == {
        300: 0.23, 400: 0.23, 500: 0.23, 0: 0.36, 100: 0.36, 200: 0.36
    }  # fmt: skip


def test_versions_within_an_epoch(here: Path) -> None:
    """So are Lightning's versions of one epoch."""
    values = (0.10, 0.38, 0.36, 0.22, 0.23, 0.29)
    for n, value in enumerate(values):
        version = f"-v{n % 2}" if n % 2 else ""
        make(here, f"epoch={n // 2}-val_loss={value:.2f}{version}.ckpt")
    asked = ranked(smooth=3)
    assert asked.rows[0].checkpoint.name == "epoch=1-val_loss=0.22-v1.ckpt"
    assert [row.smoothed for row in asked.rows] == [0.23] * 3 + [0.36] * 3


SEVERAL = ("w.{:02d}-{:.2f}.keras", "ema.{:02d}-{:.2f}.keras", "w.{:02d}-{:.2f}.optimizer.h5")


@pytest.mark.parametrize("names", [SEVERAL, SEVERAL[:1]])
@pytest.mark.parametrize("every", [1, 2])
def test_several_files_of_an_epoch(here: Path, names: tuple[str, ...], every: int) -> None:
    """They are one time, so that neither do they fill the median nor outnumber the log."""
    losses = (0.9, 0.8, 0.7, 0.1, 0.75, 0.6, 0.5, 0.45, 0.44, 0.43)
    saved = [(n, loss) for n, loss in enumerate(losses[:8], 1) if n % every == 0]
    make(here, *(name.format(n, loss) for name in names for n, loss in saved))
    table(here / "training.csv", *losses)
    asked = ranked(smooth=3)
    assert (asked.rows[0].checkpoint.epoch, asked.rows[0].smoothed) == (8, 0.45)
    (here / "training.csv").unlink()
    expected = {1: 0.5, 2: 0.45}[every]
    assert smoothed()[8] == expected


def test_an_average_beside_what_is_trained(here: Path) -> None:
    """Where files of an epoch have values of their own, so has each of them its neighbours."""
    trained, average = (0.9, 0.2, 0.8, 0.7), (0.6, 0.5, 0.4, 0.3)
    make(here, *(f"w.{n:02d}-val_loss={v}.keras" for n, v in enumerate(trained, 1)))
    make(here, *(f"ema.{n:02d}-val_loss={v}.keras" for n, v in enumerate(average, 1)))
    asked = ranked(smooth=3)
    found = {row.checkpoint.name.partition("-")[0]: row.smoothed for row in asked.rows}
    assert found == {
        "w.01": 0.8, "w.02": 0.8, "w.03": 0.7, "w.04": 0.7,
        "ema.01": 0.5, "ema.02": 0.5, "ema.03": 0.4, "ema.04": 0.4,
    }  # fmt: skip


@pytest.mark.parametrize("patterns", [(), ("{model}_{epoch:02d}-{val_loss:.2f}.keras",)])
def test_two_models_in_a_folder(here: Path, patterns: tuple[str, ...]) -> None:
    """The values of one are not around those of the other, by words or by a field of text."""
    for model, first in (("resnet", 9), ("vgg", 3)):
        make(here, *(f"{model}_{n:02d}-0.{first + 1 - n}0.keras" for n in (1, 2, 3)))
    asked = ranked(smooth=3, patterns=patterns)
    found = {row.checkpoint.name.partition("-")[0]: row.smoothed for row in asked.rows}
    assert found == {f"resnet_{n:02d}": 0.8 for n in (1, 2, 3)} | {
        f"vgg_{n:02d}": 0.2 for n in (1, 2, 3)
    }


def test_parts_of_one_training(here: Path) -> None:
    """Where other words begin when the ones before have ended, it may go on under another name."""
    make(here, *(f"warm_{n:02d}-val_loss=0.{n}.keras" for n in (1, 2, 3)))
    make(here, *(f"tuned_{n:02d}-val_loss=0.{n}.keras" for n in (4, 5, 6)))
    assert smoothed() == {2: 0.2, 1: 0.2, 3: 0.3, 4: 0.4, 5: 0.5, 6: 0.5}


def test_two_values_of_one_time(here: Path) -> None:
    """Two trainings under the same names cannot be told apart: that is grave."""
    save(here, 0.9, 0.8, 0.7)
    save(here, 0.6, 0.5, 0.4)
    asked = ranked(smooth=3)
    assert "not-smoothed" in codes(asked)
    assert "of two trainings" in " ".join(finding.message for finding in asked.findings)


def test_a_run_of_one_checkpoint(here: Path) -> None:
    """Its median may be of fewer values than those of other runs, which is grave."""
    make(here, "a/w.02.keras", *(f"b/w.{n:02d}.keras" for n in range(1, 6)))
    table(here / "a/training.csv", 0.3, 0.1)
    table(here / "b/training.csv", 0.3, 0.25, 0.3, 0.3, 0.3)
    said = [f for f in ranked(smooth=3).findings if f.code == "not-smoothed"]
    assert [(finding.path, finding.strict) for finding in said] == [("./a", True)]


@pytest.mark.parametrize("width", [0, 1, 2, 4, -3])
def test_a_width_that_has_no_centre(width: int) -> None:
    """Only odd numbers from three on have a centre and neighbours."""
    with pytest.raises(UsageError):
        Query(monitor="val_loss", smooth=width)


NUMBERS = st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.4, math.nan, math.inf]), max_size=9)


@given(NUMBERS, NUMBERS, st.sampled_from([3, 5, 7]))
def test_the_median_is_that_of_a_whole_window(
    before: list[float], after: list[float], width: int
) -> None:
    """Of the definition: the window that reaches least far from the centre, of `width` values."""
    values = [*before, 0.5, *after]
    centre = len(before)
    windows = [values[start : start + width] for start in range(max(1, len(values) - width + 1))]
    distance = {
        start: abs(start + width // 2 - centre)
        for start in range(len(windows))
        if start <= centre < start + width
    }
    window = [v for v in windows[min(distance, key=lambda s: distance[s])] if math.isfinite(v)]
    expected = median(window) if len(window) > width // 2 else None
    assert median_around([*before, 0.5], after, width) == expected
