"""What all tests share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.formats.keras.samples import write_keras_samples


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def keras_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder with all that Keras and tf_keras write; see `keras_sample`."""
    folder = str(tmp_path_factory.mktemp("keras"))
    write_keras_samples(folder)
    return folder


@pytest.fixture(scope="session")
def damaged_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keras's own files, sound and damaged for real; not to be written to."""
    pytest.importorskip("keras")
    folder = tmp_path_factory.mktemp("damaged")
    command = [sys.executable, "-m", "tests.verification.damaged_writer", str(folder)]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder
