"""Checkpoints of every kind, written once by the real frameworks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]


class Samples(NamedTuple):
    """What `walk_writer` wrote.

    Attributes:
        folder: where.
        entries: one a sample; see `walk_writer.note`.
    """

    folder: Path
    entries: list[dict[str, Any]]

    def path(self, sample: str) -> str:
        """The path of a sample by its name."""
        (found,) = [entry["path"] for entry in self.entries if entry["sample"] == sample]
        return str(found)


def run(module: str, *arguments: str) -> None:
    """Run a module of the tests as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.conversion.{module}", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    """Real checkpoints; not to be written to."""
    for package in ("keras", "tf_keras", "torch", "safetensors"):
        pytest.importorskip(package)
    folder = tmp_path_factory.mktemp("walk")
    run("walk_writer", str(folder))
    return Samples(folder, json.loads((folder / "index.json").read_text()))
