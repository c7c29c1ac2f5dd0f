"""Pairs of Keras models, and what the real `load_weights` does from one into the other.

Run as a process of its own, `python -m tests.inspection.fitting_writer FOLDER`. For every case it
writes `<case>.from.weights.h5`, `<case>.from.h5`, `<case>.to.keras`, `<case>.to.json`,
`<case>.to.h5`, `<case>.to.weights.h5`, and into `truth.json` whether loading gives every layer its
own weights, and leaves none over.
"""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Any, TypeAlias

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


def row(layers: list[Any], width: int = 4) -> Any:
    """Layers one after the other, on sequences of 6."""
    inputs = x = keras.Input((6, width))
    for layer in layers:
        # Attention compares with something.
        x = layer(x, x) if isinstance(layer, L.MultiHeadAttention) else layer(x)
    return keras.Model(inputs, x)


def recurrent(*names: str) -> Any:
    """LSTMs, whose weights are their cells', which all have one name."""
    return row([L.LSTM(4, return_sequences=True, name=name) for name in names])


def wrapped(*names: str) -> Any:
    """Bidirectional layers, of which Keras makes up all inner names."""
    return row([L.Bidirectional(L.LSTM(2, return_sequences=True), name=name) for name in names])


def distributed(*names: str) -> Any:
    """Dense layers over time."""
    return row([L.TimeDistributed(L.Dense(4), name=name) for name in names])


def attention(*names: str) -> Any:
    """Attention, whose inner names are always the same; a layer beside it has one of them."""
    layers = [L.MultiHeadAttention(2, 2, name=name) for name in names]
    return row([*layers, L.Dense(4, name="key")])


def towers(*names: str) -> Any:
    """Models of which each has layers of the same names."""
    inner = [[L.Dense(4, name="a"), L.Dense(4, name="b")] for _ in names]
    return row([keras.Sequential(x, name=name) for x, name in zip(inner, names, strict=True)])


def cells(*names: str) -> Any:
    """Cells in one layer."""
    stacked = [L.LSTMCell(4, name=name) for name in names]
    return row([L.RNN(stacked, return_sequences=True, name="cells"), L.Dense(2, name="head")])


def mixed_cells(*names: str) -> Any:
    """Cells of two classes in one layer, which a file sorts by class."""
    one, two, three = names
    stacked = [L.LSTMCell(4, name=one), L.GRUCell(4, name=two), L.LSTMCell(4, name=three)]
    return row([L.RNN(stacked, return_sequences=True, name="cells"), L.Dense(2, name="head")])


def partly_frozen(*frozen: str) -> Any:
    """A nested model, of which some layers are not trained: Keras 2's HDF5 has those last."""
    inner = [L.Dense(4, name="a"), L.BatchNormalization(name="n"), L.BatchNormalization(name="m")]
    inner.append(L.Dense(4, name="b"))
    for layer in inner:
        layer.trainable = layer.name not in frozen
    body = keras.Sequential(inner, name="body")
    model = row([body, L.Dense(2, name="head")])
    if "body" in frozen:
        body.trainable = False
    return model


def halved(**options: bool) -> Any:
    """A normalization with only one of its two trained weights."""
    return row([L.BatchNormalization(name="norm", **options), L.Dense(2, name="head")])


@keras.saving.register_keras_serializable("tests")
class Scale(L.Layer):  # type: ignore[misc,name-defined]
    """A layer of somebody's own."""

    def build(self, shape: Any) -> None:
        """Two weights of one shape."""
        self.k = self.add_weight(shape=shape[-1:], name="k")
        self.g = self.add_weight(shape=shape[-1:], name="g")

    def call(self, x: Any) -> Any:
        """Use both."""
        return x * self.k + self.g


def own(*names: str) -> Any:
    """Layers whose class nobody but their author knows."""
    return row([*(Scale(name=name) for name in names), L.Dense(2, name="head")])


def normalized(*names: str) -> Any:
    """Layers whose shapes a config tells only with what they were built on."""
    layers = [L.LayerNormalization(name=names[0]), L.PReLU(name=names[1])]
    return row([*layers, L.SeparableConv1D(4, 2, name=names[2]), L.GroupNormalization(1, name="s")])


def quantized(*names: str) -> Any:
    """Layers of eight bits."""
    model = dense(*((8, name) for name in names))
    model.quantize("int8")
    return model


def adapted(*names: str) -> Any:
    """Layers with a low-rank pair beside their kernel."""
    model = dense(*((8, name) for name in names))
    for layer in model.layers:
        layer.enable_lora(2)
    return model


def forked(*, crossed: bool) -> Any:
    """Two layers with made-up names, which stand in another order if they are crossed."""
    keras.utils.clear_session()
    inputs = keras.Input((8,))
    both = [L.Dense(8)(inputs), L.Dense(8)(inputs)]
    return keras.Model(inputs, L.Subtract()(both[::-1] if crossed else both))


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
    "recurrent": (recurrent("a", "b"), recurrent("a", "b"), {}),
    "recurrent-swapped": (recurrent("a", "b"), recurrent("b", "a"), {}),
    "wrapped": (wrapped("a", "b"), wrapped("a", "b"), {}),
    "wrapped-swapped": (wrapped("a", "b"), wrapped("b", "a"), {}),
    "distributed-swapped": (distributed("a", "b"), distributed("b", "a"), {}),
    "attention": (attention("a", "b"), attention("a", "b"), {}),
    "attention-swapped": (attention("a", "b"), attention("b", "a"), {}),
    "towers": (towers("e", "f"), towers("e", "f"), {}),
    "towers-swapped": (towers("e", "f"), towers("f", "e"), {}),
    "cells": (cells("a", "b"), cells("a", "b"), {}),
    "cells-mixed": (mixed_cells("a", "b", "c"), mixed_cells("a", "b", "c"), {}),
    "cells-mixed-swapped": (mixed_cells("a", "b", "c"), mixed_cells("c", "b", "a"), {}),
    "cells-swapped": (cells("a", "b"), cells("b", "a"), {}),
    "frozen": (partly_frozen("a", "n"), partly_frozen("a", "n"), {}),
    "frozen-whole": (partly_frozen("body"), partly_frozen("body"), {}),
    "frozen-first": (partly_frozen(), partly_frozen("a"), {}),
    "frozen-norm": (partly_frozen(), partly_frozen("n"), {}),
    "thawed": (partly_frozen("a"), partly_frozen(), {}),
    "halved": (halved(center=False), halved(center=False), {}),
    "halved-other": (halved(center=False), halved(scale=False), {}),
    "own": (own("a", "b"), own("a", "b"), {}),
    "own-swapped": (own("a", "b"), own("b", "a"), {}),
    "normalized": (normalized("p", "q", "r"), normalized("p", "q", "r"), {}),
    "normalized-less": (halved(), row([L.Dense(2, name="head")]), {}),
    "normalized-more": (row([L.Dense(2, name="head")]), halved(), {}),
    "quantized": (quantized("a", "b"), quantized("a", "b"), {}),
    "quantized-swapped": (quantized("a", "b"), quantized("b", "a"), {}),
    "quantized-from-plain": (dense((8, "a"), (8, "b")), quantized("a", "b"), {}),
    "adapted": (adapted("a", "b"), adapted("a", "b"), {}),
    "adapted-swapped": (adapted("a", "b"), adapted("b", "a"), {}),
    "adapted-from-plain": (dense((8, "a"), (8, "b")), adapted("a", "b"), {}),
    "forked": (forked(crossed=False), forked(crossed=False), {}),
    "forked-crossed": (forked(crossed=False), forked(crossed=True), {}),
    # Keras counts its names up in one process, so that those of the second begin later.
    "automatic": (dense((8, ""), (8, ""), (8, "")), dense((8, ""), (8, ""), (8, "")), {}),
}


Values: TypeAlias = "dict[tuple[str, ...], Any]"
_COUNTER = re.compile(r"_\d+$")


def values(layer: Any, names: tuple[str, ...] = ()) -> Values:
    """Names of the layers around a weight and its own → its value, in the model's order.

    What Keras counts up inside of layers is left out; of LoRA only what it belongs to counts,
    for files of Keras 3 hold the sum.
    """
    own = [] if isinstance(layer, keras.Model) else layer._trainable_variables.copy()
    own += [] if isinstance(layer, keras.Model) else layer._non_trainable_variables
    found = {(*names, w.name): np.array(w) for w in own if "lora" not in w.name}
    inner = layer.layers if isinstance(layer, keras.Model) else layer._layers
    for each in inner:
        name = _COUNTER.sub("", each.name) if names else each.name
        found.update(values(each, (*names, name)))
    return found


def fill(model: Any) -> None:
    """Give every weight values of its own; the sum of a low-rank pair is nothing."""
    for weight in model.weights:
        is_whole = weight.dtype.startswith(("int", "uint"))
        drawn = RNG.integers(1, 100, weight.shape) if is_whole else RNG.random(weight.shape)
        weight.assign(drawn * ("lora" not in weight.path))


def is_right(saved: Any, target: Any, path: str, meant: dict[str, str], case: str) -> bool:
    """Whether every layer gets its own weights, and none is left over."""
    try:
        target.load_weights(path)
    except ValueError:
        return False
    sources, found = values(saved), values(target)
    if case == "automatic":
        pairs = list(zip(sources.values(), found.values(), strict=True))
    else:
        wanted = {(meant.get(names[0], names[0]), *names[1:]): v for names, v in found.items()}
        if set(wanted) != set(sources):
            return False
        pairs = [(sources[names], value) for names, value in wanted.items()]
    return len(sources) == len(found) and all(np.array_equal(x, y) for x, y in pairs)


def gapped(*, gap: bool) -> Any:
    """Two layers, or two with one between that has no weights."""
    between = [L.Activation("relu")] if gap else []
    return row([L.Dense(4, name="a"), *between, L.Dense(4, name="b")])


TENSORFLOW: dict[str, tuple[Any, Any]] = {
    "same": (towers("e", "f"), towers("e", "f")),
    "swapped": (dense((8, "a"), (8, "b")), dense((8, "b"), (8, "a"))),
    "towers-swapped": (towers("e", "f"), towers("f", "e")),
    "gap": (gapped(gap=False), gapped(gap=True)),
}


def read_by_tensorflow(folder: str) -> dict[str, bool]:
    """Write checkpoints of TensorFlow, and read each into another model."""
    import tensorflow as tf  # noqa: PLC0415

    right = {}
    for case, (saved, target) in TENSORFLOW.items():
        start = os.path.join(folder, f"tf-{case}")
        target.save(f"{start}.to.keras")
        with open(f"{start}.to.json", "w", encoding="utf-8") as file:
            file.write(target.to_json())
        fill(saved)
        fill(target)
        tf.train.Checkpoint(saved).write(start)
        tf.train.Checkpoint(target).read(start).expect_partial()
        sources, found = values(saved), values(target)
        right[case] = all(np.array_equal(sources[names], found[names]) for names in found)
    return right


def main(folder: str) -> None:
    """Write all cases."""
    truth: dict[str, dict[str, bool]] = {}
    for case, (saved, target, meant) in CASES.items():
        start = os.path.join(folder, case)
        fill(saved)
        for suffix in ("keras", "h5"):
            target.save(f"{start}.to.{suffix}")
        with open(f"{start}.to.json", "w", encoding="utf-8") as file:
            file.write(target.to_json())
        target.save_weights(f"{start}.to.weights.h5")
        saved.save_weights(f"{start}.from.weights.h5")
        saved.save(f"{start}.from.h5")
        truth[case] = {}
        for suffix in ("weights.h5", "h5"):
            fill(target)
            path = f"{start}.from.{suffix}"
            truth[case][suffix] = is_right(saved, target, path, meant, case)
    truth["tensorflow"] = read_by_tensorflow(folder)
    with open(os.path.join(folder, "truth.json"), "w", encoding="utf-8") as file:
        json.dump(truth, file)


if __name__ == "__main__":
    keras.utils.set_random_seed(1)
    main(sys.argv[1])
