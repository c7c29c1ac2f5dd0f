"""HDF5 in all its layouts: superblocks, user blocks, chunks, filters, types, sizes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ckptsel.errors import DamagedError
from ckptsel.formats import format_of, open_contents
from ckptsel.formats.contents import PIECE_BYTES
from ckptsel.formats.hdf5.file import natural
from tests.formats.hdf5.files import VALUES, damage, nothing, read, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import h5py


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where a test writes its file."""
    return str(tmp_path / "w.weights.h5")


@pytest.mark.parametrize(
    "options",
    [
        {"libver": "latest"},
        {"libver": ("v108", "v110")},
        {"userblock_size": 512},
        {"userblock_size": 2048},
        {"userblock_size": 8192},
        {"track_order": True},
    ],
)
def test_every_superblock(path: str, options: dict[str, Any]) -> None:
    """All versions, and after user blocks: read, whole; one byte less is damage."""
    write(path, nothing, **options)
    assert damage(path) == []
    assert read(path, "0").tolist() == [[0, 1, 2], [3, 4, 5]]
    os.truncate(path, os.path.getsize(path) - 1)
    found = format_of(path)
    assert found is not None
    with pytest.raises(DamagedError, match="truncated"):
        found.open(path)


@pytest.mark.parametrize(
    "make",
    [
        lambda group: group.create_dataset("1", data=VALUES, chunks=(7, 3)),
        lambda group: group.create_dataset("1", data=VALUES, compression="gzip", shuffle=True),
        lambda group: group.create_dataset("1", data=VALUES, chunks=True, fletcher32=True),
        lambda group: group.create_dataset("1", data=VALUES, dtype=">f8"),
        lambda group: group.create_dataset("1", data=VALUES, dtype="<f8"),
    ],
)
def test_every_layout(path: str, make: Callable[[h5py.Group], object]) -> None:
    """Chunks, filters and byte orders give the same values, in the machine's byte order."""
    write(path, make)
    values = read(path)
    assert values.dtype == np.dtype("f8")
    assert values.tobytes() == VALUES.tobytes()
    assert damage(path) == []


@pytest.mark.parametrize("dtype", ["bool", "u1", "i8", "f2", "c8", "c16"])
def test_every_type(path: str, dtype: str) -> None:
    """Numbers of all kinds are read as they were written."""
    values = np.arange(5).astype(dtype)
    write(path, lambda group: group.create_dataset("1", data=values))
    found = read(path)
    assert found.dtype == values.dtype
    assert found.tobytes() == values.tobytes()


@pytest.mark.parametrize("chunks", [None, (100, 1000)])
def test_large_tensors_come_in_pieces(path: str, chunks: tuple[int, int] | None) -> None:
    """20 MB never stand in memory at once; pieces put together are the tensor."""
    values = np.random.default_rng(6).random((500, 5000))
    write(path, lambda group: group.create_dataset("1", data=values, chunks=chunks))
    with open_contents(path) as contents:
        tensor = contents.tensors[1]
        pieces = list(contents.pieces(tensor))
        assert max(piece.nbytes for piece in pieces) <= PIECE_BYTES
        assert len(pieces) > 2
        assert np.concatenate(pieces).tobytes() == values.tobytes()


def test_rows_larger_than_a_piece_come_in_pieces(path: str) -> None:
    """Also where a single row is too large: 2 rows of 10 MB."""
    values = np.random.default_rng(7).random((2, 5, 250_000))
    write(path, lambda group: group.create_dataset("1", data=values, chunks=(1, 2, 100_000)))
    with open_contents(path) as contents:
        pieces = list(contents.pieces(contents.tensors[1]))
    assert max(piece.nbytes for piece in pieces) <= PIECE_BYTES
    assert np.concatenate(pieces).tobytes() == values.tobytes()


def test_natural_order() -> None:
    """Numbers at the end of a part sort as numbers."""
    paths = ["vars/10", "vars/2", "dense_1/vars/0", "dense/vars/0", "dense_10/vars/0", "vars/x"]
    assert sorted(paths, key=natural) == [
        "dense/vars/0",
        "dense_1/vars/0",
        "dense_10/vars/0",
        "vars/2",
        "vars/10",
        "vars/x",
    ]
