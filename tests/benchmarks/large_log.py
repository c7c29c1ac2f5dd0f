"""A run whose log is larger than the memory that is to be spent on it."""

from __future__ import annotations

import os
import random
import sys

from tests.benchmarks.folders import BEST, PATTERN, SEED, Folder
from tests.benchmarks.logged_folders import COLUMNS

# So many rows are made, and written again and again, each time with further epochs.
_ROWS = 10_000


def build(parent: str, size_bytes: int) -> Folder:
    """Build a `training.csv` of that size beside three checkpoints, unless it is there.

    The best of the three lies in the middle. Names and logs agree, and count as Keras's do.
    """
    path = os.path.join(parent, f"log-of-{size_bytes}-bytes-seed-{SEED}")
    receipt = f"{path}.built"
    if not (os.path.isdir(path) and os.path.exists(receipt)):
        print(f"building {path}", file=sys.stderr)
        os.makedirs(path, exist_ok=True)
        chance = random.Random(SEED)
        names = _write(os.path.join(path, "training.csv"), size_bytes, chance)
        for name in names:
            with open(os.path.join(path, name), "wb"):
                pass
        with open(receipt, "w", encoding="utf-8") as stream:
            stream.write(names[1])
    with open(receipt, encoding="utf-8") as stream:
        return Folder(path, os.path.join(path, stream.read()), 3, 1)


def _write(path: str, size_bytes: int, chance: random.Random) -> list[str]:
    """Write the log; return the names of the first, the middle and the last checkpoint."""
    values = [[BEST + 0.1 + chance.random() for _ in COLUMNS] for _ in range(_ROWS)]
    tails = [",".join(map(repr, row)) for row in values]
    saved: dict[int, float] = {}
    epoch = 0
    with open(path, "w", encoding="utf-8", newline="") as stream:
        stream.write(",".join(["epoch", *COLUMNS]) + "\r\n")
        while (written := stream.tell()) < size_bytes:
            block = [f"{epoch + n},{tail}\r\n" for n, tail in enumerate(tails)]
            if len(saved) == (0 if written < size_bytes // 2 else 1):
                value = BEST if saved else values[0][-1]
                # So is the next row, that it is the best of medians as well.
                block[:2] = [f"{epoch + n},0.5,0.5,0.5,{value!r}\r\n" for n in range(2)]
                saved[epoch] = value
            stream.writelines(block)
            epoch += _ROWS
    saved[epoch - 1] = values[-1][-1]
    return [PATTERN.format(epoch=epoch + 1, val_loss=value) for epoch, value in saved.items()]
