"""A copy that is killed, interrupted, or fails at any step."""

from __future__ import annotations

import errno
import itertools
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from ckptsel.errors import DestinationError
from ckptsel.transfer import atomic
from ckptsel.transfer.atomic import Staging
from ckptsel.transfer.copy import copy
from ckptsel.transfer.disk import remove, sync_folder, write_file
from tests.transfer.process import start
from tests.transfer.rankings import checkpoint, contents, one_file, ranking, tensorflow_like

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ckptsel.checkpoint import Ranking

# Every call that changes something that others can see.
STEPS = ("mkdir", "link", "rename", "replace", "unlink", "rmdir", "fsync")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_half_written_has_the_final_name(run: Path, out: Path, number: int) -> None:
    """A killed process cleans up nothing; what it leaves says that it is unfinished."""
    one_file(run, content=b"x" * 3_000_000)
    with start(run / "w.03-0.5.keras", out / "best.keras", "wait") as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "copying\n"
        child.send_signal(number)
    assert [name[:9] for name in os.listdir(out)] == [".ckptsel-"]


def test_an_interrupted_copy_leaves_nothing(run: Path, out: Path) -> None:
    """Ctrl-C in the middle: no file, no temporary, no new folder."""
    one_file(run, content=b"x" * 3_000_000)
    with start(run / "w.03-0.5.keras", out / "new" / "", "wait") as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "copying\n"
        child.send_signal(signal.SIGINT)
        assert child.stderr is not None
        assert "KeyboardInterrupt" in child.stderr.read()
    assert os.listdir(out) == []


def _single(run: Path, out: Path, *, old: bool) -> Ranking:
    if old:
        (out / "best").write_text("old")
    return one_file(run, "best", content=b"new")


def _prefix(run: Path, out: Path, *, old: bool) -> Ranking:
    if old:
        tensorflow_like(out / "best", shards=2, content="old")
    return ranking(tensorflow_like(run / "best", shards=1, content="new"))


def _folder(run: Path, out: Path, *, old: bool) -> Ranking:
    for folder in (run, out) if old else (run,):
        (folder / "best").mkdir()
        (folder / "best" / folder.name[-3:]).write_text("")
    return ranking(checkpoint(run / "best"))


@pytest.mark.parametrize("happens", [KeyboardInterrupt, OSError])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("make", [_single, _prefix, _folder])
def test_at_every_step_it_is_all_or_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    happens: type[BaseException],
    when: str,
    old: bool,
    make: Callable[..., Ranking],
) -> None:
    """Stopped around its k-th step, for each k, it leaves the old state or the new one."""
    found: list[dict[str, bytes]] = []
    stopped: list[bool] = []
    for k in itertools.count(1):
        run, out = tmp_path / f"{k}-run", tmp_path / f"{k}-out"
        run.mkdir()
        out.mkdir()
        best = make(run, out, old=old)
        before = _state(out)
        with monkeypatch.context() as patch:
            steps = _stop_at(patch, k, when, happens)
            try:
                copy(best, f"{out}/", force=True)
            except (KeyboardInterrupt, DestinationError):
                stopped.append(True)
            else:
                stopped.append(False)
        found.append(_state(out))
        if steps() < k:
            break
    done = found[-1]
    assert done != before
    assert [state for state in found if state not in (before, done)] == []
    assert stopped[0]
    assert not stopped[-1]


def _stop_at(
    patch: pytest.MonkeyPatch, k: int, when: str, happens: type[BaseException]
) -> Callable[[], int]:
    """Let the k-th of all steps fail, once; gives a count of the steps so far."""
    count = 0

    def wrapped(step: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            mine = count
            if mine == k and when == "before":
                raise happens(errno.EIO, "the disk failed")
            answer = step(*arguments, **options)
            if mine == k:
                raise happens(errno.EIO, "the disk failed")
            return answer

        return call

    for name in STEPS:
        patch.setattr(os, name, wrapped(getattr(os, name)))
    return lambda: count


def _state(folder: Path) -> dict[str, bytes]:
    """What a reader of the folder sees; of a new record or state file, only that it is new."""
    return {
        name: b"new" if name.endswith(".json") or name == "checkpoint" else content
        for name, content in contents(folder).items()
        # What a failing disk does not let go of is no harm under a name that says so.
        if not name.startswith(".ckptsel-")
    }


@pytest.mark.parametrize("second", [KeyboardInterrupt, SystemExit])
def test_a_second_interrupt_does_not_stop_the_cleaning(
    out: Path, monkeypatch: pytest.MonkeyPatch, second: type[BaseException]
) -> None:
    """People press Ctrl-C twice while a large temporary is being deleted; SIGTERM may follow."""
    calls = []

    def impatient(path: str) -> None:
        calls.append(path)
        if len(calls) == 1:
            raise second
        remove(path)

    def interrupted() -> None:
        with Staging() as staging:
            (temporary,) = staging.stage([f"{out}/best"])
            write_file(temporary, b"half", target="best")
            raise KeyboardInterrupt

    monkeypatch.setattr(atomic, "remove", impatient)
    with pytest.raises(second):
        interrupted()
    assert len(calls) > 1
    assert os.listdir(out) == []


def test_what_cannot_be_put_back_is_kept_and_named(
    run: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the disk fails on the way back, too, the old file is not deleted, and found again."""
    found = ranking(tensorflow_like(run / "best"))
    tensorflow_like(out / "best", content="precious")

    def fail(*_: str) -> None:
        raise OSError(errno.EIO, "the disk failed")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(DestinationError, match="could not be put back") as caught:
        copy(found, f"{out}/", force=True)
    details = "".join(caught.value.details)
    assert len(os.listdir(out)) == 2
    for name in os.listdir(out):
        assert (out / name).read_text() == "precious"
        assert repr(f"{out}/{name}") in details


def test_a_disk_without_hard_links(run: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FAT has none: renames do, and still nothing is overwritten."""

    def refuse(*_: str, **__: bool) -> None:
        raise OSError(errno.EPERM, "no hard links")

    monkeypatch.setattr(os, "link", refuse)
    found = one_file(run)
    copy(found, f"{out}/best.keras")
    copy(found, f"{out}/best.keras", force=True)
    assert (out / "best.keras").read_bytes() == b"weights"
    assert len(os.listdir(out)) == 2
    with pytest.raises(DestinationError, match="exists already"):
        copy(found, f"{out}/new.keras", on_bytes=lambda _: (out / "new.keras").touch())


def test_a_folder_that_cannot_be_synced_is_no_failure(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems refuse it, and a failing disk says something else."""

    def answer(number: int) -> Callable[[int], None]:
        def fsync(_: int) -> None:
            raise OSError(number, os.strerror(number))

        return fsync

    monkeypatch.setattr(os, "fsync", answer(errno.EINVAL))
    sync_folder(str(out))
    monkeypatch.setattr(os, "fsync", answer(errno.EIO))
    with pytest.raises(OSError, match="Input/output error"):
        sync_folder(str(out))
