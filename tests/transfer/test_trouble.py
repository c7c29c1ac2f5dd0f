"""Disks and destinations that fail: a clear error, and everything as it was."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from ckptsel.errors import CopyError, DestinationError
from ckptsel.transfer.copy import copy
from ckptsel.transfer.failures import reading, writing
from tests.transfer.process import start
from tests.transfer.rankings import checkpoint, contents, one_file, ranking, tensorflow_like

if TYPE_CHECKING:
    import contextlib
    from pathlib import Path


def test_no_room_is_found_before_writing(run: Path, small_disk: Path) -> None:
    """Two megabytes do not go onto one; the message has both sizes."""
    sizes: list[int] = []
    with pytest.raises(DestinationError, match=r"bytes free, and the copy needs 2,000,000"):
        copy(one_file(run, content=b"x" * 2_000_000), f"{small_disk}/", on_bytes=sizes.append)
    assert sizes == []
    assert os.listdir(small_disk) == []


def test_a_disk_that_fills_up_meanwhile(run: Path, small_disk: Path) -> None:
    """Somebody else writes until the disk is full: the copy is undone, the old one stays."""
    (small_disk / "best.keras").write_text("old")
    found = ranking(tensorflow_like(run / "best", shards=2, content="x" * 300_000))

    def fill(_: int) -> None:
        with open(small_disk / "other", "ab", buffering=0) as other, suppress(OSError):
            while True:
                other.write(b"x" * 4096)

    with pytest.raises(DestinationError, match="the disk is full") as caught:
        copy(found, f"{small_disk}/", on_bytes=fill)
    assert "free some space" in caught.value.hint
    assert sorted(os.listdir(small_disk)) == ["best.keras", "other"]
    assert (small_disk / "best.keras").read_text() == "old"


def test_a_read_only_disk(run: Path, small_disk: Path) -> None:
    """Even root cannot write there, and is told so before anything is read."""
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(DestinationError, match="cannot be written to: it is read-only"):
        copy(one_file(run), f"{small_disk}/best.keras")


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="there is no /proc here")
@pytest.mark.parametrize("dest", ["/proc/best.keras", "/proc/new/"])
def test_a_place_that_takes_no_files(run: Path, dest: str) -> None:
    """The kernel's own folders refuse; where root may try, the error comes from trying."""
    with pytest.raises(DestinationError, match=r"/proc") as caught:
        copy(one_file(run), dest)
    assert caught.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write and read everywhere")
def test_no_permission(run: Path, out: Path) -> None:
    """A folder that may not be written, and a source that may not be read."""
    found = one_file(run)
    out.chmod(0o500)
    with pytest.raises(DestinationError, match="no permission"):
        copy(found, f"{out}/best.keras")
    out.chmod(0o700)
    os.chmod(found.rows[0].checkpoint.path, 0)
    with pytest.raises(CopyError, match="no permission"):
        copy(found, f"{out}/best.keras")


def test_a_file_that_may_not_grow_so_large(run: Path, out: Path) -> None:
    """`ulimit -f` stands for every limit on file sizes: nothing stays of the copy."""
    one_file(run, content=b"x" * 300_000)
    child = start(run / "w.03-0.5.keras", out / "best.keras", "100000")
    answer, _ = child.communicate(timeout=60)
    assert answer.startswith("DestinationError cannot write")
    assert "ulimit -f" in answer
    assert os.listdir(out) == []


def test_a_name_that_is_too_long(run: Path, out: Path) -> None:
    """256 bytes are refused before anything is written, two bytes a letter counted as two."""
    with pytest.raises(DestinationError, match="the name is too long"):
        copy(one_file(run), f"{out}/{'é' * 125}.keras")
    assert os.listdir(out) == []


def test_a_file_system_that_does_not_tell_its_limit(
    run: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The usual 255 bytes are taken, as on Windows, which has no pathconf."""
    monkeypatch.delattr(os, "pathconf")
    with pytest.raises(DestinationError, match="255 bytes"):
        copy(one_file(run), f"{out}/{'x' * 256}")


def test_a_file_in_the_way_of_a_new_folder(run: Path, out: Path) -> None:
    """`--to file/sub/` cannot be created below a file."""
    (out / "file").touch()
    with pytest.raises(DestinationError, match="file' is not a folder"):
        copy(one_file(run), f"{out}/file/sub/")


def test_a_path_that_is_too_long(run: Path) -> None:
    """No folder can be that deep, so none is created."""
    with pytest.raises(DestinationError, match="the name is too long"):
        copy(one_file(run), f"{run}/{'deep/' * 1000}")
    assert os.listdir(run) == ["w.03-0.5.keras"]


@pytest.mark.parametrize("force", [False, True])
def test_a_checkpoint_is_not_copied_onto_itself(run: Path, force: bool) -> None:
    """By any name: its own folder, a link to it, a hard link."""
    found = one_file(run)
    os.link(run / "w.03-0.5.keras", run / "hard.keras")
    os.symlink("w.03-0.5.keras", run / "soft.keras")
    before = contents(run)
    for dest in (f"{run}/", f"{run}/../run", f"{run}/hard.keras", f"{run}/soft.keras"):
        with pytest.raises(DestinationError, match="itself"):
            copy(found, dest, force=force)
    assert contents(run) == before


def test_a_folder_is_not_copied_into_itself(run: Path) -> None:
    """The copy would be part of what is copied."""
    (run / "sub").mkdir()
    with pytest.raises(DestinationError, match="lies inside"):
        copy(ranking(checkpoint(run)), f"{run}/sub/")
    assert os.listdir(run) == ["sub"]


def test_force_does_not_replace_the_folder_that_holds_the_source(run: Path) -> None:
    """run/step holds the source run/step/step: replacing it would delete what is copied."""
    source = run / "step" / "step"
    source.mkdir(parents=True)
    (source / "w").write_text("weights")
    with pytest.raises(DestinationError, match="holds"):
        copy(ranking(checkpoint(source)), f"{run}/", force=True)
    assert (source / "w").read_text() == "weights"


def test_a_folder_in_the_place_of_the_file(run: Path, out: Path) -> None:
    """Even with force, no folder gives way to a file."""
    (out / "w.03-0.5.keras").mkdir()
    with pytest.raises(DestinationError, match="is a folder"):
        copy(one_file(run), f"{out}/", force=True)


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("name", ["w.03-0.5.keras", "w.03-0.5.keras.ckptsel.json"])
def test_a_pipe_in_the_place_of_the_file(run: Path, out: Path, name: str, *, force: bool) -> None:
    """Even with force, no pipe (and no device, such as /dev/null) gives way to a file."""
    os.mkfifo(out / name)
    with pytest.raises(DestinationError, match=f"{name}' is no regular file"):
        copy(one_file(run), f"{out}/", force=force)
    assert (out / name).is_fifo()
    assert os.listdir(out) == [name]


def test_somebody_else_was_faster(run: Path, out: Path) -> None:
    """A file that appears at the destination during the copy is not overwritten."""
    found = ranking(tensorflow_like(run / "best"))

    def race(_: int) -> None:
        (out / "best.index").write_text("theirs")

    with pytest.raises(DestinationError, match=r"best\.index' exists already"):
        copy(found, f"{out}/", on_bytes=race)
    assert contents(out) == {"best.index": b"theirs"}


def test_the_folder_vanishes_while_copying(run: Path, out: Path) -> None:
    """There is nothing left to write into, which is said without a traceback."""
    with pytest.raises(DestinationError, match="folder is gone"):
        copy(one_file(run), f"{out}/best.keras", on_bytes=lambda _: shutil.rmtree(out))


def test_an_unknown_error_is_told_in_the_systems_words() -> None:
    """Every errno gives a sentence with the path and a hint, on either side."""
    with pytest.raises(DestinationError, match="'out/x': Input/output error") as bad_target:
        _fail(writing("out/x"), OSError(5, "whatever"))
    with pytest.raises(CopyError, match="'run/x': Input/output error") as bad_source:
        _fail(reading("run/x"), OSError(5, "whatever"))
    with pytest.raises(CopyError, match="'run/x': no number"):
        _fail(reading("run/x"), OSError("no number"))
    assert bad_target.value.hint
    assert bad_source.value.hint


def _fail(block: contextlib.AbstractContextManager[None], error: OSError) -> None:
    with block:
        raise error
