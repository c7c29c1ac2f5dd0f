"""Writes tables and messages that TensorFlow would not write, with sound checksums."""

from __future__ import annotations

from ckptsel.formats.crc32c import extend, masked
from ckptsel.formats.tensorflow.leveldb_table import MAGIC


def varint(value: int) -> bytes:
    """An unsigned number as protocol buffers write it."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def message(*fields: tuple[int, int | bytes]) -> bytes:
    """A message of numbers and bytes."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value % 2**64)
        else:
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def block(*entries: tuple[bytes, bytes], restarts: int = 1, shared: int = 0) -> bytes:
    """A block; every key says that it shares so many bytes with the one before it."""
    out = b""
    for key, value in entries:
        out += varint(shared) + varint(len(key)) + varint(len(value)) + key + value
    return out + bytes(4) * restarts + restarts.to_bytes(4, "little")


def sealed(content: bytes, compression: int = 0) -> bytes:
    """A block with its kind and its checksum."""
    content += bytes([compression])
    return content + masked(extend(0, content)).to_bytes(4, "little")


def table(
    *blocks: bytes, handles: list[tuple[int, int]] | None = None, compression: int = 0
) -> bytes:
    """A table of these blocks; the index may claim that they are elsewhere."""
    out, found = b"", []
    for content in blocks:
        found.append((len(out), len(content)))
        out += sealed(content, compression)
    index = block(
        *((bytes([at]), varint(o) + varint(n)) for at, (o, n) in enumerate(handles or found, 97))
    )
    meta = block()
    footer = b"".join(map(varint, (len(out), len(meta), len(out) + len(meta) + 5, len(index))))
    return out + sealed(meta) + sealed(index) + footer.ljust(40, b"\x00") + MAGIC


HEADER = (b"", message((1, 1), (3, message((1, 1)))))


def entry(
    dtype: int = 1,
    shape: tuple[int, ...] = (),
    shard: int = 0,
    offset: int = 0,
    size: int = 4,
    more: bytes = b"",
) -> bytes:
    """A BundleEntryProto."""
    dims = message(*((2, message((1, dim))) for dim in shape))
    return message((1, dtype), (2, dims), (3, shard), (4, offset), (5, size)) + more


def bundle(*entries: tuple[bytes, bytes]) -> bytes:
    """The index of a bundle."""
    return table(block(HEADER, *entries))
