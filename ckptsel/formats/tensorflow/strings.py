"""Tensors of strings and of variants in the data files of TensorFlow's bundles.

From TensorFlow's core/util/tensor_bundle/tensor_bundle.cc. Their checksums are over lengths in
a fixed size, where the file has them in a size that varies.
"""

from __future__ import annotations

import struct

from ckptsel.formats.crc32c import extend
from ckptsel.formats.tensorflow.protobuf_wire import MalformedError, varint

_CHECKSUM_BYTES = 4


def split(data: bytes, count: int) -> list[bytes]:
    """The strings of a tensor of that many elements.

    Raises:
        MalformedError: if their lengths do not make up its bytes.
    """
    lengths, position = _string_lengths(data, count)
    found: list[bytes] = []
    position += _CHECKSUM_BYTES  # of the lengths
    for length in lengths:
        found.append(data[position : position + length])
        position += length
    if count and position != len(data):
        raise MalformedError("the strings of a tensor do not make up its bytes")
    return found


def _string_lengths(data: bytes, count: int) -> tuple[list[int], int]:
    if count > len(data):
        raise MalformedError("a tensor of strings in it has fewer bytes than strings")
    lengths: list[int] = []
    position = 0
    for _ in range(count):
        length, position = varint(data, position)
        if length > len(data):
            raise MalformedError("a string in it is longer than its tensor")
        lengths.append(length)
    return lengths, position


def _length(value: int) -> bytes:
    # older checkpoints knew 32 bits only, so short lengths stayed so
    return struct.pack("<I" if value < 2**32 else "<Q", value)


def strings_crc(data: bytes, count: int) -> int:
    """The checksum of a tensor of strings, unmasked (WriteStringTensor).

    Raises:
        MalformedError: if it has fewer bytes than its lengths need.
    """
    lengths, position = _string_lengths(data, count)
    crc = extend(0, b"".join(map(_length, lengths)))
    return extend(crc, data[position:])


def variants_crc(data: bytes, count: int) -> int:
    """The checksum of a tensor of variants, unmasked (WriteVariantTensor).

    Each is its length, its bytes, and the checksum so far.

    Raises:
        MalformedError: if it has fewer bytes than its lengths need.
    """
    crc = position = 0
    for _ in range(count):
        length, position = varint(data, position)
        crc = extend(crc, struct.pack("<Q", length))
        end = position + length + 4
        if end > len(data):
            raise MalformedError("a variant in it is longer than its tensor")
        crc = extend(crc, data[position:end])
        position = end
    return crc
