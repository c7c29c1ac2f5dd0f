"""A whole model → a whole model in the other format of Keras: `.keras`, or HDF5 of Keras 2."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ckptsel.conversion.rebuild.rebuilt import Rebuilt
from ckptsel.errors import ConversionError

if TYPE_CHECKING:
    from ckptsel.checkpoint import Finding
    from ckptsel.conversion.rebuild.worker import Job

# What Keras restores of an optimizer from HDF5 it matches by number alone, and where that fails
# it only warns; so it is left out, and that is said.
CONVERTER = Rebuilt("whole", optimizer="lost")


def write(job: Job) -> list[Finding]:
    """In the worker: loaded without what `compile` was given, and saved."""
    from ckptsel.conversion.rebuild.subject import load_model  # noqa: PLC0415

    load_model(job["source"], job, compiled=False).save(job["dest"])
    return []


def check(job: Job) -> list[Finding]:
    """In the worker: both load to the same weights, and predict the same."""
    from ckptsel.conversion.rebuild.predictions import compare, weak_comparison  # noqa: PLC0415
    from ckptsel.conversion.rebuild.subject import Model, load_model  # noqa: PLC0415

    one = load_model(job["source"], job, compiled=False)
    try:
        other = load_model(job["dest"], job, compiled=False)
    except ConversionError as error:
        raise ConversionError(
            f"Keras does not load what it wrote of this model: {error.message}",
            hint="HDF5 holds no keras.ops, and less than .keras in other ways",
        ) from error
    pairs = zip(one.get_weights(), other.get_weights(), strict=True)
    for number, (a, b) in enumerate(pairs):
        if a.dtype != b.dtype or a.shape != b.shape or not np.array_equal(a, b, equal_nan=True):
            raise ConversionError(
                f"{one.weights[number].path} has other values in what was written"
            )
    return weak_comparison(compare(Model(one), Model(other).predict), job["dest"])
