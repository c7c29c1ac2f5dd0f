"""The checksum of TensorFlow's files: CRC-32C, masked.

Masking, from LevelDB's util/crc32c.h: a checksum over bytes that hold checksums themselves
would be weak, so what is stored is rotated by 15 bits, and a constant is added.
"""

from __future__ import annotations

_DELTA = 0xA282EAD8


def extend(crc: int, data: bytes | memoryview) -> int:
    """The CRC-32C of what `crc` is of, followed by data."""
    # pure Python is a thousand times slower; only files with such checksums need it
    import google_crc32c  # noqa: PLC0415

    # the package takes nothing but bytes
    return int(google_crc32c.extend(crc, bytes(data)))


def masked(crc: int) -> int:
    """A checksum as it is stored."""
    return ((crc >> 15 | crc << 17) + _DELTA) & 0xFFFF_FFFF
