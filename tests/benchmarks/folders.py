"""Folders of empty checkpoint files: the same names on every machine, built once and reused."""

from __future__ import annotations

import math
import os
import random
import sys
from dataclasses import dataclass

SEED = 7
BEST = 0.01  # below FLOOR, so that every contestant must name the same file
FLOOR = 0.05

PATTERN = "epoch{epoch:02d}-val_loss{val_loss:.4f}.weights.h5"


@dataclass(frozen=True, slots=True)
class Folder:
    """A built folder and the one file in it with the lowest value.

    Attributes:
        path: The folder that is given to the contestants.
        best: The path of the file that they must name.
        files: How many files it holds.
        runs: Over how many run folders they are spread, evenly.
    """

    path: str
    best: str
    files: int
    runs: int


def build(parent: str, files: int, runs: int) -> Folder:
    """Build a folder of `files` empty checkpoints in `runs` run folders, unless it is there.

    The values of a run fall as in training: quickly at first, and with noise. Epochs
    count from 1, as in Keras.

    Raises:
        ValueError: If the files cannot be spread evenly over the runs.
    """
    if runs < 1 or files < runs or files % runs:
        raise ValueError(f"{files} files cannot be spread evenly over {runs} runs")
    path = os.path.join(parent, f"{files}-files-{runs}-runs-seed-{SEED}")
    # Beside the folder, not in it: the contestants are to find checkpoints and nothing else.
    receipt = f"{path}.built"
    if not (os.path.isdir(path) and os.path.exists(receipt)):
        print(f"building {path}", file=sys.stderr)
        best = _write(path, files // runs, runs)
        with open(receipt, "w", encoding="utf-8") as stream:
            stream.write(best)
    with open(receipt, encoding="utf-8") as stream:
        return Folder(path, os.path.join(path, stream.read()), files, runs)


def _write(path: str, epochs: int, runs: int) -> str:
    """Write the files, one at a time to keep this process small; return the best one's name."""
    chance = random.Random(SEED)
    best_run, best_epoch = chance.randint(1, runs), chance.randint(1, epochs)
    best = ""
    for run in range(1, runs + 1):
        name = f"run-{run:04d}"
        os.makedirs(os.path.join(path, name), exist_ok=True)
        plateau = FLOOR + chance.uniform(0.1, 0.5)
        for epoch in range(1, epochs + 1):
            noise = abs(chance.gauss(0, 0.02))
            value = plateau + 2 * math.exp(-epoch / 20) + noise
            if (run, epoch) == (best_run, best_epoch):
                value = BEST
            file = os.path.join(name, PATTERN.format(epoch=epoch, val_loss=value))
            if value == BEST:
                best = file
            with open(os.path.join(path, file), "wb"):
                pass
    return best
