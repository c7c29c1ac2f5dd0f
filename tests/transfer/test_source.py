"""Sources that vanish, change, or are no files: an error that names them, and no copy."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ckptsel.errors import CopyError
from ckptsel.transfer.copy import copy
from tests.transfer.rankings import checkpoint, one_file, ranking, tensorflow_like

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("top", [None, 1])
def test_a_source_that_is_gone(run: Path, out: Path, top: int | None) -> None:
    """Deleted between finding and copying: the error names it."""
    with pytest.raises(CopyError, match=r"w\.keras' is not there any more"):
        copy(ranking(checkpoint(run / "w.keras")), f"{out}/", top=top)
    assert os.listdir(out) == []


def test_a_source_that_vanishes_while_copied(run: Path, out: Path) -> None:
    """The open file could be read to its end, but nobody knows whether it was whole."""
    found = one_file(run, content=b"x" * 3_000_000)
    path = found.rows[0].checkpoint.path

    def vanish(_: int) -> None:
        if os.path.exists(path):
            os.unlink(path)

    with pytest.raises(CopyError, match="is not there any more") as caught:
        copy(found, f"{out}/new/", on_bytes=vanish)
    assert path in caught.value.message
    assert os.listdir(out) == []


def test_a_second_file_that_vanishes(run: Path, out: Path) -> None:
    """The shard is gone when the index has its turn: neither stays."""
    found = ranking(tensorflow_like(run / "ckpt-3"))
    with pytest.raises(CopyError, match=r"ckpt-3\.index' is not there any more"):
        copy(
            found,
            f"{out}/",
            on_bytes=lambda _: (run / "ckpt-3.index").unlink(missing_ok=True),
        )
    assert os.listdir(out) == []


@pytest.mark.parametrize("size_bytes", [0, 10, 3_000_000, 9_000_000])
def test_a_source_that_changes_while_copied(run: Path, out: Path, size_bytes: int) -> None:
    """Shorter, longer, or rewritten at the same length: it is not what was ranked."""
    found = one_file(run, content=b"x" * 3_000_000)
    path = found.rows[0].checkpoint.path

    def rewrite(_: int) -> None:
        with open(path, "wb") as file:
            file.write(b"y" * size_bytes)

    with pytest.raises(CopyError, match="changed while it was copied"):
        copy(found, f"{out}/best.keras", on_bytes=rewrite)
    assert os.listdir(out) == []


def test_a_folder_that_changes_while_copied(run: Path, out: Path) -> None:
    """A file that is added after the folder was listed is noticed."""
    source = run / "step"
    source.mkdir()
    (source / "a").write_text("a")
    with pytest.raises(CopyError, match="changed while it was copied"):
        copy(ranking(checkpoint(source)), f"{out}/", on_bytes=lambda _: (source / "b").touch())
    assert os.listdir(out) == []


def test_a_pipe_in_a_folder_is_not_waited_for(run: Path, out: Path) -> None:
    """What is neither file nor folder has no bytes to copy."""
    os.mkfifo(run / "pipe")
    with pytest.raises(CopyError, match="neither a file nor a folder"):
        copy(ranking(checkpoint(run)), f"{out}/")


def test_a_pipe_is_not_waited_for(run: Path, out: Path) -> None:
    """Nor is one that is called like a checkpoint, or that a link leads to."""
    os.mkfifo(run / "w.keras")
    os.symlink("w.keras", run / "link.keras")
    for name in ("w.keras", "link.keras"):
        with pytest.raises(CopyError, match="neither a file nor a folder"):
            copy(ranking(checkpoint(run / name)), f"{out}/")
    assert os.listdir(out) == []


def test_a_link_that_leads_round_is_not_followed_for_ever(run: Path, out: Path) -> None:
    """A folder that holds a link to itself has no end."""
    os.symlink("..", run / "round")
    (run / "round2").symlink_to(run)
    with pytest.raises(CopyError, match="is a link to a folder around it"):
        copy(ranking(checkpoint(run)), f"{out}/best")
