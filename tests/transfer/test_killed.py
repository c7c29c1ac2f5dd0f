"""A process that is killed before any of its renames: nothing is lost, and no record lies."""

from __future__ import annotations

import itertools
import json
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ckptsel.search.grouping import unfinished
from ckptsel.transfer.copy import copy
from ckptsel.transfer.disk import aside_name
from ckptsel.transfer.produce import produce
from tests.transfer.rankings import one_file

if TYPE_CHECKING:
    from collections.abc import Callable


pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes of POSIX")

STEPS = ("link", "rename", "replace", "unlink")


def killed_at(k: int, act: Callable[[], object]) -> bool:
    """Do something in a process that dies before its k-th step; whether it died."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    count = itertools.count(1)

    def wrapped(step: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if next(count) == k:
                os._exit(9)
            return step(*arguments, **options)

        return call

    try:
        for name in STEPS:
            setattr(os, name, wrapped(getattr(os, name)))
        act()
    finally:
        os._exit(0)
    return False


def parts(folder: Path, name: str) -> list[Path]:
    """The files of a checkpoint."""
    if name == "b.weights.json":
        shards = [folder / f"b_{number:05d}.weights.h5" for number in range(2)]
        return [*shards, folder / name]
    if name == "p":
        shards = [folder / f"p.data-{number:05d}-of-00002" for number in range(2)]
        return [*shards, folder / "p.index"]
    return [folder / name]


def made(folder: Path, name: str, content: str) -> None:
    """Export a checkpoint whose files, and whose record, all hold one text."""

    def make(path: str) -> None:
        for part in parts(Path(path).parent, name):
            part.write_text(content)

    produce(
        str(folder / name),
        make,
        command="export",
        told=lambda _: {"source": content},
        force=True,
        is_prefix=name == "p",
    )


def asides(folder: Path, name: str) -> list[Path]:
    """What once stood at a name, as whoever looks for it finds it."""
    return [path for path in folder.glob(".ckptsel-old-*") if path.name.endswith(f"-{name}")]


@pytest.mark.parametrize("name", ["b.npz", "b.weights.json", "p"])
def test_a_forced_export(tmp_path: Path, name: str) -> None:
    """The old files are whole, under their names or one that tells it; or the new ones are."""
    for k in itertools.count(1):
        folder = tmp_path / str(k)
        folder.mkdir()
        made(folder, name, "old")
        died = killed_at(k, partial(made, folder, name, "new"))
        found = parts(folder, name)
        is_new = all(part.exists() and part.read_text() == "new" for part in found)
        for part in found:
            places = [part, *asides(folder, part.name)]
            texts = [place.read_text() for place in places if place.exists()]
            assert is_new or "old" in texts, (k, part.name)
        # A reader that finds the file that makes the others count finds one state of all.
        if found[-1].exists():
            assert len({part.read_text() for part in found}) == 1, k
        record = folder / f"{name}.ckptsel.json"
        if record.exists():
            assert found[-1].exists(), k
            assert json.loads(record.read_text())["source"] == found[-1].read_text(), k
        if name == "b.npz":
            assert found[0].exists(), k
        names = os.listdir(folder)
        assert {each for each in names if each.startswith(".ckptsel-")} <= unfinished(names)
        if not died:
            break
    assert is_new
    assert k > len(found)


def test_a_forced_copy(run: Path, tmp_path: Path) -> None:
    """The same for `copy`: there is always a file, and never with the record of another."""
    for k in itertools.count(1):
        out = tmp_path / f"{k}"
        out.mkdir()
        copy(one_file(run, "old.keras", b"old"), f"{out}/b.keras")
        best = one_file(run, "new.keras", b"new")
        died = killed_at(k, partial(copy, best, f"{out}/b.keras", force=True))
        content = (out / "b.keras").read_text()
        record = out / "b.keras.ckptsel.json"
        if record.exists():
            assert json.loads(record.read_text())["source"] == f"../run/{content}.keras"
        if not died:
            break
    assert content == "new"
    assert k > 1


def test_what_a_kill_left_is_told(tmp_path: Path) -> None:
    """It is hidden, and as large as a checkpoint: the next export into the folder says so."""
    assert killed_at(1, lambda: made(tmp_path, "b.npz", "new"))
    (left,) = os.listdir(tmp_path)
    done = produce(
        str(tmp_path / "c.npz"),
        lambda path: Path(path).touch(),
        command="export",
        told=lambda _: {},
    )
    (finding,) = done.findings
    assert finding.code == "left-behind"
    assert left in finding.message


@pytest.mark.parametrize("name", ["a", "x" * 255, "ä" * 127, "\udcff" * 255, "日" * 85])
def test_names_aside_fit(tmp_path: Path, name: str) -> None:
    """Each is new, tells whose it is, and is no longer than a name can be."""
    (tmp_path / name).touch()
    names = {aside_name(str(tmp_path / name)) for _ in range(3)}
    assert len(names) == 3
    for path in names:
        os.rename(tmp_path / name, path)
        os.rename(path, tmp_path / name)
        head, _, kept = os.path.basename(path).removeprefix(".ckptsel-old-").partition("-")
        assert len(head) == 8
        assert kept
        assert name.startswith(kept)
