"""Benchmarks of `ckptsel export` on a model of 8 layers of 2048 units with Adam."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from tests.benchmarks.bench_inspect import built
from tests.benchmarks.contestants import Contestant
from tests.benchmarks.report import Benchmark, PeakMemory, TimeRatio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.settings import Settings


def benchmarks(settings: Settings) -> Iterator[Benchmark]:
    """The weights of a whole model, against the copy of a file of that size, down to the disk."""
    folder = built(settings)
    archive, weights = (os.path.join(folder, name) for name in ("m.keras", "m.weights.h5"))
    target = os.path.join(settings.folder, "exported")
    copied = f"{target}.copy"
    copy = f"cp {shlex.quote(weights)} {shlex.quote(copied)} && sync {shlex.quote(copied)}"
    ours, theirs = "`export m.keras --to x.weights.h5`", "`cp` and `sync` of the result"
    quick, numpy = "the same with `--no-check`", "`export m.keras --to x.npz`"
    yield Benchmark(
        "Export the weights of the same checkpoint",
        [
            _export(settings, ours, archive, f"{target}.weights.h5"),
            _export(settings, quick, archive, f"{target}.weights.h5", "--no-check"),
            # What was there is removed first by all, so that all write to a new file.
            Contestant(theirs, ("sh", "-c", f"rm -f {shlex.quote(copied)}; {copy}"), None),
            _export(settings, numpy, archive, f"{target}.npz"),
        ],
        [TimeRatio(ours, theirs, 1.5), PeakMemory(ours, 100), PeakMemory(numpy, 200)],
    )


def _export(settings: Settings, name: str, source: str, target: str, *options: str) -> Contestant:
    argv = (*settings.interpreter.ckptsel, "export", source, "--to", target, *options)
    remove = f"rm -f {shlex.quote(target)} {shlex.quote(target)}.ckptsel.json"
    script = f"{remove}; exec {shlex.join(argv)} > /dev/null 2> /dev/null"
    return Contestant(name, ("sh", "-c", script), None)
