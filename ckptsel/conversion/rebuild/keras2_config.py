"""What Keras 2 wrote into configs, and Keras 3 does not read, though it means the same.

Source: `functional_from_config` in keras/src/models/functional.py, and the layers of tf_keras.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_REFERENCE = (3, 4)  # layer, number of its call, number of its output; and keywords


def readable(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The config as Keras 3 reads it; the same object if there is nothing to change.

    Two things are changed. `time_major=False` of recurrent layers is dropped: Keras 3 has no
    such argument, and behaves so always. And the calls of a Sequential within a model are
    counted from 0: Keras 2 counted its own inputs as the first call.
    """
    changed = _readable(config)
    return config if changed == config else changed


def _readable(node: Any) -> Any:
    if isinstance(node, list):
        return [_readable(each) for each in node]
    if not isinstance(node, dict):
        return node
    new = {key: _readable(value) for key, value in node.items()}
    fields = new.get("config")
    if isinstance(fields, dict):
        if fields.get("time_major") is False:
            del fields["time_major"]
        if isinstance(fields.get("layers"), list):
            new["config"] = _renumbered(fields)
    return new


def _renumbered(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a functional model, in which calls of a Sequential count from 0."""
    inner = {
        layer.get("name", layer["config"].get("name"))
        for layer in fields["layers"]
        if isinstance(layer, dict)
        and layer.get("class_name") == "Sequential"
        and isinstance(layer.get("config"), dict)
    }
    calls: dict[str, set[int]] = {}
    places = [layer.get("inbound_nodes") for layer in fields["layers"] if isinstance(layer, dict)]
    for reference in _references([*places, fields.get("output_layers")]):
        calls.setdefault(reference[0], set()).add(reference[1])
    # One that was built by its first call has no inputs of its own, and is counted from 0.
    late = {name for name in inner if calls.get(name) and min(calls[name]) > 0}
    if not late:
        return fields
    for layer in fields["layers"]:
        for reference in _references(layer.get("inbound_nodes")):
            reference[1] -= reference[0] in late
    for reference in _references(fields.get("output_layers")):
        reference[1] -= reference[0] in late
    return fields


def _references(node: Any) -> list[list[Any]]:
    """Every reference to a call of a layer, wherever it stands."""
    if isinstance(node, dict):
        return [found for each in node.values() for found in _references(each)]
    if not isinstance(node, list):
        return []
    if len(node) in _REFERENCE and isinstance(node[0], str) and isinstance(node[1], int):
        return [node, *_references(node[3:])]
    return [found for each in node for found in _references(each)]
