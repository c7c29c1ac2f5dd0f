"""From a training with BestCheckpoint to `ckptsel best`, which reads its log."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import ckptsel
from tests.keras.conftest import lines, names, told
from tests.running import run

_ROOTS = [str(Path(ckptsel.__file__).parents[1]), str(Path(__file__).parents[2])]


def best(folder: Path, *options: str) -> dict[str, Any]:
    """What `ckptsel best` says of a folder, as JSON."""
    done = run("best", str(folder), "--monitor", "val_loss", "-o", "json", *options)
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)["best"]
    return found


def test_values_that_look_the_same(training: Any, callback: Any, here: Path) -> None:
    """The log's full precision decides, and is shown with the line it comes from."""
    values = [0.50004, 0.50001, 0.50003]
    kept = callback(keep_best=None)
    training.fit(training.model(), training.Told(values), kept, epochs=3)
    found = best(here / "run", "--strict")
    assert (found["epoch"], found["value"], found["text"]) == (2, 0.50001, "0.50001")
    assert found["source"] == "ckptsel:ckptsel.jsonl:2"
    assert found["path"] == kept.best_path
    assert found["step"] == 2


def test_names_without_values(training: Any, callback: Any, here: Path) -> None:
    """With the log, names need no metric; every logged one can be asked for."""
    kept = callback(pattern="{epoch:03d}.weights.h5", keep_best=None)
    training.fit(training.model(), training.Told([0.4, 0.3, 0.5]), kept, epochs=3)
    assert best(here / "run")["epoch"] == 2
    metrics = [line["metrics"] for line in lines(here / "run")]
    lowest = min(range(3), key=lambda place: metrics[place]["mae"])
    done = run("best", "run", "--monitor", "mae", "--mode", "min")
    assert done.stdout.decode() == f"run/00{lowest + 1}.weights.h5\n"


def test_a_second_fit_and_a_move(training: Any, callback: Any, here: Path) -> None:
    """Files of the same epoch are told apart, and the folder may be moved."""
    kept = callback(pattern="{epoch:03d}.weights.h5")
    for values in ([0.5, 0.4], [0.45, 0.35]):
        training.fit(training.model(), training.Told(values), kept, epochs=2)
    (here / "run").rename(here / "moved")
    found = best(here / "moved")
    assert (found["name"], found["value"]) == ("002-v1.weights.h5", 0.35)


def test_nan_in_the_log(training: Any, callback: Any, here: Path) -> None:
    """A file whose value is NaN is kept as the last, and does not compete."""
    values = [0.5, float("nan")]
    training.fit(training.model(), training.Told(values), callback(), epochs=2)
    assert len(names(here / "run")) == 2
    assert best(here / "run")["epoch"] == 1


def test_weights_that_are_no_numbers(training: Any, callback: Any, here: Path) -> None:
    """They displace no sound file, though the metrics look better than ever."""
    kept = callback(keep_best=2, keep_last=1)
    values = training.Told([0.5, 0.4, 0.3, 0.2, 0.1])
    with told() as warnings:
        training.fit(training.model(), values, training.Spoiled(2), kept, epochs=5)
    assert [said[:45] for said in warnings] == ["in epoch 3 the model has weights that are NaN"]
    assert kept.best == 0.4
    assert [name[:9] for name in names(here / "run")] == ["epoch=001", "epoch=002", "epoch=005"]
    found = best(here / "run")
    assert (found["epoch"], found["path"]) == (2, kept.best_path)
    # So does a later training remember it.
    assert callback().best == 0.4


def test_folders_in_the_pattern(training: Any, callback: Any, here: Path) -> None:
    """The log stands above the files, and names them by their paths."""
    kept = callback(pattern="e{epoch:02d}/w.weights.h5")
    training.fit(training.model(), training.Told([0.4, 0.3, 0.5]), kept, epochs=3)
    assert best(here / "run")["path"] == kept.best_path


@pytest.mark.parametrize("pattern", [None, "{epoch}.weights.h5"])
def test_a_tie_of_two_fits(training: Any, callback: Any, here: Path, pattern: str | None) -> None:
    """The later save is the better one for both, though it is of an earlier epoch and step."""
    kept = callback(pattern=pattern, keep_best=None)
    training.fit(training.model(), training.Told([0.5, 0.4, 0.3]), kept, epochs=3)
    training.fit(training.model(), training.Told([0.3]), kept, epochs=1)
    found = best(here / "run")
    assert found["path"] == kept.best_path
    assert (found["epoch"], found["step"]) == (1, 1)
    assert best(here / "run", "--tie", "earlier")["epoch"] == 3
    done = run("best", "run", "--monitor", "val_loss", "--strict")
    assert b"have the same val_loss of 0.3; of these, the later one comes first" in done.stderr


def test_another_training_that_writes_over_a_file(training: Any, callback: Any, here: Path) -> None:
    """Of the same size, as all weights files of a model: the values in the log are not its own."""
    keras: Any = pytest.importorskip("keras")
    load = importlib.import_module("ckptsel.keras").load_best_weights
    pattern = "{epoch:02d}.weights.h5"
    kept = callback(pattern=pattern, keep_best=None)
    training.fit(training.model(), training.Told([0.5, 0.1, 0.6]), kept, epochs=3)
    other = keras.callbacks.ModelCheckpoint(str(here / "run" / pattern), save_weights_only=True)
    training.fit(training.model(), other, epochs=2)
    assert {path.stat().st_size for path in (here / "run").glob("*.h5")} == {
        lines(here / "run")[0]["size_bytes"]
    }
    for options in ((), ("--verify",)):
        assert best(here / "run", *options)["name"] == "03.weights.h5"
    assert callback(pattern=pattern).best_path == str(here / "run/03.weights.h5")
    done = run("best", "run", "--monitor", "val_loss", "--strict")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"with another SHA-256" in done.stderr
    with told() as said:
        chosen = load(training.model(), here / "run", "val_loss")
    assert chosen.name == "03.weights.h5"
    assert any("with another SHA-256" in message for message in said)


def test_a_copied_file_that_is_named_itself(training: Any, callback: Any) -> None:
    """Of another time, and the same bytes: there is nothing to warn of."""
    load = importlib.import_module("ckptsel.keras").load_best_weights
    model, kept = training.model(), callback()
    training.fit(model, training.Told([0.5]), kept)
    os.utime(kept.best_path, (1, 1))
    fresh = training.model()
    with told() as said:
        assert load(fresh, kept.best_path).epoch == 1
    assert said == []
    pairs = zip(fresh.get_weights(), model.get_weights(), strict=True)
    assert all((mine == its).all() for mine, its in pairs)


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_another_backend(tmp_path: Path, backend: str) -> None:
    """The callback and the loader know nothing of what Keras computes with."""
    for package in ("keras", backend):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    done = subprocess.run(
        [sys.executable, "-m", "tests.keras.other_backend", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(_ROOTS)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"{backend}: loaded the best of 3"
