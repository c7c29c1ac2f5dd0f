"""What Keras's own callbacks write: every checkpoint gets the loss that it was saved with."""

from __future__ import annotations

import json
import shutil
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
    assert {log.kind: log.offset for log in ranking.logs}["csv"] == 1
    assert not [f for f in ranking.findings if f.strict]


def test_the_history_alone(runs: Path, tmp_path: Path) -> None:
    """Without the table, the history has the same."""
    truth = json.loads((runs / "epoch-only" / "truth.txt").read_text())
    for path in (runs / "epoch-only").iterdir():
        if path.is_file() and path.name != "training.csv":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    ranking = ckptsel.find(tmp_path, monitor="val_loss")
    found = {row.checkpoint.name: row.metric and row.metric.value for row in ranking.rows}
    assert found == pytest.approx(truth, rel=1e-9)
    assert [log.kind for log in ranking.logs] == ["history"]


@pytest.mark.parametrize(
    ("log", "kind"), [("history.csv", "history"), ("history.json", "history"), ("log.csv", "csv")]
)
@pytest.mark.parametrize("run", ["epoch-only", "unlabelled"])
def test_as_pandas_writes_it(runs: Path, tmp_path: Path, run: str, log: str, kind: str) -> None:
    """With its index in front; that counts the epochs, where no column does."""
    truth = json.loads((runs / run / "truth.txt").read_text())
    for name in truth:
        shutil.copy(runs / run / name, tmp_path)
    shutil.copy(runs / f"{run}-pandas" / log, tmp_path)
    ranking = ckptsel.find(tmp_path, monitor="val_loss")
    found = {row.checkpoint.name: row.metric and row.metric.value for row in ranking.rows}
    assert found == pytest.approx(truth, rel=1e-9)
    assert [(each.kind, each.offset) for each in ranking.logs] == [(kind, 1)]
    assert {metric.name for metric in ranking.rows[0].checkpoint.metrics} >= {"loss", "val_mae"}
    assert "" not in {metric.name for metric in ranking.rows[0].checkpoint.metrics}
    assert not [f for f in ranking.findings if f.strict]


@pytest.mark.parametrize("run", ["epoch-only", "rounded", "unlabelled", "resumed", "restarted"])
def test_tensorboard_alone(runs: Path, run: str, tmp_path: Path) -> None:
    """Without the others, TensorBoard's files have the same in float32, with the folder."""
    shutil.copytree(runs / run, tmp_path / run)
    (tmp_path / run / "training.csv").unlink()
    (tmp_path / run / "history.json").unlink()
    truth = json.loads((runs / run / "truth.txt").read_text())
    ranking = ckptsel.find(tmp_path / run, monitor="val_loss")
    found = {row.checkpoint.name: row.metric and row.metric.value for row in ranking.rows}
    assert found == pytest.approx(truth, rel=1e-6)
    assert not [f for f in ranking.findings if f.strict]
    (log,) = ranking.logs
    assert (log.kind, log.by, log.offset) == ("tensorboard", "epoch", 1)
    for row in ranking.rows:
        loss, val_loss = row.checkpoint.metric("loss"), row.checkpoint.metric("val_loss")
        assert loss is not None
        assert val_loss is not None
        assert loss.source.startswith("tensorboard:logs/train/events.out.tfevents.")
        assert val_loss.source.startswith("tensorboard:logs/validation/events.out.tfevents.")


def test_tensorflow_is_not_imported(runs: Path) -> None:
    """TensorBoard's own loader would take TensorFlow wherever it is installed."""
    code = (
        "import sys, ckptsel\n"
        f"found = ckptsel.find({str(runs / 'epoch-only')!r}, monitor='val_loss')\n"
        "assert 'tensorboard' in {log.kind for log in found.logs}\n"
        "print(*(name for name in sys.modules if '.' not in name))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {*done.stdout.split()}
    assert "tensorboard" in loaded
    assert not loaded & {"tensorflow", "keras", "torch"}
