"""What the command line of the benchmarks says, as one value that every benchmark is given."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.benchmarks import contestants

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.contestants import Interpreter


@dataclass(frozen=True, slots=True)
class Settings:
    """What to measure, with what, and where.

    Attributes:
        interpreter: The Python under test.
        folder: Where the files are built.
        files: How many files the large folder holds.
        runs: Over how many run folders they are spread.
        rounds: How often each contestant runs.
        million: Whether a million files and a log of 1 GB are measured, too.
    """

    interpreter: Interpreter
    folder: str
    files: int
    runs: int
    rounds: int
    million: bool


def from_command_line(arguments: Sequence[str] | None = None) -> Settings:
    """Read the options; wrong ones end the process."""
    parser = argparse.ArgumentParser(
        description="Time ckptsel against what a user would write instead; print Markdown."
    )
    parser.add_argument("--files", type=int, default=100_000, help="default: %(default)s")
    parser.add_argument("--runs", type=int, default=500, help="run folders; default: %(default)s")
    parser.add_argument("--rounds", type=int, default=10, help="default: %(default)s")
    parser.add_argument(
        "--million", action="store_true", help="measure a million files and a log of 1 GB, too"
    )
    parser.add_argument(
        "--dir",
        default=os.path.join(tempfile.gettempdir(), "ckptsel-benchmarks"),
        help="where files are built, and reused if they are there; default: %(default)s",
    )
    parser.add_argument(
        "--python",
        default=sys.executable,
        help="interpreter that ckptsel is installed for; default: the one that runs this",
    )
    options = parser.parse_args(arguments)
    if options.runs < 1 or options.files < options.runs or options.files % options.runs:
        parser.error("--files must be a multiple of --runs")
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    try:
        interpreter = contestants.interpreter(options.python)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = (
            error.strerror if isinstance(error, OSError) else error.stderr.strip() or "it failed"
        )
        parser.error(f"--python {options.python}: not a working Python: {reason}")
    folder = os.path.abspath(options.dir)
    os.makedirs(folder, exist_ok=True)
    return Settings(
        interpreter=interpreter,
        folder=folder,
        files=options.files,
        runs=options.runs,
        rounds=options.rounds,
        million=options.million,
    )
