"""A whole model → SavedModel, for serving."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.conversion.rebuild.rebuilt import Rebuilt

if TYPE_CHECKING:
    from ckptsel.checkpoint import Finding
    from ckptsel.conversion.rebuild.worker import Job

CONVERTER = Rebuilt("savedmodel")


def write(job: Job) -> list[Finding]:
    """In the worker: as `model.export` writes it, with the endpoints `serve` and the default."""
    from ckptsel.conversion.rebuild.subject import load_keras  # noqa: PLC0415

    load_keras(job).save(job["dest"], None)
    return []


def check(job: Job) -> list[Finding]:
    """In the worker: both endpoints predict what the model does."""
    import keras  # noqa: PLC0415

    from ckptsel.conversion.rebuild.predictions import compare, weak_comparison  # noqa: PLC0415
    from ckptsel.conversion.rebuild.subject import Saved, load_keras, named  # noqa: PLC0415

    model = load_keras(job)
    saved = Saved(job["dest"])
    found = compare(model, saved.predict)
    layer = keras.layers.TFSMLayer(job["dest"], call_endpoint="serve")
    compare(model, lambda values: named(layer(model.given(values))))
    return weak_comparison(found, job["dest"])
