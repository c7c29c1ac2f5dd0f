"""Folders that are checkpoints, hold those of a run, or both."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.folders import make, write_csv
from tests.which.asking import ask, codes, value

if TYPE_CHECKING:
    from pathlib import Path

STEPS = (100, 200, 300)


def save(folder: Path, weight: int) -> None:
    """A model as Hugging Face saves it."""
    numpy = pytest.importorskip("safetensors.numpy")
    folder.mkdir(parents=True, exist_ok=True)
    numpy.save_file({"a": np.full((3, 2), weight, "f4")}, str(folder / "model.safetensors"))
    (folder / "config.json").write_text("{}")


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """What the Trainer leaves: checkpoints, and the best model beside them. Another run, too."""
    folder = tmp_path / "output"
    for step in STEPS:
        save(folder / f"checkpoint-{step}", step)
        log = [{"step": at, "epoch": at / 100, "eval_loss": 1 / at} for at in STEPS if at <= step]
        state = {"global_step": step, "epoch": step / 100, "log_history": log}
        (folder / f"checkpoint-{step}" / "trainer_state.json").write_text(json.dumps(state))
    save(folder, 200)
    make(tmp_path, *(f"another/cp-0{n}.h5" for n in (3, 4, 5)))
    write_csv(tmp_path / "another" / "training.csv", *(1 / n for n in range(1, 9)))
    return folder


def test_the_folder_of_a_run(output: Path) -> None:
    """It is looked in first, and nothing is said of what stands beside it."""
    answer = ask(output)
    assert (answer.sure, answer.step, value(answer, "eval_loss")) == ("certain", 200, 1 / 200)
    assert codes(answer) == []


def test_a_folder_that_is_a_checkpoint(output: Path) -> None:
    """What is around it is its run: a copy is known by that."""
    assert (ask(output / "checkpoint-200").step, codes(ask(output))) == (200, [])
    save(output / "best", 300)
    assert ask(output / "best").step == 300


def test_a_folder_of_a_run_and_another_place(output: Path, tmp_path: Path) -> None:
    """What is named besides is looked in besides."""
    save(output, 400)
    assert ask(output).sure == "unknown"
    save(tmp_path / "more" / "checkpoint-400", 400)
    assert ask(output, tmp_path / "more").step == 400


def test_a_folder_that_only_holds_checkpoints(output: Path) -> None:
    """It is none itself."""
    answer = ask(output.parent / "another")
    assert (answer.sure, answer.metrics) == ("unknown", ())
    assert "not-compared" in codes(answer)
