"""The walk: which folders are entered, what is found in them, and what is said."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from ckptsel import storage
from ckptsel.errors import LocationNotFoundError
from ckptsel.scan import Scan
from tests.folders import make

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ckptsel.grouping import Folder


def paths(folders: Iterable[Folder]) -> list[str]:
    """The checkpoints' paths."""
    return sorted(folder.join(name) for folder in folders for name in folder.names)


def scanned(*locations: str, **options: Any) -> tuple[list[str], Scan]:
    """The checkpoints below the locations, and the scan."""
    scan = Scan(**options)
    return paths(scan.folders(locations)), scan


def said(scan: Scan) -> list[tuple[str, str]]:
    """The findings, as code and path."""
    return [(finding.code, finding.path) for finding in scan.findings]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with checkpoints at three depths."""
    make(tmp_path, "a.h5", "log.csv", "x/b.keras", "x/y/c.ckpt", ".hidden/d.h5", ".e.h5")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "locations, expected",
    [
        (["."], ["./a.h5", "./x/b.keras", "./x/y/c.ckpt"]),
        (["x"], ["x/b.keras", "x/y/c.ckpt"]),
        (["x/"], ["x/b.keras", "x/y/c.ckpt"]),
        (["x//"], ["x/b.keras", "x/y/c.ckpt"]),
        (["./x"], ["./x/b.keras", "./x/y/c.ckpt"]),
        (["a.h5"], ["a.h5"]),
        (["a.h5", "a.h5"], ["a.h5"]),
        (["a.h5", "x/y"], ["a.h5", "x/y/c.ckpt"]),
        (["x", "x/y"], ["x/b.keras", "x/y/c.ckpt"]),
        (["x/y", "x"], ["x/b.keras", "x/y/c.ckpt"]),
        (["*.h5"], ["a.h5"]),
        (["?"], ["x/b.keras", "x/y/c.ckpt"]),
        (["x/*"], ["x/b.keras", "x/y/c.ckpt"]),
        (["**/*.ckpt"], ["x/y/c.ckpt"]),
        # Asked for by name, hidden ones are not hidden.
        ([".hidden"], [".hidden/d.h5"]),
        ([".e.h5"], [".e.h5"]),
        # A glob, the shell's included, is no word for "whatever the suffix".
        (["*"], ["a.h5", "x/b.keras", "x/y/c.ckpt"]),
        (["log.csv"], []),
    ],
)
@pytest.mark.usefixtures("tree")
def test_locations(locations: list[str], expected: list[str]) -> None:
    """Folders, files and globs; paths begin as the user wrote them; nothing is found twice."""
    assert scanned(*locations)[0] == expected


@pytest.mark.parametrize(
    "location, message",
    [
        ("nope", "no such file or folder: 'nope'"),
        ("a.h5/x", "no such file or folder: 'a.h5/x'"),
        ("a.h5/", "no such file or folder: 'a.h5/'"),
        ("", "no such file or folder: ''"),
        ("*.pt", "no file matches the glob '*.pt'"),
        ("n" * 300, f"no such file or folder: '{'n' * 300}'"),
    ],
)
@pytest.mark.usefixtures("tree")
def test_missing_locations(location: str, message: str) -> None:
    """A location that is not there is an error, also beside one that is."""
    with pytest.raises(LocationNotFoundError) as caught:
        scanned(".", location)
    assert caught.value.message == message


def test_a_name_that_looks_like_a_glob(tmp_path: Path) -> None:
    """A location that exists is meant literally, whatever its name looks like."""
    make(tmp_path, "[ab]/w.h5", "a/v.h5", "w*.h5", "w1.h5")
    assert scanned(str(tmp_path / "[ab]"))[0] == [str(tmp_path / "[ab]" / "w.h5")]
    assert scanned(str(tmp_path / "w*.h5"))[0] == [str(tmp_path / "w*.h5")]


@pytest.mark.parametrize(
    "depth, expected",
    [
        (1, ["./a.h5"]),
        (2, ["./a.h5", "./x/b.keras"]),
        (3, ["./a.h5", "./x/b.keras", "./x/y/c.ckpt"]),
        (None, ["./a.h5", "./x/b.keras", "./x/y/c.ckpt"]),
    ],
)
@pytest.mark.usefixtures("tree")
def test_max_depth(depth: int | None, expected: list[str]) -> None:
    """Depth 1 is the location's own entries."""
    assert scanned(".", max_depth=depth)[0] == expected


def test_a_folder_that_is_a_checkpoint_is_an_entry(tmp_path: Path) -> None:
    """At the deepest level, folders are still recognised as checkpoints."""
    root = make(tmp_path, "checkpoint-9/model.safetensors", "saved/saved_model.pb", "x/w.h5")
    assert scanned(root, max_depth=1)[0] == [f"{root}/checkpoint-9", f"{root}/saved"]


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"include": ("*.h5",)}, ["./a.h5"]),
        ({"include": ("*.h5", "*.keras")}, ["./a.h5", "./x/b.keras"]),
        ({"include": ("./x/*",)}, ["./x/b.keras", "./x/y/c.ckpt"]),
        ({"include": ("[bc].*",)}, ["./x/b.keras", "./x/y/c.ckpt"]),
        ({"include": ("nope",)}, []),
        ({"exclude": ("*.h5",)}, ["./x/b.keras", "./x/y/c.ckpt"]),
        ({"exclude": ("x",)}, ["./a.h5"]),
        ({"exclude": ("./x/y",)}, ["./a.h5", "./x/b.keras"]),
        ({"exclude": ("*/b.*",)}, ["./a.h5", "./x/y/c.ckpt"]),
        ({"include": ("*.keras",), "exclude": ("*",)}, []),
    ],
)
@pytest.mark.usefixtures("tree")
def test_include_and_exclude(options: dict[str, Any], expected: list[str]) -> None:
    """Globs match names or paths; an excluded folder is not entered."""
    assert scanned(".", **options)[0] == expected


@pytest.mark.usefixtures("tree")
def test_named_folders_can_be_excluded() -> None:
    """What the shell made of `*` is excluded, too; the current folder never is."""
    assert scanned("a.h5", "x", exclude=("x",))[0] == ["a.h5"]
    assert scanned(".", exclude=(".",))[0] == ["./a.h5", "./x/b.keras", "./x/y/c.ckpt"]


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"include": ("*.index",)}, {"t": 2}),
        ({"include": ("t",)}, {"t": 2}),
        ({"include": ("*.weights.json",)}, {"k.weights.json": 3}),
        ({"exclude": ("*.index",)}, {"k.weights.json": 3}),
        ({"exclude": ("t",)}, {"k.weights.json": 3}),
        ({"exclude": ("*.data-*", "*_0000?.weights.h5")}, {"t": 2, "k.weights.json": 3}),
    ],
)
def test_a_glob_takes_a_checkpoint_as_a_whole(
    tmp_path: Path, options: dict[str, Any], expected: dict[str, int]
) -> None:
    """Options that match one of several files do not tear a checkpoint apart."""
    root = make(
        tmp_path,
        "t.index",
        "t.data-00000-of-00001",
        "k.weights.json",
        "k_00000.weights.h5",
        "k_00001.weights.h5",
    )
    scan = Scan(**options)
    folders = list(scan.folders([root]))
    found = {name: len(folder.files_of(name)) for folder in folders for name in folder.names}
    assert found == expected
    assert scan.findings == []


def test_hidden_entries_are_skipped(tree: Path) -> None:
    """Hidden folders and files are not looked at, at any depth."""
    make(tree, "x/.cache/z.h5", "x/.z.h5")
    assert scanned("x")[0] == ["x/b.keras", "x/y/c.ckpt"]


def test_links_that_lead_round(tmp_path: Path) -> None:
    """Cycles of links end the walk neither with an error nor never."""
    root = make(tmp_path, "a/w.h5", "b/v.h5")
    os.symlink(tmp_path, tmp_path / "a" / "up")
    os.symlink(tmp_path / "b", tmp_path / "a" / "over")
    os.symlink(tmp_path / "a", tmp_path / "b" / "back")
    os.symlink("loop", tmp_path / "loop")
    found, scan = scanned(root)
    assert [os.path.basename(path) for path in found] == ["v.h5", "w.h5"]
    assert scan.findings == []
    assert scan.passed_over == {"a folder seen before": 3}


def test_a_link_to_a_folder_is_followed(tmp_path: Path) -> None:
    """A link to a folder elsewhere is a folder like any other."""
    root = make(tmp_path, "runs/", "elsewhere/w.h5")
    os.symlink(tmp_path / "elsewhere", tmp_path / "runs" / "new")
    assert scanned(f"{root}/runs")[0] == [f"{root}/runs/new/w.h5"]


def test_unfinished_writes_are_said(tmp_path: Path) -> None:
    """Writes that were never completed are findings, and not checkpoints."""
    root = make(
        tmp_path,
        "w.h5",
        "w2.h5.tmp",
        "7/_CHECKPOINT_METADATA",
        "8.orbax-checkpoint-tmp-1700000000/_CHECKPOINT_METADATA",
        "m--val_loss=0.1-epoch=2.ckpt",
        "m--val_loss=0.1-epoch=2-unfinished",
        "d--val_loss=0.1-epoch=3/.metadata",
        "d--val_loss=0.1-epoch=3-unfinished",
    )
    broken = [
        f"{root}/8.orbax-checkpoint-tmp-1700000000",
        f"{root}/d--val_loss=0.1-epoch=3",
        f"{root}/m--val_loss=0.1-epoch=2.ckpt",
        f"{root}/w2.h5.tmp",
    ]
    found, scan = scanned(root)
    assert found == [f"{root}/7", f"{root}/w.h5"]
    assert sorted(said(scan)) == [("unfinished", path) for path in broken]
    assert scan.passed_over == {"an unfinished write": 4}
    # Nor if they are asked for by name, or the marker is filtered out.
    assert scanned(*(f"{root}/{name}" for name in os.listdir(root)))[0] == found
    assert scanned(root, include=("*.ckpt", "d--*"))[0] == []


def test_what_is_excluded_is_not_said(tmp_path: Path) -> None:
    """Nothing is said of what is not asked for."""
    root = make(tmp_path, "w.h5", "w2.h5.tmp", "t.index", "9.orbax-checkpoint-tmp-1/")
    assert scanned(root, exclude=("*.tmp", "*.index", "*orbax*"))[1].findings == []


def test_an_incomplete_checkpoint_is_said(tmp_path: Path) -> None:
    """An index without all its data, or a table without its shards, is a grave finding."""
    root = make(tmp_path, "t.index", "t.data-00001-of-00002", "k.weights.json", "w.h5")
    for locations in ([root], [f"{root}/t", f"{root}/k.weights.json", f"{root}/w.h5"]):
        found, scan = scanned(*locations)
        assert found == [f"{root}/w.h5"]
        assert sorted(said(scan)) == [
            ("incomplete-checkpoint", f"{root}/k.weights.json"),
            ("incomplete-checkpoint", f"{root}/t.index"),
        ]
        assert all(finding.strict for finding in scan.findings)
        messages = " ".join(finding.message for finding in scan.findings)
        assert "1 of 2 of its data files are there" in messages
        assert scan.passed_over == {"an incomplete checkpoint": 2}


@pytest.mark.parametrize("part", ["", ".index", ".data-00000-of-00002", ".data-00001-of-00002"])
def test_a_part_stands_for_the_whole(tmp_path: Path, part: str) -> None:
    """A TensorFlow checkpoint can be asked for by its prefix or by any of its files."""
    files = ["t.index", "t.data-00000-of-00002", "t.data-00001-of-00002", "t.meta"]
    root = make(tmp_path, *files, "t2.index")
    (folder,) = Scan().folders([f"{root}/t{part}"])
    assert folder.names == ["t"]
    assert folder.files_of("t") == tuple(f"{root}/{name}" for name in files)
    (listed,) = Scan().files([f"{root}/t{part}"])
    assert listed.files_of("t") == folder.files_of("t")


def test_a_named_table_has_its_shards(tmp_path: Path) -> None:
    """Keras's sharded weights are whole, too, when only their table is named."""
    root = make(tmp_path, "k.weights.json", "k_00000.weights.h5", "old.ckpt-3", "old.ckpt-3.meta")
    (folder,) = Scan().folders([f"{root}/k.weights.json", f"{root}/old.ckpt-3"])
    assert folder.files_of("k.weights.json")[0] == f"{root}/k_00000.weights.h5"
    assert folder.files_of("old.ckpt-3") == (f"{root}/old.ckpt-3", f"{root}/old.ckpt-3.meta")


def test_lists_of_files(tmp_path: Path) -> None:
    """Listed files, folders of checkpoints and prefixes are found; what is gone is said."""
    root = make(
        tmp_path, "w.h5", "checkpoint-9/model.bin", "t.index", "t.data-00000-of-00001", "x/v.h5"
    )
    listed = ["w.h5", "gone.h5", "checkpoint-9/", "t", "x", "w.h5", "log.txt/"]
    scan = Scan()
    found = paths(scan.files([f"{root}/{name}" for name in listed]))
    assert found == [f"{root}/checkpoint-9", f"{root}/t", f"{root}/w.h5"]
    assert said(scan) == [("vanished", f"{root}/gone.h5"), ("vanished", f"{root}/log.txt")]
    assert all(finding.strict for finding in scan.findings)
    assert scan.passed_over == {"a folder that is no checkpoint": 1}


def test_a_folder_removed_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that vanishes between being listed and being entered is said, and passed over."""
    root = make(tmp_path, "a/w.h5", "b/w.h5", "c/w.h5")
    list_entries = storage.entries

    def racing(folder: str) -> storage.Entries:
        found = list_entries(folder)
        if folder == root:
            shutil.rmtree(tmp_path / "b")
        return found

    monkeypatch.setattr(storage, "entries", racing)
    found, scan = scanned(root)
    assert found == [f"{root}/a/w.h5", f"{root}/c/w.h5"]
    assert said(scan) == [("unreadable-folder", f"{root}/b")]
    assert scan.findings[0].strict
    assert scan.findings[0].message == "cannot be read: No such file or directory"


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="permissions are POSIX's")
@pytest.mark.parametrize("mode", [0o000, 0o444, 0o111])
def test_a_folder_without_permission(tmp_path: Path, mode: int) -> None:
    """A folder that may not be read, or not entered, is said; the others are walked."""
    root = make(tmp_path, "closed/w-val_loss=0.1.h5", "open/w-val_loss=0.2.h5")
    os.chmod(tmp_path / "closed", mode)
    # Root may read everything, so somebody else has to look; pytest's folders are private.
    code = (
        "import os, sys\n"
        "from ckptsel.selection import Query, select\n"
        "os.chdir(sys.argv[1])\n"
        "if os.getuid() == 0:\n"
        "    os.setgroups([])\n"
        "    os.setgid(65534)\n"
        "    os.setuid(65534)\n"
        "found = select(Query(monitor='val_loss'))\n"
        "print([row.checkpoint.path for row in found.rows])\n"
        "print(sorted({(f.code, f.path, f.strict) for f in found.findings}))\n"
    )
    os.chmod(tmp_path, 0o755)
    try:
        result = subprocess.run(
            [sys.executable, "-c", code, root], capture_output=True, text=True, check=True
        )
    finally:
        os.chmod(tmp_path / "closed", 0o755)
    rows, findings = result.stdout.splitlines()
    assert rows == "['./open/w-val_loss=0.2.h5']"
    # Where names can be listed but nothing can be looked at, the file itself is what is said.
    where = {0o444: ("vanished", "./closed/w-val_loss=0.1.h5")}
    expected = where.get(mode, ("unreadable-folder", "./closed"))
    assert findings == repr([(*expected, True)])


def test_progress(tree: Path) -> None:
    """What follows the walk hears a count that never falls, and ends at all entries."""
    counts: list[int] = []
    make(tree, "x/y/more.h5")
    scanned(".", progress=counts.append)
    # a.h5, log.csv, x, .hidden and .e.h5; b and y; c and more.
    assert counts == [5, 7, 9]
