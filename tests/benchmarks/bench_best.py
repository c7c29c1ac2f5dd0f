"""Benchmarks of `ckptsel best`: many files, a million files, ten files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks import contestants, folders
from tests.benchmarks.report import Benchmark, PeakMemory, TimeRatio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.contestants import Interpreter
    from tests.benchmarks.folders import Folder
    from tests.benchmarks.report import Goal
    from tests.benchmarks.settings import Settings

PATTERN = "`ckptsel best --pattern`"
LEARNT = "`ckptsel best`"
PIPELINE = "`find \\| sed \\| sort`"  # a bare bar would end the table's cell
RGLOB = "`Path.rglob` script"
IMPORT = '`python -c "import typer"`'


def benchmarks(settings: Settings) -> Iterator[Benchmark]:
    """Build each benchmark's files just before it runs."""
    under_test = settings.interpreter
    many = folders.build(settings.folder, settings.files, settings.runs)
    yield _against_scripts(under_test, many)
    yield _on_ten_files(under_test, folders.build(settings.folder, files=10, runs=1))
    if settings.million:
        million = folders.build(settings.folder, files=1_000_000, runs=5_000)
        yield _at_scale(under_test, many, million)


def _against_scripts(under_test: Interpreter, many: Folder) -> Benchmark:
    """`ckptsel best` takes half the time of what a user would write instead, and little memory."""
    goals: list[Goal] = [
        TimeRatio(ours, theirs, 0.5) for ours in (PATTERN, LEARNT) for theirs in (PIPELINE, RGLOB)
    ]
    goals += [PeakMemory(ours, 120) for ours in (PATTERN, LEARNT)]
    return Benchmark(
        f"{many.files:,} files in {many.runs:,} folders",
        [
            contestants.best(PATTERN, under_test, many, pattern=True),
            contestants.best(LEARNT, under_test, many, pattern=False),
            contestants.pipeline(PIPELINE, many),
            contestants.rglob(RGLOB, under_test, many),
        ],
        goals,
    )


def _on_ten_files(under_test: Interpreter, ten: Folder) -> Benchmark:
    """On a small folder, `ckptsel best` costs little more than its framework's import."""
    return Benchmark(
        "Ten files",
        [
            contestants.best(PATTERN, under_test, ten, pattern=True),
            contestants.best(LEARNT, under_test, ten, pattern=False),
            contestants.statement(IMPORT, under_test, "import typer"),
        ],
        [TimeRatio(ours, IMPORT, 1.5) for ours in (PATTERN, LEARNT)],
    )


def _at_scale(under_test: Interpreter, many: Folder, million: Folder) -> Benchmark:
    """The time grows no faster than the number of files."""
    entrants, goals = [], []
    for ours, pattern in ((PATTERN, True), (LEARNT, False)):
        small, large = (f"{ours}, {folder.files:,} files" for folder in (many, million))
        entrants.append(contestants.best(small, under_test, many, pattern=pattern))
        entrants.append(contestants.best(large, under_test, million, pattern=pattern))
        goals.append(TimeRatio(large, small, million.files / many.files))
    return Benchmark(f"{million.files:,} files in {million.runs:,} folders", entrants, goals)
