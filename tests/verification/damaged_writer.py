"""Writes Keras files and damages them for real.

Run as `python -m tests.verification.damaged_writer FOLDER`. A process of its own, because Keras
takes seconds to import, and because one file is written under a limit of file size that stands in
for a full disk.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sys
from typing import Any

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

import h5py
import keras
import numpy as np


def model() -> Any:
    """A small model; its kernel is stored as it is, in one row."""
    return keras.Sequential(
        [
            keras.Input((16,)),
            keras.layers.Dense(32, name="hidden"),
            keras.layers.Dense(1, name="out"),
        ]
    )


def with_a_lambda() -> Any:
    """A model whose config holds Python code."""
    return keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(2), keras.layers.Lambda(lambda x: x * 2)]
    )


def with_nan() -> Any:
    """A model whose training diverged in one number."""
    broken = model()
    kernel = broken.layers[0].kernel
    values = np.asarray(kernel.numpy())
    values[7, 3] = np.nan
    kernel.assign(values)
    return broken


def flip(path: str, kernel: Any) -> None:
    """Change one bit of a weight within the zip."""
    with open(path, "r+b") as file:
        at = file.read().index(np.asarray(kernel.numpy()).tobytes()) + 100
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 4]))


def overwrite_on_a_full_disk(path: str) -> None:
    """Save again where no more than 4 KiB can be written.

    In a process of its own, because HDF5 crashes after it.
    """
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    # Python would leave cut bytecode for other processes: it does not look how much it wrote.
    sys.dont_write_bytecode = True
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    model().save_weights(path)
    os._exit(0)


def main(folder: str) -> None:
    """Write all files."""
    os.chdir(folder)
    sound = model()
    sound.save("sound.keras")
    sound.save("flipped.keras")
    flip("flipped.keras", sound.layers[0].kernel)
    model().save_weights("sound.weights.h5")
    with_nan().save("nan.keras")
    with_a_lambda().save("lambda.keras")
    shutil.copyfile("sound.keras", "truncated.keras")
    os.truncate("truncated.keras", os.path.getsize("sound.keras") * 2 // 3)
    shutil.copyfile("sound.weights.h5", "truncated.weights.h5")
    os.truncate("truncated.weights.h5", os.path.getsize("sound.weights.h5") - 1)
    os.mkdir("sharded")
    wide = keras.Sequential([keras.Input((16,)), *[keras.layers.Dense(32) for _ in range(3)]])
    wide.save_weights("sharded/w.weights.json", max_shard_size=5e-6)
    os.remove("sharded/w_00001.weights.h5")
    with h5py.File("empty.weights.h5", "w") as file:
        # What Keras leaves where the groups had room, and the weights had not.
        file.create_group("layers/dense/vars")
    model().save_weights("full-disk.weights.h5")
    overwrite_on_a_full_disk("full-disk.weights.h5")


if __name__ == "__main__":
    main(sys.argv[1])
