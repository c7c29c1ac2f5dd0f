"""Runs a writer, a module of this folder that trains with a real framework, in its own process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent


def write(name: str, folder: Path) -> Any:
    """What the writer prints last, as JSON; its files are in the folder then."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.sources.{name}", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
