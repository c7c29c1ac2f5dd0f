"""Writes runs saved at epochs' ends and within them, with their logs: `moment_writer FOLDER`."""

# ruff: noqa: PLC0415 - Lightning after Keras, which sets the environment
from __future__ import annotations

import json
import logging
import os
import sys
import warnings
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np

_STEPS = 4  # an epoch


def made(optimizer: Any = "sgd") -> Any:
    """A small model, compiled."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])
    model.compile(optimizer, "mse")
    return model


def fit(folder: str, name: str, *, model: Any = None, append: bool = False, **options: Any) -> None:
    """Train for eight epochs, with a log."""
    every, steps = options.pop("every", "epoch"), options.pop("steps", _STEPS)
    x = np.random.default_rng(1).random((steps * 8, 4)).astype("float32")
    os.makedirs(folder, exist_ok=True)
    (model or made()).fit(
        x,
        x.sum(axis=1),
        batch_size=8,
        validation_data=(x, x.sum(axis=1)),
        verbose=0,
        **{"epochs": 8, **options},
        callbacks=[
            keras.callbacks.ModelCheckpoint(
                os.path.join(folder, name), save_freq=every, save_weights_only="weights" in name
            ),
            keras.callbacks.CSVLogger(os.path.join(folder, "training.csv"), append=append),
        ],
    )


def with_keras(folder: str) -> None:
    """Runs of Keras."""
    fit(os.path.join(folder, "within"), "cp-{epoch:02d}.weights.h5", every=6)
    fit(os.path.join(folder, "within-whole"), "cp-{epoch:02d}.keras", every=5)
    fit(os.path.join(folder, "within-often"), "cp-{epoch:02d}.weights.h5", every=3)
    fit(os.path.join(folder, "at-end"), "cp-{epoch:02d}.weights.h5", every=2 * _STEPS)
    fit(os.path.join(folder, "each"), "cp-{epoch:02d}.keras")
    fit(os.path.join(folder, "begun-later"), "cp-{epoch:02d}.keras", initial_epoch=4)
    tuned = os.path.join(folder, "tuned")
    model = made()
    fit(tuned, "cp-{epoch:02d}.keras", model=model, epochs=4)
    model.compile("sgd", "mse")  # as before fine-tuning: the optimizer counts anew
    fit(tuned, "cp-{epoch:02d}.keras", model=model, append=True, initial_epoch=4)
    twice = os.path.join(folder, "twice")
    model = made()
    fit(twice, "old-{epoch:02d}.keras", model=model)
    for file in os.listdir(twice):
        os.remove(os.path.join(twice, file))
    fit(twice, "cp-{epoch:02d}.keras", model=model)

    with_other_counts(folder)


def with_other_counts(folder: str) -> None:
    """Runs of Keras whose optimizers do not count from 0, or not each step."""
    model = made("adam")
    fit(os.path.join(folder, "before"), "cp.keras", model=model, epochs=5, steps=7)
    model = keras.models.load_model(os.path.join(folder, "before", "cp.keras"))
    fit(os.path.join(folder, "loaded"), "cp-{epoch:02d}.weights.h5", model=model, steps=10)
    # As with float16: the scale is lowered for as long as gradients overflow.
    model = made(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(), initial_scale=3e38))
    fit(os.path.join(folder, "scaled"), "cp-{epoch:02d}.weights.h5", model=model)


def with_lightning(folder: str) -> None:
    """Runs of Lightning, of five steps an epoch."""
    warnings.simplefilter("ignore")
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    import lightning
    import torch
    from lightning.pytorch.callbacks import ModelCheckpoint
    from lightning.pytorch.loggers import CSVLogger

    class Module(lightning.LightningModule):
        """A line that learns to give zero."""

        def __init__(self, optimizers: int) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)
            self.number = optimizers
            self.automatic_optimization = optimizers == 1

        def training_step(self, batch: list[torch.Tensor], _: int) -> torch.Tensor:
            loss: torch.Tensor = self.layer(batch[0]).square().mean()
            if self.number > 1:
                for optimizer in self.optimizers():  # type: ignore[union-attr]
                    optimizer.zero_grad()
                    self.manual_backward(self.layer(batch[0]).square().mean())
                    optimizer.step()
            return loss

        def validation_step(self, batch: list[torch.Tensor], _: int) -> None:
            self.log("val_loss", self.layer(batch[0]).square().mean())

        def configure_optimizers(self) -> list[torch.optim.Optimizer]:
            return [torch.optim.SGD(self.parameters(), lr=0.01) for _ in range(self.number)]

    data = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.ones(10, 1)), batch_size=2
    )
    for run, name, every, optimizers in (
        ("pl-within", "{epoch}", 4, 1),
        ("pl-each", "{epoch}", None, 1),
        ("pl-two", "{epoch}", None, 2),
        ("pl-steps", "{step}", None, 1),
        ("pl-two-steps", "{step}", None, 2),
    ):
        where = os.path.join(folder, run)
        trainer = lightning.Trainer(
            max_epochs=5,
            logger=CSVLogger(where, name="", version=""),
            callbacks=[
                ModelCheckpoint(
                    where, name, save_top_k=-1, every_n_train_steps=every,
                    enable_version_counter=False,
                )
            ],
            enable_progress_bar=False,
            enable_model_summary=False,
            accelerator="cpu",
            log_every_n_steps=1,
        )  # fmt: skip
        torch.manual_seed(1)
        trainer.fit(Module(optimizers), data, data)


def main(folder: str) -> None:
    """Runs of both."""
    with_keras(folder)
    with_lightning(folder)
    print(json.dumps({}))


if __name__ == "__main__":
    main(sys.argv[1])
