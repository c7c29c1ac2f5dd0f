"""Folders of empty checkpoint files with a log each, as `CSVLogger` writes it."""

from __future__ import annotations

import csv
import math
import os
import random
import sys

from tests.benchmarks.folders import BEST, FLOOR, PATTERN, SEED, Folder

COLUMNS = ("accuracy", "loss", "val_accuracy", "val_loss")


def build(parent: str, runs: int, epochs: int) -> Folder:
    """Build `runs` folders of `epochs` checkpoints and a `training.csv`, unless they are there.

    Names and logs agree: names count epochs from 1 and are rounded, logs count from 0 and are not.
    """
    path = os.path.join(parent, f"{runs}-logged-runs-of-{epochs}-seed-{SEED}")
    receipt = f"{path}.built"
    if not (os.path.isdir(path) and os.path.exists(receipt)):
        print(f"building {path}", file=sys.stderr)
        chance = random.Random(SEED)
        best_run = chance.randint(1, runs)
        best = ""
        for run in range(1, runs + 1):
            folder = os.path.join(path, f"run-{run:04d}")
            os.makedirs(folder, exist_ok=True)
            name = _write(folder, epochs, chance, best=run == best_run)
            best = os.path.join(f"run-{run:04d}", name) if name else best
        with open(receipt, "w", encoding="utf-8") as stream:
            stream.write(best)
    with open(receipt, encoding="utf-8") as stream:
        return Folder(path, os.path.join(path, stream.read()), runs * epochs, runs)


def _write(folder: str, epochs: int, chance: random.Random, *, best: bool) -> str:
    """Write one run; return the name of its best checkpoint if it is to have the best of all."""
    best_epoch = chance.randint(1, epochs) if best else 0
    best_name = ""
    plateau = FLOOR + chance.uniform(0.1, 0.5)
    with open(os.path.join(folder, "training.csv"), "w", encoding="utf-8", newline="") as stream:
        log = csv.writer(stream)
        log.writerow(["epoch", *COLUMNS])
        for epoch in range(1, epochs + 1):
            value = plateau + 2 * math.exp(-epoch / 20) + abs(chance.gauss(0, 0.02))
            if epoch == best_epoch:
                value = BEST
            name = PATTERN.format(epoch=epoch, val_loss=value)
            if epoch == best_epoch:
                best_name = name
            log.writerow([epoch - 1, chance.random(), chance.random(), chance.random(), value])
            with open(os.path.join(folder, name), "wb"):
                pass
    return best_name
