"""Config and weights of whole models, as Keras saved them and as somebody mixed them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ckptsel.verification.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("dense", "shared", "lora", "quantized", "recurrent", "convolutional", "weightless")


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `consistent_writer` wrote."""
    folder = tmp_path_factory.mktemp("consistent")
    command = [sys.executable, "-m", "tests.verification.consistent_writer", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("suffix", ["keras", "h5"])
@pytest.mark.parametrize("name", NAMES)
def test_what_keras_saves_is_consistent(models: Path, name: str, suffix: str) -> None:
    """No whole model as Keras saves it is called inconsistent, or empty where nothing is wanted."""
    assert verify(str(models / f"{name}.{suffix}")).findings == ()


@pytest.mark.parametrize("level", ["quick", "full"])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mixed-unlike.keras", "'dense_6' (Dense) wants (8, 12) (12,), and got (8, 16) (16,)"),
        ("mixed-longer.keras", "'dense_10' (Dense) wants (2, 2) (2,), and got nothing"),
        ("mixed-unlike.h5", "and got (8, 16) (16,)"),
        ("mixed-longer.h5", "wants (?, 2) (2,), and got nothing"),
    ],
)
def test_mixed_parts_are_damage(models: Path, name: str, said: str, level: str) -> None:
    """A config that wants other weights than the file holds is damage, and the layer is named."""
    verdict = verify(str(models / name), level="full" if level == "full" else "quick")
    assert [finding.code for finding in verdict.of("damage")] == ["config-mismatch"]
    assert said in verdict.of("damage")[0].message
