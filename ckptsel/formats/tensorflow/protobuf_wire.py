"""Reads protocol buffers without their schema: fields by number, nothing else.

The encoding: https://protobuf.dev/programming-guides/encoding/. Messages of strangers may be
anything, so every length is checked against the bytes that are there before it is used.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, TypeAlias

from ckptsel.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED_BYTES = {_FIXED64: 8, _FIXED32: 4}
VARINT_BYTES = 10  # 64 bits, seven in each byte

# A view takes more memory than a few bytes do, and a hostile file could be full of them.
_COPIED_BYTES = 256

Value: TypeAlias = "int | bytes | memoryview"


class MalformedError(ValueError):
    """Bytes that are not what they should be; at the border it becomes a DamagedError."""


@contextlib.contextmanager
def naming(path: str) -> Iterator[None]:
    """Turn what is wrong with a file's bytes, or with reading them, into an error naming it.

    Raises:
        DamagedError: for a MalformedError or an OSError within.
    """
    try:
        yield
    except MalformedError as error:
        raise DamagedError(f"{path!r} is damaged: {error}") from None
    except OSError as error:
        raise DamagedError(f"{path!r} cannot be read: {error.strerror or error}") from None


def varint(data: bytes | bytearray | memoryview, position: int) -> tuple[int, int]:
    """An unsigned number of at most 64 bits, and the position after it.

    Raises:
        MalformedError: if it does not end within the data, or within ten bytes.
    """
    value = 0
    for shift in range(0, 7 * VARINT_BYTES, 7):
        if position >= len(data):
            break
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, position
    raise MalformedError("a number in it does not end")


def fields(data: bytes | memoryview) -> Iterator[tuple[int, Value]]:
    """Every field of a message, in order: its number and its value.

    Raises:
        MalformedError: if the data is no message.
    """
    data = memoryview(data)
    position = 0
    while position < len(data):
        tag, position = varint(data, position)
        kind = tag & 7
        if kind == _VARINT:
            value, position = varint(data, position)
            yield tag >> 3, value
            continue
        if kind == _BYTES:
            length, position = varint(data, position)
        elif kind in _FIXED_BYTES:
            length = _FIXED_BYTES[kind]
        else:
            raise MalformedError(f"a field in it has the unknown wire type {kind}")
        if length > len(data) - position:
            raise MalformedError("a field in it is longer than what is left")
        part = data[position : position + length]
        position += length
        if kind != _BYTES:
            yield tag >> 3, int.from_bytes(part, "little")
        else:
            yield tag >> 3, bytes(part) if length <= _COPIED_BYTES else part


def place_of_fixed32(data: bytes | memoryview | bytearray, field: int) -> int | None:
    """Where the four bytes of a field stand in a message; None if it is not there.

    Raises:
        MalformedError: if the data is no message.
    """
    position = 0
    while position < len(data):
        tag, position = varint(data, position)
        if tag == field << 3 | _FIXED32:
            return position
        if tag & 7 == _VARINT:
            _, position = varint(data, position)
        elif tag & 7 == _BYTES:
            length, position = varint(data, position)
            position += length
        else:
            position += _FIXED_BYTES.get(tag & 7, len(data))
    return None


class Message:
    """One message. Its parts are parsed when they are asked for.

    A field that is absent gives 0, no bytes or no text, as protocol buffers have it; of a
    field that should stand once and stands several times, the last counts.

    Raises:
        MalformedError: if the data is no message; from any method, if a field has another type.
    """

    __slots__ = ("_fields",)

    def __init__(self, data: bytes | memoryview) -> None:
        self._fields: dict[int, list[Value]] = {}
        for number, value in fields(data):
            self._fields.setdefault(number, []).append(value)

    def __contains__(self, field: int) -> bool:
        return field in self._fields

    def number(self, field: int) -> int:
        """An unsigned number, an enum or a bool."""
        value = self._fields.get(field, [0])[-1]
        if not isinstance(value, int):
            raise MalformedError(f"its field {field} is no number")
        return value

    def signed(self, field: int) -> int:
        """An int32 or int64: negative ones are written in two's complement of 64 bits."""
        value = self.number(field)
        return value - 2**64 if value >= 2**63 else value

    def numbers(self, field: int) -> list[int]:
        """Every occurrence of an unsigned number, in whichever way they are packed."""
        found: list[int] = []
        for value in self._fields.get(field, ()):
            if isinstance(value, int):
                found.append(value)
                continue
            position = 0
            while position < len(value):
                number, position = varint(value, position)
                found.append(number)
        return found

    def parts(self, field: int) -> list[bytes | memoryview]:
        """The bytes of every occurrence of a field."""
        found: list[bytes | memoryview] = []
        for value in self._fields.get(field, ()):
            if isinstance(value, int):
                raise MalformedError(f"its field {field} is no bytes")
            found.append(value)
        return found

    def texts(self, field: int) -> list[str]:
        """Every occurrence as text; bytes that are no UTF-8 become surrogates, so none is lost."""
        return [str(part, "utf-8", "surrogateescape") for part in self.parts(field)]

    def text(self, field: int) -> str:
        """A field as text."""
        return next(reversed(self.texts(field)), "")

    def messages(self, field: int) -> Iterator[Message]:
        """Every occurrence as a message."""
        return map(Message, self.parts(field))

    def message(self, field: int) -> Message:
        """A field as a message; several are merged, which is the same as parsing them joined."""
        parts = self.parts(field)
        return Message(parts[0] if len(parts) == 1 else b"".join(parts))
