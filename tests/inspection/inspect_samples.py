"""The files that `inspect_writer` wrote, for tests."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def inspected_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of every format, and in loads.json what Keras takes under which suffix."""
    folder = tmp_path_factory.mktemp("inspected")
    command = [sys.executable, "-m", "tests.inspection.inspect_writer", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder
