"""Benchmarks and their goals, and the Markdown that tells how they went."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.benchmarks.contestants import Contestant, Interpreter
    from tests.benchmarks.measure import Result

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """A goal held against what was measured.

    Attributes:
        goal: What was to be reached, in words.
        measured: The measured quantity.
        limit: The largest that was allowed.
        unit: Written after both; " times" for a ratio.
    """

    goal: str
    measured: float
    limit: float
    unit: str

    @property
    def is_met(self) -> bool:
        """Whether the goal was reached."""
        return self.measured <= self.limit


class Goal(Protocol):
    """Something that a benchmark's results are to satisfy."""

    def judge(self, results: Mapping[str, Result]) -> Verdict:
        """Hold the goal against the results, by name of contestant."""
        ...


@dataclass(frozen=True, slots=True)
class TimeRatio:
    """The median time of one contestant is at most `limit` times that of another."""

    contestant: str
    baseline: str
    limit: float

    def judge(self, results: Mapping[str, Result]) -> Verdict:
        """Divide the medians."""
        ratio = results[self.contestant].median_seconds / results[self.baseline].median_seconds
        return Verdict(f"time of {self.contestant} / {self.baseline}", ratio, self.limit, " times")


@dataclass(frozen=True, slots=True)
class PeakMemory:
    """The peak memory of a contestant is at most `limit_mb` MB in any of its runs."""

    contestant: str
    limit_mb: float

    def judge(self, results: Mapping[str, Result]) -> Verdict:
        """Take the largest peak."""
        peak_mb = results[self.contestant].peak_bytes / MB
        return Verdict(f"peak memory of {self.contestant}", peak_mb, self.limit_mb, " MB")


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Contestants that run by turns, and the goals for their results.

    Attributes:
        title: What is measured.
        contestants: What runs.
        goals: What is to be reached.
        most_rounds: Where a round takes long, and memory is what counts; None for all that are
            asked for.
    """

    title: str
    contestants: Sequence[Contestant]
    goals: Sequence[Goal]
    most_rounds: int | None = None


def section(title: str, results: Mapping[str, Result], verdicts: Iterable[Verdict]) -> str:
    """Write up one benchmark: a table of times, and a table of goals."""
    lines = [
        f"### {title}",
        "",
        "| command | median | min to max | peak memory |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, result in results.items():
        lines.append(
            f"| {name} | {_time(result.median_seconds)}"
            f" | {_time(result.fastest_seconds)} to {_time(result.slowest_seconds)}"
            f" | {result.peak_bytes / MB:.0f} MB |"
        )
    lines += ["", "| goal | measured | at most | |", "| --- | ---: | ---: | --- |"]
    for verdict in verdicts:
        measured = f"{verdict.measured:.3g}{verdict.unit}"
        limit = f"{verdict.limit:g}{verdict.unit}"
        outcome = "met" if verdict.is_met else "**missed**"
        lines.append(f"| {verdict.goal} | {measured} | {limit} | {outcome} |")
    return "\n".join([*lines, ""])


def machine(under_test: Interpreter, folder: str, rounds: int) -> str:
    """Write up what the numbers depend on: the machine, the versions, the conditions."""
    facts = {
        "cores": str(os.cpu_count()),
        "kernel": f"{platform.system()} {platform.release()} ({platform.machine()})",
        "file system": _file_system(folder),
        "Python": under_test.python,
        **under_test.versions,
        "started as": "`python -m ckptsel`" if len(under_test.ckptsel) > 1 else "`ckptsel`",
        "rounds": f"{rounds}, by turns, after one that is not counted",
    }
    lines = ["| | |", "| --- | --- |", *(f"| {name} | {fact} |" for name, fact in facts.items())]
    return "\n".join(
        [
            *lines,
            "",
            "Whole processes, warm page cache, output to a pipe, `LC_ALL=C.UTF-8`. Ratios are",
            "of medians. Peak memory is that of the largest single process, so a pipeline's is",
            "less than its sum; and Linux reports no less than the benchmark process's own",
            f"{_own_peak_mb():.0f} MB.",
            "",
        ]
    )


def _own_peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MB


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def _file_system(folder: str) -> str:
    answer = subprocess.run(
        ["stat", "-f", "-c", "%T", folder], check=True, capture_output=True, text=True
    )
    return answer.stdout.strip()
