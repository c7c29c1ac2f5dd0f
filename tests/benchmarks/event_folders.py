"""Folders of empty checkpoint files with TensorBoard's event files, as Keras's callback does it."""

from __future__ import annotations

import os
import random
import sys

from tests.benchmarks.folders import BEST, SEED, Folder


def build(parent: str, epochs: int, batches: int) -> Folder:
    """Build a run: in `train` a loss for every batch, and one an epoch there and in `validation`.

    Names say the epoch only, from 1; the files count it from 0.
    """
    path = os.path.join(parent, f"events-of-{epochs}-epochs-of-{batches}-seed-{SEED}")
    receipt = f"{path}.built"
    best_epoch = epochs // 2
    if not (os.path.isdir(path) and os.path.exists(receipt)):
        print(f"building {path}", file=sys.stderr)
        _write(path, epochs, batches, best_epoch)
        with open(receipt, "w", encoding="utf-8"):
            pass
    best = os.path.join(path, f"cp-{best_epoch + 1:04d}.keras")
    return Folder(path, best, epochs, 1)


def files(folder: Folder) -> list[str]:
    """The event files."""
    found = os.walk(os.path.join(folder.path, "logs"))
    return sorted(os.path.join(where, name) for where, _, names in found for name in names)


def _write(path: str, epochs: int, batches: int, best_epoch: int) -> None:
    # Only whoever builds this needs TensorBoard.
    from tests.sources.event_files import scalar, version  # noqa: PLC0415

    chance = random.Random(SEED)
    for split in ("train", "validation"):
        folder = os.path.join(path, "logs", split)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "events.out.tfevents.1.host.1.0.v2"), "wb") as file:
            file.write(version())
            for epoch in range(epochs):
                for batch in range(batches if split == "train" else 0):
                    step = epoch * batches + batch
                    file.write(scalar("batch_loss", chance.random(), step, step / batches))
                value = BEST if epoch == best_epoch else 1 + chance.random()
                file.write(scalar("epoch_loss", value, epoch, epoch + 1))
                file.write(scalar("epoch_accuracy", chance.random(), epoch, epoch + 1))
    for epoch in range(1, epochs + 1):
        with open(os.path.join(path, f"cp-{epoch:04d}.keras"), "wb"):
            pass
