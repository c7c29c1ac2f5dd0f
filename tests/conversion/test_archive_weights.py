"""`.keras` → `.weights.h5`: the member's bytes, however they are packed; damage is found."""

from __future__ import annotations

import errno
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ckptsel.errors import ConversionError, DamagedError, DestinationError
from ckptsel.transfer.export import export

ARCHIVE = (
    Path(__file__).parents[2]
    / "docs/examples/runs/whole-models/epoch10-val_loss0.2544-val_accuracy0.9178.keras"
)
MEMBER = "model.weights.h5"


def content() -> bytes:
    """What the member holds."""
    with zipfile.ZipFile(ARCHIVE) as archive:
        return archive.read(MEMBER)


@pytest.mark.parametrize("packed", ["stored", "deflated", "folder"])
def test_the_bytes_are_the_members(tmp_path: Path, packed: str) -> None:
    """From Keras's own zip, from one that was packed again, and from an unzipped model."""
    source = tmp_path / "m.keras"
    with zipfile.ZipFile(ARCHIVE) as archive:
        if packed == "folder":
            archive.extractall(source)
        else:
            kind = zipfile.ZIP_STORED if packed == "stored" else zipfile.ZIP_DEFLATED
            with zipfile.ZipFile(source, "w", kind) as again:
                for name in archive.namelist():
                    again.writestr(name, archive.read(name))
    export(str(source), str(tmp_path / "w.weights.h5"))
    assert (tmp_path / "w.weights.h5").read_bytes() == content()


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EXDEV, errno.EOPNOTSUPP, None])
def test_kernels_that_cannot_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int | None
) -> None:
    """Old ones, other file systems, other systems: then the bytes go through the process."""
    if number is None:
        monkeypatch.delattr(os, "copy_file_range", raising=False)
    else:

        def refuse(*_: Any, **__: Any) -> int:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "copy_file_range", refuse, raising=False)
    export(str(ARCHIVE), str(tmp_path / "w.weights.h5"))
    assert (tmp_path / "w.weights.h5").read_bytes() == content()


def test_a_full_disk_while_the_kernel_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said as it is everywhere, and nothing is left."""

    def fail(*_: Any, **__: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "copy_file_range", fail, raising=False)
    with pytest.raises(DestinationError, match="the disk is full"):
        export(str(ARCHIVE), str(tmp_path / "w.weights.h5"))
    assert not [*tmp_path.iterdir()]


def test_a_changed_bit_is_damage(tmp_path: Path) -> None:
    """The zip's own checksum tells, and the source is named, not the disk."""
    data = bytearray(ARCHIVE.read_bytes())
    at = data.index(content()[:8]) + len(content()) // 2
    data[at] ^= 1
    source = tmp_path / "m.keras"
    source.write_bytes(data)
    with pytest.raises(DamagedError, match=r"m\.keras"):
        export(str(source), str(tmp_path / "w.weights.h5"))
    assert [path.name for path in tmp_path.iterdir()] == ["m.keras"]


def test_weights_that_are_pickled(tmp_path: Path) -> None:
    """A model that was saved with an npz holds no HDF5, and reading it would run code."""
    source = tmp_path / "m.keras"
    with zipfile.ZipFile(ARCHIVE) as archive, zipfile.ZipFile(source, "w") as again:
        for name in ("config.json", "metadata.json"):
            again.writestr(name, archive.read(name))
        again.writestr("model.weights.npz", b"")
    with pytest.raises((ConversionError, DamagedError)):
        export(str(source), str(tmp_path / "w.weights.h5"))
    assert [path.name for path in tmp_path.iterdir()] == ["m.keras"]
