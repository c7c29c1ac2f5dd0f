"""A training may write over a checkpoint while it is exported."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ckptsel.conversion import cargo
from ckptsel.errors import CopyError
from ckptsel.transfer.export import export
from ckptsel.transfer.unchanged import stamps
from tests.conversion.made import weights

ARCHIVE = (
    Path(__file__).parents[2]
    / "docs/examples/runs/whole-models/epoch10-val_loss0.2544-val_accuracy0.9178.keras"
)


def model(path: Path, value: float) -> str:
    """Weights of one value."""
    path.unlink(missing_ok=True)
    return weights(path, {"layers/dense/vars/0": np.full((2, 2), value, "f4")})


@pytest.mark.parametrize("check", [True, False])
def test_it_is_the_source_that_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: bool
) -> None:
    """Neither the disk nor the program is blamed, and the change is seen without comparing, too."""
    source = tmp_path / "w.weights.h5"
    model(source, 1)
    blocks = cargo.Cargo.blocks

    def blocks_then_saved(self: cargo.Cargo, item: cargo.Item) -> Any:
        found = [bytes(block) for block in blocks(self, item)]
        model(source, 2)
        return iter(found)

    monkeypatch.setattr(cargo.Cargo, "blocks", blocks_then_saved)
    with pytest.raises(CopyError, match="changed while it was read") as caught:
        export(str(source), str(tmp_path / "o.npz"), check=check)
    assert "wait until it is saved" in caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["w.weights.h5"]


def test_bytes_that_are_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `.keras` in whose place the next one is put is not called damaged."""
    source = tmp_path / "m.keras"
    shutil.copy(ARCHIVE, source)

    def saved(path: str) -> Any:
        os.replace(shutil.copy(ARCHIVE, tmp_path / "next"), path)
        return iter(())

    monkeypatch.setattr("ckptsel.transfer.export.not_finite_weights", saved)
    with pytest.raises(CopyError, match="changed while it was read"):
        export(str(source), str(tmp_path / "o.weights.h5"))
    assert not (tmp_path / "o.weights.h5").exists()


def test_a_file_in_a_folder(tmp_path: Path) -> None:
    """Of a model that is a folder every file counts, not the folder's own time alone."""
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(tmp_path / "m.keras")
    before = stamps([str(tmp_path / "m.keras")])
    with (tmp_path / "m.keras" / "config.json").open("a") as file:
        file.write(" ")
    assert stamps([str(tmp_path / "m.keras")]) != before
