"""From folders with logs to rankings: exact values, and never those of another run."""

from __future__ import annotations

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckptsel.errors import MonitorNotFoundError, StrictError, UsageError
from ckptsel.search.query import Query
from ckptsel.selection import select
from tests.folders import make
from tests.selecting import codes, places, ranked

if TYPE_CHECKING:
    from random import Random

    from ckptsel.checkpoint import Ranking

CSV = "epoch,val_loss\n0,0.5\n1,0.3\n2,0.4\n"
NAMES = [f"cp-{n:02d}.keras" for n in (1, 2, 3)]
ROUNDED = ["w-01-val_loss=0.32.keras", "w-02-val_loss=0.32.keras", "w-03-val_loss=0.40.keras"]


def write_csv(path: Path, *losses: float | str, first: int = 0) -> None:
    """A table as CSVLogger writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = "".join(f"{first + i},0.9,{loss}\r\n" for i, loss in enumerate(losses))
    path.write_text("epoch,loss,val_loss\r\n" + rows, newline="")


def values(ranking: Ranking) -> dict[str, tuple[object, str]]:
    """The monitor's value of each row, and where it stands."""
    return {
        row.checkpoint.name: (row.metric.value, row.metric.source)
        for row in ranking.rows
        if row.metric
    }


def test_the_log_supplies_what_names_lack(here: Path) -> None:
    """Names with an epoch only get the monitor from the log."""
    make(here, *NAMES)
    write_csv(here / "training.csv", 0.5, 0.3, 0.4)
    ranking = ranked()
    assert places(ranking) == [(1, NAMES[1]), (2, NAMES[2]), (3, NAMES[0])]
    assert values(ranking)[NAMES[1]] == (0.3, "csv:training.csv:3")
    assert codes(ranking) == set()
    (log,) = ranking.logs
    assert (log.joined, log.by, log.offset) == (3, "epoch", 1)


def test_exact_values_break_ties(here: Path) -> None:
    """Of two names with the same print, the log knows the better one; the name stays evidence."""
    make(here, *ROUNDED)
    write_csv(here / "training.csv", 0.3161, 0.3239, 0.4)
    assert "tie" in codes(ranked(logs="ignore", keep=1))
    assert places(ranked(logs="ignore"))[0] == (1, ROUNDED[1])
    ranking = ranked(keep=2)
    assert places(ranking)[0] == (1, ROUNDED[0])
    assert codes(ranking) == set()
    evidence = [
        (m.value, m.source) for m in ranking.rows[0].checkpoint.metrics if m.name == "val_loss"
    ]
    assert evidence == [(0.3161, "csv:training.csv:2"), (0.32, "name")]


def test_disagreement_leaves_the_names(here: Path) -> None:
    """A log that contradicts a name gives nothing, and under strict that is an error."""
    make(here, *ROUNDED)
    write_csv(here / "training.csv", 0.3161, 0.3239, 0.1)
    ranking = ranked()
    assert {source for _, source in values(ranking).values()} == {"name"}
    assert "log-disagrees" in codes(ranking)
    assert ranking.logs[0].joined == 0
    with pytest.raises(StrictError):
        ranked(strict=True)


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


def test_a_log_about_nothing_here(here: Path) -> None:
    """It lies there, and a value that is asked for is not found: it is named."""
    make(here, *(f"cp-epoch{n}.keras" for n in (16, 32)))
    write_csv(here / "training.csv", 0.5, 0.3)
    with pytest.raises(MonitorNotFoundError) as raised:
        ranked()
    assert any("training.csv: none of its rows" in f for f in raised.value.details)


def test_tabs(here: Path) -> None:
    """CSVLogger takes any separator, and users call such a file `.tsv`."""
    make(here, *NAMES)
    rows = (f"{n}\t{n % 2}.5" for n in range(len(NAMES)))
    (here / "training.tsv").write_text("\n".join(["epoch\tval_loss", *rows, ""]))
    assert ranked().logs[0].joined == len(NAMES)


def test_several_checkpoints_within_an_epoch(here: Path) -> None:
    """The epoch's last values are not those of a step in its middle."""
    steps = ["cp-epoch01-step1.keras", "cp-epoch01-step200.keras", "cp-epoch02-step300.keras"]
    make(here, *steps)
    write_csv(here / "training.csv", 0.5, 0.3)
    with pytest.raises(MonitorNotFoundError) as raised:
        ranked()
    assert "3 names" in "".join(raised.value.details)
    assert "tell more than the epoch" in "".join(raised.value.details)


def test_a_batch_is_within_its_epoch(here: Path) -> None:
    """A name that counts an epoch's batches gets no value of its end, unless it agrees."""
    make(here, "cp-epoch01-batch01.keras", "cp-epoch02-batch03.keras")
    write_csv(here / "training.csv", 0.5, 0.3)
    with pytest.raises(MonitorNotFoundError) as raised:
        ranked()
    assert "tell more than the epoch" in "".join(raised.value.details)
    make(here, "cp-epoch03-batch03-val_loss0.25.keras")
    write_csv(here / "training.csv", 0.5, 0.3, 0.2513)
    (best,) = ranked(keep=1).rows
    assert best.metric is not None
    assert (best.metric.text, best.checkpoint.epoch) == ("0.2513", 3)


def test_an_error_tells_of_the_logs_that_were_not_used(here: Path) -> None:
    """The value may well stand there."""
    make(here, *NAMES)
    write_csv(here / "second/training.csv", 0.5, 0.3, 0.4)
    with pytest.raises(MonitorNotFoundError) as raised:
        ranked()
    assert "in a folder of its own" in "".join(raised.value.details)


@pytest.mark.parametrize(
    ("log", "data", "why"),
    [
        ("log.csv", b"", "is empty"),
        ("log.csv", b"\x1f\x8b\0\1\2", "holds bytes that are no text"),
        ("log.csv", CSV.encode("utf-16-le"), "is UTF-16 without the mark"),
        ("log.csv", CSV.replace(",", "~").encode(), "no titles with a separator that is known"),
        ("log.csv", b"# my run\n" + CSV.encode(), "is a comment: '# my run'"),
        ("log.csv", b"\n" + CSV.encode(), "stand, is empty"),
        ("log.csv", b",val_loss,epoch\n0,0.5,0\n", "and the second is not epoch"),
        ("log.csv", b",val_loss,lr\n0,0.5,0\n", "its first column has no title"),
        ("log.csv", b"loss,epoch\n0.5,0\n", "its first column is 'loss', and not epoch"),
        ("log.csv", b"time,loss\n0.5,0\n", "no column epoch; its columns are 'time', 'loss'"),
        ("log.csv", b"epoch\n0\n", "no column but epoch"),
        ("metrics.json", b'{"a": 1}', "no log of JSON that is known under this name"),
    ],
)  # fmt: skip
def test_a_log_of_no_known_kind(here: Path, log: str, data: bytes, why: str) -> None:
    """An error says why it was not used; it is no matter of how names are built."""
    make(here, *NAMES)
    (here / log).write_bytes(data)
    with pytest.raises(MonitorNotFoundError) as raised:
        ranked()
    (said,) = raised.value.details
    assert said.startswith(f"./{log}: ")
    assert why in said
    assert "--metrics" in raised.value.hint
    with pytest.raises(MonitorNotFoundError) as raised:
        ranked(logs="ignore")
    assert (raised.value.details, "--pattern" in raised.value.hint) == ((), True)


@pytest.mark.parametrize(
    ("runs", "why"), [("ab", "lies above 2 runs, as './a'"), ("a", "lies above the run './a'")]
)
def test_a_log_above_the_runs(here: Path, runs: str, why: str) -> None:
    """It is no run's, which an error says."""
    make(here, *(f"{run}/{name}" for run in runs for name in NAMES))
    write_csv(here / "training.csv", 0.5, 0.3, 0.4)
    with pytest.raises(MonitorNotFoundError) as raised:
        ranked()
    assert why in "".join(raised.value.details)
    assert "--pattern" not in raised.value.hint


def test_many_logs_that_were_not_used(here: Path) -> None:
    """A few are told, and that there are more."""
    make(here, *NAMES, *(f"{n}.csv" for n in range(9)))
    with pytest.raises(MonitorNotFoundError) as raised:
        ranked()
    assert len(raised.value.details) == 6
    assert raised.value.details[-1] == "and more logs that were not used"


def test_what_logs_hold_is_not_said_of_names(here: Path) -> None:
    """An error tells the metrics of the names and those of the logs apart."""
    make(here, "w-1-acc=0.5.keras", "w-2-acc=0.6.keras")
    (here / "log.csv").write_text("epoch,loss\n0,0.5\n1,0.4\n")
    with pytest.raises(MonitorNotFoundError) as raised:
        ranked("val_auc")
    assert raised.value.message == (
        "no name and no log holds 'val_auc'; the names hold 'acc' and the logs hold 'loss'"
    )


def saved(file: Path, loss: float | None, **more: object) -> str:
    """A line of ckptsel.jsonl about a file."""
    entry = {"schema": 1, "event": "saved", "file": file.name, "epoch": 7, "step": 70}
    entry |= {"size_bytes": file.stat().st_size, "metrics": {"val_loss": loss}, **more}
    return json.dumps(entry) + "\n"


def test_names_without_a_number(here: Path) -> None:
    """A log that names the files tells of names that say nothing, and of their epochs."""
    files = [here / "best.keras", here / "last.keras"]
    for file in files:
        file.write_bytes(b"x")
    with pytest.raises(MonitorNotFoundError):
        ranked()
    (here / "ckptsel.jsonl").write_text(saved(files[0], 0.4) + saved(files[1], 0.2))
    ranking = ranked()
    assert places(ranking) == [(1, "last.keras"), (2, "best.keras")]
    assert ranking.rows[0].checkpoint.epoch == 7
    assert values(ranking)["last.keras"] == (0.2, "ckptsel:ckptsel.jsonl:2")
    assert ranking.patterns == ()


def test_a_replaced_file_is_another(here: Path) -> None:
    """A row about a file of another size is not about this file."""
    files = [here / "a.keras", here / "b.keras"]
    for file in files:
        file.write_bytes(b"x")
    (here / "ckptsel.jsonl").write_text(saved(files[0], 0.4) + saved(files[1], 0.2))
    files[1].write_bytes(b"longer")
    ranking = ranked()
    assert places(ranking) == [(1, "a.keras"), (None, "b.keras")]
    assert {"log-other-file", "missing-value"} <= codes(ranking)


def test_a_nan_in_the_log_never_wins(here: Path) -> None:
    """It is a value that was not finite, and said so."""
    make(here, *NAMES)
    write_csv(here / "training.csv", "nan", 0.3, 0.4)
    ranking = ranked()
    assert places(ranking) == [(1, NAMES[1]), (2, NAMES[2]), (None, NAMES[0])]
    assert ranking.rows[-1].reason == "val_loss is nan"
    assert "non-finite" in codes(ranking)


def test_a_zero_that_lightning_wrote_is_supplied(here: Path) -> None:
    """Where a name has a zero for "missing", the log says what it was; a log's zero is one."""
    make(here, "epoch=0-val_loss=0.00.ckpt", "epoch=1-val_loss=0.50.ckpt")
    write_csv(here / "training.csv", 0.7, 0.5)
    assert places(ranked())[0] == (1, "epoch=1-val_loss=0.50.ckpt")
    write_csv(here / "training.csv", 0.0, 0.5)
    assert places(ranked())[0] == (1, "epoch=0-val_loss=0.00.ckpt")


def test_logs_only(here: Path) -> None:
    """Metrics in names do not count: neither for ranks nor against the log."""
    make(here, *ROUNDED)
    with pytest.raises(MonitorNotFoundError):
        ranked(logs="only")
    write_csv(here / "training.csv", 0.9, 0.8, 0.7)
    ranking = ranked(logs="only")
    assert places(ranking)[0] == (1, ROUNDED[2])
    assert not any(
        m.source == "name" and m.role == "metric" for m in ranking.rows[0].checkpoint.metrics
    )
    with pytest.raises(UsageError):
        Query(logs="sometimes")


def test_the_only_metric_of_a_log(here: Path) -> None:
    """Without a monitor the names' one metric is taken; a log's, if it is the only one."""
    make(here, *NAMES)
    (here / "log.csv").write_text("epoch,val_loss\n0,0.5\n1,0.3\n2,0.4\n")
    ranking = ranked(None, keep=1)
    assert places(ranking) == [(1, NAMES[1])]
    assert codes(ranking) == {"only-metric"}


def test_other_spellings_meet(here: Path) -> None:
    """`val_acc` in the names is `val_accuracy` in the log: one metric, not two."""
    make(here, "w-01-val_acc=0.90.keras", "w-02-val_acc=0.90.keras")
    (here / "log.csv").write_text("epoch,val_accuracy\n0,0.9039\n1,0.8961\n")
    ranking = ranked("val_acc")
    assert places(ranking)[0] == (1, "w-01-val_acc=0.90.keras")
    assert codes(ranking) == set()
    assert [m.name for m in ranking.rows[0].checkpoint.metrics].count("val_accuracy") == 0


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


def test_a_value_without_a_label_is_one_of_the_logs(here: Path) -> None:
    """What the log calls val_loss is not taken for a metric that nobody logged."""
    make(here, "w.01-0.50.keras", "w.02-0.30.keras", "w.03-0.40.keras")
    write_csv(here / "training.csv", 0.5, 0.3, 0.4)
    assert places(ranked(monitor="val_loss"))[0] == (1, "w.02-0.30.keras")
    with pytest.raises(MonitorNotFoundError):
        ranked(monitor="val_auc")
    assert "assumed-monitor" in codes(ranked(monitor="val_auc", logs="ignore"))


LOSSES = st.lists(st.floats(0.01, 9.99), min_size=2, max_size=8, unique=True)


@settings(max_examples=30, deadline=None)
@given(
    LOSSES,
    st.integers(1, 4),
    st.sampled_from([0, 1]),
    st.sampled_from(["w-{}-val_loss={}.keras", "w.{}-{}.keras"]),
    st.randoms(use_true_random=False),
)
def test_rounding_and_order_hide_no_best(
    losses: list[float], digits: int, first: int, form: str, chance: Random
) -> None:
    """However values are rounded into names and a log's rows stand: the best, or it is said."""
    names = [form.format(f"{i:02d}", f"{v:.{digits}f}") for i, v in enumerate(losses, first)]
    rows = [f"{i},0,{loss!r}\n" for i, loss in enumerate(losses)]
    answers = []
    for _ in range(2):
        with TemporaryDirectory() as folder:
            make(Path(folder), *names)
            (Path(folder) / "log.csv").write_text("epoch,lr,val_loss\n" + "".join(rows))
            ranking = select(Query((folder,), monitor="val_loss"), keep=2)
            answers.append((ranking.rows[0].checkpoint.name, codes(ranking)))
        chance.shuffle(rows)
    assert answers[0] == answers[1]
    name, said = answers[0]
    assert name == names[losses.index(min(losses))] or "log-base-assumed" in said


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_of_parts_of_runs_and_logs_nothing_wrong_is_silent(data: st.DataObject) -> None:
    """Some files of a run, some rows of its log, even of two runs: the right values, or it is said.

    Files of Keras count one more than its log; others count in either way, and names may hold
    the value or not. A log that was begun anew begins with what was trained then; one that begins
    with 1 is taken for one that counts from there.
    """
    first, suffix = data.draw(st.sampled_from([(1, "keras"), (1, "pt"), (0, "pt")]))
    losses = data.draw(LOSSES)
    total = len(losses)
    digits = data.draw(st.sampled_from([None, 2, 4]))
    kept = data.draw(st.sets(st.integers(0, total - 1), min_size=1))
    begin = data.draw(st.sampled_from([0, *range(2, total)]))
    end = data.draw(st.integers(begin + 1, total))
    is_second = data.draw(st.booleans())
    if is_second:
        begin, end = 0, total
    rows = [f"{i},0,{losses[i]!r}\n" for i in range(begin, end)]
    if is_second:
        # A run before this one wrote to the same log, and all of its files are gone.
        others = data.draw(LOSSES)
        rows = [f"{i},0,{loss!r}\n" for i, loss in enumerate(others)] + rows
    truth = {
        f"w-{i + first:02d}{'' if digits is None else f'-{losses[i]:.{digits}f}'}.{suffix}": losses[
            i
        ]
        for i in kept
    }
    with TemporaryDirectory() as folder:
        make(Path(folder), *truth)
        (Path(folder) / "log.csv").write_text("epoch,lr,val_loss\n" + "".join(rows))
        try:
            ranking = select(Query((folder,), monitor="val_loss", strict=True))
        except (MonitorNotFoundError, StrictError):
            return
    for row in ranking.rows:
        if row.metric is not None and row.metric.source != "name":
            assert row.metric.value == truth[row.checkpoint.name]


def test_two_logs_that_contradict_each_other(here: Path) -> None:
    """No name tells which of them is about these files, and so neither is used."""
    make(here, *NAMES)
    write_csv(here / "a.csv", 0.5, 0.3, 0.4)
    write_csv(here / "b.csv", 0.2, 0.6, 0.4)
    write_csv(here / "c.csv", 0.1, 0.6, 0.7)
    ranking = ranked(None, rank=False)
    assert [log.joined for log in ranking.logs] == [0, 0, 0]
    assert [(f.code, f.strict) for f in ranking.findings] == [("log-several-runs", True)]
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


def test_names_show_the_base_even_where_they_do_not_count(here: Path) -> None:
    """Under --logs-only metrics come from the log; which row is whose, the names may tell."""
    make(here, "w-01-val_loss=0.50.keras", "w-02-val_loss=0.30.keras")
    write_csv(here / "training.csv", 0.7, 0.5011, 0.3022)
    (best, _) = ranked(logs="only").rows
    assert best.metric is not None
    assert (best.checkpoint.name, best.metric.text) == ("w-02-val_loss=0.30.keras", "0.3022")
    # Names that say something else are not to count.
    write_csv(here / "training.csv", 5, 3)
    assert [row.metric and row.metric.text for row in ranked(logs="only").rows] == ["3", "5"]


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


def test_another_runs_log_above_is_not_used(here: Path) -> None:
    """Where several runs stand in such a folder, the log above is of none of them."""
    make(here, *(f"models/{run}/{name}" for run in "ab" for name in NAMES))
    write_csv(here / "training.csv", 0.5, 0.3, 0.4)
    with pytest.raises(MonitorNotFoundError):
        ranked(locations=("models",))


@pytest.mark.parametrize("form", ["w.{}-{}.keras", "w_{}_{}.pt"])
def test_a_log_shows_what_a_value_is_also_where_it_lags(here: Path, form: str) -> None:
    """The newest name has no row yet; that its number is the monitor, the others have shown."""
    names = [form.format(f"{n:02d}", loss) for n, loss in enumerate(("0.90", "0.50", "0.20"), 1)]
    make(here, *names)
    (here / "log.csv").write_text("epoch,loss,val_loss\n0,1.2,0.9012\n1,1.1,0.5034\n")
    ranking = ranked()
    assert places(ranking)[0] == (1, names[2])
    assert [row.metric and row.metric.source for row in ranking.rows] == [
        "name", "csv:log.csv:3", "csv:log.csv:2",
    ]  # fmt: skip
    # One value may print like another metric by chance.
    (here / "log.csv").write_text("epoch,loss,val_loss\n0,1.2,0.9012\n")
    assert "unlabelled-value" in codes(ranked())


def test_a_number_that_could_be_two_metrics(here: Path) -> None:
    """Where two columns print alike in all names, nothing says which the number is."""
    names = [f"w.{n:02d}-{loss}.keras" for n, loss in enumerate(("0.90", "0.50", "0.20"), 1)]
    make(here, *names)
    (here / "log.csv").write_text("epoch,mae,val_loss\n0,0.9014,0.9012\n1,0.5,0.5034\n")
    ranking = ranked()
    assert places(ranking)[0] == (1, names[1])
    assert "unlabelled-value" in codes(ranking)


def test_a_log_that_was_written_over(here: Path) -> None:
    """By the fit that went on: the checkpoints before it may be the best, which is grave."""
    make(here, *(f"cp-{n:02d}.keras" for n in range(1, 7)))
    write_csv(here / "training.csv", 0.5, 0.3, 0.4, first=3)
    (said,) = (f for f in ranked().findings if f.code == "missing-value")
    assert said.strict
    assert "3 of these are of a time before the first that has one" in said.message
    write_csv(here / "training.csv", 0.5, 0.3, 0.4)
    (said,) = (f for f in ranked().findings if f.code == "missing-value")
    assert not said.strict


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("file,val_loss\n/home/me/run/cp-01.keras,0.5\n", "'/home/me/run/cp-01.keras'"),
        ("file,val_loss\ncp-01,0.5\n", "'cp-01'"),
        ("epoch,val_loss\n71,0.5\n72,0.3\n", "71"),
    ],
)
def test_a_named_table_about_other_files(here: Path, table: str, told: str) -> None:
    """That nothing came of it is said, with an example."""
    make(here, *NAMES)
    (here / "t.csv").write_text(table)
    ranking = ranked(metrics=("t.csv",), rank=False, monitor=None)
    (said,) = (f for f in ranking.findings if f.code == "table-unmatched")
    assert said.strict
    assert told in said.message
