"""Checkpoints of every kind, written once by the real frameworks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from ckptsel.conversion.rebuild import child

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckptsel.checkpoint import Finding

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


@pytest.fixture(scope="session")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[bytes]]:
    """The process in which Keras runs, kept alive: starting it takes seconds."""
    pytest.importorskip("tensorflow")
    noise = tmp_path_factory.mktemp("worker") / "stderr"
    with (
        noise.open("wb") as errors,
        subprocess.Popen(
            child.command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=child.environment(),
        ) as process,
    ):
        yield process


@pytest.fixture
def one_worker(worker: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """All jobs of a test go to the process that is there already."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    stdin, stdout = worker.stdin, worker.stdout

    def ask(job: Mapping[str, object]) -> tuple[Finding, ...]:
        stdin.write(json.dumps(job).encode() + b"\n")
        stdin.flush()
        return child.understood(json.loads(stdout.readline()))

    monkeypatch.setattr(child, "ask", ask)
