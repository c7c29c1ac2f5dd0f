"""`keras_metadata.pb`, in which Keras 2 describes the model in a SavedModel.

From Keras 2's protobuf/saved_metadata.proto: a list of SavedObjects, each with a path in the
graph of objects and JSON.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ckptsel.formats.keras.state import is_mean
from ckptsel.formats.strict_json import LIMIT_BYTES, parse_object
from ckptsel.formats.tensorflow.protobuf_wire import Message, naming
from ckptsel.storage import open_regular

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = "keras_metadata.pb"


_METRIC = re.compile(r"root\.keras_api\.metrics\.(\d+)")


@dataclass(frozen=True, slots=True)
class KerasMetadata:
    """What Keras 2 says of a SavedModel.

    Attributes:
        model: of the whole model: `class_name`, `config`, `training_config`, ….
        metrics: the number of a metric in the checkpoint → its name, of those that are the mean
            which their totals make: not of users' own classes.
    """

    model: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, str] = field(default_factory=dict)

    def part(self, *keys: str) -> dict[str, Any] | None:
        """What stands below nested keys, if it is an object."""
        found: Any = self.model
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else None


def read_metadata(folder: str) -> KerasMetadata:
    """The metadata in a SavedModel's folder; empty if there is none.

    Raises:
        DamagedError: if the file is there and cannot be read.
    """
    path = os.path.join(folder, _NAME)
    if not os.path.isfile(path):
        return KerasMetadata()
    model: dict[str, Any] = {}
    metrics: dict[str, str] = {}
    with naming(path):
        with open_regular(path) as file:
            proto = Message(file.read(LIMIT_BYTES))
        for node in proto.messages(1):
            place, about = node.text(3), b"".join(node.parts(5)[-1:])
            if place == "root":
                model = parse_object(about, repr(path))
            elif number := _METRIC.fullmatch(place):
                metric = parse_object(about, repr(path))
                if is_mean(str(metric.get("class_name", ""))):
                    metrics[number[1]] = str(metric.get("name", ""))
    return KerasMetadata(model, metrics)
