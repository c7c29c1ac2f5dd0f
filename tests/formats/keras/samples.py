"""The samples that `keras_writer` wrote, for tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np

from tests.formats.samples import Sample


def write_keras_samples(folder: str) -> None:
    """Let the real Keras and tf_keras write every sample."""
    command = [sys.executable, "-m", "tests.formats.keras.writer", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def keras_sample(folder: str, name: str, kind: str) -> Sample:
    """One of the samples in a folder."""
    with open(os.path.join(folder, name + ".json"), encoding="utf-8") as file:
        rest = json.load(file)
    with np.load(os.path.join(folder, name + ".npz")) as arrays:
        tensors = {key: arrays[key] for key in arrays.files}
    return Sample(rest["path"], kind, tensors, rest["step"], rest["learning_rate"])


def sample_path(folder: str, name: str) -> str:
    """Where the sample of that name is."""
    with open(os.path.join(folder, f"{name}.json"), encoding="utf-8") as file:
        return str(json.load(file)["path"])
