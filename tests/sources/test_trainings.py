"""Several trainings whose event files or metrics lie below one run: their values never meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ckptsel.errors import MonitorNotFoundError
from ckptsel.sources.reading.moments import Part
from ckptsel.sources.reading.trainings import Written, moments_by_training
from ckptsel.sources.tensorboard_events import KIND, Scalar, moments_of
from tests.folders import make
from tests.selecting import codes, ranked
from tests.sources.event_files import scalar, version

if TYPE_CHECKING:
    from pathlib import Path

    from ckptsel.checkpoint import Ranking
    from ckptsel.sources.log import LogRow

LOSSES = {1: (0.9, 0.8, 0.7, 0.6), 2: (0.55, 0.45, 0.35, 0.25)}
VAL_LOSSES = {1: (0.91, 0.5, 0.71, 0.61), 2: (0.56, 0.46, 0.3, 0.4)}


def write(path: Path, *scalars: tuple[str, float, int, float]) -> None:
    """An event file: tag, value, step and time of each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(version() + b"".join(scalar(*each) for each in scalars))


def values(ranking: Ranking) -> dict[str, object]:
    """Name → the monitor's value."""
    return {row.checkpoint.name: row.metric.value for row in ranking.rows if row.metric}


@pytest.mark.parametrize("suffix", [".v2", ""])
@pytest.mark.parametrize(
    "path",
    [
        # As Keras's tutorials write it; and two processes that share the callback's default.
        "logs/fit/{run}/{split}/events.out.tfevents.1700000000.host.7.0",
        "logs/{split}/events.out.tfevents.170000000{run}.host.name.{run}.0",
    ],
)
def test_two_trainings_at_the_same_time(here: Path, path: str, suffix: str) -> None:
    """The values of each are of its own files, though they were written by turns."""
    tag, first = ("epoch_loss", 1) if suffix else ("loss", 0)
    for run in (1, 2):
        for order, (split, of_run) in enumerate((("train", LOSSES), ("validation", VAL_LOSSES))):
            write(
                here / "run" / (path.format(run=run, split=split) + suffix),
                *((tag, v, n, 10.0 * n + 2 * order + run) for n, v in enumerate(of_run[run])),
            )
    make(here, *(f"run/m.{n + first:02d}-loss{v:.2f}.keras" for n, v in enumerate(LOSSES[2])))
    ranking = ranked(strict=True)
    assert values(ranking) == pytest.approx(
        {f"m.{n + first:02d}-loss{v:.2f}.keras": VAL_LOSSES[2][n] for n, v in enumerate(LOSSES[2])}
    )


def test_a_second_training_that_begins_with_another_metric(here: Path) -> None:
    """What it logs first is not the first training's, though nothing contradicts."""
    write(here / "logs/events.out.tfevents.1", *(("val_loss", 0.5 - n / 10, n, n) for n in (1, 2)))
    of_second = [("val_acc", 0.6, 1, 11.0), ("val_loss", 0.6, 1, 12.0), ("val_acc", 0.9, 2, 13.0)]
    write(here / "logs/events.out.tfevents.2", *of_second)
    make(here, "m_ep1_val_loss0.40.pt", "m_ep2_val_loss0.30.pt")
    with pytest.raises(MonitorNotFoundError):
        ranked("val_acc", mode="max")


NO_NUMBERS = "events.out.tfevents.1700000000.host"


def rows(here: Path) -> list[LogRow]:
    """All rows of the event files in a folder."""
    read = KIND.read_together
    assert read is not None
    return [*read(str(here), paths(here), [])]


def paths(here: Path) -> list[str]:
    """The event files in a folder."""
    return sorted(map(str, here.rglob("events*")))


def each(folder: str, scalar: Scalar) -> Part:
    """A part for each scalar."""
    return Part(scalar.place, {f"{folder}/{scalar.tag}": scalar.text}, scalar.step, scalar.step)


def test_a_test_behind_the_training(here: Path) -> None:
    """Lightning's `fit` and `test` write a file each: what counts on is of the same start."""
    write(here / f"{NO_NUMBERS}.1", ("val_loss", 0.5, 3, 1), ("val_loss", 0.25, 7, 2))
    write(here / f"{NO_NUMBERS}.2", ("test_loss", 0.75, 8, 3), ("test_loss", 0.5, 3, 4))
    assert [(row.step, row.values) for row in rows(here)] == [
        (3, {"val_loss": "0.5", "test_loss": "0.5"}),
        (7, {"val_loss": "0.25"}),
        (8, {"test_loss": "0.75"}),
    ]


@pytest.mark.parametrize("first", [1, 2, 3])
def test_files_that_begin_again(here: Path, first: int) -> None:
    """A file that counts back is of another start, together with the one beside it."""
    for start, steps in enumerate(((1, 2), (first, 4))):
        for order, split in enumerate(("train", "val")):
            when = 100.0 * start + order
            name = f"{NO_NUMBERS}.{start}"
            write(here / split / name, *((f"m{start}", n, n, when + 10 * n) for n in steps))
    both = [{"m0": f"{n}.0", "val_m0": f"{n}.0"} for n in (1, 2)]
    again = [{"m1": f"{n}.0", "val_m1": f"{n}.0"} for n in (first, 4)]
    assert [row.values for row in rows(here)] == [*both, *again]
    starts = {start for (_, start), _ in moments_of(str(here), paths(here), [], each)}
    # One that counts on is no other start.
    assert starts == ({0} if first == 3 else {0, 1})


def test_two_writers_of_one_training(here: Path) -> None:
    """Two files of one folder that are written by turns may be of one training, and again."""
    for start in (0, 1):
        for order, tag in enumerate(("loss", "val_loss")):
            name = f"{NO_NUMBERS}.{start}{order}"
            write(here / name, *((tag, n, n, 100.0 * start + 10 * n + order) for n in (0, 1, 2)))
    names = [{*row.values} for row in rows(here)]
    assert names == [{"loss", "val_loss"}] * 6


def test_a_later_evaluation(here: Path) -> None:
    """One that was made when the training had ended is of its steps all the same."""
    write(here / "train/events.out.tfevents.1.host.7.0", *(("loss", n, n, n) for n in (1, 2)))
    write(here / "eval/events.out.tfevents.9.host.8.0", *(("loss", n, n, 10 + n) for n in (1, 2)))
    assert [{*row.values} for row in rows(here)] == [{"loss", "eval_loss"}] * 2


def test_starts_by_what_is_counted() -> None:
    """Epochs are held against epochs, and steps against steps; trainings go by their times."""

    def written(training: str, *parts: tuple[float, int | None, int | None]) -> Written:
        some = ((when, Part("", {f"{when}": "1"}, epoch, step)) for when, epoch, step in parts)
        return Written(training, training, some)

    files = [
        written("b", (5.0, None, 900), (6.0, 0, None), (7.0, 1, None)),
        written("a", (1.0, 3, None), (2.0, None, None)),
        written("b", (8.0, None, 901), (9.0, 0, None)),
        written("c"),
    ]
    assert [of for of, _ in moments_by_training(files, "", [])] == [
        *[(0, 0)] * 2,
        *[(1, 0)] * 4,
        (1, 1),
    ]


def test_two_runs_of_mlflow(here: Path) -> None:
    """Each metric is of the run in whose folder it lies."""
    make(here, *(f"m_ep{n}-loss{v:.2f}.pt" for n, v in enumerate(LOSSES[2])))
    for run in (1, 2):
        for order, (metric, of_run) in enumerate((("loss", LOSSES), ("val_loss", VAL_LOSSES))):
            path = here / f"mlruns/0/{run}/metrics/{metric}"
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = [
                f"{1700000000000 + 10 * n + 2 * order + run} {v} {n}\n"
                for n, v in enumerate(of_run[run])
            ]
            path.write_text("".join(lines))
    ranking = ranked()
    assert values(ranking) == pytest.approx(
        {f"m_ep{n}-loss{v:.2f}.pt": VAL_LOSSES[2][n] for n, v in enumerate(LOSSES[2])}
    )
    assert codes(ranking) == set()
