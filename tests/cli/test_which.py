"""`ckptsel which`: the sentence, the JSON and the exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tests.cli.conftest import Run

RUNS = Path(__file__).parents[2] / "docs" / "examples" / "runs" / "every-epoch"


def test_the_answer(run: Run, tmp_path: Path) -> None:
    """A sentence with the epoch and the exact values, and what it is founded on."""
    folder = shutil.copytree(RUNS, tmp_path / "run")
    shutil.copy(min(folder.glob("weights.10*")), folder / "best.weights.h5")
    result = run("which", str(folder / "best.weights.h5"))
    assert result.exit_code == 0
    first, _, heading, row = result.stdout.splitlines()
    assert first.endswith("val_accuracy 0.872411, val_loss 0.388869 (certain)")
    assert "epoch 10, " in first
    assert heading.split() == ["how", "sure", "epoch", "checkpoint"]
    assert row.startswith("same bytes  certain     10  ")
    found = json.loads(run("which", str(folder / "best.weights.h5"), "-o", "json").stdout)
    assert (found["command"], found["epoch"], found["sure"]) == ("which", 10, "certain")
    assert found["metrics"]["val_loss"] == 0.3888685703277588
    assert [each["how"] for each in found["evidence"]] == ["same bytes"]


def test_not_known(run: Run, tmp_path: Path) -> None:
    """Where nothing tells it, the exit code is 3 and the document says so."""
    np.savez(tmp_path / "w.npz", a=np.ones(3))
    result = run("which", str(tmp_path / "w.npz"), "-o", "json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["sure"] == "unknown"
    assert "cannot be told" in result.stderr


def test_strict(run: Run, tmp_path: Path) -> None:
    """Under --strict, what is only likely is an error."""
    (tmp_path / "none").mkdir()
    path = shutil.copy(next(RUNS.parent.glob("whole-models/epoch03*")), tmp_path / "best.keras")
    assert run("which", str(path)).exit_code == 0
    result = run("which", str(path), "--strict")
    assert (result.exit_code, result.stdout) == (1, "")


def test_values_that_are_not_certain(run: Run, tmp_path: Path) -> None:
    """Each of the epoch and the values has its own word."""
    for name in ("cp-03.h5", "cp-04.h5", "cp-05.h5"):
        (tmp_path / name).write_text(name)
    shutil.copy(tmp_path / "cp-04.h5", tmp_path / "best.h5")
    (tmp_path / "training.csv").write_text("epoch,val_loss\n0,.9\n1,.8\n2,.7\n3,.6\n4,.5\n5,.4\n")
    path = str(tmp_path / "best.h5")
    said = run("which", path).stdout.splitlines()[0]
    assert said == f"{path}: epoch 4 (certain), val_loss 0.6 (likely)"
    assert json.loads(run("which", path, "-o", "json").stdout)["values_sure"] == "likely"


def test_a_value_without_a_label(run: Run, tmp_path: Path) -> None:
    """It is told as it is printed, and has no name."""
    for name in ("w.01-0.50.keras", "w.02-0.40.keras", "w.03-0.60.keras"):
        (tmp_path / name).write_text(name)
    path = str(tmp_path / "w.02-0.40.keras")
    said = run("which", path).stdout.splitlines()[0]
    assert said == f"{path}: epoch 2, 0.40 without a label (certain)"


KEYS = ["schema", "command", "path", "sure", "epoch", "step", "metrics", "values_sure"]
KEYS += ["evidence", "findings"]
OF_EVIDENCE = ["how", "sure", "epoch", "step", "metrics", "path"]


def test_what_scripts_get(run: Run, tmp_path: Path) -> None:
    """The keys of the JSON, the columns, and the paths, as docs/output.md has them."""
    folder = shutil.copytree(RUNS, tmp_path / "run")
    tenth = min(folder.glob("weights.10*"))
    path = str(shutil.copy(tenth, folder / "best.weights.h5"))
    found = json.loads(run("which", path, "-o", "json").stdout)
    assert list(found) == KEYS
    assert [list(each) for each in found["evidence"]] == [OF_EVIDENCE]
    (line,) = run("which", path, "-o", "jsonl").stdout.splitlines()
    assert json.loads(line) == found["evidence"][0]
    rows = run("which", path, "-o", "csv").stdout.splitlines()
    assert rows == ["how,sure,epoch,step,path", f"same bytes,certain,10,,{tenth}"]
    assert run("which", path, "-o", "paths").stdout == f"{tenth}\n"
    own = json.loads(run("which", str(tenth), "-o", "json").stdout)
    assert own["evidence"][0]["path"] is None
    assert run("which", str(tenth), "-o", "paths").stdout == ""
