"""A training that can be killed, many times: Keras is loaded once, and each training is a fork.

Reads a folder from each line of its standard input, and forks a training in it. The child first
loads what is best so far, then tells so on standard output, then trains until it is killed. The
parent tells how it ended.
"""

from __future__ import annotations

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras

from ckptsel.errors import NothingFoundError
from ckptsel.keras import BestCheckpoint, load_best_weights
from tests.keras import training


def train(folder: str, seed: int) -> None:
    """Load the best so far, and train for ever, saving after each epoch."""
    keras.utils.set_random_seed(seed)
    model = training.model(rate=0.02)
    try:
        loaded = load_best_weights(model, folder, "val_loss").path
    except NothingFoundError:
        loaded = ""
    kept = BestCheckpoint(folder, keep_best=2, save_weights_only=bool(seed % 2))
    print(f"{os.getpid()} {kept.best} {loaded}", flush=True)
    data = (training.INPUTS, training.TARGETS)
    training.fit(model, kept, validation_data=data, epochs=10**6)


def main() -> None:
    """Serve until standard input ends."""
    for seed, line in enumerate(sys.stdin):
        child = os.fork()
        if not child:
            try:
                train(line.rstrip("\n"), seed)
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        print(f"ended {os.waitstatus_to_exitcode(status)}", flush=True)


if __name__ == "__main__":
    main()
