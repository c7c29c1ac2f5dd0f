"""Weights of a live model that no file has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ckptsel.errors import ModelMismatchError
from tests.keras.conftest import told
from tests.keras.models import dense, filled, save

if TYPE_CHECKING:
    from pathlib import Path


def partly_saved(keras: Any, saved: tuple[str, ...]) -> Any:
    """A model with a layer that saves only some of its weights, which are all of one shape."""

    class Own(keras.layers.Layer):  # type: ignore[misc] # Keras has no types
        def build(self, _: Any) -> None:
            for name in ("first", "second", "third"):
                setattr(self, name, self.add_weight(shape=(4,), name=name, initializer="zeros"))

        def call(self, inputs: Any) -> Any:
            return inputs * self.first

        def save_own_variables(self, store: Any) -> None:
            for name in saved:
                store[name] = getattr(self, name)

        def load_own_variables(self, store: Any) -> None:
            for name in saved:
                getattr(self, name).assign(store[name])

    return keras.Sequential([keras.layers.Input((4,)), Own(name="own"), keras.layers.Dense(4)])


@pytest.mark.parametrize("saved", [(), ("second",), ("first", "second", "third")])
def test_weights_that_no_file_has(
    keras: Any, load: Any, tmp_path: Path, saved: tuple[str, ...]
) -> None:
    """They keep their values, and a warning names them: nothing could be loaded."""
    path = save(filled(partly_saved(keras, saved), 5), tmp_path / "w.weights.h5")
    fresh = filled(partly_saved(keras, saved))
    before = {weight.path: weight.numpy() for weight in fresh.weights}
    with told() as said:
        load(fresh, path)
    left = [name for name in ("first", "second", "third") if name not in saved]
    for weight in fresh.weights:
        is_left = weight.name in left and "own" in weight.path
        assert (weight.numpy() == before[weight.path]).all() == is_left, weight.path
    assert len(said) == bool(left)
    assert all(name in message for message in said for name in left)
    with pytest.raises(ModelMismatchError):
        load(filled(dense(keras)), path)
