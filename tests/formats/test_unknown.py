"""What is no checkpoint: the error says what else it may be."""

from __future__ import annotations

import json
import struct
import zipfile
from typing import TYPE_CHECKING

import pytest

from ckptsel.errors import CkptselError, DamagedError, UnknownFormatError
from ckptsel.formats import open_contents

if TYPE_CHECKING:
    from pathlib import Path


def error(path: Path) -> CkptselError:
    """Why it cannot be opened."""
    with pytest.raises(CkptselError) as caught:
        open_contents(str(path))
    return caught.value


def test_a_folder_of_checkpoints(tmp_path: Path) -> None:
    """The command that lists them is named."""
    (tmp_path / "a.keras").touch()
    found = error(tmp_path)
    assert isinstance(found, UnknownFormatError)
    assert "ckptsel list" in found.hint


def test_the_config_of_a_model(tmp_path: Path) -> None:
    """What it is good for is said."""
    (tmp_path / "m.json").write_text(json.dumps({"class_name": "Sequential", "config": {}}))
    assert "--against" in error(tmp_path / "m.json").hint


def test_a_zip_that_was_cut_off(tmp_path: Path) -> None:
    """It is damaged, whatever it was to become; a whole one is merely unknown."""
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("something", "x" * 100)
    assert isinstance(error(path), UnknownFormatError)
    whole = path.read_bytes()
    path.write_bytes(whole[:60])
    assert isinstance(error(path), DamagedError)
    # The locator of another disk's directory, on which zipfile itself raises.
    locator = b"PK\x06\x07" + struct.pack("<LQL", 1, 0, 2)
    path.write_bytes(whole[:-22] + locator + whole[-22:])
    assert isinstance(error(path), DamagedError)


def test_nothing_in_particular(tmp_path: Path) -> None:
    """Text is of no known format."""
    (tmp_path / "a.h5").write_text("epoch,loss\n")
    assert "empty or overwritten" in error(tmp_path / "a.h5").hint
