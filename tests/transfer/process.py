"""Starts a copy in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import ckptsel

_ROOT = Path(__file__).parents[2]


def start(source: Path, dest: Path, how: str) -> subprocess.Popen[str]:
    """Start copying.

    Args:
        source: a file.
        dest: its new path.
        how: `wait` to stop after the first chunk, or a limit on the size of files, in bytes.
    """
    # The tested package first: it may be an installed one.
    places = [str(Path(ckptsel.__file__).parents[1]), str(_ROOT)]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.transfer.child", str(source), str(dest), how],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(places)},
        cwd=source.parent,
    )
