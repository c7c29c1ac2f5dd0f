"""A whole model → a TensorFlow checkpoint of its objects, which is named by its prefix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ckptsel.conversion.rebuild.rebuilt import Rebuilt
from ckptsel.errors import ConversionError

if TYPE_CHECKING:
    from ckptsel.checkpoint import Finding
    from ckptsel.conversion.rebuild.worker import Job

CONVERTER = Rebuilt("prefix", optimizer="kept")


def _loaded(job: Job) -> tuple[Any, Any]:
    """The model, and `tf.train.Checkpoint(model=…)`, with `optimizer=…` where it is kept."""
    import tensorflow as tf  # noqa: PLC0415

    from ckptsel.conversion.rebuild.subject import load_model  # noqa: PLC0415

    model = load_model(job["source"], job, compiled=job["compiled"])
    objects = {"optimizer": model.optimizer} if job["compiled"] else {}
    return model, tf.train.Checkpoint(model=model, **objects)


def write(job: Job) -> list[Finding]:
    """In the worker. With a save counter, so that both `read` and `restore` find all they want."""
    _, checkpoint = _loaded(job)
    _ = checkpoint.save_counter  # made when it is first asked for
    checkpoint.write(job["dest"])
    return []


def check(job: Job) -> list[Finding]:
    """In the worker: a model whose weights were all wiped out gets every one of them back."""
    if job["compiled"]:
        model, checkpoint = _loaded(job)
        _require_restored(checkpoint, [*model.weights, *model.optimizer.variables], job["dest"])
    # The optimizer knows the weights as well, and brings back what a model without one does not.
    model, checkpoint = _loaded({**job, "compiled": False})
    _require_restored(checkpoint, model.weights, job["dest"])
    return []


def _require_restored(checkpoint: Any, variables: list[Any], path: str) -> None:
    """See that variables which were wiped out are read back.

    Raises:
        ConversionError: if one is not.
    """
    # The seeds of what draws at random: made anew for every model, and not all belong to it.
    variables = [variable for variable in variables if "seed_generator" not in variable.path]
    before = [np.array(variable) for variable in variables]
    for variable, value in zip(variables, before, strict=True):
        variable.assign(np.zeros_like(value))
    checkpoint.restore(path).assert_existing_objects_matched()
    wrong = [
        variable.path
        for variable, value in zip(variables, before, strict=True)
        if np.array(variable).tobytes() != value.tobytes()
    ]
    if wrong:
        raise ConversionError(
            f"{wrong[0]} does not come back from what was written, by tf.train.Checkpoint(model=…)",
            hint="TensorFlow does not find all that Keras does, as the cells of keras.layers.RNN;"
            " .weights.h5 holds them",
        )
