"""A part of a file, read as a whole one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ckptsel.formats.window import BLOCK_BYTES, Window

if TYPE_CHECKING:
    from pathlib import Path


def test_it_is_a_file_of_its_own(tmp_path: Path) -> None:
    """Offsets count from its beginning, and from its end."""
    path = tmp_path / "file"
    path.write_bytes(b"before|inside|after")
    with open(path, "rb") as file:
        window = Window(file, 7, 6)
        assert window.read(6) == b"inside"
        assert window.seek(-4, os.SEEK_END) == 2
        assert window.read(2) == b"si"
        assert window.seek(-1, os.SEEK_CUR) == 3
        assert window.tell() == 3


@pytest.mark.parametrize(("at", "size"), [(0, 7), (6, 1), (-1, 1), (2**62, 1), (0, 2**62)])
def test_it_never_reads_short(tmp_path: Path, at: int, size: int) -> None:
    """More than there is, however much, is an error before memory is taken."""
    path = tmp_path / "file"
    path.write_bytes(b"before|inside|after")
    with open(path, "rb") as file:
        window = Window(file, 7, 6)
        window.seek(at)
        with pytest.raises(OSError, match="wanted"):
            window.read(size)


def test_a_file_that_became_shorter(tmp_path: Path) -> None:
    """What was there when it was opened, and is gone, is an error."""
    path = tmp_path / "file"
    path.write_bytes(bytes(100_000))
    with open(path, "rb") as file:
        window = Window(file)
        os.truncate(path, 10)
        with pytest.raises(OSError, match="shorter"):
            window.read(100_000)


def test_blocks_are_all_bytes_once(tmp_path: Path) -> None:
    """Put together they are the file, and progress adds up."""
    path = tmp_path / "file"
    data = os.urandom(2 * BLOCK_BYTES + 5)
    path.write_bytes(data)
    steps: list[int] = []
    with open(path, "rb") as file:
        assert b"".join(bytes(block) for block in Window(file).blocks(steps.append)) == data
    assert sum(steps) == len(data)
