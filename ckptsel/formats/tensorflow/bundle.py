"""Reads TensorFlow's tensor bundles: an index of entries, and the data files they point into.

From TensorFlow's core/util/tensor_bundle/tensor_bundle.cc and core/protobuf/tensor_bundle.proto.
"""

from __future__ import annotations

import functools
import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from ckptsel.formats.crc32c import extend, masked
from ckptsel.formats.tensorflow.leveldb_table import Table
from ckptsel.formats.tensorflow.protobuf_wire import MalformedError, Message
from ckptsel.formats.tensorflow.strings import split, strings_crc, variants_crc
from ckptsel.formats.tensorflow.types import STRING, VARIANT, Slice, dtype_of, shape_of
from ckptsel.storage import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ckptsel.formats.tensorflow.types import DType

_MOST_SHARDS = 2**31  # an int32
_READ_BYTES = 2**20  # large enough to read fast, small enough to stay in a processor's cache


@dataclass(frozen=True, slots=True)
class Entry:
    """What the index says of one tensor, or of one slice of a tensor.

    Attributes:
        key: its name; for a slice its encoded key, which begins with a NUL.
        shape: of the whole tensor, or of this slice.
        kind: the number of its dtype.
        shard: which data file holds its bytes, from `offset`, `size_bytes` of them.
        checksum: the masked CRC-32C of these bytes.
        slices: for a tensor in slices, where they are in it; it has no bytes of its own.
    """

    key: bytes
    shape: tuple[int, ...]
    kind: int
    shard: int
    offset: int
    size_bytes: int
    checksum: int
    slices: tuple[Slice, ...]

    @property
    def name(self) -> str:
        """The key as text; bytes that are no UTF-8 become surrogates."""
        if self.key.startswith(b"\x00"):  # for messages: whose slice it is
            owner = self.key[1:].partition(b"\x00\x01")[0]
            return owner.decode("utf-8", "surrogateescape") + " (slice)"
        return self.key.decode("utf-8", "surrogateescape")

    @property
    def dtype(self) -> DType:
        """The type of its elements."""
        return dtype_of(self.kind)

    @property
    def elements(self) -> int:
        """How many elements it has."""
        return math.prod(self.shape)

    @property
    def end(self) -> int:
        """Where its bytes end in the data file."""
        return self.offset + self.size_bytes

    @classmethod
    def of(cls, key: bytes, value: memoryview) -> Entry:
        """The entry in a BundleEntryProto.

        Raises:
            MalformedError: if it is none, or says what cannot be.
        """
        proto = Message(value)
        shape = shape_of(proto.message(2))
        slices = tuple(Slice.of(part, shape) for part in proto.messages(7))
        shard, offset, size_bytes = (proto.signed(field) for field in (3, 4, 5))
        if min(shard, offset, size_bytes) < 0:
            raise MalformedError("a position in it is negative")
        if not proto.number(1):
            raise MalformedError("a tensor in it has no type")
        return cls(key, shape, proto.number(1), shard, offset, size_bytes, proto.number(6), slices)


class Bundle:
    """An open tensor bundle.

    Attributes:
        prefix: what all of its files begin with.
        entries: name → whole tensors, in the order of the index.
        parts: encoded key → slices of tensors.

    Raises:
        MalformedError: if the index is damaged or big-endian.
        OSError: if it cannot be read.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.entries: dict[str, Entry] = {}
        self.parts: dict[bytes, Entry] = {}
        with open_regular(prefix + ".index") as file:
            found = iter(Table(file))
            key, value = next(found, (None, memoryview(b"")))
            if key != b"":
                raise MalformedError("it has no header, so it is no index of a checkpoint")
            header = Message(value)
            if header.number(2):
                raise MalformedError(
                    "it was written on a big-endian machine; convert it there by loading and saving"
                )
            self.shards = header.signed(1)
            for key, value in found:
                entry = Entry.of(key, value)
                if key.startswith(b"\x00"):
                    self.parts[key] = entry
                else:
                    self.entries[entry.name] = entry
        if not 0 <= self.shards < _MOST_SHARDS:
            raise MalformedError("it counts an impossible number of data files")
        self._shard = -1
        self._file: BinaryIO | None = None
        self._sizes: dict[int, int] = {}

    def close(self) -> None:
        """Let go of the data file that is open."""
        if self._file:
            self._file.close()
        self._shard, self._file = -1, None

    def slices_of(self, entry: Entry) -> list[tuple[Slice, Entry]]:
        """A tensor's slices and their entries; together they are the whole tensor.

        Raises:
            MalformedError: if they are not.
        """
        found: list[tuple[Slice, Entry]] = []
        for where in entry.slices:
            part = self.parts.get(where.key_of(entry.name))
            if part is None or part.slices:
                raise MalformedError(f"a slice of {entry.name!r} is not in it")
            if (part.kind, part.shape) != (entry.kind, where.lengths):
                raise MalformedError(f"a slice of {entry.name!r} has another shape or type")
            if part.key in self.overlapping:
                raise MalformedError(f"a slice of {entry.name!r} shares its bytes with others")
            found.append((where, part))
        if sum(part.elements for _, part in found) != entry.elements:
            raise MalformedError(f"the slices of {entry.name!r} are not the whole of it")
        return found

    def stored(self) -> list[Entry]:
        """Every entry that has bytes, in the order in which they stand in the data files."""
        whole = (entry for entry in self.entries.values() if not entry.slices)
        everything = [*whole, *self.parts.values()]
        return sorted(everything, key=lambda entry: (entry.shard, entry.offset, entry.end))

    @functools.cached_property
    def overlapping(self) -> frozenset[bytes]:
        """Keys of entries that claim bytes which another entry claims before them.

        TensorFlow never writes such; reading them would make a small file as large as one likes.
        """
        found: list[bytes] = []
        shard, end = -1, 0
        for entry in self.stored():
            if entry.shard != shard:
                shard, end = entry.shard, 0
            if entry.size_bytes and entry.offset < end:
                found.append(entry.key)
            end = max(end, entry.end)
        return frozenset(found)

    def shard_path(self, shard: int) -> str:
        """A data file's name (core/util/tensor_bundle/naming.cc)."""
        return f"{self.prefix}.data-{shard:05d}-of-{self.shards:05d}"

    def shard_bytes(self, shard: int) -> int:
        """A data file's size; -1 if it is not there."""
        if shard not in self._sizes:
            path = self.shard_path(shard)
            # a pipe or a device of that name would be waited for
            self._sizes[shard] = os.path.getsize(path) if os.path.isfile(path) else -1
        return self._sizes[shard]

    def blocks(self, entry: Entry, start: int, stop: int) -> Iterator[bytes]:
        """Bytes of an entry, from `start` to `stop`, in blocks.

        Raises:
            MalformedError: if the data file is missing or too short.
        """
        path = self.shard_path(entry.shard)
        if stop > entry.size_bytes:
            raise MalformedError(f"its index gives {entry.name!r} fewer bytes than its shape")
        if self.shard_bytes(entry.shard) < entry.offset + stop:
            missing = self.shard_bytes(entry.shard) < 0
            raise MalformedError(f"{path!r} is {'missing' if missing else 'too short'}")
        while start < stop:
            # opened and placed anew, because several tensors may be read in turns
            if self._file is None or self._shard != entry.shard:
                self.close()
                self._shard, self._file = entry.shard, open_regular(path)
            self._file.seek(entry.offset + start)
            data = self._file.read(min(stop - start, _READ_BYTES))
            if not data:
                raise MalformedError(f"{path!r} became shorter while it was read")
            start += len(data)
            yield data

    def content(self, entry: Entry, start: int = 0, stop: int = -1) -> bytes:
        """Bytes of an entry at once. Raises as `blocks` does."""
        return b"".join(self.blocks(entry, start, entry.size_bytes if stop < 0 else stop))

    def strings(self, entry: Entry) -> list[bytes]:
        """The elements of a tensor of strings. Raises as `blocks` and `split` do."""
        return split(self.content(entry), entry.elements)

    def is_sound(self, entry: Entry, on_bytes: Callable[[int], None] | None = None) -> bool:
        """Whether the bytes of an entry have their checksum. Raises as `blocks` does."""
        crc, data = 0, b""
        for data in self.blocks(entry, 0, entry.size_bytes):
            crc = extend(crc, data)
            if on_bytes:
                on_bytes(len(data))
        # The checksum of strings and variants is over their lengths in a fixed size, not over
        # the bytes of the file, so these are gone through once more.
        if entry.kind in {STRING, VARIANT} and entry.size_bytes:
            whole = data if len(data) == entry.size_bytes else self.content(entry)
            crc = (strings_crc if entry.kind == STRING else variants_crc)(whole, entry.elements)
        return masked(crc) == entry.checksum
