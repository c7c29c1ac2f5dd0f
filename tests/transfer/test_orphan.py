"""A record whose checkpoint is not there: left by a kill, or by whoever deleted the copy."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from ckptsel.errors import DestinationError
from ckptsel.transfer import atomic
from ckptsel.transfer.copy import copy
from tests.transfer.rankings import contents, one_file

if TYPE_CHECKING:
    from pathlib import Path

RECORD = "best.keras.ckptsel.json"


def orphan(run: Path, out: Path) -> bytes:
    """Leave a record without its checkpoint."""
    copy(one_file(run, "old.keras", b"old"), f"{out}/best.keras")
    (out / "best.keras").unlink()
    return (out / RECORD).read_bytes()


def test_an_orphan_record_is_replaced(run: Path, out: Path) -> None:
    """It says nothing about anything, so it does not block the next copy."""
    orphan(run, out)
    copy(one_file(run), f"{out}/best.keras")
    assert sorted(os.listdir(out)) == ["best.keras", RECORD]
    assert json.loads((out / RECORD).read_text())["source"] == "../run/w.03-0.5.keras"


def test_a_record_with_its_checkpoint_is_not(run: Path, out: Path) -> None:
    """Where the checkpoint is there, both stay without force."""
    copy(one_file(run), f"{out}/best.keras")
    before = contents(out)
    with pytest.raises(DestinationError, match="exists already"):
        copy(one_file(run), f"{out}/best.keras")
    assert contents(out) == before


def test_an_orphan_record_is_put_back(
    run: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy that fails after the record was replaced leaves the old state."""
    before = orphan(run, out)

    def race(folder: str) -> None:
        del folder
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic, "sync_folder", race)
    with pytest.raises(KeyboardInterrupt):
        copy(one_file(run), f"{out}/best.keras")
    assert contents(out) == {RECORD: before}


def test_somebody_else_was_faster(run: Path, out: Path) -> None:
    """A checkpoint that appears beside the orphan during the copy is not overwritten."""
    before = orphan(run, out)

    def race(_: int) -> None:
        (out / "best.keras").write_text("theirs")

    with pytest.raises(DestinationError, match="exists already"):
        copy(one_file(run), f"{out}/best.keras", on_bytes=race)
    assert contents(out) == {"best.keras": b"theirs", RECORD: before}
