"""SIGTERM: what a batch system or a CI job sends before it kills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ckptsel.errors import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

# Stops where all of the copy is written under a temporary name, and nothing is renamed yet.
STOPPED = """
import os, signal, sys, time
def fsync(_):
    print("written", flush=True)
    time.sleep(600)
if {ignored}:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    fsync = lambda _: os.kill(os.getpid(), signal.SIGTERM)
os.fsync = fsync
from ckptsel.__main__ import main
main()
"""


def start(folder: Path, *, ignored: bool = False) -> subprocess.Popen[str]:
    """Start a copy that stops before its end."""
    (folder / "run").mkdir()
    (folder / "run" / "e=1-val_loss=0.45.h5").write_bytes(b"x" * 3_000_000)
    argv = ["copy", "run", "-m", "val_loss", "--to", "out/new/"]
    return subprocess.Popen(
        [sys.executable, "-c", STOPPED.format(ignored=ignored), *argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
    )


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to handle")
def test_a_terminated_copy_leaves_nothing(tmp_path: Path) -> None:
    """No file, no temporary, no new folder; and an exit code of its own."""
    with start(tmp_path) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "written\n"
        assert [name[:9] for name in os.listdir(tmp_path / "out" / "new")] == [".ckptsel-"]
        child.send_signal(signal.SIGTERM)
        out, err = child.communicate(timeout=60)
    assert (child.returncode, out, err) == (ExitCode.TERMINATED, "", "")
    assert sorted(os.listdir(tmp_path)) == ["run"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to handle")
def test_whoever_ignores_it_is_obeyed(tmp_path: Path) -> None:
    """A parent that made the process deaf for it meant that."""
    with start(tmp_path, ignored=True) as child:
        child.communicate(timeout=60)
    assert child.returncode == 0
    assert len(os.listdir(tmp_path / "out" / "new")) == 2
