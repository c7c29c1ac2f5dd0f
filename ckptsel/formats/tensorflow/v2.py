"""TensorFlow's checkpoints of version 2: `X.index` beside `X.data-?????-of-?????`.

They are opened by their prefix `X`. Written by tf.train.Checkpoint, by Keras 2's save_weights
and by TensorFlow 1's Saver; a SavedModel holds one in variables/variables.
"""

from __future__ import annotations

import contextlib
import os
import re
import struct
from typing import TYPE_CHECKING, Any

from ckptsel.formats.contents import Contents, Format, Tensor
from ckptsel.formats.state_dict import names_of
from ckptsel.formats.tensorflow.bundle import Bundle
from ckptsel.formats.tensorflow.damage import index_damage, shard_damage, value_damage
from ckptsel.formats.tensorflow.facts import facts_of
from ckptsel.formats.tensorflow.graph import GRAPH_KEY, ObjectGraph, role_of
from ckptsel.formats.tensorflow.leveldb_table import has_magic
from ckptsel.formats.tensorflow.protobuf_wire import MalformedError, naming
from ckptsel.formats.tensorflow.types import STRING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from ckptsel.checkpoint import Finding
    from ckptsel.formats.contents import Facts, Level
    from ckptsel.formats.tensorflow.bundle import Entry

_INDEX = ".index"
_SCALARS = {"float32": "<f", "float64": "<d", "int32": "<i", "int64": "<q"}


class TensorFlowV2(Contents):
    """An open checkpoint.

    Raises:
        DamagedError: if its index is damaged.
    """

    kind = "tf-checkpoint"
    has_checksums = True
    version = "2"

    def __init__(self, path: str) -> None:
        self._prefix = _prefix_of(path)
        self._index = self._prefix + _INDEX
        with naming(self._index):
            self._bundle = Bundle(self._prefix)
        self._tensors: tuple[Tensor, ...] | None = None
        self._graph: ObjectGraph | None = None
        self._graph_is_read = False

    @property
    def tensors(self) -> Sequence[Tensor]:
        """Every tensor, in the order of the index; a partitioned one is one tensor."""
        if self._tensors is None:
            self._tensors = tuple(map(self._tensor, self._bundle.entries.values()))
        return self._tensors

    def _tensor(self, entry: Entry) -> Tensor:
        dtype, graph = entry.dtype, self.objects()
        # text, or the state of an iterator over data
        role = role_of(entry.name, graph) if dtype.item_bytes else "other"
        layer = graph.layer(entry.name) if graph and role == "weight" else ""
        names = graph.names(entry.name) if graph and role == "weight" else names_of(entry.name)
        size_bytes = entry.elements * dtype.item_bytes
        return Tensor(entry.name, entry.shape, dtype.name, size_bytes, role, layer, *names)

    def objects(self) -> ObjectGraph | None:
        """The graph of objects that was saved; None if there is none, or it cannot be read."""
        if not self._graph_is_read:
            self._graph_is_read = True
            entry = self._bundle.entries.get(GRAPH_KEY)
            if entry and entry.kind == STRING and entry.elements == 1:
                # without it there still are the keys; that it is damaged, damage() tells
                with contextlib.suppress(MalformedError, OSError):
                    if self._bundle.is_sound(entry):
                        self._graph = ObjectGraph(self._bundle.strings(entry)[0])
        return self._graph

    @property
    def facts(self) -> Facts:
        """Step, learning rate and who wrote it; where two values disagree, neither is a fact."""
        graph = self.objects()
        framework = graph.framework if graph else "tensorflow"
        return facts_of(self._bundle.entries, self.scalar, framework)

    def scalar(self, name: str) -> float | None:
        """A number by its key; None if there is none, or it cannot be read."""
        entry = self._bundle.entries.get(name)
        form = _SCALARS.get(entry.dtype.name) if entry else None
        if entry and form and not entry.shape and entry.size_bytes == struct.calcsize(form):
            with contextlib.suppress(MalformedError, OSError):
                if self._bundle.is_sound(entry):
                    (value,) = struct.unpack(form, self._bundle.content(entry))
                    return value  # type: ignore[no-any-return]
        return None

    def pieces(self, tensor: Tensor) -> Iterator[NDArray[Any]]:
        """A tensor's values; see Contents.pieces."""
        from ckptsel.formats.tensorflow.values import values_of  # noqa: PLC0415  # numpy

        entry = self._bundle.entries[tensor.path]
        with naming(self._prefix):
            yield from values_of(self._bundle, entry)

    def damage(
        self, level: Level, on_bytes: Callable[[int], None] | None = None
    ) -> Iterator[Finding]:
        """Missing and short data files, an index that contradicts itself, wrong checksums.

        The blocks of the index have checksums of their own, compared when it was opened.
        """
        yield from index_damage(self._bundle, self._index)
        yield from shard_damage(self._bundle)
        if level == "full":
            yield from value_damage(self._bundle, on_bytes)

    def close(self) -> None:
        """Let go of the data file."""
        self._bundle.close()


def _prefix_of(path: str) -> str:
    return path.removesuffix(_INDEX)


def _recognise(path: str, _head: bytes) -> bool:
    prefix = _prefix_of(path)
    if (prefix == path and os.path.isfile(path)) or not os.path.isfile(prefix + _INDEX):
        return False
    if has_magic(prefix + _INDEX):
        return True
    # An index that was cut off is still one, as the data beside it shows.
    folder, name = os.path.split(prefix)
    data = re.compile(re.escape(name) + r"\.data-\d{5,}-of-\d{5,}")
    try:
        with os.scandir(folder or ".") as found:
            return any(data.fullmatch(entry.name) for entry in found)
    except OSError:
        return False


FORMAT = Format(TensorFlowV2.kind, _recognise, TensorFlowV2)
