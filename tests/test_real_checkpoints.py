"""Checkpoints of several files, as TensorFlow and Keras themselves write them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

import ckptsel

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def tensorflow() -> Any:
    """TensorFlow."""
    return pytest.importorskip("tensorflow")


@pytest.fixture(scope="module")
def keras(tensorflow: Any) -> Any:
    """Keras, on TensorFlow."""
    del tensorflow
    return pytest.importorskip("keras")


def files(row: ckptsel.Ranked) -> list[str]:
    """The names of a checkpoint's files."""
    return [os.path.basename(file) for file in row.checkpoint.files]


def write(tensorflow: Any, prefix: Path, *, shards: int = 1) -> None:
    """Write a TensorFlow checkpoint with so many data files."""
    if shards == 1:
        tensorflow.train.Checkpoint(v=tensorflow.Variable([1.0, 2.0])).write(str(prefix))
        return
    parts = [f"{prefix}_part{number}" for number in range(shards)]
    for part in parts:
        tensorflow.raw_ops.SaveV2(
            prefix=part, tensor_names=[part], shape_and_slices=[""], tensors=[[1.0]]
        )
    tensorflow.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=parts, destination_prefix=str(prefix), delete_old_dirs=False
    )


def test_tensorflow_prefixes(tensorflow: Any, tmp_path: Path) -> None:
    """A prefix is one checkpoint, with as many data files as it was written in."""
    write(tensorflow, tmp_path / "cp-01-0.50.ckpt")
    write(tensorflow, tmp_path / "cp-02-0.30.ckpt", shards=3)
    ranking = ckptsel.find(tmp_path, monitor="val_loss")
    assert [row.checkpoint.name for row in ranking.rows] == ["cp-02-0.30.ckpt", "cp-01-0.50.ckpt"]
    assert {row.checkpoint.kind for row in ranking.rows} == {"tf-checkpoint"}
    best = ranking.rows[0]
    assert files(best) == [
        "cp-02-0.30.ckpt.index",
        *(f"cp-02-0.30.ckpt.data-{number:05d}-of-00003" for number in range(3)),
    ]
    sizes = [os.path.getsize(file) for file in best.checkpoint.files]
    assert best.checkpoint.size_bytes == sum(sizes) > max(sizes)
    # The path is what TensorFlow's own loader takes.
    assert len(tensorflow.train.list_variables(best.checkpoint.path)) == 3


@pytest.mark.parametrize("number", range(2))
def test_a_data_file_is_missing(tensorflow: Any, tmp_path: Path, number: int) -> None:
    """TensorFlow opens such a checkpoint; ckptsel says it, and takes the next best."""
    write(tensorflow, tmp_path / "cp-01-0.50.ckpt")
    write(tensorflow, tmp_path / "cp-02-0.40.ckpt")
    write(tensorflow, tmp_path / "cp-03-0.30.ckpt", shards=2)
    os.remove(tmp_path / f"cp-03-0.30.ckpt.data-{number:05d}-of-00002")
    assert tensorflow.train.list_variables(str(tmp_path / "cp-03-0.30.ckpt"))
    ranking = ckptsel.find(tmp_path, monitor="val_loss")
    assert [row.checkpoint.name for row in ranking.rows] == ["cp-02-0.40.ckpt", "cp-01-0.50.ckpt"]
    assert "incomplete-checkpoint" in {finding.code for finding in ranking.findings}
    with pytest.raises(ckptsel.StrictError, match="1 of 2 of its data files"):
        ckptsel.find(tmp_path, monitor="val_loss", strict=True)


def test_an_index_alone(tensorflow: Any, tmp_path: Path) -> None:
    """An index without any data is nothing to select."""
    write(tensorflow, tmp_path / "cp-01-0.50.ckpt")
    os.remove(tmp_path / "cp-01-0.50.ckpt.data-00000-of-00001")
    with pytest.raises(ckptsel.NothingFoundError, match="no checkpoint in"):
        ckptsel.best(tmp_path)


def test_what_the_checkpoint_manager_writes(tensorflow: Any, tmp_path: Path) -> None:
    """CheckpointManager's own text file `checkpoint` is none."""
    checkpoint = tensorflow.train.Checkpoint(v=tensorflow.Variable(1.0))
    manager = tensorflow.train.CheckpointManager(checkpoint, str(tmp_path), max_to_keep=2)
    for number in (7, 8, 9):
        manager.save(checkpoint_number=number)
    ranking = ckptsel.find(tmp_path)
    assert [row.checkpoint.path for row in ranking.rows] == manager.checkpoints


def test_saved_models(tensorflow: Any, tmp_path: Path) -> None:
    """A SavedModel is one checkpoint, and what is in it is not looked at."""
    module = tensorflow.Module()
    module.v = tensorflow.Variable([1.0])
    for name in ("m-01-0.50", "m-02-0.30"):
        tensorflow.saved_model.save(module, str(tmp_path / name))
    ranking = ckptsel.find(tmp_path, monitor="val_loss")
    assert [row.checkpoint.name for row in ranking.rows] == ["m-02-0.30", "m-01-0.50"]
    assert {row.checkpoint.kind for row in ranking.rows} == {"savedmodel"}
    inside = sum(
        os.path.getsize(os.path.join(folder, name))
        for folder, _, names in os.walk(ranking.rows[0].checkpoint.path)
        for name in names
    )
    assert ranking.rows[0].checkpoint.size_bytes == inside > 0
    # Each can be asked for by name, too.
    rows = ckptsel.find(*(tmp_path / name for name in os.listdir(tmp_path))).rows
    assert [row.checkpoint.name for row in rows] == ["m-01-0.50", "m-02-0.30"]


def test_sharded_weights(keras: Any, tmp_path: Path) -> None:
    """Keras's table and its shards are one checkpoint; without a shard it is none."""
    model = keras.Sequential([keras.layers.Input((64,))])
    for _ in range(3):
        model.add(keras.layers.Dense(64))
    for name in ("w-01-0.50", "w-02-0.30", "w-03-0.40"):
        model.save_weights(tmp_path / f"{name}.weights.json", max_shard_size=0.00002)
    written = sorted(os.listdir(tmp_path))
    ranking = ckptsel.find(tmp_path, monitor="val_loss")
    names = [row.checkpoint.name for row in ranking.rows]
    assert names == [f"w-{each}.weights.json" for each in ("02-0.30", "03-0.40", "01-0.50")]
    assert sorted(name for row in ranking.rows for name in files(row)) == written
    assert len(files(ranking.rows[0])) > 2
    os.remove(ranking.rows[0].checkpoint.files[0])
    rows = ckptsel.find(tmp_path, monitor="val_loss").rows
    assert [row.checkpoint.name for row in rows] == names[1:]
