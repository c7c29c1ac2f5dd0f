"""Folders that belong to a checkpoint's name, and folders that do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ckptsel.search.nesting import nest
from ckptsel.search.scan import Scan
from tests.folders import make

if TYPE_CHECKING:
    from pathlib import Path


def nested(root: str) -> dict[str, list[str]]:
    """The names in each folder below the root, after nesting."""
    folders = list(Scan().folders([root]))
    nest(folders)
    bare = root.rstrip("/")
    return {
        folder.path.removeprefix(bare).lstrip("/"): sorted(folder.names)
        for folder in folders
        if folder.names
    }


@pytest.mark.parametrize(
    "names",
    [
        # Lightning cuts `val/loss` at the slash.
        ["epoch=1-val/loss=0.50.ckpt", "epoch=2-val/loss=0.30.ckpt"],
        # ModelCheckpoint("e{epoch:03d}/w.weights.h5")
        ["e001/w.weights.h5", "e002/w.weights.h5"],
        ["epoch_1/w-0.50.h5", "epoch_10/w-0.30.h5"],
        ["val_loss=0.50/epoch=1/w.h5", "val_loss=0.30/epoch=2/w.h5"],
        ["step=100/default/w.pt", "step=200/default/w.pt"],
    ],
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_folders_that_belong_to_the_name(tmp_path: Path, names: list[str], slash: str) -> None:
    """A checkpoint alone in a folder that says its epoch, step or metric is called by both."""
    assert nested(make(tmp_path, *names) + slash) == {"": sorted(names)}


@pytest.mark.parametrize(
    "names",
    [
        # A setting tells runs apart, and so does a name.
        ["lr=0.1/w-0.50.h5", "lr=0.2/w-0.30.h5"],
        ["fold1/w-0.50.h5", "fold2/w-0.30.h5"],
        ["alice/epoch=1.h5", "bob/epoch=1.h5"],
        # Not alone in the folder.
        ["epoch=1/a.h5", "epoch=1/b.h5", "epoch=2/a.h5", "epoch=2/b.h5"],
        # No sibling of the same shape.
        ["epoch=1/a.h5", "epoch=2/other.h5"],
        ["epoch=1/w.h5"],
    ],
)
def test_folders_that_are_runs(tmp_path: Path, names: list[str]) -> None:
    """All others stay where they are."""
    expected: dict[str, list[str]] = {}
    for name in sorted(names):
        folder, _, last = name.rpartition("/")
        expected.setdefault(folder, []).append(last)
    assert nested(make(tmp_path, *names)) == expected


def test_a_checkpoint_of_several_files_moves_as_one(tmp_path: Path) -> None:
    """Members and kinds follow their checkpoint."""
    root = make(
        tmp_path,
        *(f"epoch={n}/t.{part}" for n in (1, 2) for part in ("index", "data-00000-of-00001")),
    )
    folders = list(Scan().folders([root]))
    nest(folders)
    top = folders[0]
    assert sorted(top.names) == ["epoch=1/t", "epoch=2/t"]
    assert top.kind_of("epoch=1/t") == "tf-checkpoint"
    assert top.files_of("epoch=2/t") == (
        f"{root}/epoch=2/t.index",
        f"{root}/epoch=2/t.data-00000-of-00001",
    )
    assert all(not folder.names and not folder.members for folder in folders[1:])


def test_a_folder_that_is_a_checkpoint_moves_as_one(tmp_path: Path) -> None:
    """Folders that are checkpoints keep their kind."""
    root = make(tmp_path, *(f"epoch={n}/model/saved_model.pb" for n in (1, 2)))
    folders = list(Scan().folders([root]))
    nest(folders)
    assert sorted(folders[0].names) == ["epoch=1/model", "epoch=2/model"]
    assert folders[0].kind_of("epoch=2/model") == "savedmodel"
