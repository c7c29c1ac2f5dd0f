"""A training that can be killed, many times: Keras is loaded once, and each training is a fork.

Reads from each line of its standard input a folder and a number, and forks a training in the
folder. The child loads what is best so far, and tells it; then it trains, and tells of its first
save. With a number N above 0 it kills itself before the N-th step of saving that the disk would
notice; otherwise it waits to be killed. The parent tells how it ended.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras

from ckptsel.errors import NothingFoundError
from ckptsel.keras import BestCheckpoint, load_best_weights
from tests.keras import training

_STEPS = ("posix_fallocate", "fsync", "link", "unlink")


class FirstSave(keras.callbacks.Callback):  # type: ignore[misc] # Keras has no types
    """Tells that the first save is done."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Tell of it, once."""
        del logs
        if epoch == 0:
            print("saved", flush=True)


def kill_before(number: int) -> None:
    """End this process before the N-th call of what changes a disk, without any warning."""
    calls = 0

    def dying(usual: Any) -> Any:
        def call(*arguments: Any, **more: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return usual(*arguments, **more)

        return call

    for name in _STEPS:
        setattr(os, name, dying(getattr(os, name)))


def train(folder: str, number: int, seed: int) -> None:
    """Load the best so far, and train for ever, saving after each epoch."""
    keras.utils.set_random_seed(seed)
    model = training.model(rate=0.02)
    try:
        loaded = load_best_weights(model, folder, "val_loss").path
    except NothingFoundError:
        loaded = ""
    kept = BestCheckpoint(folder, keep_best=2, save_weights_only=bool(seed % 2))
    print(f"{os.getpid()} {kept.best} {loaded}", flush=True)
    if number:
        kill_before(number)
    data = (training.INPUTS, training.TARGETS)
    training.fit(model, kept, FirstSave(), validation_data=data, epochs=10**6)


def main() -> None:
    """Serve until standard input ends."""
    for seed, line in enumerate(sys.stdin):
        folder, _, number = line.rstrip("\n").rpartition(" ")
        child = os.fork()
        if not child:
            try:
                train(folder, int(number), seed)
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        print(f"ended {os.waitstatus_to_exitcode(status)}", flush=True)


if __name__ == "__main__":
    main()
