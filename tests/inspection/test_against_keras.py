"""ckptsel against Keras itself: the file that `best` names is the one ModelCheckpoint kept last."""

from __future__ import annotations

import os
import string
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

EPOCHS = 15


@dataclass(frozen=True)
class Case:
    """What ModelCheckpoint is told; `labelled` if the names alone say which value is which."""

    pattern: str
    monitor: str
    mode: str
    labelled: bool = False


CASES = {
    "the-recipe": Case(
        "best_weights.{epoch:02d}-{val_accuracy:.4f}.weights.h5", "val_accuracy", "max"
    ),
    "two-digits": Case("weights.{epoch:02d}-{val_loss:.2f}.keras", "val_loss", "min"),
    "two-labels-loss": Case(
        "epoch{epoch:02d}-val_loss{val_loss:.4f}-val_accuracy{val_accuracy:.4f}.keras",
        "val_loss",
        "min",
        labelled=True,
    ),
    "two-labels-accuracy": Case(
        "epoch{epoch:02d}-val_loss{val_loss:.4f}-val_accuracy{val_accuracy:.4f}.keras",
        "val_accuracy",
        "max",
        labelled=True,
    ),
    "auto-loss": Case(
        "{epoch:02d}-val_loss={val_loss:.4f}.weights.h5", "val_loss", "auto", labelled=True
    ),
    "auto-accuracy": Case(
        "{epoch:02d}-val_accuracy={val_accuracy:.4f}.keras", "val_accuracy", "auto", labelled=True
    ),
    "folders": Case("e{epoch:03d}/w-{val_loss:.3f}.weights.h5", "val_loss", "min"),
    "exponent": Case("{epoch}-{val_loss:.2e}.weights.h5", "val_loss", "min"),
    "percent": Case("{epoch}_{val_accuracy:.1%}.weights.h5", "val_accuracy", "max"),
    "bare-fields": Case("{epoch}_{val_loss}.weights.h5", "val_loss", "min"),
    "whole-model-h5": Case("{epoch:04d}.{loss:.6f}.h5", "loss", "min"),
    "hyphen": Case("w-{epoch}-{val_macro-f1:.4f}.weights.h5", "val_macro-f1", "max"),
    "hyphen-labelled": Case(
        "{epoch:03d}-val_macro-f1={val_macro-f1:.5f}.keras", "val_macro-f1", "max", labelled=True
    ),
    # The worst, on purpose.
    "accuracy-min": Case(
        "e={epoch:02d},val_accuracy={val_accuracy:.3f}.weights.h5",
        "val_accuracy",
        "min",
        labelled=True,
    ),
    "sign": Case("e{epoch:02d},{val_accuracy:+.3f}.keras", "val_accuracy", "max"),
    # A common slip: `:2f` is a width, and prints six decimals.
    "slip": Case("{epoch:02d}-{val_error:2f}.weights.h5", "val_error", "min"),
    "literal-braces": Case("{{run}}-{epoch:02d}-{val_loss:.3f}.weights.h5", "val_loss", "min"),
    # One digit, so that nearly all epochs print alike.
    "all-tied": Case("e{epoch}/{val_accuracy:04.1f}.keras", "val_accuracy", "max"),
    "value-first": Case("{val_error:.5f}/{epoch:03d}.weights.h5", "val_error", "max"),
}


@dataclass(frozen=True)
class Trained:
    """One training, seen by two ModelCheckpoints a case."""

    folder: Path
    logs: list[dict[str, float]]

    def every(self, name: str) -> Path:
        """The folder of the case's callback that saved every epoch."""
        return self.folder / name / "every"

    def best_only(self, name: str) -> Path:
        """The folder of the case's callback with save_best_only=True."""
        return self.folder / name / "best_only"

    def names(self, name: str) -> list[str]:
        """The name of each epoch's file."""
        pattern = CASES[name].pattern
        return [pattern.format(epoch=i, **logs) for i, logs in enumerate(self.logs, start=1)]

    def printed(self, name: str) -> list[str]:
        """The monitor of each epoch, as it stands in the name."""
        case = CASES[name]
        parts = string.Formatter().parse(case.pattern)
        spec = next(spec or "" for _, field, spec, _ in parts if field == case.monitor)
        return [format(logs[case.monitor], spec) for logs in self.logs]

    def kept_last(self, name: str) -> int:
        """The epoch, from 0, of the last file that save_best_only=True wrote: Keras's best."""
        kept = [os.path.exists(self.best_only(name) / each) for each in self.names(name)]
        return max(epoch for epoch, is_kept in enumerate(kept) if is_kept)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Train once, on labels so noisy that the model soon overfits."""
    keras = pytest.importorskip("keras")
    pytest.importorskip("tensorflow")
    import numpy as np  # noqa: PLC0415 - it comes with keras, and is not needed where that is not

    random = np.random.default_rng(1)
    inputs = random.normal(size=(200, 8))
    noise = random.normal(scale=0.7, size=(200, 1))
    labels = inputs[:, :1] * inputs[:, 1:2] + inputs[:, 2:3] + noise > 0
    labels = labels.astype("float32")
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.layers.Input((8,)),
            keras.layers.Dense(16, activation="tanh"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.SGD(0.3),
        loss="binary_crossentropy",
        metrics=[
            "accuracy",
            keras.metrics.F1Score(average="macro", threshold=0.5, name="macro-f1"),
            keras.metrics.MeanAbsoluteError(name="error"),
        ],
    )
    trained = Trained(tmp_path_factory.mktemp("keras"), [])
    history = model.fit(
        inputs[:80],
        labels[:80],
        validation_data=(inputs[80:], labels[80:]),
        epochs=EPOCHS,
        batch_size=8,
        verbose=0,
        callbacks=[
            keras.callbacks.ModelCheckpoint(
                os.path.join(folder, case.pattern),
                monitor=case.monitor,
                mode=case.mode,
                save_best_only=best_only,
                save_weights_only=case.pattern.endswith(".weights.h5"),
            )
            for name, case in CASES.items()
            for folder, best_only in ((trained.every(name), False), (trained.best_only(name), True))
        ],
    ).history
    for epoch in range(EPOCHS):
        trained.logs.append({key: values[epoch] for key, values in history.items()})
    return trained


def best(folder: Path, case: Case, *options: str) -> tuple[str, str]:
    """What `ckptsel best` names, from the folder on, and what it says on stderr."""
    command = [sys.executable, "-m", "ckptsel", "best", str(folder)]
    command += ["--monitor", case.monitor, "--mode", case.mode, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    return os.path.relpath(done.stdout.rstrip("\n"), folder), done.stderr


def check(trained: Trained, name: str, *options: str) -> str:
    """Of all files, `best` names Keras's; among equal prints any of them, and says so on stderr."""
    case = CASES[name]
    names, printed, kept = trained.names(name), trained.printed(name), trained.kept_last(name)
    chosen, stderr = best(trained.every(name), case, *options)
    tied = [epoch for epoch in range(EPOCHS) if printed[epoch] == printed[kept]]
    if len(tied) == 1:
        assert chosen == names[kept]
        assert "have the same" not in stderr
    else:
        assert chosen in [names[epoch] for epoch in tied]
        assert "have the same" in stderr
    return stderr


def test_the_training_is_worth_ranking(trained: Trained) -> None:
    """The best epoch is neither the first nor the last, and the names are those Keras wrote."""
    for name, case in CASES.items():
        for each in trained.names(name):
            assert os.path.exists(trained.every(name) / each), each
        if case.monitor in {"val_loss", "val_macro-f1"}:
            assert 0 < trained.kept_last(name) < EPOCHS - 1, name


@pytest.mark.parametrize("name", CASES)
def test_best_by_pattern(trained: Trained, name: str) -> None:
    """With the very string that ModelCheckpoint was given."""
    check(trained, name, "--pattern", CASES[name].pattern)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.labelled])
def test_best_by_labels(trained: Trained, name: str) -> None:
    """Without a pattern, where the names say which value is which."""
    assert "without a label" not in check(trained, name)


@pytest.mark.parametrize("name", CASES)
def test_best_of_what_was_kept(trained: Trained, name: str) -> None:
    """Of the files that save_best_only=True left, it is exactly the last one, ties included."""
    # Keras compares strictly, so the later of two equal prints was the better.
    chosen, _ = best(trained.best_only(name), CASES[name], "--pattern", CASES[name].pattern)
    assert chosen == trained.names(name)[trained.kept_last(name)]


def test_hdf5_is_refused() -> None:
    """The suffix that old recipes use for weights is an error in Keras 3."""
    keras = pytest.importorskip("keras")
    with pytest.raises(ValueError, match=r"must end in `\.weights\.h5`"):
        keras.callbacks.ModelCheckpoint("{epoch:02d}.hdf5", save_weights_only=True)


def test_latest_checkpoint_sees_no_weights(trained: Trained) -> None:
    """TensorFlow's own finder returns None for a folder of Keras weights."""
    tensorflow: Any = pytest.importorskip("tensorflow")
    assert tensorflow.train.latest_checkpoint(trained.every("the-recipe")) is None
