"""Attributes of HDF5 objects, with their sizes checked before the library believes them.

A text of variable length is stored as a length and a place. The library (1.14) takes memory for
the length, up to 4 GiB, before it looks at the place: so lengths are read here, from the object
header. Source: HDF5 File Format Specification 3.0, IV.A.1 (object headers) and IV.A.2.m
(attribute message).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.formats.window import Window

_MAX_BYTES = 64 * 2**20

_CONTINUATION, _ATTRIBUTE = 0x10, 0x0C
_SHARED = 0x02
_DESCRIPTOR = struct.Struct("<IQI")  # Length, address of the heap, number in it.


def read_attribute(owner: Any, name: str, window: Window, base: int) -> Any:
    """The value of an attribute, None if there is none.

    Args:
        owner: h5py's id of a group or dataset.
        name: the attribute's.
        window: the file.
        base: where the superblock stands; addresses count from there.

    Raises:
        OSError, RuntimeError, TypeError, ValueError, struct.error: if it cannot be read.
    """
    import h5py  # noqa: PLC0415

    key = name.encode()
    if not h5py.h5a.exists(owner, key):
        return None
    attribute = h5py.h5a.open(owner, key)
    kind = attribute.get_type()
    if kind.get_class() not in {h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.STRING, h5py.h5t.ENUM}:
        raise ValueError(f"it is of type {attribute.dtype}")
    # Not the library's own answer: h5py takes it for an error if it is 0.
    elements = attribute.get_space().get_select_npoints()
    size = elements * kind.get_size()
    if isinstance(kind, h5py.h5t.TypeStringID) and kind.is_variable_str():
        address = base + h5py.h5o.get_info(owner).addr
        size = sum(_lengths(window, address, base, key, elements))
    if size > min(_MAX_BYTES, window.size):
        raise ValueError(f"it says that it has {size:,} bytes")
    is_dataset = isinstance(owner, h5py.h5d.DatasetID)
    return (h5py.Dataset(owner) if is_dataset else h5py.Group(owner)).attrs.get(name)


def _lengths(window: Window, address: int, base: int, name: bytes, elements: int) -> list[int]:
    """The lengths of the texts in an attribute, as they are stored."""
    for kind, message in _messages(window, address, base):
        if kind != _ATTRIBUTE or len(message) < 8:
            continue
        version, _, *sizes = struct.unpack_from("<BB3H", message)
        at = 8 + (version == 3)
        if bytes(message[at : at + sizes[0]]).rstrip(b"\0") != name:
            continue
        for part in sizes:
            at += (part + 7) // 8 * 8 if version == 1 else part
        data = message[at : at + elements * _DESCRIPTOR.size]
        if len(data) < elements * _DESCRIPTOR.size:
            break
        return [length for length, _, _ in _DESCRIPTOR.iter_unpack(data)]
    raise ValueError("it is not in the object's header")


def _messages(window: Window, address: int, base: int) -> Iterator[tuple[int, memoryview]]:
    """The messages of an object's header: (type, data)."""
    head = _bytes(window, address, min(64, window.size - address))
    is_new = bytes(head[:4]) == b"OHDR"
    prefix = 4
    if is_new:
        flags = head[5]
        start = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        size = int.from_bytes(head[start : start + width], "little")
        start += width
        header = 6 if flags & 0x04 else 4
    else:
        size, start, header = int.from_bytes(head[8:12], "little"), 16, 8
    todo = [(address + start, size)]
    seen = set(todo)
    while todo:
        at, size = todo.pop(0)
        chunk = _bytes(window, at, size)
        here = 0
        while here + header <= len(chunk):
            if is_new:
                kind, size, flags = struct.unpack_from("<BHB", chunk, here)
            else:
                kind, size, flags = struct.unpack_from("<HHB", chunk, here)
            data = chunk[here + header : here + header + size]
            here += header + size
            if kind == _CONTINUATION and len(data) >= 16:
                more, length = struct.unpack_from("<QQ", data)
                # A new continuation has a signature before, and a checksum behind.
                follow = (base + more + prefix, length - 8) if is_new else (base + more, length)
                if follow not in seen:
                    seen.add(follow)
                    todo.append(follow)
            elif not flags & _SHARED:
                yield kind, data


def _bytes(window: Window, at: int, size: int) -> memoryview:
    if size < 0 or size > _MAX_BYTES:
        raise ValueError("the object's header is broken")
    window.seek(at)
    return memoryview(window.read(size))
