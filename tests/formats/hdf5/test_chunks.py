"""Chunks that HDF5 would unpack without a look at their size."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from ckptsel.errors import DamagedError
from tests.formats.hdf5.files import GROUP, VALUES, damage, read, write

if TYPE_CHECKING:
    from pathlib import Path

FILTERS: dict[str, dict[str, Any]] = {
    "none": {},
    "gzip": {"compression": "gzip"},
    "fletcher32": {"fletcher32": True},
    "shuffle": {"shuffle": True},
    "all": {"compression": "gzip", "fletcher32": True, "shuffle": True},
}


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where a test writes its file."""
    return str(tmp_path / "w.weights.h5")


@pytest.mark.parametrize("name", FILTERS)
def test_sound_chunks(path: str, name: str) -> None:
    """Every filter of HDF5's own, with chunks that do not divide the shape."""
    options = FILTERS[name]
    write(path, lambda group: group.create_dataset("1", data=VALUES, chunks=(7, 4), **options))
    assert read(path).tobytes() == VALUES.tobytes()
    assert damage(path) == []


@pytest.mark.parametrize("size", [0, 1, 3, 2**20, 2**32 - 1])
@pytest.mark.parametrize("name", FILTERS)
def test_a_chunk_of_a_wrong_size(path: str, name: str, size: int) -> None:
    """One flipped bit in the index, and HDF5 reads memory that is not its own."""
    write(
        path,
        lambda group: group.create_dataset("1", data=VALUES, chunks=VALUES.shape, **FILTERS[name]),
    )
    with h5py.File(path) as file:
        right = file[f"{GROUP}/1"].id.get_chunk_info(0).size
    # A key of the index: size, filters left out, and the chunk's place (0, 0, 0).
    key = struct.pack("<2I3Q", right, 0, 0, 0, 0)
    with open(path, "r+b") as file:
        data = file.read()
        assert data.count(key) == 1
        file.seek(data.index(key))
        file.write(struct.pack("<I", size))
    # All chunks of 0 bytes look like none at all.
    assert damage(path) == ["unreadable-dataset" if size else "unwritten-dataset"]
    with pytest.raises(DamagedError, match="chunk" if size else "never written"):
        read(path)


@pytest.mark.parametrize(
    "packed",
    [
        zlib.compress(VALUES.tobytes()[:-8]),
        zlib.compress(VALUES.tobytes() + bytes(8)),
        zlib.compress(VALUES.tobytes())[:-5],
        b"no zlib at all",
    ],
)
def test_a_chunk_that_unpacks_to_something_else(path: str, packed: bytes) -> None:
    """Too few values, too many, a stream that is cut, and none."""

    def add(group: h5py.Group) -> None:
        dataset = group.create_dataset("1", VALUES.shape, "f8", chunks=VALUES.shape, compression=4)
        dataset.id.write_direct_chunk((0, 0), packed)

    write(path, add)
    with pytest.raises(DamagedError, match="chunk"):
        read(path)


def test_a_filter_that_is_not_read(path: str) -> None:
    """Others may come from plugins, which are not asked."""
    write(path, lambda group: group.create_dataset("1", data=np.arange(100), scaleoffset=True))
    with pytest.raises(DamagedError, match="filter that is not read here"):
        read(path)
