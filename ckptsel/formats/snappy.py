"""Unpacks Snappy, in which TensorFlow 1 wrote those blocks of a checkpoint that shrink by it.

The format, from google/snappy's format_description.txt: the length, then literals, and copies
of what was unpacked before.
"""

from __future__ import annotations

from ckptsel.formats.protobuf_wire import MalformedError, varint

# The densest element, a copy of three bytes, stands for 64.
_MOST_BYTES_FOR_ONE = 22


def decompressed(data: memoryview) -> bytes:
    """What was compressed.

    Raises:
        MalformedError: if the data is not whole, or lies about its length.
    """
    length, position = varint(data, 0)
    if length > _MOST_BYTES_FOR_ONE * len(data):
        raise MalformedError("a compressed block in it claims an impossible length")
    out = bytearray()
    while position < len(data) and len(out) <= length:
        tag = data[position]
        position += 1
        if tag & 3 == 0:
            size = (tag >> 2) + 1
            if size > 60:  # the length stands in the next one to four bytes
                extra = size - 60
                size = int.from_bytes(data[position : position + extra], "little") + 1
                position += extra
            if size > len(data) - position:
                raise MalformedError("a compressed block in it was cut off")
            out += data[position : position + size]
            position += size
            continue
        if tag & 3 == 1:
            size, extra = (tag >> 2 & 7) + 4, 1
            offset = tag >> 5 << 8
        else:
            size, extra = (tag >> 2) + 1, 2 if tag & 3 == 2 else 4
            offset = 0
        offset |= int.from_bytes(data[position : position + extra], "little")
        position += extra
        if not 0 < offset <= len(out):
            raise MalformedError("a compressed block in it refers to what is not there")
        start = len(out) - offset
        if offset >= size:
            out += out[start : start + size]
        else:  # the copy overlaps itself: a run of a pattern
            pattern = out[start:]
            out += (pattern * (size // offset + 1))[:size]
    if len(out) != length:
        raise MalformedError("a compressed block in it was cut off")
    return bytes(out)
