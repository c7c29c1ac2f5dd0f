"""The real program in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

CKPTSEL = [sys.executable, "-m", "ckptsel"]


def run(
    *argv: str | bytes, stdin: bytes = b"", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run the program in the current folder, and see that it fails neither loudly nor late."""
    before = sorted(os.listdir(os.fsencode(".")))
    result = subprocess.run(
        [*CKPTSEL, *argv],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=60,
        env={**os.environ, **(env or {})},
    )
    assert b"Traceback" not in result.stderr
    assert sorted(os.listdir(os.fsencode("."))) == before
    return result
