"""What is said of logs that gave nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ckptsel.errors import MonitorNotFoundError
from tests.folders import make, write_csv
from tests.selecting import ranked

if TYPE_CHECKING:
    from pathlib import Path

CSV = "epoch,val_loss\n0,0.5\n1,0.3\n2,0.4\n"
NAMES = [f"cp-{n:02d}.keras" for n in (1, 2, 3)]


def test_a_log_about_nothing_here(here: Path) -> None:
    """It lies there, and a value that is asked for is not found: it is named."""
    make(here, *(f"cp-epoch{n}.keras" for n in (16, 32)))
    write_csv(here / "training.csv", 0.5, 0.3)
    with pytest.raises(MonitorNotFoundError) as raised:
        ranked()
    assert any("training.csv: none of its rows" in f for f in raised.value.details)


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
        ("log.csv", b",epoch,epoch\n0,0,0\n", "as pandas writes its index, and several are epoch"),
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


def test_a_name_that_tells_no_epoch(here: Path) -> None:
    """Of one file alone, its number may be anything: the way out is a pattern."""
    make(here, "m-02.keras")
    write_csv(here / "training.csv", 0.5, 0.3)
    with pytest.raises(MonitorNotFoundError) as caught:
        ranked()
    assert caught.value.hint is not None
    assert "--pattern" in caught.value.hint
    (best,) = ranked(patterns=("m-{epoch:02d}.keras",)).rows
    assert best.metric is not None
    assert best.metric.value == 0.3
