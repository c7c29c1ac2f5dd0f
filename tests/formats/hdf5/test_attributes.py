"""Attributes of HDF5 objects: read in every layout, and not believed where they lie."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from ckptsel.errors import DamagedError
from ckptsel.formats.hdf5.file import open_hdf5

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "a name of some length"


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where a test writes its file."""
    return str(tmp_path / "w.weights.h5")


def write(path: str, value: object, **options: Any) -> str:
    """A file with one attribute."""
    with h5py.File(path, "w", **options) as file:
        file.create_group("layers/vars").attrs["name"] = value
    return path


def read(path: str, group: str = "layers/vars") -> Any:
    """The attribute."""
    file, hdf5 = open_hdf5(path)
    try:
        return hdf5.attribute(group, "name")
    finally:
        hdf5.close()
        file.close()


def changed(path: str, old: bytes, new: bytes) -> str:
    """The file with the one place where these bytes stand changed."""
    with open(path, "r+b") as file:
        data = file.read()
        assert data.count(old) == 1
        file.seek(data.index(old))
        file.write(new)
    return path


def layouts() -> Iterator[dict[str, Any]]:
    """Object headers of both versions, with and without their options."""
    for libver in ("earliest", "v108", "v110", "latest"):
        for more in ({}, {"track_order": True}, {"userblock_size": 1024}):
            yield {"libver": libver, **more}


@pytest.mark.parametrize("options", list(layouts()), ids=str)
def test_texts_in_every_layout(path: str, options: dict[str, Any]) -> None:
    """A text, and a list of texts, of variable length."""
    assert read(write(path, NAME, **options)) == NAME
    names = [f"layer_{number}" for number in range(300)]
    assert read(write(path, names, **options)).tolist() == names


@pytest.mark.parametrize("value", [3, 2.5, np.arange(3), np.array([b"a", b"bc"]), b"fixed"])
def test_other_values(path: str, value: Any) -> None:
    """Numbers, and texts of fixed length."""
    expected = value.decode() if isinstance(value, bytes) else value
    assert np.array_equal(read(write(path, value)), expected)


def test_the_root_and_datasets_have_attributes(path: str) -> None:
    """Not only groups have them."""
    with h5py.File(path, "w") as file:
        file.attrs["name"] = "root"
        file["data"] = 1
        file["data"].attrs["name"] = "data"
    assert read(path, "") == "root"
    assert read(path, "data") == "data"


def test_behind_many_others(path: str) -> None:
    """An object header continues elsewhere when it grows."""
    with h5py.File(path, "w") as file:
        group = file.create_group("layers/vars")
        for number in range(50):
            group.attrs[f"other{number}"] = "x" * number
        group.attrs["name"] = NAME
    assert read(path) == NAME


def test_no_attribute(path: str) -> None:
    """None, if there is none of that name."""
    with h5py.File(path, "w") as file:
        file.create_group("layers/vars").attrs["names"] = "other"
    assert read(path) is None


def test_a_length_that_lies(path: str) -> None:
    """A text of 4 GB in a file of 4 kB is refused before memory is taken for it."""
    write(path, NAME)
    changed(path, struct.pack("<I", len(NAME)) + read_address(path), b"\xff\xff\xff\xff")
    with pytest.raises(DamagedError, match="it says that it has 4,294,967,295 bytes"):
        read(path)


def read_address(path: str) -> bytes:
    """Where the heap of texts stands, as it is written in the attribute."""
    with open(path, "rb") as file:
        return struct.pack("<QI", file.read().index(b"GCOL"), 1)


def test_a_heap_that_never_ends(path: str) -> None:
    """HDF5 would walk an object of 0 bytes for ever; one flipped bit is enough."""
    write(path, NAME)
    with open(path, "rb") as file:
        data = file.read()
    free = data.index(b"GCOL") + 16 + 16 + (len(NAME) + 7) // 8 * 8
    assert data[free : free + 2] == b"\0\0"
    with open(path, "r+b") as file:
        file.seek(free + 8)
        file.write(bytes(8))
    with pytest.raises(DamagedError, match="heap of texts is broken"):
        read(path)


def test_nested_types_are_refused(path: str) -> None:
    """Lists of lists have lengths inside of what lengths lead to."""
    nested = np.empty(1, h5py.vlen_dtype(np.dtype("i4")))
    nested[0] = np.arange(3, dtype="i4")
    with h5py.File(path, "w") as file:
        file.create_group("layers/vars").attrs.create("name", nested, dtype=nested.dtype)
    with pytest.raises(DamagedError, match="of type"):
        read(path)


def test_a_heap_of_names_in_a_circle(path: str) -> None:
    """A group's names lie in a heap with a list of free places; HDF5 would follow it for ever."""
    write(path, NAME)
    with open(path, "r+b") as file:
        data = file.read()
        heap = data.index(b"HEAP")
        (free,) = struct.unpack_from("<Q", data, heap + 16)
        (address,) = struct.unpack_from("<Q", data, heap + 24)
        assert struct.unpack_from("<Q", data, address + free) == (1,)
        file.seek(address + free)
        file.write(struct.pack("<Q", free))
    with pytest.raises(DamagedError, match="heap of names is broken"):
        read(path)
