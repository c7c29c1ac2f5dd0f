"""Configs of Keras 2 as Keras 3 reads them; the walk through the table has real ones."""

from __future__ import annotations

from typing import Any

import pytest

from ckptsel.conversion.rebuild.keras2_config import readable


def model(call: int, class_name: str = "Sequential") -> dict[str, Any]:
    """A model within a model, whose call has this number."""
    return {
        "class_name": "Functional",
        "config": {
            "layers": [
                {"class_name": "InputLayer", "name": "x", "config": {}, "inbound_nodes": []},
                {
                    "class_name": class_name,
                    "name": "body",
                    "config": {"name": "body", "layers": []},
                    "inbound_nodes": [[["x", 0, 0, {}]], [["x", 0, 0, {}]]],
                },
                {
                    "class_name": "Add",
                    "name": "sum",
                    "config": {},
                    "inbound_nodes": [[["body", call, 0, {}], ["body", call + 1, 0, {}]]],
                },
            ],
            "output_layers": [["sum", 0, 0], ["body", call, 0]],
        },
    }


def test_calls_of_a_sequential_count_from_zero() -> None:
    """Every reference to it is moved, and no other."""
    assert readable(model(1)) == model(0)


@pytest.mark.parametrize(("call", "kind"), [(0, "Sequential"), (1, "Functional")])
def test_what_counts_right_stays(call: int, kind: str) -> None:
    """A Sequential that was built by its call, and models that Keras 3 itself counts from 1."""
    config = model(call, kind)
    assert readable(config) is config


def test_time_major() -> None:
    """False says what Keras 3 always does; True is left, so that Keras refuses it."""
    for value, expected in ((False, {"units": 2}), (True, {"units": 2, "time_major": True})):
        layer = {"class_name": "LSTM", "config": {"units": 2, "time_major": value}}
        assert readable({"layers": [layer]}) == {"layers": [{**layer, "config": expected}]}
