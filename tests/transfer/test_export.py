"""An export appears as a whole, with its record, or not at all."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ckptsel.errors import ConversionError, DestinationError
from ckptsel.selection import Query, select
from ckptsel.transfer.export import export

RUN = Path(__file__).parents[2] / "docs" / "examples" / "runs" / "whole-models"
BEST = RUN / "epoch10-val_loss0.2544-val_accuracy0.9178.keras"


def test_a_ranking_gives_its_best(tmp_path: Path) -> None:
    """The best one's weights are written, and the record says why it was the one."""
    dest = tmp_path / "b.weights.h5"
    ranking = select(Query(locations=(str(RUN),), monitor="val_loss"), keep=2)
    done = export(ranking, str(dest))
    with zipfile.ZipFile(BEST) as archive:
        assert dest.read_bytes() == archive.read("model.weights.h5")
    record = json.loads((tmp_path / "b.weights.h5.ckptsel.json").read_text())
    assert record["command"] == "export"
    assert record["value"] == pytest.approx(0.2544, abs=1e-4)
    assert record["conversion"]["from"] == "keras"
    assert record["source"].endswith(BEST.name)
    assert done.is_checked
    assert done.size_bytes == dest.stat().st_size


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    """It looks at the source and at the destination, and says what it would do."""
    done = export(str(BEST), str(tmp_path / "b.weights.h5"), dry_run=True)
    assert done.produced is None
    assert done.size_bytes > 0
    assert not [*tmp_path.iterdir()]


def test_the_destination_is_looked_at_first(tmp_path: Path) -> None:
    """What is there stays, unless by force."""
    dest = tmp_path / "b.weights.h5"
    dest.write_text("old")
    with pytest.raises(DestinationError, match="exists already"):
        export(str(BEST), str(dest))
    assert dest.read_text() == "old"
    export(str(BEST), str(dest), force=True)
    assert dest.stat().st_size > 1000


def test_the_impossible_is_refused(tmp_path: Path) -> None:
    """The error says what can be done instead."""
    np.savez(tmp_path / "w.npz", kernel=np.ones(2))
    with pytest.raises(ConversionError, match="cannot become") as caught:
        export(str(tmp_path / "w.npz"), str(tmp_path / "b.onnx"))
    assert "safetensors" in caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["w.npz"]
