"""kill -9 in the middle of saves: whatever the moment, the best so far is there and loads."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import ckptsel
from ckptsel.training_log import Saved, TrainingLog
from ckptsel.verification.verify import verify
from tests.keras.conftest import names

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 30

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


@pytest.fixture
def trainings() -> Iterator[subprocess.Popen[str]]:
    """The process that forks trainings."""
    pytest.importorskip("keras")
    places = [str(Path(ckptsel.__file__).parents[1]), str(Path(__file__).parents[2])]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.keras.killed"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(places)},
    ) as process:
        yield process
        process.kill()


def values(folder: Path) -> dict[str, float]:
    """The val_loss of every file that the log knows, to the last digit."""
    found: dict[str, float] = {}
    for event in TrainingLog(str(folder)).news():
        found.pop(event.file, None)
        if isinstance(event, Saved):
            found[event.file] = event.metrics["val_loss"]
    return found


def test_killed_thirty_times(trainings: subprocess.Popen[str], tmp_path: Path) -> None:
    """After each kill `best` names a file that is sound, loads, and is no worse than before."""
    assert trainings.stdin is not None
    assert trainings.stdout is not None
    chance = random.Random(4)
    best = float("inf")
    loaded = ""
    for _ in range(ROUNDS):
        trainings.stdin.write(f"{tmp_path}\n")
        trainings.stdin.flush()
        line = trainings.stdout.readline()
        assert line, "the training could not load the best, or did not begin"
        pid, remembered, path = line.rstrip("\n").split(" ", 2)
        # What was best before the kill was loaded into a new model, every weight of it.
        assert path == loaded
        assert remembered == "None" or float(remembered) <= best
        time.sleep(chance.uniform(0.02, 0.4))
        os.kill(int(pid), signal.SIGKILL)
        assert trainings.stdout.readline() == f"ended {-signal.SIGKILL}\n"
        logged = values(tmp_path)
        assert {name for name in names(tmp_path) if not name.startswith(".")} <= {*logged}
        if not logged:
            continue
        found = ckptsel.best(tmp_path, monitor="val_loss").checkpoint
        assert verify(found.path).is_sound
        assert logged[found.name] <= best
        best, loaded = logged[found.name], found.path
    assert loaded, "no training came as far as its first save"
    # Two best and one last; one more where a kill came between saving and removing.
    assert len([name for name in names(tmp_path) if not name.startswith(".")]) <= 4
    assert len([name for name in names(tmp_path) if name.startswith(".")]) <= 1
