"""What copying promises about Keras's files, asked of Keras itself."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from ckptsel.search.query import Query
from ckptsel.selection import select
from ckptsel.transfer.copy import copy

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def keras() -> Any:
    """Keras, which takes seconds to import."""
    return pytest.importorskip("keras")


def model(keras: Any, value: float) -> Any:
    """Two dense layers, all weights of which have this value."""
    made = keras.Sequential([keras.Input((64,)), keras.layers.Dense(64), keras.layers.Dense(64)])
    made.set_weights([weights * 0 + value for weights in made.get_weights()])
    return made


def is_filled_with(loaded: Any, value: float) -> bool:
    """Whether all weights have this value."""
    return all((weights == value).all() for weights in loaded.get_weights())


def test_a_whole_model_is_loaded_from_its_copy(keras: Any, run: Path, out: Path) -> None:
    """Found by its name among others, copied, and loaded by Keras."""
    model(keras, 1.0).save(run / "w.01-0.50.keras")
    model(keras, 2.0).save(run / "w.02-0.25.keras")
    found = select(
        Query((str(run),), monitor="val_loss", patterns=("w.{epoch:02d}-{val_loss:.2f}.keras",))
    )
    copy(found, f"{out}/best.keras")
    assert is_filled_with(keras.saving.load_model(out / "best.keras"), 2.0)


def test_sharded_weights_are_loaded_from_their_copy(keras: Any, run: Path, out: Path) -> None:
    """The table of contents and all shards arrive together, under their own names."""
    saved = model(keras, 3.0)
    # 20 kB a shard, so that the layers do not fit into one.
    saved.save_weights(run / "w.01-0.50.weights.json", max_shard_size=2e-5)
    found = select(
        Query(
            (str(run),), monitor="val_loss", patterns=("w.{epoch:02d}-{val_loss:.2f}.weights.json",)
        )
    )
    (copied,) = copy(found, f"{out}/")
    assert len(copied.files) > 2
    loaded = model(keras, 0.0)
    loaded.load_weights(out / "w.01-0.50.weights.json")
    assert is_filled_with(loaded, 3.0)


def test_why_sharded_weights_are_not_renamed(keras: Any, run: Path, out: Path) -> None:
    """Keras looks for the first shard under the table's new name, and fails."""
    model(keras, 3.0).save_weights(run / "w.weights.json", max_shard_size=2e-5)
    for path in run.iterdir():
        shutil.copy(path, out / path.name)
    (out / "w.weights.json").rename(out / "best.weights.json")
    with pytest.raises(FileNotFoundError, match="best_00000"):
        model(keras, 0.0).load_weights(out / "best.weights.json")


def test_why_a_changed_suffix_is_said(keras: Any, run: Path) -> None:
    """Weights under the name of another kind of file do not load."""
    model(keras, 1.0).save_weights(run / "w.weights.h5")
    (run / "w.weights.h5").rename(run / "best.h5")
    with pytest.raises(ValueError, match="Layer count mismatch"):
        model(keras, 0.0).load_weights(run / "best.h5")
