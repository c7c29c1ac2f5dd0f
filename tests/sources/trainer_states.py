"""Folders as the Hugging Face Trainer leaves them, without a Trainer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.folders import make

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def trainer_states(folder: Path, values: Mapping[int, float], saved: tuple[int, ...]) -> None:
    """Write the states of some steps, shaped after TrainerState in its source.

    Args:
        folder: the run.
        values: step → `eval_loss`, of all evaluations.
        saved: the steps whose checkpoints are there still.
    """
    history = [{"step": s, "epoch": s / 100, "eval_loss": v} for s, v in values.items()]
    for step in saved:
        make(folder, f"checkpoint-{step}/model.safetensors", f"checkpoint-{step}/config.json")
        state = {"global_step": step, "log_history": [e for e in history if e["step"] <= step]}
        (folder / f"checkpoint-{step}/trainer_state.json").write_text(json.dumps(state))
