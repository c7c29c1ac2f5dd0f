"""What Keras's own callbacks write: every checkpoint gets the loss that it was saved with."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import ckptsel


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of real fits; not to be written to."""
    pytest.importorskip("keras")
    folder = tmp_path_factory.mktemp("runs")
    command = [sys.executable, "-m", "tests.sources.keras_writer", str(folder)]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("run", ["epoch-only", "rounded", "unlabelled", "resumed", "restarted"])
def test_every_value_is_the_true_one(runs: Path, run: str) -> None:
    """Whatever the names say of it, and though a log was appended to by another fit."""
    truth = json.loads((runs / run / "truth.txt").read_text())
    ranking = ckptsel.find(runs / run, monitor="val_loss")
    found = {row.checkpoint.name: row.metric and row.metric.value for row in ranking.rows}
    assert found == pytest.approx(truth, rel=1e-9)
    assert ranking.rows[0].checkpoint.name == min(truth, key=truth.__getitem__)
    assert {row.metric.source.partition(":")[0] for row in ranking.rows if row.metric} == {"csv"}
    assert ranking.logs[0].offset == 1
    assert not [f for f in ranking.findings if f.strict]


def test_the_history_alone(runs: Path, tmp_path: Path) -> None:
    """Without the table, the history has the same."""
    truth = json.loads((runs / "epoch-only" / "truth.txt").read_text())
    for path in (runs / "epoch-only").iterdir():
        if path.name != "training.csv":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    ranking = ckptsel.find(tmp_path, monitor="val_loss")
    found = {row.checkpoint.name: row.metric and row.metric.value for row in ranking.rows}
    assert found == pytest.approx(truth, rel=1e-9)
    assert [log.kind for log in ranking.logs] == ["history"]
