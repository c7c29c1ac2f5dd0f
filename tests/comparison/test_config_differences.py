"""Where two model configs differ."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ckptsel.comparison.config_differences import config_differences, gravest_difference


@pytest.mark.parametrize(
    "a, b, expected",
    [
        ({"x": 1}, {"x": 1}, {}),
        ({"x": {"y": 1}}, {"x": {"y": 2}}, {"x.y": (1, 2)}),
        ({"x": 1}, {}, {"x": (1, None)}),
        ({"l": [1, 2]}, {"l": [1, 3, 4]}, {"l[1]": (2, 3), "l[2]": (None, 4)}),
        ({"x": math.nan}, {"x": math.nan}, {}),
        ({"x": [1]}, {"x": {"y": 1}}, {"x": ([1], {"y": 1})}),
        ({"shared_object_id": 1}, {"shared_object_id": 2}, {}),
        ({"module": "keras"}, {}, {}),
        ({"module": "keras"}, {"module": "mine"}, {"module": ("keras", "mine")}),
        ({"compile_config": {"x": 1}}, {"compile_config": {"x": 2}}, {}),
    ],
)
def test_differences(a: object, b: object, expected: object) -> None:
    """Values are named by their keys; what depends on the moment of saving is left out."""
    assert dict(config_differences(a, b)) == expected


def test_order_is_that_of_a() -> None:
    """Differences come in the order of the config."""
    a = {"z": 1, "a": {"c": 1, "b": 1}}
    assert [key for key, _ in config_differences(a, {"a": {}})] == ["z", "a.c", "a.b"]


def test_depth_costs_no_stack() -> None:
    """A config nested deeper than Python calls is compared all the same."""
    a: object = 1
    b: object = 2
    for _ in range(20_000):
        a, b = [a], [b]
    ((_, found),) = config_differences(a, b)
    assert found == (1, 2)


def _model(*names: str, model: str = "sequential", activation: str = "relu") -> dict[str, Any]:
    layers = [
        {"class_name": "Dense", "config": {"name": name, "activation": activation}}
        for name in names
    ]
    config = {"name": model, "layers": layers, "output_layers": [names[-1], 0, 0]}
    return {"class_name": "Sequential", "config": config}


@pytest.mark.parametrize(
    "b, expected",
    [
        (_model("dense_8", "dense_10", model="sequential_4"), ""),
        (_model("dense_8", "out", model="sequential_4"), "config.layers[1].config.name"),
        (_model("dense_1", "dense"), "config.layers[0].config.name"),
        (_model("x", "y", activation="tanh"), "config.layers[0].config.activation"),
        (_model("x", "y", "z"), "config.layers[2]"),
    ],
)
def test_counters_do_not_matter_and_names_come_last(b: dict[str, Any], expected: str) -> None:
    """Keras counts on in a session; what a layer does is graver than how it is called."""
    assert gravest_difference(_model("dense", "dense_1"), b) == expected


def test_a_reference_to_another_layer() -> None:
    """The same text may be the first dense of one model, and the second of another."""
    a, b = _model("dense", "dense_1"), _model("dense_1", "dense_2")
    b["config"]["output_layers"][0] = "dense_1"
    assert gravest_difference(a, b) == "config.output_layers[0]"
