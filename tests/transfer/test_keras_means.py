"""Means of every format of Keras and TensorFlow are what these compute and load themselves."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from ckptsel.search.query import Query
from ckptsel.transfer import members
from ckptsel.transfer.average import average
from tests.transfer.keras_means import KINDS, WEIGHTS, member

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("keras")


def _run(what: str, folder: Path) -> str:
    command = [sys.executable, "-m", "tests.transfer.keras_means", what, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1] if done.stdout else ""


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Keras says of the means of all samples."""
    folder = tmp_path_factory.mktemp("means")
    _run("write", folder)
    for kind in KINDS:
        chosen = members.best(Query((f"{folder}/{kind}",), monitor="val_loss"), 3)
        done = average(chosen, member(str(folder), kind, 0))
        average(chosen, member(str(folder), kind, -1), weights=WEIGHTS)
        assert [row.rank for row, _ in done.members] == [1, 2, 3]
        assert [finding.code for finding in done.findings] == ["batch-norm-averaged"], kind
    return dict(json.loads(_run("check", folder)))


@pytest.mark.parametrize("kind", [f"{kind}{how}" for kind in KINDS for how in ("", " weighted")])
def test_the_mean_is_that_of_keras(kind: str, checked: dict[str, Any]) -> None:
    """Loaded by Keras, every weight is the mean in float64, rounded once, to the bit."""
    told = checked[kind]
    assert told["weights"]
    assert told["differs"]
    assert told["predictions"]
    assert told["count"] >= 8
    assert told["optimizer"] if kind.startswith("keras") else "optimizer" not in told


def test_tensorflow_reads_the_mean(checked: dict[str, Any]) -> None:
    """Every key, through tf.train.load_checkpoint: means of weights, the rest the best one's."""
    for kind in ("tf-checkpoint", "tf-checkpoint weighted"):
        keys = checked[kind]["keys"]
        assert "neither" not in keys.values()
        state = ("optimizer/_variables/", "optimizer/_iter", "optimizer/_learn", "_CHECKPOINT")
        assert {key for key in keys if keys[key] == "first"} == {
            key for key in keys if key.startswith(state)
        }
    assert checked["tf-checkpoint"]["latest"].endswith("mean")
