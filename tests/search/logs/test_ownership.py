"""Whose a log is, and what of logs that contradict each other."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from ckptsel.errors import MonitorNotFoundError, StrictError
from tests.folders import make, write_csv
from tests.selecting import codes, places, ranked

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [f"cp-{n:02d}.keras" for n in (1, 2, 3)]
ROUNDED = ["w-01-val_loss=0.32.keras", "w-02-val_loss=0.32.keras", "w-03-val_loss=0.40.keras"]


def saved(file: Path, loss: float | None, **more: object) -> str:
    """A line of ckptsel.jsonl about a file."""
    entry = {"schema": 1, "event": "saved", "file": file.name, "epoch": 7, "step": 70}
    entry |= {"size_bytes": file.stat().st_size, "metrics": {"val_loss": loss}, **more}
    return json.dumps(entry) + "\n"


def test_another_runs_log_is_never_used(here: Path) -> None:
    """A log belongs to the nearest run above it, and one above all runs to none."""
    make(here, *(f"runs/{run}/{name}" for run in "ab" for name in NAMES))
    write_csv(here / "runs/training.csv", 0.1, 0.1, 0.1)
    write_csv(here / "runs/a/training.csv", 0.5, 0.3, 0.4)
    ranking = ranked()
    assert {row.checkpoint.run for row in ranking.rows if row.rank} == {"./runs/a"}
    assert [row.reason for row in ranking.rows if not row.rank] == [
        "no val_loss in the name or a log"
    ] * 3
    assert "missing-value" in codes(ranking)
    assert [log.path for log in ranking.logs] == ["./runs/a/training.csv"]


@pytest.mark.parametrize("log", ["run/training.csv", "run/checkpoints/log.csv", "run/logs/a.csv"])
def test_where_a_run_keeps_its_log(here: Path, log: str) -> None:
    """Beside the checkpoints, above their folder, or in a folder of its own."""
    make(here, *(f"run/checkpoints/{name}" for name in NAMES))
    write_csv(here / log, 0.5, 0.3, 0.4)
    ranking = ranked()
    assert places(ranking)[0] == (1, "run/checkpoints/cp-02.keras")
    source = f"csv:{os.path.relpath(log, 'run')}:3"
    assert ranking.rows[0].metric is not None
    assert ranking.rows[0].metric.source == source


def test_a_run_without_checkpoints_below(here: Path) -> None:
    """A log in a folder of its own may be another run's: only values show that it is not."""
    make(here, *NAMES)
    write_csv(here / "second/training.csv", 0.5, 0.3, 0.4)
    ranking = ranked(None, rank=False)
    assert [log.joined for log in ranking.logs] == [0]
    assert [(f.code, f.strict) for f in ranking.findings] == [("log-elsewhere", False)]
    make(here, *ROUNDED)
    write_csv(here / "second/training.csv", 0.3161, 0.3239, 0.4)
    assert [log.joined for log in ranked().logs] == [6]


def test_logs_are_held_against_each_other(here: Path) -> None:
    """What the stronger log says decides the base of the weaker one, or shows it to be wrong."""
    file = here / "w-02.keras"
    file.write_bytes(b"x")
    (here / "ckptsel.jsonl").write_text(saved(file, 0.25, epoch=2))
    (here / "log.csv").write_text("epoch,loss,val_loss\n0,1,0.5\n1,2,0.25\n2,3,0.1\n")
    ranking = ranked()
    (best,) = ranking.rows
    loss = best.checkpoint.metric("loss")
    assert loss is not None
    assert loss.value == 2
    assert [(log.kind, log.offset) for log in ranking.logs] == [("ckptsel", 0), ("csv", 1)]
    assert codes(ranking) == set()
    (here / "log.csv").write_text("epoch,loss,val_loss\n0,1,0.5\n1,2,0.24\n2,3,0.1\n")
    assert ranked().logs[1].joined == 0


def test_excluded_logs(here: Path) -> None:
    """A log that matches --exclude is not read."""
    make(here, *NAMES)
    write_csv(here / "training.csv", 0.5, 0.3, 0.4)
    with pytest.raises(MonitorNotFoundError):
        ranked(exclude=("*.csv",))


def test_two_logs_that_contradict_each_other(here: Path) -> None:
    """No name tells which of them is about these files, and so neither is used."""
    make(here, *NAMES)
    write_csv(here / "a.csv", 0.5, 0.3, 0.4)
    write_csv(here / "b.csv", 0.2, 0.6, 0.4)
    write_csv(here / "c.csv", 0.1, 0.6, 0.7)
    ranking = ranked(None, rank=False)
    assert [log.joined for log in ranking.logs] == [0, 0, 0]
    assert [(f.path, f.strict) for f in ranking.findings] == [("./b.csv", True), ("./c.csv", True)]
    assert codes(ranking) == {"log-several-runs"}
    make(here, *ROUNDED)
    write_csv(here / "d.csv", 0.3161, 0.3239, 0.4)
    ranking = ranked()
    assert [log.joined for log in ranking.logs] == [0, 0, 0, 6]


def test_a_log_of_keras_says_nothing_of_other_names(here: Path) -> None:
    """That names count one more than the log is Keras's habit, and not that of every loop."""
    make(here, "cp-02.pt", "cp-03.pt")
    write_csv(here / "training.csv", 0.5, 0.3, 0.4, 0.2)
    ranking = ranked()
    assert places(ranking)[0] == (1, "cp-03.pt")
    said = [(f.code, f.strict) for f in ranking.findings if f.code == "log-base-assumed"]
    assert said == [("log-base-assumed", True)]
    make(here, "cp-02.keras", "cp-03.keras")
    ranking = ranked(include=("*.keras",))
    assert places(ranking)[0] == (1, "cp-02.keras")
    # What the framework does anyway is said, and no more.
    said = [(f.code, f.strict) for f in ranking.findings if f.code == "log-base-assumed"]
    assert said == [("log-base-assumed", False)]


@pytest.mark.parametrize(
    "locations",
    [
        ("run/checkpoints",),
        ("run/checkpoints/",),
        ("run/checkpoints/*.keras",),
        (f"run/checkpoints/{ROUNDED[0]}", f"run/checkpoints/{ROUNDED[1]}"),
        ("run/checkpoints", "run"),
        ("run", "run/checkpoints"),
    ],
)
@pytest.mark.parametrize("log", ["run/training.csv", "run/logs/a.csv"])
def test_a_location_that_is_a_runs_folder_of_checkpoints(
    here: Path, locations: tuple[str, ...], log: str
) -> None:
    """The run's logs stand above it, and count however the checkpoints are named."""
    make(here, *(f"run/checkpoints/{name}" for name in ROUNDED))
    # A run below, which is another one; a log above the run, which is nobody's.
    make(here, "run/logs/old/w-01-val_loss=0.2.keras")
    write_csv(here / "run/logs/old/training.csv", 0.2)
    write_csv(here / "training.csv", 0.1, 0.1, 0.1)
    write_csv(here / log, 0.3239, 0.3161, 0.4)
    ranking = ranked(locations=locations, exclude=("run/logs/old/*",))
    assert places(ranking)[0] == (1, f"run/checkpoints/{ROUNDED[1]}")
    metric = ranking.rows[0].metric
    assert metric is not None
    assert metric.source == f"csv:{os.path.relpath(log, 'run')}:3"
    assert [each.path for each in ranking.logs] == [log]
    assert {row.checkpoint.run for row in ranking.rows} == {"run"}


@pytest.mark.parametrize(("inside", "location"), [("run/checkpoints", "."), ("run", "checkpoints")])
def test_from_inside_of_a_run(
    here: Path, monkeypatch: pytest.MonkeyPatch, inside: str, location: str
) -> None:
    """The current folder may be the one that holds the checkpoints."""
    make(here, *(f"run/checkpoints/{name}" for name in ROUNDED))
    write_csv(here / "run/training.csv", 0.3239, 0.3161, 0.4)
    monkeypatch.chdir(inside)
    (best,) = ranked(locations=(location,), keep=1).rows[:1]
    assert best.checkpoint.name == ROUNDED[1]
    assert best.metric is not None
    assert best.metric.text == "0.3161"


def test_names_without_a_folder(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a shell writes them for `*.keras`, in the folder that holds the checkpoints."""
    make(here, *(f"run/checkpoints/{name}" for name in NAMES))
    write_csv(here / "run/log.csv", 0.5, 0.3, 0.4)
    monkeypatch.chdir(here / "run/checkpoints")
    assert places(ranked(locations=tuple(NAMES)))[0] == (1, NAMES[1])


@pytest.mark.parametrize("name", ["training.log", "log.txt", "a_log.txt", "history.tsv"])
def test_other_names_of_tables(here: Path, name: str) -> None:
    """Keras's own example calls the table `training.log`."""
    make(here, *NAMES)
    write_csv(here / name, 0.5, 0.3, 0.4)
    assert places(ranked(strict=True))[0] == (1, NAMES[1])


def test_another_runs_log_above_is_not_used(here: Path) -> None:
    """Where several runs stand in such a folder, the log above is of none of them."""
    make(here, *(f"models/{run}/{name}" for run in "ab" for name in NAMES))
    write_csv(here / "training.csv", 0.5, 0.3, 0.4)
    with pytest.raises(MonitorNotFoundError):
        ranked(locations=("models",))


def test_a_log_that_was_written_over(here: Path) -> None:
    """By the fit that went on, or one that ended sooner: the others may be the best."""
    make(here, *(f"cp-{n:02d}.keras" for n in range(1, 7)))
    write_csv(here / "training.csv", 0.5, 0.3, 0.4, first=3)
    (said,) = (f for f in ranked().findings if f.code == "missing-value")
    assert said.strict
    assert "3 of these are of a time before or after that of the log" in said.message
    write_csv(here / "training.csv", 0.5, 0.3, 0.4)
    (said,) = (f for f in ranked().findings if f.code == "missing-value")
    assert said.strict


def test_a_log_elsewhere_does_not_contest_the_runs_own(here: Path) -> None:
    """A folder below may be another run's, whose checkpoints are gone."""
    make(here, *(f"ckpts/{name}" for name in NAMES))
    write_csv(here / "log.csv", 0.5, 0.3, 0.4)
    write_csv(here / "other/log.csv", 0.2, 0.9, 0.8)
    ranking = ranked(strict=True)
    assert places(ranking)[0] == (1, f"ckpts/{NAMES[1]}")
    assert [log.joined for log in ranking.logs] == [3, 0]


def test_a_log_of_other_metrics_beside_two_that_contradict_each_other(here: Path) -> None:
    """It says nothing that they do, and is used."""
    make(here, *NAMES)
    write_csv(here / "a.csv", 0.5, 0.3, 0.4)
    write_csv(here / "b.csv", 0.2, 0.6, 0.4)
    (here / "c.csv").write_text("epoch,val_acc\n0,0.5\n1,0.7\n2,0.6\n")
    ranking = ranked("val_acc")
    assert places(ranking)[0] == (1, NAMES[1])
    assert "log-several-runs" in codes(ranking)


@pytest.mark.parametrize(
    "name, text",
    [
        ("lr.csv", "epoch,lr\n0,.1\n1,.01\n"),
        ("test.csv", "epoch,test_acc\n1,.9\n"),
        ("chat_history.json", '[{"role":"user"},{"role":"bot"}]'),
        ("history.json", '{"messages":["a","b"]}'),
        ("history.json", '{"val_loss":[0.5,0.3,0.4],"loss":[0.9,0.8]}'),
        ("notes.csv", 'epoch,text\n1,"unterminated\n2,foo\n'),
        ("odd.csv", "epoch,val_acc,val_acc\n0,.1,.2\n1,.1,.2\n2,.3,.4\n"),
    ],
)
def test_what_says_nothing_of_the_monitor_is_not_grave(here: Path, name: str, text: str) -> None:
    """Whatever else lies there: the answer does not change with it."""
    make(here, *NAMES)
    write_csv(here / "training.csv", 0.5, 0.3, 0.4)
    (here / name).write_text(text)
    assert places(ranked(strict=True))[0] == (1, NAMES[1])


def test_what_was_not_used_is_grave_where_it_may_have_the_monitor(here: Path) -> None:
    """A lesser log, which no value confirms, gives the value in its place."""
    make(here, *(f"epoch{n}.pt" for n in range(9)))
    rows = "".join(f"{n},0.{n}\n" for n in range(5, 9))
    (here / "results.csv").write_text("epoch,metrics/mAP50(B)\n" + rows)
    rows = "".join(f"{n},0.{9 - n}\n" for n in range(9))
    (here / "log.csv").write_text("epoch,metrics/mAP50(B)\n" + rows)
    with pytest.raises(StrictError):
        ranked("metrics/mAP50(B)", strict=True)


def test_the_label_of_validation(here: Path) -> None:
    """Where names print the log's val_loss as their loss, so do its other rows."""
    values = [0.9, 0.7, 0.5, 0.55, 0.6, 0.65, 0.4, 0.7]
    make(here, *(f"cp-{n:02d}-loss{v:.2f}.keras" for n, v in enumerate(values, 1)))
    rows = "".join(f"{n},0.{9 - n},{v + 0.001:.4f}\n" for n, v in enumerate(values))
    (here / "log.csv").write_text("epoch,loss,val_loss\n" + rows)
    best = {places(ranked(name, smooth=3))[0] for name in ("loss", "val_loss")}
    assert best == {(1, "cp-03-loss0.50.keras")}
    assert "monitor-alias" in codes(ranked("loss"))
    assert "monitor-alias" not in codes(ranked("val_loss"))
    # Who does not trust the names means the log's own column.
    alone = ranked("loss", logs="only")
    assert places(alone)[0] == (1, "cp-08-loss0.70.keras")


def test_a_silent_name_unsettles_nothing(here: Path) -> None:
    """`final.keras` has no row, and what another log says of it matters to nobody."""
    names = [f"cp-{n:02d}-val_loss{v}.keras" for n, v in enumerate((0.51, 0.31, 0.41), 1)]
    make(here, *names, "final.keras")
    write_csv(here / "a.csv", 0.5123, 0.3123, 0.4123)
    write_csv(here / "b.csv", 0.5134, 0.3134, 0.4134)
    assert places(ranked(strict=True))[0] == (1, names[1])
