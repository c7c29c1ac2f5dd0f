"""Trains with the Hugging Face Trainer in a process of its own, and says what it calls best.

Run as `python -m tests.sources.hf_writer FOLDER`; prints JSON: run → best_model_checkpoint.
"""

# ruff: noqa: PLC0415 - the tables are for the tests, which import no framework.
from __future__ import annotations

import json
import sys
from typing import Any

# Evaluation by evaluation.
LOSSES = (0.9, 0.4, 0.31, 0.32, 0.29, 0.5)
F1S = (0.1, 0.7, 0.5, 0.92, 0.91, 0.3)
# Run → the metric that is watched, and whether higher is better.
RUNS = {
    "by-loss": ("eval_loss", False),
    "by-f1": ("eval_f1", True),
    "by-epoch": ("eval_loss", False),
}


def main(folder: str) -> None:
    """Train each of the runs."""
    import torch
    from transformers import Trainer, TrainingArguments

    class Model(torch.nn.Module):
        """A line."""

        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)

        def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
            scores = self.layer(x)[:, 0]
            return {"loss": (scores - labels).square().mean(), "logits": scores}

    class Told(Trainer):
        """Evaluates to what the tables above say."""

        def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
            done = self.state.global_step // 2 - 1
            values = {"eval_loss": LOSSES[done], "eval_f1": F1S[done], "eval_runtime": 0.1}
            self.log(values)
            return values

    data: Any = [{"x": torch.ones(1), "labels": torch.tensor(1.0)}] * 24
    best = {}
    for run, (metric, greater) in RUNS.items():
        out = f"{folder}/{run}"
        args = TrainingArguments(
            out,
            eval_strategy="epoch" if run == "by-epoch" else "steps",
            save_strategy="epoch" if run == "by-epoch" else "steps",
            eval_steps=2,
            save_steps=2,
            logging_steps=1,
            max_steps=12,
            per_device_train_batch_size=12,
            metric_for_best_model=metric,
            greater_is_better=greater,
            report_to=[],
            use_cpu=True,
            disable_tqdm=True,
        )
        trainer = Told(Model(), args, train_dataset=data, eval_dataset=data)
        trainer.train()
        trainer.save_state()
        best[run] = trainer.state.best_model_checkpoint
    print("\n" + json.dumps(best))


if __name__ == "__main__":
    main(sys.argv[1])
