"""Reads LevelDB's sorted tables, in which TensorFlow keeps the index of its checkpoints.

The format, from LevelDB's doc/table_format.md and TensorFlow's core/lib/io/{format,block,
table}.cc: data blocks, a metaindex, an index of the blocks, and a footer. A block holds
sorted keys, each without what it shares with the one before it, and ends in its checksum.
"""

from __future__ import annotations

import bisect
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from ckptsel.formats.crc32c import extend, masked
from ckptsel.formats.tensorflow.protobuf_wire import MalformedError, varint
from ckptsel.storage import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAGIC = bytes.fromhex("57fb808b247547db")
_FOOTER_BYTES = 48
_TRAILER_BYTES = 5  # the kind of compression, and the masked CRC-32C of the block and it
# TableBuilder writes every sixteenth key in full (table_options.h: block_restart_interval), so
# keys are at most so many times as long as their block; without a bound, a small file could
# hold keys that fill the memory.
_MOST_SHARED = 16
_READ_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Block:
    """Where a block is: no key in it is greater than `last_key`."""

    last_key: bytes
    offset: int
    size_bytes: int


def has_magic(path: str) -> bool:
    """Whether a file ends as a table does."""
    try:
        with open_regular(path) as file:
            file.seek(-len(MAGIC), os.SEEK_END)
            return file.read() == MAGIC
    except OSError:  # also a file shorter than that
        return False


class Table:
    """A sorted table in an open file.

    Attributes:
        blocks: the data blocks, in the order of their keys and of the file.

    Raises:
        MalformedError: if the file is no whole table; from any method, if a block is damaged.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._end = file.seek(0, os.SEEK_END) - _FOOTER_BYTES
        if self._end < 0:
            raise MalformedError("it is too short for a table: it was cut off")
        file.seek(self._end)
        footer = file.read(_FOOTER_BYTES)
        if not footer.endswith(MAGIC):
            raise MalformedError("it does not end as a table does: it was cut off or overwritten")
        position = 0
        handle: list[int] = []
        for _ in range(4):  # offset and size of the metaindex, and of the index
            number, position = varint(footer, position)
            handle.append(number)
        self.read(Block(b"", handle[0], handle[1]))  # nothing is in it, but a checksum is
        index = Block(b"", handle[2], handle[3])
        self.blocks = tuple(self._blocks(index))

    def _blocks(self, index: Block) -> Iterator[Block]:
        # TableBuilder writes blocks one after the other; overlapping ones, or one that is
        # listed again and again, would make a small file seem to hold very much.
        free = 0
        for key, value in _entries(self.read(index)):
            offset, position = varint(value, 0)
            size_bytes, _ = varint(value, position)
            if offset < free:
                raise MalformedError("its blocks overlap")
            free = offset + size_bytes + _TRAILER_BYTES
            if free > self._end:
                raise MalformedError("it lists a block beyond its end")
            yield Block(key, offset, size_bytes)

    def read(self, block: Block) -> memoryview:
        """A block's content; its checksum was compared."""
        if block.offset + block.size_bytes + _TRAILER_BYTES > self._end:
            raise MalformedError("it lists a block beyond its end")
        self._file.seek(block.offset)
        data = self._file.read(block.size_bytes + _TRAILER_BYTES)
        if len(data) < block.size_bytes + _TRAILER_BYTES:
            raise MalformedError("it became shorter while it was read")
        if masked(extend(0, data[:-4])) != int.from_bytes(data[-4:], "little"):
            raise MalformedError(f"the block at byte {block.offset} fails its checksum")
        if data[-_TRAILER_BYTES]:
            # TensorFlow could read Snappy here, and has never written it, because its first
            # releases could not (tensor_bundle.cc: TableBuilderOptions)
            raise MalformedError(f"the block at byte {block.offset} is compressed")
        return memoryview(data)[:-_TRAILER_BYTES]

    def is_sound(self, block: Block, on_bytes: Callable[[int], None] | None = None) -> bool:
        """Whether a block has its checksum; a large one is not read into memory as a whole."""
        self._file.seek(block.offset)
        crc, left = 0, block.size_bytes + 1
        while left and (data := self._file.read(min(left, _READ_BYTES))):
            crc = extend(crc, data)
            left -= len(data)
            if on_bytes:
                on_bytes(len(data))
        return not left and masked(crc) == int.from_bytes(self._file.read(4), "little")

    def __iter__(self) -> Iterator[tuple[bytes, memoryview]]:
        for block in self.blocks:
            yield from _entries(self.read(block))

    def first(self) -> tuple[bytes, memoryview]:
        """The first key and its value."""
        return next(iter(self), (b"", memoryview(b"")))

    def find(self, key: bytes) -> memoryview | None:
        """The value of a key, None if it is not there."""
        at = bisect.bisect_left(self.blocks, key, key=lambda block: block.last_key)
        if at == len(self.blocks):
            return None
        return next((v for k, v in _entries(self.read(self.blocks[at])) if k == key), None)


def _entries(block: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    for key, start, length in positions(block):
        yield key, block[start : start + length]


def positions(block: memoryview) -> Iterator[tuple[bytes, int, int]]:
    """Every key of a block, and where its value begins in it, and how long it is.

    Raises:
        MalformedError: if it is no such block.
    """
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 - 4 * restarts
    if end < 0:
        raise MalformedError("a block in it is shorter than its own list of keys")
    budget = _MOST_SHARED * len(block)
    position, key = 0, b""
    while position < end:
        shared, position = varint(block, position)
        own, position = varint(block, position)
        length, position = varint(block, position)
        if shared > len(key) or position + own + length > end:
            raise MalformedError("a key or value in it is longer than its block")
        before, key = key, key[:shared] + bytes(block[position : position + own])
        budget -= len(key)
        if key < before or budget < 0:
            raise MalformedError("its keys are not in order")
        position += own
        yield key, position, length
        position += length
