"""Weights of a model that are in none of its files: loading leaves them as they were."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from ckptsel.keras.live import array_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ckptsel.formats.contents import Contents

# What no training comes to by chance.
_NUMBER = 0.7351928
_WHOLE = 77


def load_and_find(model: Any, saved: Contents, load: Callable[[], None]) -> list[str]:
    """Load, and see which weights that did not reach: they keep their values.

    A layer's `save_own_variables` may leave out what it likes, and Keras asks nobody else. Where
    the file that Keras wrote has fewer weights of a shape than the model, all of this shape get
    another value before; those that still have it were not loaded.

    Args:
        model: the model.
        saved: what Keras has just saved of it.
        load: loads into it; whatever it raises is raised on.

    Returns:
        The paths of the weights that were not reached.
    """
    suspects = _suspects(model, saved)
    values = [array_of(variable) for variable in suspects]
    for variable, value in zip(suspects, values, strict=True):
        variable.assign(_other(value))
    marks = [array_of(variable) for variable in suspects]
    untouched = suspects
    try:
        load()
        untouched = [
            variable
            for variable, mark in zip(suspects, marks, strict=True)
            if np.array_equal(array_of(variable), mark)
        ]
    finally:
        kept = {id(variable) for variable in untouched}
        for variable, value in zip(suspects, values, strict=True):
            if id(variable) in kept:
                variable.assign(value)
    return [str(variable.path) for variable in untouched]


def _suspects(model: Any, saved: Contents) -> list[Any]:
    """All weights of the shapes of which the model has more than were saved."""
    there = Counter(
        (tensor.shape, tensor.dtype.startswith(("float", "bfloat")))
        for tensor in saved.tensors
        if tensor.role != "optimizer"
    )
    weights = [variable for variable in model.weights if variable.shape is not None]
    missing = Counter(map(_kind, weights)) - there
    return [variable for variable in weights if _kind(variable) in missing]


def _kind(variable: Any) -> tuple[tuple[int, ...], bool]:
    return tuple(variable.shape), str(variable.dtype).startswith(("float", "bfloat"))


def _other(value: NDArray[Any]) -> NDArray[Any]:
    if value.dtype.kind == "b":
        return ~value
    number = _NUMBER if value.dtype.kind in "fc" else _WHOLE
    return np.full_like(value, number)
