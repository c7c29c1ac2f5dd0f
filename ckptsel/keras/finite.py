"""Whether the weights of a live model are numbers."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


def has_finite_weights(model: Any) -> bool:
    """Whether no weight is NaN or infinite.

    A metric does not always show it: a relu may make a NaN zero, and all that follows is a number.

    Args:
        model: a built model of Keras.
    """
    for variable in model.weights:
        if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(variable.dtype)):
            continue
        values = np.asarray(keras.ops.convert_to_numpy(variable))
        if values.dtype.kind != "f":
            values = values.astype(np.float32)  # bfloat16, which numpy has not
        if not np.isfinite(values).all():
            return False
    return True
