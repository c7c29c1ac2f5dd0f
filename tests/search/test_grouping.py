"""Which files are one checkpoint, from their names alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckptsel.search.grouping import (
    Folder,
    add_prefix,
    data_files,
    folder_kind,
    group_shards,
    group_version_1,
    place,
    run_of,
    unfinished,
)
from ckptsel.storage import Entries


@pytest.mark.parametrize(
    "name, kind",
    [
        ("w.keras", "keras"),
        ("w.weights.h5", "weights.h5"),
        ("w.h5", "h5"),
        ("w.hdf5", "h5"),
        ("w.hd5", "h5"),
        ("w.ckpt", "ckpt"),
        ("w.pt", "pt"),
        ("w.pth", "pth"),
        ("w.pth.tar", "pth"),
        ("w.safetensors", "safetensors"),
        ("W.KERAS", "keras"),
        ("W.Weights.H5", "weights.h5"),
    ],
)
def test_checkpoints_by_suffix(name: str, kind: str) -> None:
    """These suffixes make a checkpoint, whatever the name says; the longest one wins."""
    folder = Folder("runs", "runs")
    place(folder, name)
    assert (folder.names, folder.weak, folder.others) == ([name], [], [])
    assert folder.kind_of(name) == kind


@pytest.mark.parametrize("suffix", [".bin", ".npz", ".pkl", ".msgpack", ".zip", ".NPZ"])
def test_perhaps_checkpoints_by_suffix(suffix: str) -> None:
    """Suffixes that other files share make a checkpoint only with a value in the name."""
    folder = Folder("runs", "runs")
    place(folder, "w" + suffix)
    assert (folder.names, folder.weak, folder.others) == ([], ["w" + suffix], [])
    assert folder.kind_of("w" + suffix) == suffix[1:].lower()


@pytest.mark.parametrize("name", ["log.csv", "w", "w.h5.txt", "w_0.35", "h5", "plot.png"])
def test_other_files(name: str) -> None:
    """All others are no checkpoints, unless a given pattern matches them."""
    folder = Folder("runs", "runs")
    place(folder, name)
    assert (folder.names, folder.weak, folder.others) == ([], [], [name])
    assert folder.kind_of(name) == "file"


def prefix(*names: str) -> Folder:
    """The folder after its index `m.index` was placed."""
    folder = Folder("runs", "runs")
    add_prefix(folder, "m", {*names}, data_files(names))
    return folder


@pytest.mark.parametrize(
    "names",
    [
        ["m.index", "m.data-00000-of-00001"],
        ["m.index", "m.data-00000-of-00002", "m.data-00001-of-00002"],
        ["m.index", "m.data-00000-of-00001", "m.meta"],
        # Written again with another number of data files: one set is whole.
        ["m.index", "m.data-00000-of-00001", "m.data-00001-of-00002"],
    ],
)
def test_a_prefix_is_one_checkpoint(names: list[str]) -> None:
    """Index, data and graph are one checkpoint, which is called by its prefix."""
    folder = prefix(*names, "m2.data-00000-of-00001", "m.data-00000-of-00001.tempstate7", "m2.meta")
    assert folder.names == ["m"]
    assert folder.kind_of("m") == "tf-checkpoint"
    assert folder.files_of("m") == tuple(f"runs/{name}" for name in names)
    assert folder.incomplete == {}


@pytest.mark.parametrize(
    "names, missing",
    [
        ([], "none of its data files"),
        (["m.data-00001-of-00002"], "1 of 2 of its data files"),
        (["m.data-00002-of-00003", "m.data-00000-of-00003"], "2 of 3 of its data files"),
        (
            ["m.data-00000-of-00002", "m.data-00000-of-00003"],
            "1 of 2 or 1 of 3 of its data files",
        ),
        (["m.data-00007-of-00001"], "none of its data files"),
        (["m2.data-00000-of-00001"], "none of its data files"),
        (["m.data-00000-of-00000"], "none of its data files"),
    ],
)
def test_an_index_without_its_data(names: list[str], missing: str) -> None:
    """An index whose data is not all there is no checkpoint, and it is said what is there."""
    folder = prefix("m.index", "m.meta", *names)
    assert folder.names == []
    assert folder.incomplete == {"m.index": missing}


@pytest.mark.parametrize(
    "shards, whole",
    [([0], True), ([0, 1, 2], True), ([], False), ([1], False), ([0, 2], False)],
)
def test_sharded_weights(shards: list[int], *, whole: bool) -> None:
    """Keras's table and its shards are one checkpoint, if no shard before the last is missing."""
    files = [f"m_{number:05d}.weights.h5" for number in shards]
    others = ["m_1.weights.h5", "n_00000.weights.h5", "m_00000.weights.h5.h5"]
    folder = Folder("runs", "runs", names=["m.weights.json", *others, *files])
    group_shards(folder, {*folder.names})
    assert folder.names == (["m.weights.json", *others] if whole else others)
    if whole:
        expected = tuple(f"runs/{name}" for name in [*files, "m.weights.json"])
        assert folder.files_of("m.weights.json") == expected
        assert folder.kind_of("m.weights.json") == "sharded weights"
    else:
        said = "some of its shards" if shards else "none of its shards"
        assert folder.incomplete == {"m.weights.json": said}


def test_tensorflow_version_1() -> None:
    """A file without a suffix is a checkpoint where TensorFlow 1 wrote its graph beside it."""
    names = ["m.ckpt-7", "m.ckpt-7.meta", "m.ckpt-8", "alone.meta", "v2.meta"]
    folder = Folder("runs", "runs", others=list(names))
    group_version_1(folder, {*names, "v2.index"})
    assert folder.names == ["m.ckpt-7"]
    assert folder.kind_of("m.ckpt-7") == "tf-checkpoint-v1"
    assert folder.files_of("m.ckpt-7") == ("runs/m.ckpt-7", "runs/m.ckpt-7.meta")
    assert folder.others == ["m.ckpt-8", "alone.meta"]


@pytest.mark.parametrize(
    "files, folders, kind",
    [
        (["saved_model.pb", "fingerprint.pb"], ["variables"], "savedmodel"),
        (["_CHECKPOINT_METADATA"], ["default"], "orbax"),
        ([".metadata", "__0_0.distcp"], [], "torch distributed"),
        (["CKPT.yaml", "model.ckpt"], [], "speechbrain"),
        (["config.json", "model.safetensors"], [], "huggingface"),
        (["config.json", "model.safetensors"], ["runs"], "huggingface"),
        (["config.json", "pytorch_model.bin.index.json"], [], "huggingface"),
        (["adapter_config.json", "adapter_model.safetensors"], [], "huggingface"),
        (["config.json", "metadata.json", "model.weights.h5"], [], "keras folder"),
        # The Trainer's output folder holds the last model, and the checkpoints.
        (["config.json", "model.safetensors"], ["checkpoint-500"], ""),
        (["config.json", "w.h5"], [], ""),
        (["w.h5"], [], ""),
        ([], [], ""),
    ],
)
def test_folders_that_are_checkpoints(files: list[str], folders: list[str], kind: str) -> None:
    """Some files make the folder that they are in a checkpoint."""
    assert folder_kind("runs/a", Entries(files, folders)) == kind


@pytest.mark.parametrize(
    "path, files, kind",
    [
        ("runs/checkpoint-500", ["optimizer.pt"], "huggingface"),
        ("runs/checkpoint-500/", ["optimizer.pt"], "huggingface"),
        ("runs/checkpoint-500", [], ""),
        ("runs/checkpoint-best", ["optimizer.pt"], ""),
        ("runs/epoch=1-step=9.ckpt", ["latest", "zero_to_fp32.py"], "ckpt folder"),
        ("runs/m.keras", ["config.json"], "keras folder"),
        # A run's folder that is called like a checkpoint still holds some.
        ("runs/all.ckpt", ["epoch=1-step=9.ckpt"], ""),
        ("runs/a", ["latest"], ""),
    ],
)
def test_folders_that_are_called_like_checkpoints(path: str, files: list[str], kind: str) -> None:
    """A folder's own name can make it a checkpoint, if none is among its files."""
    assert folder_kind(path, Entries(files, [])) == kind


@pytest.mark.parametrize(
    "names, expected",
    [
        (["w.h5", "w.h5.tmp"], {"w.h5.tmp"}),
        (["3", "4.orbax-checkpoint-tmp-1700"], {"4.orbax-checkpoint-tmp-1700"}),
        ([".ckptsel-x1-w.h5", "w.h5"], {".ckptsel-x1-w.h5"}),
        # NeMo's marker leaves the suffix out, and one marker is for the EMA weights, too.
        (["m.ckpt", "m-EMA.ckpt", "m-unfinished"], {"m.ckpt", "m-EMA.ckpt", "m-unfinished"}),
        (["m", "m-unfinished", "m2"], {"m", "m-unfinished"}),
        (["m.ckpt", "m.ckpt-unfinished"], {"m.ckpt", "m.ckpt-unfinished"}),
        (["n.ckpt", "m-unfinished"], {"m-unfinished"}),
        (["tmp.h5", "a.tmpl", "unfinished.h5", "m-unfinished.ckpt"], set()),
        ([], set()),
    ],
)
def test_unfinished_writes(names: list[str], expected: set[str]) -> None:
    """Temporary names, and those that a marker beside them names."""
    assert unfinished(names) == expected


@given(st.lists(st.integers(0, 4), unique=True), st.integers(1, 5))
def test_only_a_whole_set_of_data_counts(numbers: list[int], total: int) -> None:
    """A prefix is a checkpoint exactly if each of its data files is there."""
    files = [f"m.data-{number:05d}-of-{total:05d}" for number in numbers]
    folder = prefix("m.index", *files)
    assert (folder.names == ["m"]) is ({*numbers} >= {*range(total)})


@pytest.mark.parametrize(
    "path, root, levels, run",
    [
        ("runs/a", "runs", 0, "runs/a"),
        ("runs/a/checkpoints", "runs", 0, "runs/a"),
        ("runs/a/Checkpoints/weights", "runs", 0, "runs/a"),
        ("runs/checkpoints", "runs/checkpoints", 0, "runs/checkpoints"),
        ("runs/a/epoch=1-val", "runs", 1, "runs/a"),
        ("runs/a/checkpoints/epoch=1-val", "runs", 1, "runs/a"),
        # Never above the location that was asked for.
        ("runs", "runs", 2, "runs"),
        ("", "", 1, ""),
    ],
)
def test_runs(path: str, root: str, levels: int, run: str) -> None:
    """A checkpoint's run is its folder, without folders that only hold files or values."""
    assert run_of(path, root, levels=levels) == run
