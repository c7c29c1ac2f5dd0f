"""What the log says of earlier saves, and what it must never make the callback do."""

from __future__ import annotations

import hashlib
import math
import os
from typing import TYPE_CHECKING

import pytest

from ckptsel.checkpoint import Monitor
from ckptsel.keras.history import History
from ckptsel.training_log.events import Removed, Saved
from ckptsel.training_log.log import TrainingLog

if TYPE_CHECKING:
    from pathlib import Path

MONITOR = Monitor("val_loss", "min", "")
PATTERN = "{epoch}.keras"


def saved(file: str, value: float, **changes: object) -> Saved:
    """A line about a file of five bytes."""
    line = Saved(file, 1, 2, "2026", "3.15.1", 5, "val_loss", "min", {"val_loss": value})
    line = line._replace(pattern=PATTERN, sha256=hashlib.sha256(b"12345").hexdigest())
    return line._replace(**changes)  # type: ignore[arg-type]


@pytest.fixture
def log(tmp_path: Path) -> TrainingLog:
    """An empty log in a folder with three checkpoints."""
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("a.keras", "b.keras", "c.keras"):
        (folder / name).write_bytes(b"12345")
    return TrainingLog(str(folder))


def history(log: TrainingLog, *events: Saved | Removed) -> History:
    """The history after these lines."""
    for event in events:
        log.append(event)
    found = History(log, MONITOR, PATTERN)
    found.refresh()
    return found


def test_present_ones_in_their_order(log: TrainingLog) -> None:
    """Files that are there, in the order in which they were saved last."""
    found = history(log, saved("b.keras", 1), saved("a.keras", 2), saved("b.keras", 3))
    assert [(save.file, found.value(save)) for save in found.present()] == [
        ("a.keras", 2),
        ("b.keras", 3),
    ]


def test_the_best_is_remembered_when_its_file_is_gone(log: TrainingLog) -> None:
    """The value counts still; the file is lost, unless the log says that it was removed."""
    found = history(log, saved("gone.keras", 1), saved("a.keras", 2))
    assert found.best is not None
    assert found.best.file == "gone.keras"
    assert found.is_lost(found.best)
    log.append(Removed("gone.keras", "2026"))
    found.refresh()
    assert found.best.file == "gone.keras"
    assert not found.is_lost(found.best)


def test_of_equal_values_the_later_is_best(log: TrainingLog) -> None:
    """As for `ckptsel best`; NaN never is."""
    found = history(log, saved("a.keras", 1), saved("b.keras", 1), saved("c.keras", math.nan))
    assert found.best is not None
    assert found.best.file == "b.keras"


def test_other_monitors_are_not_ours(log: TrainingLog) -> None:
    """What another callback saved into the folder is neither counted nor touched."""
    found = history(
        log,
        saved("a.keras", 1, monitor="val_accuracy"),
        saved("b.keras", 1, mode="max"),
        saved("c.keras", 1),
    )
    assert [save.file for save in found.present()] == ["c.keras"]


@pytest.mark.parametrize(
    "file",
    [
        "../outside.keras",
        "sub/../../outside.keras",
        "link/outside.keras",
        "c.txt",
        "sub\\a.keras",
        "nul\0.keras",
        "ckptsel.jsonl",
        "pointer.keras",
        "./a.keras",
        "sub//a.keras",
        "\ud800.keras",
    ],
)
def test_a_strangers_log_reaches_nothing(log: TrainingLog, tmp_path: Path, file: str) -> None:
    """A log that came with a folder cannot name files elsewhere, or files of another kind."""
    (tmp_path / "outside.keras").write_bytes(b"12345")
    (tmp_path / "run" / "c.txt").write_bytes(b"12345")
    (tmp_path / "run" / "sub").mkdir()
    (tmp_path / "run" / "link").symlink_to(tmp_path)
    (tmp_path / "run" / "pointer.keras").symlink_to(tmp_path / "outside.keras")
    assert history(log, saved(file, 1)).present() == []


def test_an_absolute_name_reaches_nothing(log: TrainingLog, tmp_path: Path) -> None:
    """Not even if it leads into the folder."""
    assert history(log, saved(str(tmp_path / "run" / "a.keras"), 1)).present() == []


def test_another_file_in_its_place_is_not_ours(log: TrainingLog, tmp_path: Path) -> None:
    """A file of another size under the name was put there by somebody else."""
    (tmp_path / "run" / "a.keras").write_bytes(b"123456")
    assert history(log, saved("a.keras", 1), saved("b.keras", 2)).present()[0].file == "b.keras"


def test_another_file_of_the_same_size_is_not_ours(log: TrainingLog, tmp_path: Path) -> None:
    """All weights files of one model have one size; a copy of the very file is ours."""
    path = tmp_path / "run" / "a.keras"
    found = history(log, saved("a.keras", 1, mtime_ns=7), saved("b.keras", 2, sha256=""))
    assert [save.file for save in found.present()] == ["a.keras"]
    path.write_bytes(b"mine!")
    assert found.present() == []
    assert [save.file for save in found.replaced()] == ["a.keras", "b.keras"]
    os.utime(path, ns=(7, 7))
    assert [save.file for save in found.present()] == ["a.keras"]


def test_other_patterns_are_not_ours(log: TrainingLog) -> None:
    """They count for what is best, and are not to be removed."""
    found = history(log, saved("a.keras", 1, pattern="other"), saved("b.keras", 2))
    assert [save.file for save in found.present()] == ["a.keras", "b.keras"]
    assert [save.file for save in found.own()] == ["b.keras"]
