"""The lines of `ckptsel.jsonl`: their schema, and what a kill leaves of them."""

from __future__ import annotations

import json
import math
import os
import tracemalloc
from pathlib import Path

import pytest

from ckptsel.training_log.events import Removed, Saved
from ckptsel.training_log.log import LOG_NAME, TrainingLog
from ckptsel.training_log.parse import read_line

SAVED = Saved(
    file="sub/epoch=003.keras",
    epoch=3,
    step=96,
    time="2026-01-02T03:04:05+00:00",
    keras="3.15.1",
    size_bytes=4711,
    monitor="val_loss",
    mode="min",
    metrics={"loss": 0.1, "val_loss": math.nan, "val_accuracy": 0.30000001192092896},
    pattern="epoch={epoch:03d}.keras",
    mtime_ns=1767323045000000001,
    sha256="ab",
)
REMOVED = Removed("sub/epoch=003.keras", "2026-01-02T03:04:06+00:00")


def test_the_keys_of_a_save() -> None:
    """The schema is what docs/keras.md says, in that order; JSON has no NaN."""
    assert json.loads(SAVED.line()) == {
        "schema": 1,
        "event": "saved",
        "file": "sub/epoch=003.keras",
        "epoch": 3,
        "step": 96,
        "time": "2026-01-02T03:04:05+00:00",
        "keras": "3.15.1",
        "size_bytes": 4711,
        "monitor": "val_loss",
        "mode": "min",
        "metrics": {"loss": 0.1, "val_loss": None, "val_accuracy": 0.30000001192092896},
        "nonfinite": {"val_loss": "nan"},
        "pattern": "epoch={epoch:03d}.keras",
        "mtime_ns": 1767323045000000001,
        "sha256": "ab",
    }
    assert list(json.loads(SAVED.line()))[:3] == ["schema", "event", "file"]


def test_the_keys_of_a_removal() -> None:
    """A removal names the file and the time."""
    assert json.loads(REMOVED.line()) == {
        "schema": 1,
        "event": "removed",
        "file": "sub/epoch=003.keras",
        "time": "2026-01-02T03:04:06+00:00",
    }


@pytest.mark.parametrize("value", [0.1, -0.0, 1e-320, 1.7976931348623157e308, math.inf, -math.inf])
def test_values_come_back_to_the_last_digit(value: float) -> None:
    """What was written is what is read, the infinities too."""
    found = read_line(SAVED._replace(metrics={"m": value}).line().encode())
    assert isinstance(found, Saved)
    assert math.copysign(1, found.metrics["m"]) == math.copysign(1, value)
    assert found.metrics["m"] == value


def test_both_kinds_come_back() -> None:
    """Lines are read as they were written."""
    found = read_line(SAVED.line().encode())
    assert isinstance(found, Saved)
    assert math.isnan(found.metrics["val_loss"])
    assert found._replace(metrics={}) == SAVED._replace(metrics={})
    assert read_line(REMOVED.line().encode()) == REMOVED


@pytest.mark.parametrize(
    "line",
    [
        SAVED.line()[:40],
        "",
        "null",
        "[1]",
        "[" * 100_000,
        SAVED.line().replace('"schema": 1', '"schema": 2'),
        SAVED.line().replace('"epoch": 3', '"epoch": "3"'),
        SAVED.line().replace('"size_bytes": 4711', '"size_bytes": null'),
        SAVED.line().replace('"file": "sub/epoch=003.keras"', '"file": 7'),
        SAVED.line().replace('"metrics": {', '"metrics_": {'),
        SAVED.line().replace('"event": "saved"', '"event": "seen"'),
        SAVED.line().replace("96", "9" * 2_000_000),
        SAVED.line().replace("96", "9" * 5_000),
        SAVED._replace(file="./a.keras").line(),
        SAVED._replace(file="\ud800.keras").line(),
    ],
)
def test_what_is_no_line_of_ours_is_passed_over(line: str) -> None:
    """Half lines, other schemas and other people's JSON say nothing."""
    assert read_line(line.encode()) is None


def test_a_half_line_spoils_nothing(tmp_path: Path) -> None:
    """After a kill within a line, the next one begins on its own."""
    log = TrainingLog(str(tmp_path))
    log.append(SAVED)
    with Path(log.path).open("a", encoding="utf-8") as file:
        file.write(SAVED.line()[:50])
    assert [event.file for event in log.news()] == [SAVED.file]
    log.append(REMOVED)
    assert list(log.news()) == [REMOVED]
    assert [type(event) for event in TrainingLog(str(tmp_path)).news()] == [Saved, Removed]


def test_news_are_told_once(tmp_path: Path) -> None:
    """Only what was added since is read again; no log is no news."""
    log = TrainingLog(str(tmp_path))
    assert list(log.news()) == []
    log.append(REMOVED)
    assert list(log.news()) == [REMOVED]
    assert list(log.news()) == []


def test_the_lock_keeps_another_out(tmp_path: Path) -> None:
    """While one training saves, another cannot."""
    fcntl = pytest.importorskip("fcntl")
    log = TrainingLog(str(tmp_path))
    with log.locked() as held, (tmp_path / LOG_NAME).open("ab") as file:
        assert held
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert not (tmp_path / LOG_NAME).read_bytes()


def test_the_documented_lines() -> None:
    """The example in docs/keras.md is what is written, key by key."""
    text = (Path(__file__).parents[2] / "docs" / "keras.md").read_text("utf-8")
    example = text.partition("```json\n")[2].partition("```")[0].replace("\n ", " ")
    first, second = (read_line(line.encode()) for line in example.splitlines())
    assert isinstance(first, Saved)
    assert isinstance(second, Removed)
    assert [first.line(), second.line()] == example.splitlines(keepends=True)


def test_numbers_without_end_are_infinite() -> None:
    """A value of 400 digits is no error, and is never best."""
    line = SAVED.line().replace("0.1,", "1" + "0" * 400 + ",")
    found = read_line(line.encode())
    assert isinstance(found, Saved)
    assert found.metrics["loss"] == math.inf


@pytest.mark.parametrize("earlier", [2, 5])
def test_a_log_that_was_replaced_is_read_anew(tmp_path: Path, earlier: int) -> None:
    """Whether it is shorter or longer than what was read, its inode the old one's or not."""
    log = TrainingLog(str(tmp_path))
    for number in range(earlier):
        log.append(REMOVED._replace(file=f"{number}.keras"))
    assert len(list(log.news())) == earlier
    (tmp_path / LOG_NAME).unlink()
    for number in range(5, 9):
        log.append(REMOVED._replace(file=f"{number}.keras"))
    assert [event.file[0] for event in log.news()] == ["5", "6", "7", "8"]
    assert list(log.news()) == []


def test_an_endless_line_is_passed_over_in_pieces(tmp_path: Path) -> None:
    """It does not fill the memory, and what follows it is read."""
    log = TrainingLog(str(tmp_path))
    with (tmp_path / LOG_NAME).open("wb") as file:
        file.truncate(64 * 2**20)
        file.seek(0, 2)
        file.write(b"\n")
    log.append(REMOVED)
    tracemalloc.start()
    assert list(log.news()) == [REMOVED]
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 8 * 2**20


def test_a_pipe_is_no_log(tmp_path: Path) -> None:
    """Opening it would wait for somebody who writes."""
    os.mkfifo(tmp_path / LOG_NAME)
    with pytest.raises(OSError, match="pipe"):
        list(TrainingLog(str(tmp_path)).news())


def test_a_pipe_is_not_written_to(tmp_path: Path) -> None:
    """Nor is one that takes the log's place while training: that would wait as well."""
    os.mkfifo(tmp_path / LOG_NAME)
    log = TrainingLog(str(tmp_path))
    with pytest.raises(OSError, match="No such device"), log.locked():
        pass
    with pytest.raises(OSError, match="pipe"):
        log.append(REMOVED)


def test_a_new_log_has_the_usual_rights(tmp_path: Path) -> None:
    """Those of any file that is created, and nothing that could be run."""
    log = TrainingLog(str(tmp_path))
    log.append(REMOVED)
    (tmp_path / "other").touch()
    assert (tmp_path / LOG_NAME).stat().st_mode == (tmp_path / "other").stat().st_mode
