"""The walk: which folders are entered, and what is found in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ckptsel.errors import LocationNotFoundError
from ckptsel.search.scan import Scan
from tests.folders import make
from tests.scanning import paths, said, scanned

if TYPE_CHECKING:
    from pathlib import Path


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


def test_progress(tree: Path) -> None:
    """What follows the walk hears a count that never falls, and ends at all entries."""
    counts: list[int] = []
    make(tree, "x/y/more.h5")
    scanned(".", progress=counts.append)
    # a.h5, log.csv, x, .hidden and .e.h5; b and y; c and more.
    assert counts == [5, 7, 9]
