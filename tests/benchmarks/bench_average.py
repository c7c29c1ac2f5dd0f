"""Benchmarks of `ckptsel average` on five checkpoints of 8 layers of 2048 units with Adam."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from tests.benchmarks.contestants import Contestant
from tests.benchmarks.report import Benchmark, PeakMemory, TimeRatio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.settings import Settings

_MEMBERS = 5

# Five members of each sort; `plain` holds nothing but weights, so that all of it is averaged.
_BUILD = """
import os, sys
import h5py, numpy as np
from ckptsel.conversion.rewrite import rewrite
from ckptsel.formats import open_contents

large, folder, members = sys.argv[1], sys.argv[2], int(sys.argv[3])
chance = np.random.default_rng(0)
for number in range(1, members + 1):
    for sort, suffix in (("adam", ".weights.h5"), ("keras", ".keras"), ("tf", "")):
        os.makedirs(os.path.join(folder, sort), exist_ok=True)
        source = os.path.join(large, "m" + suffix)
        with open_contents(source) as contents:
            def changed(tensor):
                if "float" not in tensor.dtype:
                    return None
                return (piece * np.float32(1 + number / 1000) for piece in contents.pieces(tensor))
            name = f"w.{number:02d}-val_loss0.{number}{suffix}"
            rewrite(source, os.path.join(folder, sort, name), changed)
    os.makedirs(os.path.join(folder, "plain"), exist_ok=True)
    name = f"w.{number:02d}-val_loss0.{number}.weights.h5"
    with h5py.File(os.path.join(folder, "plain", name), "w") as file:
        for layer in range(24):
            file[f"layers/dense_{layer}/vars/0"] = chance.random((2048, 2048), "float32")
"""
# The five read with h5py, array by array, and one of them written; nothing is computed.
_READ_AND_WRITE = """
import sys
import h5py
*sources, dest = sys.argv[1:]
for source in sources:
    arrays = {}
    with h5py.File(source) as file:
        def read(name, thing):
            if isinstance(thing, h5py.Dataset):
                arrays[name] = thing[()]
        file.visititems(read)
with h5py.File(dest, "w") as file:
    for name, values in arrays.items():
        file[name] = values
"""


def benchmarks(settings: Settings) -> Iterator[Benchmark]:
    """Build the files if they are not there; bench_inspect has built what they are made of."""
    folder = os.path.join(settings.folder, "five-large-models")
    large = os.path.join(settings.folder, "large-model")
    if not os.path.isdir(folder):
        os.makedirs(folder)
        argv = (settings.interpreter.path, "-c", _BUILD, large, folder, str(_MEMBERS))
        subprocess.run(argv, check=True)
    yield _average(settings, folder)


def _average(settings: Settings, folder: str) -> Benchmark:
    """Averaging costs little more than touching all the bytes."""
    contestants: list[Contestant] = []
    goals: list[PeakMemory | TimeRatio] = []
    for sort, suffix in (("plain", ".weights.h5"), ("adam", ".weights.h5")):
        members = os.path.join(folder, sort)
        ours, theirs = f"`average {sort} --top 5`", f"h5py: read five, write one, {sort}"
        contestants.append(_mean(settings, ours, members, suffix))
        names = sorted(os.path.join(members, name) for name in os.listdir(members))
        dest = os.path.join(folder, "h5py" + suffix)
        argv = (settings.interpreter.path, "-c", _READ_AND_WRITE, *names, dest)
        contestants.append(Contestant(theirs, argv, None))
        goals.append(TimeRatio(ours, theirs, 1.5))
    for sort, suffix in (("keras", ".keras"), ("tf", "")):
        name = f"`average {sort} --top 5`"
        contestants.append(_mean(settings, name, os.path.join(folder, sort), suffix))
    goals += [
        PeakMemory(contestant.name, 200)
        for contestant in contestants
        if contestant.name.startswith("`average")
    ]
    title = "The mean of five checkpoints of 403 MB each: weights alone, or with Adam"
    return Benchmark(title, contestants, goals)


def _mean(settings: Settings, name: str, members: str, suffix: str) -> Contestant:
    dest = os.path.join(os.path.dirname(members), "mean" + suffix)
    options = ("--monitor", "val_loss", "--top", str(_MEMBERS), "--force", "--to", dest)
    return Contestant(name, (*settings.interpreter.ckptsel, "average", members, *options), dest)
