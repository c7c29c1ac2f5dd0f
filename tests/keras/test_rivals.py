"""Callbacks that would remove each other's files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ckptsel.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def test_two_callbacks_that_do_the_same(training: Any, callback: Any, tmp_path: Path) -> None:
    """Each would remove what the other keeps; one that an earlier training left is no rival."""
    one, other = callback(keep_best=None), callback(keep_best=1)
    model = training.model()
    with pytest.raises(UsageError, match="each would remove what the other keeps"):
        training.fit(model, training.Told([0.5, 0.4]), one, other, epochs=2)
    training.fit(model, training.Told([0.3]), callback())
    training.fit(model, training.Told([0.6, 0.2]), one, callback(monitor="loss"), epochs=2)
    assert one.best_path == str(tmp_path / "run" / "epoch=002-val_loss=0.2000.weights.h5")
