"""Writes weights with the state of each of Keras's optimizers: a process of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable


def kinds() -> dict[str, Callable[[], Any]]:
    """Each class, with settings by which it keeps something else."""
    optimizers = keras.optimizers
    names = (
        "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion",
        "Muon", "Nadam", "RMSprop", "SGD",
    )  # fmt: skip
    found: dict[str, Callable[[], Any]] = {name: getattr(optimizers, name) for name in names}
    schedule = optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    return {
        **found,
        "Adam-amsgrad": lambda: optimizers.Adam(amsgrad=True),
        "Adam-ema": lambda: optimizers.Adam(use_ema=True),
        "Adam-accumulated": lambda: optimizers.Adam(gradient_accumulation_steps=2),
        "Adam-schedule": lambda: optimizers.Adam(schedule),
        "RMSprop-all": lambda: optimizers.RMSprop(centered=True, momentum=0.5),
        "SGD-momentum": lambda: optimizers.SGD(momentum=0.9),
        "scaled": lambda: optimizers.LossScaleOptimizer(optimizers.Adam()),
        "named": lambda: optimizers.Adam(name="mine"),
    }


def write(folder: Path, name: str, optimizer: Any, *, is_begun: bool) -> None:
    """A model with a frozen layer and one with statistics, as its weights and as its config."""
    keras.utils.clear_session()
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(4, name="still", trainable=False),
            layers.BatchNormalization(name="norm"),
            layers.Dense(4, name="out"),
        ]
    )
    model.compile(optimizer, "mse")
    if is_begun:
        model.optimizer.build(model.trainable_variables)
        for variable in model.optimizer.variables:
            variable.assign(np.ones(variable.shape, variable.dtype))
    model.save_weights(folder / f"{name}.weights.h5")
    (folder / f"{name}.json").write_text(model.to_json())


def main() -> None:
    """The folder is the only argument."""
    folder = Path(sys.argv[1])
    for name, made in kinds().items():
        write(folder, name, made(), is_begun=True)
    write(folder, "new", keras.optimizers.Adam(), is_begun=False)
    (folder / "index.json").write_text(json.dumps([*kinds()]))


if __name__ == "__main__":
    main()
