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
from ckptsel.training_log.events import Saved
from ckptsel.training_log.log import TrainingLog
from ckptsel.verification.verify import verify
from tests.keras.conftest import names

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 30
# A save has five steps at least, one that removes another two more.
STEPS = 20

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


class Rounds:
    """Trainings in one folder, one killed after the other.

    Args:
        process: what forks them.
        folder: where they save.
    """

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._best = float("inf")
        self.loaded = ""

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip("\n")

    def start(self, number: int = 0) -> int:
        """Begin a training, which has loaded what was best before, every weight of it: its pid."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{self._folder} {number}\n")
        self._process.stdin.flush()
        line = self._line()
        assert not line.startswith("ended"), "the training could not load the best, or not begin"
        pid, remembered, path = line.split(" ", 2)
        assert path == self.loaded
        assert remembered == "None" or float(remembered) <= self._best
        return int(pid)

    def saved(self) -> None:
        """Wait for the first save."""
        assert self._line() == "saved"

    def ended(self) -> None:
        """See that it was killed, and that the best is sound and no worse than before."""
        line = self._line()
        while line == "saved":
            line = self._line()
        assert line == f"ended {-signal.SIGKILL}"
        logged = values(self._folder)
        shown = [name for name in names(self._folder) if not name.startswith(".")]
        assert {*shown} <= {*logged}
        # Two best and one last; one more where a kill came between saving and removing. Each of
        # the two alternating kinds has its own pattern, and removes its own files only.
        for suffix in (".keras", ".weights.h5"):
            assert sum(name.endswith(suffix) for name in shown) <= 4
        assert len(names(self._folder)) - len(shown) <= 1
        if shown:
            found = ckptsel.best(self._folder, monitor="val_loss").checkpoint
            assert verify(found.path).is_sound
            assert logged[found.name] <= self._best
            self._best, self.loaded = logged[found.name], found.path


def test_killed_thirty_times(trainings: subprocess.Popen[str], tmp_path: Path) -> None:
    """At random moments: after each, `best` names a file that loads and is no worse."""
    chance = random.Random(4)
    rounds = Rounds(trainings, tmp_path)
    for _ in range(ROUNDS):
        pid = rounds.start()
        rounds.saved()
        time.sleep(chance.uniform(0, 0.12))
        os.kill(pid, signal.SIGKILL)
        rounds.ended()
    assert rounds.loaded


def test_killed_at_every_step(trainings: subprocess.Popen[str], tmp_path: Path) -> None:
    """Before each single step of several saves: the same holds."""
    rounds = Rounds(trainings, tmp_path)
    for number in range(1, STEPS + 1):
        rounds.start(number)
        rounds.ended()
    assert rounds.loaded
