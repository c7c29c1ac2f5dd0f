"""The commands that are timed: ckptsel, and what a user would write instead."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.benchmarks.folders import PATTERN

if TYPE_CHECKING:
    from tests.benchmarks.folders import Folder

# Asks the interpreter under test, which need not be the one that runs the benchmarks.
_PROBE = """
import json, platform, sys, sysconfig
from importlib import metadata
versions = {}
for name in ("ckptsel", "typer"):
    try:
        versions[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        versions[name] = "not installed"
python = f"{platform.python_implementation()} {platform.python_version()}"
paths = {"executable": sys.executable, "scripts": sysconfig.get_path("scripts")}
print(json.dumps({"python": python, **paths, **versions}))
"""


@dataclass(frozen=True, slots=True)
class Contestant:
    """A command to be run as a whole process.

    Attributes:
        name: What it is called in the tables, where goals refer to it; unique in a benchmark.
        argv: The command.
        expected: The path that it must print, or None if it prints nothing.
    """

    name: str
    argv: tuple[str, ...]
    expected: str | None


@dataclass(frozen=True, slots=True)
class Interpreter:
    """The Python under test and how users of it start ckptsel.

    Attributes:
        path: The interpreter.
        ckptsel: The console script installed beside it, or else `python -m ckptsel`.
        python: Implementation and version, as "CPython 3.11.2".
        versions: Name to version, of ckptsel and Typer.
    """

    path: str
    ckptsel: tuple[str, ...]
    python: str
    versions: dict[str, str]


def interpreter(path: str) -> Interpreter:
    """Find out what is installed for the interpreter at `path`.

    The path that it gives of itself is used from then on: `path` may be a launcher, as
    pyenv's are, and its time is not Python's.

    Raises:
        OSError: If it cannot be started.
        subprocess.CalledProcessError: If it does not run Python code.
    """
    answer = subprocess.run([path, "-c", _PROBE], check=True, capture_output=True, text=True)
    facts: dict[str, str] = json.loads(answer.stdout)
    script = os.path.join(facts.pop("scripts"), "ckptsel")
    executable = facts.pop("executable")
    command = (script,) if os.access(script, os.X_OK) else (executable, "-m", "ckptsel")
    return Interpreter(executable, command, facts.pop("python"), facts)


def best(name: str, under_test: Interpreter, folder: Folder, *, pattern: bool) -> Contestant:
    """`ckptsel best`, told the pattern of the names or left to learn it."""
    argv = (*under_test.ckptsel, "best", folder.path, "--monitor", "val_loss", "--mode", "min")
    if pattern:
        argv += ("--pattern", PATTERN)
    return Contestant(name, argv, folder.best)


def pipeline(name: str, folder: Folder) -> Contestant:
    """The shell's way: put the value before each path, sort, take the first."""
    script = (
        f"find {shlex.quote(folder.path)} -name '*.h5'"
        r" | sed -E 's/.*val_loss([0-9.]+)\.weights\.h5$/\1\t&/'"
        " | sort -g | head -1 | cut -f2"
    )
    return Contestant(name, ("sh", "-c", script), folder.best)


def rglob(name: str, under_test: Interpreter, folder: Folder) -> Contestant:
    """Python's way: `Path.rglob` and a regular expression, with the interpreter under test."""
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "rglob.py")
    return Contestant(name, (under_test.path, script, folder.path), folder.best)


def statement(name: str, under_test: Interpreter, code: str) -> Contestant:
    """A Python process that does one thing: a measure of what starting up costs."""
    return Contestant(name, (under_test.path, "-c", code), None)
