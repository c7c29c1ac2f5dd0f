"""Benchmarks of `ckptsel best` with a log beside the checkpoints."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.benchmarks import event_folders, large_log, logged_folders
from tests.benchmarks.contestants import Contestant
from tests.benchmarks.report import Benchmark, PeakMemory, TimeRatio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.settings import Settings

EVENTS = "`ckptsel best`, event files"
LOADER = "`EventFileLoader`"
WITH = "`ckptsel best`"
WITHOUT = "`ckptsel best --no-logs`"
RUNS, EPOCHS = 1_000, 200
BATCHES = 100
LARGE = "`ckptsel best`, a log of 1 GB"
SMOOTH = "`ckptsel best --smooth 3`, a log of 1 GB"
COURSE = "`ckptsel runs`, a log of 1 GB"


def benchmarks(settings: Settings) -> Iterator[Benchmark]:
    """Exact values cost little more than the names: every row of every log is read and joined."""
    folder = logged_folders.build(settings.folder, RUNS, EPOCHS)
    argv = (*settings.interpreter.ckptsel, "best", folder.path, "--monitor", "val_loss")
    yield Benchmark(
        f"{RUNS:,} runs of {EPOCHS} checkpoints, each with a log",
        [
            Contestant(WITH, argv, folder.best),
            Contestant(WITHOUT, (*argv, "--no-logs"), folder.best),
        ],
        [TimeRatio(WITH, WITHOUT, 2.5), PeakMemory(WITH, 400)],
    )
    run = event_folders.build(settings.folder, EPOCHS, BATCHES)
    argv = (*settings.interpreter.ckptsel, "best", run.path, "--monitor", "val_loss")
    script = os.path.join(os.path.dirname(__file__), "event_file_loader.py")
    loader = (settings.interpreter.path, script, *event_folders.files(run))
    yield Benchmark(
        f"TensorBoard's files of {EPOCHS} epochs of {BATCHES} batches",
        [Contestant(EVENTS, argv, run.best), Contestant(LOADER, loader, None)],
        [TimeRatio(EVENTS, LOADER, 1.3)],
    )
    if settings.million:
        large = large_log.build(settings.folder, 1_000_000_000)
        argv = (*settings.interpreter.ckptsel, "best", large.path, "--monitor", "val_loss")
        runs = (*settings.interpreter.ckptsel, "runs", large.path, "--monitor", "val_loss")
        yield Benchmark(
            "A log of 1 GB beside three checkpoints",
            [
                Contestant(LARGE, argv, large.best),
                Contestant(SMOOTH, (*argv, "--smooth", "3"), large.best),
                Contestant(COURSE, (*runs, "-o", "paths"), large.path),
            ],
            [PeakMemory(LARGE, 60), PeakMemory(SMOOTH, 60), PeakMemory(COURSE, 60)],
            most_rounds=1,
        )
