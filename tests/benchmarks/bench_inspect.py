"""Benchmarks of `ckptsel inspect` and `verify` on a model of 8 layers of 2048 units with Adam."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING

from tests.benchmarks.contestants import Contestant
from tests.benchmarks.report import Benchmark, PeakMemory, TimeRatio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.report import Goal
    from tests.benchmarks.settings import Settings

_FILES = ("m.keras", "m.weights.h5", "m.index")
_QUIET = "import os; os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'; "


def benchmarks(settings: Settings) -> Iterator[Benchmark]:
    """What is looked into, and what is read as a whole."""
    folder = built(settings)
    yield _inspect(settings, folder)
    yield _verify(settings, folder)


def built(settings: Settings) -> str:
    """Build the files if they are not there; it needs tensorflow for the Python under test."""
    folder = os.path.join(settings.folder, "large-model")
    if not all(os.path.exists(os.path.join(folder, file)) for file in _FILES):
        os.makedirs(folder, exist_ok=True)
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "large_model.py")
        subprocess.run([settings.interpreter.path, script, folder], check=True)
    return folder


def _inspect(settings: Settings, folder: str) -> Benchmark:
    """Looking into a checkpoint does not need the framework that wrote it, nor its time."""
    prefix, archive = (os.path.join(folder, name) for name in ("m", "m.keras"))
    python = settings.interpreter.path
    listing = f"{_QUIET}import tensorflow as tf; print(tf.train.list_variables({prefix!r}))"
    editor = f"{_QUIET}import keras; keras.saving.KerasFileEditor({archive!r}).summary()"
    goals: list[Goal] = [
        TimeRatio("`inspect m`", "`tf.train.list_variables`", 1 / 20),
        TimeRatio("`inspect m.keras`", "`KerasFileEditor.summary`", 1 / 15),
    ]
    goals += [PeakMemory(name, 200) for name in ("`inspect m`", "`inspect m.keras`")]
    return Benchmark(
        "Inspect a checkpoint of 8 Dense layers of 2048 units, with Adam",
        [
            _silent("`inspect m`", *settings.interpreter.ckptsel, "inspect", prefix),
            _silent("`tf.train.list_variables`", python, "-c", listing),
            _silent("`inspect m.keras`", *settings.interpreter.ckptsel, "inspect", archive),
            _silent("`KerasFileEditor.summary`", python, "-c", editor),
        ],
        goals,
    )


def _verify(settings: Settings, folder: str) -> Benchmark:
    """Checking all bytes and all values takes less than hashing the file."""
    contestants: list[Contestant] = []
    goals: list[Goal] = []
    for file in ("m.keras", "m.weights.h5", "m"):
        path = os.path.join(folder, file)
        ours, theirs = f"`verify {file}`", f"`sha256sum {file}`"
        argv = (*settings.interpreter.ckptsel, "verify", "--level", "full", path)
        contestants.append(_silent(ours, *argv))
        hashed = f"{path}.data-00000-of-00001" if file == "m" else path
        contestants.append(_silent(theirs, "sha256sum", hashed))
        goals.append(PeakMemory(ours, 200))
        if file != "m":
            goals.append(TimeRatio(ours, theirs, 0.6))
    return Benchmark("Verify the same checkpoint, all bytes and all values", contestants, goals)


def _silent(name: str, *argv: str) -> Contestant:
    """A command whose output is thrown away: exit code 0 is the answer that is checked."""
    return Contestant(name, ("sh", "-c", f"exec {shlex.join(argv)} > /dev/null"), None)
