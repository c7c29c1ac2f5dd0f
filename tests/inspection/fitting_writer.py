"""Pairs of Keras models, and what the real `load_weights` does from one into the other.

Run as a process of its own, `python -m tests.inspection.fitting_writer FOLDER`. For every case it
writes `<case>.from.weights.h5`, `<case>.from.h5`, `<case>.to.keras`, `<case>.to.json`,
`<case>.to.h5`, and into `truth.json` whether loading gives every layer its own weights, and
leaves none over.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

import keras
import numpy as np

L = keras.layers
RNG = np.random.default_rng(7)


def dense(*layers: tuple[int, str], width: int = 8, **options: Any) -> Any:
    """A row of Dense layers: units and name."""
    return keras.Sequential(
        [L.Input((width,)), *(L.Dense(n, name=name or None, **options) for n, name in layers)]
    )


def nested(inner: tuple[str, str], last: str = "head") -> Any:
    """A model in a model."""
    inputs = keras.Input((8,))
    body = dense((8, inner[0]), (8, inner[1]))
    body.name = "body"
    return keras.Model(inputs, L.Dense(2, name=last)(body(inputs)))


def branches(first: str, second: str) -> Any:
    """Two branches of one shape, added, behind a normalization."""
    inputs = keras.Input((8,))
    norm = L.BatchNormalization(name="norm")(inputs)
    added = L.Add()([L.Dense(8, name=first)(norm), L.Dense(8, name=second)(norm)])
    return keras.Model(inputs, L.Dense(1, name="out")(added))


def texts(units: int, *, both: bool = False) -> Any:
    """An embedding and recurrent layers."""
    lstm = L.LSTM(units, name="lstm_a")
    return keras.Sequential(
        [
            L.Input((6,)),
            L.Embedding(20, 5, name="words"),
            L.Bidirectional(lstm, name="both") if both else lstm,
            L.Dropout(0.1),
            L.Dense(1, name="out"),
        ]
    )


def images(filters: int, groups: int = 1) -> Any:
    """Convolutions."""
    return keras.Sequential(
        [
            L.Input((8, 8, 4)),
            L.Conv2D(filters, 3, groups=groups, name="conv"),
            L.MaxPooling2D(),
            L.DepthwiseConv2D(2, depth_multiplier=2, name="deep"),
            L.Flatten(),
            L.Dense(2, name="out"),
        ]
    )


# Case → the model that was saved, the model that is loaded, and for layers of the second the
# layer of the first whose weights are meant for it, where the names differ.
CASES: dict[str, tuple[Any, Any, dict[str, str]]] = {
    "same": (dense((8, "a"), (8, "b"), (2, "c")), dense((8, "a"), (8, "b"), (2, "c")), {}),
    "swapped": (dense((8, "a"), (8, "b")), dense((8, "b"), (8, "a")), {}),
    "fewer-last": (dense((8, "a"), (8, "b"), (8, "c")), dense((8, "a"), (8, "b")), {}),
    "fewer-middle": (dense((8, "a"), (8, "b"), (8, "c")), dense((8, "a"), (8, "c")), {}),
    "more": (dense((8, "a"), (8, "b")), dense((8, "a"), (8, "b"), (8, "c")), {}),
    "width": (dense((8, "a"), (2, "b")), dense((9, "a"), (2, "b")), {}),
    "inputs": (dense((8, "a"), (2, "b")), dense((8, "a"), (2, "b"), width=9), {}),
    "renamed": (dense((8, "a"), (2, "b")), dense((8, "x"), (2, "b")), {"x": "a"}),
    "no-bias": (dense((8, "a")), dense((8, "a"), use_bias=False), {}),
    "nested": (nested(("a", "b")), nested(("a", "b")), {}),
    "nested-swapped": (nested(("a", "b")), nested(("b", "a")), {}),
    "nested-flat": (nested(("a", "b")), dense((8, "a"), (8, "b"), (2, "head")), {}),
    "branches": (branches("p", "q"), branches("p", "q"), {}),
    "branches-swapped": (branches("p", "q"), branches("q", "p"), {}),
    "texts": (texts(3), texts(3), {}),
    "texts-wider": (texts(3), texts(4), {}),
    "texts-both": (texts(3, both=True), texts(3, both=True), {}),
    "images": (images(4), images(4), {}),
    "images-groups": (images(4), images(4, groups=2), {}),
    "images-filters": (images(4), images(5), {}),
    # Keras counts its names up in one process, so that those of the second begin later.
    "automatic": (dense((8, ""), (8, ""), (8, "")), dense((8, ""), (8, ""), (8, "")), {}),
}


def leaves(model: Any) -> list[Any]:
    """The layers that have weights of their own, in the model's order, nested ones too."""
    found = []
    for layer in model.layers:
        found += leaves(layer) if isinstance(layer, keras.Model) else [layer] * bool(layer.weights)
    return found


def is_right(saved: Any, target: Any, path: str, meant: dict[str, str], case: str) -> bool:
    """Whether every layer gets its own weights, and none is left over."""
    try:
        target.load_weights(path)
    except ValueError:
        return False
    sources, layers = leaves(saved), leaves(target)
    if case == "automatic":
        pairs = list(zip(sources, layers, strict=True))
    else:
        by_name = {layer.name: layer for layer in sources}
        pairs = [(by_name[meant.get(layer.name, layer.name)], layer) for layer in layers]
    return len(sources) == len(layers) and all(
        np.array_equal(one, other)
        for source, layer in pairs
        for one, other in zip(source.get_weights(), layer.get_weights(), strict=True)
    )


def main(folder: str) -> None:
    """Write all cases."""
    truth: dict[str, dict[str, bool]] = {}
    for case, (saved, target, meant) in CASES.items():
        start = os.path.join(folder, case)
        saved.set_weights([RNG.random(value.shape) for value in saved.get_weights()])
        for suffix in ("keras", "h5"):
            target.save(f"{start}.to.{suffix}")
        with open(f"{start}.to.json", "w", encoding="utf-8") as file:
            file.write(target.to_json())
        saved.save_weights(f"{start}.from.weights.h5")
        saved.save(f"{start}.from.h5")
        blank = [value * 0 for value in target.get_weights()]
        truth[case] = {}
        for suffix in ("weights.h5", "h5"):
            target.set_weights(blank)
            path = f"{start}.from.{suffix}"
            truth[case][suffix] = is_right(saved, target, path, meant, case)
    with open(os.path.join(folder, "truth.json"), "w", encoding="utf-8") as file:
        json.dump(truth, file)


if __name__ == "__main__":
    keras.utils.set_random_seed(1)
    main(sys.argv[1])
