"""`ckptsel average`: what it asks for, says and prints."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ckptsel.errors import ExitCode
from tests.transfer.small_weights import kernel, name, series, write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("here")


@pytest.fixture
def runs(here: Path) -> Path:
    """A training of four epochs, of which the second is the best and the fourth the next."""
    (here / "runs").mkdir()
    series(here / "runs", 0.5, 0.2, 0.9, 0.3)
    return here / "runs"


@pytest.mark.parametrize(
    "options, value",
    [
        (["runs", "-m", "val_loss", "--top", "2"], 3.0),
        (["runs", "-m", "val_loss", "--mode", "max", "--top", "2"], 2.0),
        (["runs", "--last", "2"], 3.5),
        (["runs", "--last", "2", "--weights", "3,1"], 3.75),
        ([f"runs/{name(1, 0.5)}", f"runs/{name(3, 0.9)}"], 2.0),
    ],
)
def test_what_is_averaged(options: list[str], value: float, runs: Path, run: Run) -> None:
    """The best, the last, the named; the path is printed, and nothing else."""
    del runs
    result = run("average", *options, "--to", "mean.weights.h5")
    assert (result.exit_code, result.stdout) == (0, "mean.weights.h5\n")
    assert (kernel("mean.weights.h5") == value).all()
    assert "ckptsel: averaged 2 checkpoints to mean.weights.h5 (" in result.stderr
    assert "2 tensors, and 1 as they are in runs/" in result.stderr


@pytest.mark.parametrize(
    "options, code, says",
    [
        (["runs", "--to", "m.weights.h5"], ExitCode.USAGE, "it is not said which"),
        (["runs", "--top", "2", "--last", "2", "--to", "m.weights.h5"], ExitCode.USAGE, "only one"),
        (["runs", "--per-run", "--top", "2", "--to", "m"], ExitCode.USAGE, "--per-run"),
        (["runs", "--top", "1", "--to", "m.weights.h5"], ExitCode.USAGE, "two or more"),
        (["runs", "--last", "2", "--weights", "1,x", "--to", "m"], ExitCode.USAGE, "no list"),
        (["runs", "--last", "2", "--weights", "1_0,1", "--to", "m"], ExitCode.USAGE, "no list"),
        (["runs", "--last", "2", "--greedy-mode", "max", "--to", "m"], ExitCode.USAGE, "both"),
        (["runs", "--top", "2", "--to", "m.keras"], ExitCode.ERROR, "mean is a weights.h5"),
        (["runs", "--last", "2", "--greedy", "x {path}", "--to", "m.weights.h5"],
         ExitCode.USAGE, "--greedy-mode"),
        (["runs", "--top", "2", "--greedy", "evaluate", "--to", "m.weights.h5"],
         ExitCode.USAGE, "write {path} there"),
        (["runs", "-m", "val_acc", "--top", "2", "--to", "m.weights.h5"],
         ExitCode.NOTHING_FOUND, "val_acc"),
    ],
)  # fmt: skip
def test_refusals(
    options: list[str], code: ExitCode, says: str, runs: Path, here: Path, run: Run
) -> None:
    """With its exit code, nothing on stdout, and nothing written."""
    del runs
    result = run("average", *options)
    assert (result.exit_code, result.stdout) == (code, "")
    assert says in result.stderr
    assert os.listdir(here) == ["runs"]


def test_json(runs: Path, run: Run) -> None:
    """Members, shares, and what was noticed."""
    del runs
    result = run(
        "average", "runs", "-m", "val_loss", "--top", "9", "--to", "m.weights.h5", "-o", "json"
    )
    told = json.loads(result.stdout)
    assert (told["schema"], told["command"], told["dry_run"]) == (1, "average", False)
    average = told["average"]
    assert [member["rank"] for member in average["members"]] == [1, 2, 3, 4]
    assert [member["weight"] for member in average["members"]] == [0.25] * 4
    assert average["members"][0] == {
        "path": f"runs/{name(2, 0.2)}",
        "weight": 0.25,
        "rank": 1,
        "value": 0.2,
        "text": "0.20",
        "epoch": 2,
        "step": None,
    }
    assert [finding["code"] for finding in average["findings"]] == ["fewer-than-top"]
    assert (average["averaged"], average["taken"], average["trials"]) == (2, 1, [])
    assert average["record"] == "m.weights.h5.ckptsel.json"


def test_csv_and_table(runs: Path, run: Run) -> None:
    """A line a member."""
    del runs
    options = ("average", "runs", "-m", "val_loss", "--top", "2", "--to", "m.weights.h5", "--force")
    rows = [*csv.reader(io.StringIO(run(*options, "-o", "csv").stdout))]
    assert rows[0] == ["path", "member", "weight", "rank", "value"]
    assert rows[1] == ["m.weights.h5", f"runs/{name(2, 0.2)}", "0.5", "1", "0.20"]
    table = run(*options, "-o", "table").stdout
    assert f"runs/{name(4, 0.3)}" in table
    assert "the mean is m.weights.h5" in table


def test_a_dry_run(runs: Path, here: Path, run: Run) -> None:
    """It says what would be done."""
    del runs
    result = run("average", "runs", "--last", "2", "--to", "m.weights.h5", "--dry-run")
    assert result.exit_code == 0
    assert "ckptsel: would average 2 checkpoints to m.weights.h5 (about " in result.stderr
    assert os.listdir(here) == ["runs"]


def test_verify_takes_the_next_best(runs: Path, run: Run) -> None:
    """What was passed over is said, and stands in the document."""
    write(runs / name(2, 0.2), float("nan"))
    options = ("average", "runs", "-m", "val_loss", "--top", "2", "--to", "m.weights.h5")
    result = run(*options)
    assert result.exit_code == ExitCode.DAMAGE
    assert "NaN or infinity" in result.stderr
    result = run(*options, "--verify", "-o", "json")
    told = json.loads(result.stdout)
    assert [row["path"] for row in told["rejected"]] == [f"runs/{name(2, 0.2)}"]
    assert told["rejected"][0]["verified"]["sound"] is False
    assert "passed over" in result.stderr
    assert (kernel("m.weights.h5") == 2.5).all()


def test_strict(runs: Path, here: Path, run: Run) -> None:
    """What is grave is an error before anything is written."""
    write(runs / name(5, 0.2), 5)
    options = ("average", "runs", "-m", "val_loss", "--top", "3", "--to", "m.weights.h5")
    assert run(*options, "--strict").exit_code == ExitCode.ERROR
    assert os.listdir(here) == ["runs"]
    assert run(*options).exit_code == 0


def test_a_greedy_soup(runs: Path, run: Run) -> None:
    """Each trial is told, and what was good."""
    del runs
    code = 'import h5py,sys; print(h5py.File(sys.argv[1])["layers/dense/vars/0"][0, 0])'
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(code)} {{path}}"
    options = ("average", "runs", "-m", "val_loss", "--to", "soup.weights.h5", "-o", "json")
    result = run(*options, "--greedy", command)
    assert "lower is taken for better" in result.stderr
    told = json.loads(result.stdout)["average"]
    # In rank order the epochs 2, 4, 1 and 3, and lower is better.
    assert [trial["value"] for trial in told["trials"]] == [2.0, 3.0, 1.5, 2.0]
    assert [trial["kept"] for trial in told["trials"]] == [True, False, True, False]
    assert f"ckptsel: 3.0 of 2 members: runs/{name(4, 0.3)} left out" in result.stderr
    assert (kernel("soup.weights.h5") == 1.5).all()
    result = run(*options, "--force", "--greedy", command, "--greedy-mode", "max")
    assert [trial["kept"] for trial in json.loads(result.stdout)["average"]["trials"]] == [
        True, True, False, True
    ]  # fmt: skip


def test_named_files_have_a_direction_of_their_own(runs: Path, run: Run) -> None:
    """With --mode, since no monitor is there that has one."""
    paths = [f"runs/{each}" for each in sorted(os.listdir(runs))[:2]]
    command = f"{shlex.quote(sys.executable)} -c 'print(1)' {{path}}"
    options = ("average", *paths, "--to", "soup.weights.h5", "--greedy", command)
    assert run(*options).exit_code == ExitCode.USAGE
    assert run(*options, "--mode", "max").exit_code == 0
    assert (kernel("soup.weights.h5") == np.float32(1.5)).all()
