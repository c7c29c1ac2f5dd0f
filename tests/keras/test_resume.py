"""After a restart: what BestCheckpoint remembers, and Keras's ModelCheckpoint forgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import ckptsel

if TYPE_CHECKING:
    from pathlib import Path


def evaluated(training: Any, path: str) -> float:
    """The loss of a saved model on the training's data."""
    keras: Any = pytest.importorskip("keras")
    model = keras.models.load_model(path)
    loss: float = model.evaluate(training.INPUTS, training.TARGETS, verbose=0)[0]
    return loss


def test_the_best_survives_a_restart(training: Any, callback: Any, tmp_path: Path) -> None:
    """A worse second training costs ModelCheckpoint its best file, and BestCheckpoint nothing."""
    keras: Any = pytest.importorskip("keras")
    data = {"validation_data": (training.INPUTS, training.TARGETS)}

    def both() -> tuple[Any, Any]:
        forgetful = keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", save_best_only=True)
        return forgetful, callback(save_weights_only=False, keep_last=0)

    keras.utils.set_random_seed(3)
    training.fit(training.model(), *both(), epochs=40, **data)
    good = evaluated(training, str(tmp_path / "best.keras"))
    # The process ended, and another begins from fresh weights, with hardly any training.
    forgetful, remembering = both()
    assert (forgetful.best, remembering.best) == (None, pytest.approx(good, rel=1e-5))
    training.fit(training.model(rate=1e-5), forgetful, remembering, epochs=1, **data)
    assert evaluated(training, str(tmp_path / "best.keras")) > 2 * good
    assert evaluated(training, remembering.best_path) == pytest.approx(good, rel=1e-5)
    found = ckptsel.best(tmp_path / "run", monitor="val_loss")
    assert found.checkpoint.path == remembering.best_path
