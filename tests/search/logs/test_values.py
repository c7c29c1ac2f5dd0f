"""What logs give to checkpoints: exact values, and only those of their moment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ckptsel.errors import MonitorNotFoundError, StrictError, UsageError
from ckptsel.search.query import Query
from tests.folders import make, write_csv
from tests.selecting import codes, places, ranked, values

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [f"cp-{n:02d}.keras" for n in (1, 2, 3)]
ROUNDED = ["w-01-val_loss=0.32.keras", "w-02-val_loss=0.32.keras", "w-03-val_loss=0.40.keras"]


def saved(file: Path, loss: float | None, **more: object) -> str:
    """A line of ckptsel.jsonl about a file."""
    entry = {"schema": 1, "event": "saved", "file": file.name, "epoch": 7, "step": 70}
    entry |= {"size_bytes": file.stat().st_size, "metrics": {"val_loss": loss}, **more}
    return json.dumps(entry) + "\n"


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


def test_a_value_without_a_label_is_one_of_the_logs(here: Path) -> None:
    """What the log calls val_loss is not taken for a metric that nobody logged."""
    make(here, "w.01-0.50.keras", "w.02-0.30.keras", "w.03-0.40.keras")
    write_csv(here / "training.csv", 0.5, 0.3, 0.4)
    assert places(ranked(monitor="val_loss"))[0] == (1, "w.02-0.30.keras")
    with pytest.raises(MonitorNotFoundError):
        ranked(monitor="val_auc")
    assert "assumed-monitor" in codes(ranked(monitor="val_auc", logs="ignore"))


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
