"""Runs whole processes by turns, and keeps the time and the peak memory of each."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.contestants import Contestant


class WrongAnswerError(Exception):
    """A contestant failed, or named another file than the best one."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One process from start to end.

    Attributes:
        seconds: Wall time, from before the start until it was waited for.
        peak_bytes: Largest resident size of it or of any one of its children.
    """

    seconds: float
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Result:
    """All samples of one contestant."""

    samples: tuple[Sample, ...]

    @property
    def median_seconds(self) -> float:
        """The time that ratios are made of."""
        return statistics.median(sample.seconds for sample in self.samples)

    @property
    def fastest_seconds(self) -> float:
        """The lower end of the spread."""
        return min(sample.seconds for sample in self.samples)

    @property
    def slowest_seconds(self) -> float:
        """The upper end of the spread."""
        return max(sample.seconds for sample in self.samples)

    @property
    def peak_bytes(self) -> int:
        """The largest of the peaks, since a limit on memory is met always or not at all."""
        return max(sample.peak_bytes for sample in self.samples)


def alternate(contestants: Sequence[Contestant], rounds: int) -> dict[str, Result]:
    """Run the contestants by turns, A B C A B C …, so that a slow minute falls on all of them.

    A first round is not counted: it checks every answer, reads the directories into the
    page cache, and lets Python write its bytecode.

    Raises:
        WrongAnswerError: If a contestant fails or prints another path than expected.
    """
    samples: dict[str, list[Sample]] = {contestant.name: [] for contestant in contestants}
    for number in range(rounds + 1):
        print(f"\rround {number} of {rounds}", end="", file=sys.stderr, flush=True)
        for contestant in contestants:
            sample = run(contestant)
            if number:
                samples[contestant.name].append(sample)
    print(file=sys.stderr)
    return {name: Result(tuple(taken)) for name, taken in samples.items()}


def run(contestant: Contestant) -> Sample:
    """Run a contestant once, with its output to a pipe, and check its answer.

    Raises:
        WrongAnswerError: If it fails or prints another path than expected.
    """
    with tempfile.TemporaryFile() as complaints:
        started = time.perf_counter()
        with subprocess.Popen(
            contestant.argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env=_environment(),
        ) as process:
            assert process.stdout is not None
            answer = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - started
            # Popen is told, because it would wait for a process that is gone.
            process.returncode = os.waitstatus_to_exitcode(status)
        complaints.seek(0)
        _check(contestant, process.returncode, os.fsdecode(answer), complaints.read())
    return Sample(seconds, usage.ru_maxrss * 1024)  # Linux counts it in KiB


def _environment() -> dict[str, str]:
    """The same few variables for all: no user's settings of Python, of ckptsel or of sort."""
    kept = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    return {**kept, "LC_ALL": "C.UTF-8"}


def _check(contestant: Contestant, code: int, answer: str, complaints: bytes) -> None:
    printed = answer.removesuffix("\n")
    expected = contestant.expected
    right = (
        os.path.realpath(printed) == os.path.realpath(expected)
        if expected is not None
        else not printed
    )
    if code or not right:
        raise WrongAnswerError(
            f"{contestant.name}: exit code {code}, expected {expected!r}, printed {printed!r}\n"
            f"{complaints.decode(errors='replace')}"
        )
