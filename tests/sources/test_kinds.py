"""What each kind of log says, and what is said of one that is not whole."""

from __future__ import annotations

import json
import os
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckptsel.errors import MonitorNotFoundError
from ckptsel.sources import is_log_name, kind_of
from ckptsel.sources.log import number
from ckptsel.sources.reading.lines import MAX_LINE
from ckptsel.training_log.identity import Mark
from tests.folders import make
from tests.selecting import places, ranked
from tests.sources.event_files import events
from tests.sources.reading import read

if TYPE_CHECKING:
    from pathlib import Path

    from ckptsel.checkpoint import Finding
    from ckptsel.sources.log import LogRow

CSV = "epoch,loss,val_loss\r\n0,0.5,0.61\r\n1,0.4,0.52\r\n"


def cells(rows: list[LogRow]) -> list[tuple[int, int | None, str | None]]:
    """Line, epoch and val_loss of each row."""
    return [(row.place, row.epoch, row.values.get("val_loss")) for row in rows]


@pytest.mark.parametrize(
    "data, rows, codes",
    [
        (CSV, [(2, 0, "0.61"), (3, 1, "0.52")], []),
        (CSV.replace("\r", ""), [(2, 0, "0.61"), (3, 1, "0.52")], []),
        (CSV.replace(",", ";"), [(2, 0, "0.61"), (3, 1, "0.52")], []),
        (CSV.replace(",", "\t"), [(2, 0, "0.61"), (3, 1, "0.52")], []),
        # Excel and PowerShell.
        (CSV.encode("utf-8-sig"), [(2, 0, "0.61"), (3, 1, "0.52")], []),
        (CSV.encode("utf-16"), [(2, 0, "0.61"), (3, 1, "0.52")], []),
        # Latin-1 in a column's name.
        ("epoch,größe,val_loss\n0,1,0.5\n".encode("latin-1"), [(2, 0, "0.5")], []),
        # pandas writes epochs beside absent values as floats.
        ("epoch,val_loss\n3.0,0.5\n", [(2, 3, "0.5")], []),
        # Half a last line is normal; its value may be cut.
        (CSV + "2,0.3,0.4", [(2, 0, "0.61"), (3, 1, "0.52")], ["log-half-line"]),
        # Half a line that another run wrote on.
        (CSV + "2,0.0,0.7,0.5\r\n", [(2, 0, "0.61"), (3, 1, "0.52")], ["log-malformed"]),
        # A run that began again, with the header once more.
        (CSV + CSV, [(2, 0, "0.61"), (3, 1, "0.52"), (5, 0, "0.61"), (6, 1, "0.52")], []),
        (CSV + "\r\n", [(2, 0, "0.61"), (3, 1, "0.52")], []),
        # Which of them would it be?
        ("epoch,val_loss,val_loss\n0,1,2\n", [(2, 0, None)], ["log-malformed"]),
        (CSV + "x,y,z\n", [(2, 0, "0.61"), (3, 1, "0.52")], ["log-malformed"]),
        ('epoch,val_loss\n0,"0.5\n', [], ["log-malformed"]),
        ("epoch,val_loss\n0,\x000.5\n1,0.5\n", [(2, 0, "\x000.5"), (3, 1, "0.5")], []),
        ("epoch,val_loss\n" + "9" * 200_000 + ",0\n", [], ["log-malformed"]),
        ("epoch,val_loss\n" + "9," * MAX_LINE, [], ["log-malformed"]),
        ("epoch,val_loss\n", [], []),
    ],
)  # fmt: skip
def test_csv(
    tmp_path: Path,
    data: str | bytes,
    rows: list[tuple[int, int | None, str | None]],
    codes: list[str],
) -> None:
    """Whole rows are read, each with its line; what is no row is said."""
    kind, found, said = read(tmp_path / "training.csv", data)
    assert (kind, cells(found), said) == ("csv", rows, codes)


@pytest.mark.parametrize("data", ["", "\n", "a,b\n1,2\n", "epoch\n1\n", b"\x00\xff" * 999, "{}"])
def test_no_log(tmp_path: Path, data: str | bytes) -> None:
    """A table of something else is no log, and nothing is said about it."""
    assert read(tmp_path / "other.csv", data) == ("", [], [])


HISTORY = {"loss": [0.5, 0.4], "val_loss": [0.61, float("nan")]}


@pytest.mark.parametrize(
    ("index", "rows"), [("012", 3), ("123", 0), ("024", 1), ("011", 2), ("abc", 0), ("01x", 2)]
)
def test_history_of_pandas(tmp_path: Path, index: str, rows: int) -> None:
    """Its index counts the epochs, where it counts from 0; of a part of a table it does not."""
    data = ",loss,val_loss\n" + "".join(f"{each},0.5,0.6\n" for each in index)
    kind, found, codes = read(tmp_path / "history.csv", data)
    assert (kind, cells(found)) == ("history", [(2 + n, n, "0.6") for n in range(rows)])
    assert codes == (["log-malformed"] if rows < 3 else [])
    assert {row.names for row in found} <= {("loss", "val_loss")}
    as_json = json.dumps({"val_loss": dict.fromkeys(index, 0.6)})
    kind, found, _ = read(tmp_path / "history.json", as_json)
    assert len(found) == {"012": 3, "011": 2}.get(index, 0)


def test_history(tmp_path: Path) -> None:
    """The position in the lists is the epoch."""
    kind, rows, codes = read(tmp_path / "history.json", json.dumps(HISTORY))
    assert (kind, cells(rows), codes) == ("history", [(1, 0, "0.61"), (2, 1, "NaN")], [])


@pytest.mark.parametrize("title", ["epoch", "Epoch"])
@pytest.mark.parametrize(
    ("epochs", "found"),
    [
        ([10, 11], [10, 11]),
        ([1.0, 2.0], [1, 2]),
        ([1, 1], [1, 1]),
        ([1, 2.5], None),
        ([1], None),
        ([1, None], None),
        ([1, True], None),
        ([1, [2]], None),
        ([1, "x"], None),
        ([1, 10**30], None),
    ],
)
def test_history_that_tells_its_epochs(
    tmp_path: Path, title: str, epochs: list[object], found: list[int] | None
) -> None:
    """They count, and not the positions; where only some are told, nothing does."""
    text = json.dumps({"val_loss": [0.5, 0.25], title: epochs})
    kind, rows, codes = read(tmp_path / "history.json", text)
    assert (kind, [row.epoch for row in rows]) == ("history", found or [])
    assert codes == ([] if found else ["log-malformed"])
    assert [row.values["val_loss"] for row in rows] == (["0.5", "0.25"] if found else [])


def test_history_with_two_columns_of_epochs(tmp_path: Path) -> None:
    """Which of them is meant?"""
    text = json.dumps({"epoch": [0, 1], "Epoch": [1, 2], "val_loss": [1, 2]})
    assert read(tmp_path / "history.json", text) == ("history", [], ["log-malformed"])


def test_history_of_a_training_that_went_on(here: Path) -> None:
    """With `initial_epoch=10`, its first value is that of the eleventh epoch."""
    losses = [0.5, 0.49, 0.47, 0.46, 0.45, *[0.5] * 5]
    history = {"val_loss": losses, "epoch": [*range(10, 20)]}
    make(here, *(f"m.{number:02d}.keras" for number in range(1, 21)))
    (here / "history.json").write_text(json.dumps(history))
    ranking = ranked()
    assert places(ranking)[0] == (1, "m.15.keras")
    (here / "history.json").unlink()
    rows = "".join(f"{n},{loss},{n + 10}\n" for n, loss in enumerate(losses))
    (here / "history.csv").write_text(f",val_loss,epoch\n{rows}")
    assert places(ranked())[0] == (1, "m.15.keras")
    for path in here.glob("m.1[1-9]*"):
        path.unlink()
    (here / "m.20.keras").unlink()
    with pytest.raises(MonitorNotFoundError):
        ranked()


@pytest.mark.parametrize(
    ("titles", "kind"), [(",loss,epoch", "csv"), (",Epoch,loss", "csv"), (",epoch,Epoch", "")]
)
def test_a_frame_with_epochs(tmp_path: Path, titles: str, kind: str) -> None:
    """Behind pandas's index the column may stand anywhere, but once."""
    found, rows, _ = read(tmp_path / "history.csv", f"{titles}\n7,3,3\n")
    assert (found, [row.epoch for row in rows]) == (kind, [3] if kind else [])


def test_history_with_epochs_left_out(tmp_path: Path) -> None:
    """Of a list that is shorter nobody knows the epochs."""
    short = {"loss": [0.5, 0.4], "val_loss": [0.61]}
    _, rows, codes = read(tmp_path / "history.json", json.dumps(short))
    assert ([dict(row.values) for row in rows], codes) == (
        [{"loss": "0.5"}, {"loss": "0.4"}],
        ["log-malformed"],
    )


@pytest.mark.parametrize("data", ['{"loss": [1, 2', "{" * 200_000, '{"a": 1}', "{}"])
def test_broken_history(tmp_path: Path, data: str) -> None:
    """What is no whole JSON is said; what holds no lists has no rows."""
    _, rows, codes = read(tmp_path / "history.json", data)
    assert rows == []
    assert codes == ([] if data.endswith("}") else ["log-malformed"])


SAVED = {
    "schema": 1,
    "event": "saved",
    "file": "w-01.keras",
    "epoch": 1,
    "step": 10,
    "size_bytes": 7,
    "metrics": {"loss": 0.123456789012345678, "val_loss": None},
    "nonfinite": {"val_loss": "nan"},
}


def test_ckptsel_jsonl(tmp_path: Path) -> None:
    """A saved file with its values as they are printed, and one that was removed."""
    lines = [SAVED, {"schema": 1, "event": "removed", "file": "w-01.keras"}]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    kind, (saved, removed), codes = read(tmp_path / "ckptsel.jsonl", text)
    assert (kind, codes) == ("ckptsel", [])
    assert saved[3:8] == (1, 10, "w-01.keras", Mark(7), False)
    assert saved.values == {"loss": "0.12345678901234568", "val_loss": "nan"}
    assert (removed.file, removed.is_gone) == ("w-01.keras", True)


@pytest.mark.parametrize(
    "line", ["[]", "{", '{"schema": 1}', '{"schema": 1, "event": "saved", "file": 3}', "[" * 99_999,
             '{"schema": 2, "event": "saved", "file": "a"}', '{"schema": 1, "event": "x"}']
)  # fmt: skip
def test_jsonl_lines_that_say_nothing(tmp_path: Path, line: str) -> None:
    """A line that is none is said, and the others are read."""
    text = json.dumps(SAVED) + "\n" + line + "\n" + json.dumps(SAVED) + "\n"
    _, rows, codes = read(tmp_path / "ckptsel.jsonl", text)
    assert ([row.place for row in rows], codes) == ([1, 3], ["log-malformed"])


def test_names_of_logs() -> None:
    """A log is known by its name first."""
    assert all(map(is_log_name, ("training.csv", "ckptsel.jsonl", "history.json")))
    assert not any(map(is_log_name, ("config.json", "a.csv.gz", "w.keras", "other.txt")))


def test_a_link_to_a_pipe_is_no_log(tmp_path: Path) -> None:
    """Opening it would wait for somebody who writes."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "training.csv").symlink_to(tmp_path / "pipe")
    assert kind_of(str(tmp_path / "training.csv"), "training.csv") is None


WHOLE = {
    "training.csv": CSV.encode() * 3,
    "history.json": json.dumps(HISTORY).encode(),
    "ckptsel.jsonl": (json.dumps(SAVED) + "\n").encode() * 3,
    "metrics.csv": b"epoch,step,loss,val_loss\n0,9,0.5,\n0,9,,0.7\n1,19,0.4,\n",
    "summary.csv": b"epoch,train_loss,eval_loss\n0,0.5,0.6\n1,0.4,0.5\n",
    "results.csv": b"  epoch,  metrics/mAP50(B)\n  1,  0.5\n  2,  0.6\n",
    "scalars.json": b'{"loss": 1, "epoch": 1, "iter": 9, "step": 9}\n{"acc": 1, "step": 1}\n',
    "metrics.json": b'{"iteration": 9, "loss": 1}\n{"iteration": 19, "loss": 1}\n',
    "checkpoint-1/trainer_state.json": b'{"global_step": 1, "log_history": [{"step": 1, "a": 2}]}',
    "1/metrics/metrics": b'{"val_loss": 0.5}',
    "metrics/val_loss": b"1700000000000 0.5 0\n1700000000001 0.4 1\n",
    "best_k_models.yaml": b"/x/a-val_loss=0.5.ckpt: 0.5\n? /x/b\n: .nan\n",
    "CKPT+1/CKPT.yaml": b"# yamllint disable\nWER: 12.5\nepoch: 3\n",
    "events.out.tfevents.1": events(("loss", 0.5, 0), ("val_loss", 0.25, 1)),
    "train/events.out.tfevents.1.v2": events(("epoch_loss", 0.5, 0), ("batch_loss", 1.0, 9)),
}


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(WHOLE)),
    st.integers(0, 200),
    st.integers(0, 20),
    st.binary(max_size=20),
)
def test_whatever_stands_in_a_log(name: str, start: int, length: int, bytes_: bytes) -> None:
    """Any damage to a log ends in rows or in findings, and never in an exception."""
    data = WHOLE[name]
    with TemporaryDirectory() as folder:
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data[:start] + bytes_ + data[start + length :])
        found = kind_of(path, name)
        findings: list[Finding] = []
        rows = list(found[1].read(path, findings)) if found else []
        assert all(len(row.names) == len(row.texts) for row in rows)
        for text in (text for row in rows for text in row.texts):
            number(text)
