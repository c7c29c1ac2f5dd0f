"""TensorFlow's checkpoints of version 1: one sorted table, often without a suffix.

Written by TensorFlow 1's Saver before version 2 was its default; `.meta` beside it is the
graph. From TensorFlow's core/util/saved_tensor_slice.proto and tensor_slice_reader.cc: the
table's first value lists the tensors, the others each hold one slice of one, as a TensorProto.
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

from ckptsel.checkpoint import Finding
from ckptsel.errors import CkptselError
from ckptsel.formats.contents import Contents, Format, Tensor
from ckptsel.formats.state_dict import names_of
from ckptsel.formats.tensorflow.facts import facts_of
from ckptsel.formats.tensorflow.graph import role_of
from ckptsel.formats.tensorflow.leveldb_table import Table, has_magic
from ckptsel.formats.tensorflow.protobuf_wire import MalformedError, Message, naming, varint
from ckptsel.formats.tensorflow.types import Slice, dtype_of, shape_of
from ckptsel.storage import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from ckptsel.formats.contents import Facts, Level


class TensorFlowV1(Contents):
    """An open checkpoint.

    Raises:
        DamagedError: if its table or its list of tensors is damaged.
    """

    kind = "tf-checkpoint-v1"
    has_checksums = True
    version = "1"

    def __init__(self, path: str) -> None:
        self._path = path
        self._slices: dict[str, list[Slice]] = {}
        self._kinds: dict[str, int] = {}
        with naming(path):
            self._file = open_regular(path)  # until close
            try:
                self._table = Table(self._file)
                self._tensors = tuple(self._listed())
            except BaseException:
                self._file.close()
                raise

    def _listed(self) -> Iterator[Tensor]:
        key, value = self._table.first()
        proto = Message(value)
        if key or 1 not in proto:
            raise MalformedError("it does not begin with a list of tensors")
        for meta in proto.message(1).messages(1):
            name, kind, shape = meta.text(1), meta.number(3), shape_of(meta.message(2))
            if name in self._slices:
                raise MalformedError(f"{name!r} is in its list twice")
            slices = [Slice.of(part, shape) for part in meta.messages(4)]
            if len({part.key for part in slices}) < len(slices):
                raise MalformedError(f"a slice of {name!r} is in its list twice")
            self._slices[name] = slices
            self._kinds[name] = kind
            dtype = dtype_of(kind)
            size_bytes = math.prod(shape) * dtype.item_bytes
            role = role_of(name, None) if dtype.item_bytes else "other"
            yield Tensor(name, shape, dtype.name, size_bytes, role, "", *names_of(name))

    @property
    def tensors(self) -> Sequence[Tensor]:
        """Every tensor, in the order of the table; a partitioned one is one tensor."""
        return self._tensors

    @property
    def facts(self) -> Facts:
        """The global step, and a learning rate if it is a variable."""
        scalars = {tensor.path: tensor for tensor in self._tensors if not tensor.shape}

        def scalar(name: str) -> float | None:
            try:
                value: float = self.read(scalars[name]).item()
            except CkptselError:
                return None
            return value

        return facts_of(scalars, scalar, "tensorflow")

    def pieces(self, tensor: Tensor) -> Iterator[NDArray[Any]]:
        """A tensor's values; see Contents.pieces.

        The table holds a slice as one value, so that reading takes memory for all of it.
        """
        # both import numpy
        from ckptsel.formats.tensorflow.protos import assembled  # noqa: PLC0415
        from ckptsel.formats.tensorflow.values import in_pieces  # noqa: PLC0415

        with naming(self._path):
            slices = self._slices[tensor.path]
            kind = self._kinds[tensor.path]
            found = ((where, self._slice(tensor.path, where)) for where in slices)
            yield from in_pieces(assembled(found, tensor.shape, kind))

    def _slice(self, name: str, where: Slice) -> Message:
        value = self._table.find(where.key_of(name))
        if value is None:
            raise MalformedError(f"a slice of {name!r} is not in it")
        return Message(value).message(2).message(3)

    def damage(
        self, level: Level, on_bytes: Callable[[int], None] | None = None
    ) -> Iterator[Finding]:
        """Blocks that fail their checksum; what else may be broken shows when it is opened."""
        if level == "quick":
            return
        for block in self._table.blocks:
            try:
                if self._table.is_sound(block, on_bytes):
                    continue
                message = f"the block at byte {block.offset} fails its checksum"
            except OSError as error:
                message = f"the block at byte {block.offset} cannot be read: {error.strerror}"
            yield Finding("checksum-mismatch", message, self._path)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _recognise(path: str, head: bytes) -> bool:
    # The index of version 2 and the files of a LevelDB are such tables, too. Here the first
    # key is empty, and its value begins with the field 1, which is a message.
    if not head.startswith(b"\x00\x00") or not os.path.isfile(path):
        return False
    try:
        _, value = varint(head, 2)
    except MalformedError:
        return False
    return head[value : value + 1] == b"\x0a" and has_magic(path)


FORMAT = Format(TensorFlowV1.kind, _recognise, TensorFlowV1)
