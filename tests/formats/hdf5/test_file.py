"""HDF5 from strangers: broken ends, lies, and what leads out of the file."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

from ckptsel.errors import DamagedError
from ckptsel.formats import format_of, open_contents
from tests.formats.hdf5.files import GROUP, VALUES, damage, dangers, nothing, read, write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where a test writes its file."""
    return str(tmp_path / "w.weights.h5")


def test_texts_are_listed_and_not_read(path: str) -> None:
    """No weight is a text; it is said, and does not stop the rest."""
    write(path, lambda group: group.create_dataset("1", data="text"))
    assert damage(path) == ["odd-dataset"]
    with pytest.raises(DamagedError, match="no weight"):
        read(path)


def test_values_that_were_never_written(path: str) -> None:
    """A writer that died after making the dataset left no values, and HDF5 would say zeros."""
    write(path, lambda group: group.create_dataset("1", (3, 3)))
    assert damage(path, "quick") == ["unwritten-dataset"]
    with pytest.raises(DamagedError, match="never written"):
        read(path)


def test_chunks_that_were_never_written(path: str) -> None:
    """The same, in chunks."""
    write(path, lambda group: group.create_dataset("1", (3, 3), chunks=(1, 3)))
    assert damage(path, "quick") == ["unwritten-dataset"]


def test_a_chunk_with_a_wrong_checksum(path: str) -> None:
    """Where a file has checksums, they are looked at, at `full`."""
    write(path, lambda group: group.create_dataset("1", data=VALUES, chunks=True, fletcher32=True))
    with open(path, "r+b") as file:
        data = file.read()
        file.seek(data.index(VALUES.tobytes()[:64]))
        file.write(b"\0" * 64)
    assert damage(path, "quick") == []
    assert damage(path) == ["unreadable-dataset"]


def test_a_writer_that_died(path: str) -> None:
    """Killed before closing, the file is said to be truncated or not closed."""
    code = (
        "import h5py, os, sys\n"
        "f = h5py.File(sys.argv[1], 'w')\n"
        "f['layers/dense/vars/0'] = range(1000)\n"
        "f.flush()\n"
        "f['layers/dense/vars/1'] = range(100000)\n"
        "os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, path], check=True)
    try:
        codes = damage(path, "quick")
    except DamagedError:
        codes = ["damaged"]
    assert set(codes) & {"hdf5-not-closed", "hdf5-truncated", "damaged"}


def test_bytes_after_the_end(path: str) -> None:
    """A file longer than it says was not finished, or something was appended."""
    write(path, nothing)
    with open(path, "ab") as file:
        file.write(bytes(100))
    assert damage(path, "quick") == ["hdf5-not-closed"]


def test_a_file_open_for_writing(path: str) -> None:
    """The flag that a writer clears on closing is still set."""
    write(path, nothing, libver="latest")
    with open(path, "r+b") as file:
        file.seek(11)
        file.write(b"\x01")
    found = format_of(path)
    assert found is not None
    with pytest.raises(DamagedError, match="did not close"):
        found.open(path)


def test_links_are_not_followed(path: str, tmp_path: Path) -> None:
    """Links to other files and soft links are dangers, and not followed; nowhere is damage."""
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["secret"] = [1.0]

    def add(group: h5py.Group) -> None:
        group["1"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/secret")
        group["2"] = h5py.SoftLink(f"/{GROUP}/0")
        group["3"] = h5py.SoftLink("/nowhere")
        group["4"] = h5py.SoftLink("5/6")
        group["5"] = h5py.SoftLink("./5")
        group["6"] = h5py.SoftLink("1/elsewhere")
        group["7"] = h5py.SoftLink(f"/{GROUP}/2")

    write(path, add)
    assert dangers(path) == ["external-link", "soft-link", "soft-link", "soft-link"]
    assert damage(path) == ["dangling-link"] * 3
    with open_contents(path) as contents:
        assert [tensor.path for tensor in contents.tensors] == [f"{GROUP}/0"]


def test_external_storage_is_not_read(path: str, tmp_path: Path) -> None:
    """Values in another file: a danger, and reading them is refused."""
    (tmp_path / "secret").write_bytes(bytes(100))
    external = [(str(tmp_path / "secret"), 0, 12)]
    write(path, lambda group: group.create_dataset("1", (3,), "f4", external=external))
    assert dangers(path) == ["external-storage"]
    with pytest.raises(DamagedError, match="another file"):
        read(path)


def test_virtual_datasets_are_not_read(path: str, tmp_path: Path) -> None:
    """Values that other datasets hold: a danger, and the dataset is not even listed."""
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["secret"] = [1.0, 2.0]
    layout = h5py.VirtualLayout((2,), "f8")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "secret", (2,))
    write(path, lambda group: group.create_virtual_dataset("1", layout))
    assert dangers(path) == ["virtual-dataset"]
    with open_contents(path) as contents:
        assert [tensor.path for tensor in contents.tensors] == [f"{GROUP}/0"]


def test_cycles_end(path: str) -> None:
    """A group inside of itself, by a hard link, is walked once."""

    def add(group: h5py.Group) -> None:
        group["again"] = group
        group["root"] = group.file["/"]
        group.parent["up"] = group.file["layers"]

    write(path, add)
    with open_contents(path) as contents:
        assert len(contents.tensors) == 1
    assert damage(path) == []


def test_a_deep_chain_of_groups(path: str) -> None:
    """Ten thousand groups, one in another, end in a finding."""

    def add(group: h5py.Group) -> None:
        for _ in range(10_000):
            group = group.create_group("g")

    write(path, add)
    assert damage(path, "quick") == ["unreadable-object"]


def test_a_compression_bomb(path: str) -> None:
    """2 GB of zeros in 2 MB are a danger, and are not read."""
    options = {"chunks": (2**24,), "compression": "gzip"}

    def add(group: h5py.Group) -> None:
        dataset = group.create_dataset("1", (2**28,), "f8", **options)
        dataset[: 2**24] = 0

    write(path, add)
    assert dangers(path) == ["compression-bomb"]
    assert damage(path) == ["values-not-read"]
    with pytest.raises(DamagedError, match="bomb"):
        read(path)


def test_a_chunk_too_large_to_unpack(path: str) -> None:
    """A chunk is unpacked as a whole, however little of it is used."""
    write(
        path, lambda group: group.create_dataset("1", (1,), "f8", chunks=(2**26,), maxshape=(None,))
    )
    assert dangers(path) == ["compression-bomb"]


def test_a_shape_that_lies(path: str) -> None:
    """A shape far larger than the file is a danger, and nothing is allocated for it."""
    write(path, lambda group: group.create_dataset("1", data=np.ones((5, 7)), maxshape=(None, 7)))
    with open(path, "r+b") as file:
        data = file.read()
        file.seek(data.index((5).to_bytes(8, "little") + (7).to_bytes(8, "little")))
        file.write((2**40).to_bytes(8, "little"))
    assert dangers(path) == ["compression-bomb"]
    with pytest.raises(DamagedError, match="bomb"):
        read(path)


def test_chunks_that_were_not_all_written(path: str) -> None:
    """What is missing would read as zeros."""

    def add(group: h5py.Group) -> None:
        group.create_dataset("1", (100, 100), "f4", chunks=(10, 100))[:50] = 1

    write(path, add)
    assert damage(path) == ["unwritten-dataset"]
    with pytest.raises(DamagedError, match="5 of 10 chunks"):
        read(path)


def test_no_lock_is_taken(path: str) -> None:
    """A file can be looked at while another process has it open for writing."""
    code = (
        "import h5py, sys\n"
        "f = h5py.File(sys.argv[1], 'w'); f['layers/dense/vars/0'] = [1.0]; f.flush()\n"
        "print('ready', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        with open_contents(path) as contents:
            assert len(contents.tensors) == 1
        writer.communicate(b"")


def test_a_file_that_shrinks_while_it_is_read(path: str) -> None:
    """Overwritten in place between looking and reading: an error, not old memory."""
    write(path, lambda group: group.create_dataset("1", data=np.ones(10_000)))
    with open_contents(path) as contents:
        tensor = contents.tensors[1]
        os.truncate(path, 3000)
        with pytest.raises(DamagedError, match="shorter"):
            contents.read(tensor)
