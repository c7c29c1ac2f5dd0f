"""Step folders of Orbax that are unfinished, damaged, or made up by strangers."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from ckptsel.errors import DamagedError
from ckptsel.formats import format_of, open_contents
from ckptsel.formats.orbax.folder import FORMAT
from tests.formats.orbax.samples import DATA, leaf

if TYPE_CHECKING:
    from pathlib import Path


def codes(findings: Any) -> list[str]:
    """The codes of findings."""
    return [finding.code for finding in findings]


def damage(folder: Path) -> list[str]:
    """The codes of the damage in a folder."""
    with FORMAT.open(str(folder)) as contents:
        return codes(contents.damage("full"))


def change(file: Path, **values: Any) -> None:
    """Change some values in a file of JSON."""
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


@pytest.fixture
def ocdbt(tmp_path: Path) -> Path:
    """A step of several items, arrays in a database."""
    shutil.copytree(os.path.join(DATA, "orbax-ocdbt"), tmp_path / "3")
    return tmp_path / "3"


@pytest.fixture
def zarr(tmp_path: Path) -> Path:
    """A step of one tree, arrays in files."""
    shutil.copytree(os.path.join(DATA, "orbax-zarr"), tmp_path / "step")
    return tmp_path / "step"


class TestUnfinished:
    """Folders that Orbax did not come to rename, or to mark."""

    def test_a_temporary_name(self, ocdbt: Path) -> None:
        """The folder's own name says that it is not done."""
        target = ocdbt.with_name("3.orbax-checkpoint-tmp")
        ocdbt.rename(target)
        assert format_of(str(target)) is FORMAT
        assert damage(target) == ["unfinished"]

    def test_a_temporary_item(self, ocdbt: Path) -> None:
        """One of the items is not done."""
        (ocdbt / "state").rename(ocdbt / "state.orbax-checkpoint-tmp")
        assert "unfinished" in damage(ocdbt)

    def test_an_item_without_its_mark(self, ocdbt: Path) -> None:
        """Marks are in use, and one is missing."""
        (ocdbt / "state" / "commit_success.txt").unlink()
        assert damage(ocdbt) == ["unfinished"]

    def test_no_marks_at_all(self, zarr: Path) -> None:
        """Older versions of Orbax wrote none on local disks."""
        (zarr / "commit_success.txt").unlink()
        assert damage(zarr) == []

    def test_no_time_of_the_end(self, zarr: Path) -> None:
        """The metadata know a beginning only."""
        change(zarr / "_CHECKPOINT_METADATA", commit_timestamp_nsecs=None)
        assert damage(zarr) == ["unfinished"]

    def test_no_items(self, ocdbt: Path) -> None:
        """Nothing but metadata was written, as when a save fails early."""
        for item in ("state", "metrics"):
            shutil.rmtree(ocdbt / item)
        assert damage(ocdbt) == ["unfinished", "missing-item", "missing-item"]


def test_a_missing_item(ocdbt: Path) -> None:
    """The metadata name an item that is gone."""
    shutil.rmtree(ocdbt / "metrics")
    assert damage(ocdbt) == ["missing-item"]


@pytest.mark.parametrize("text", [b"", b"\x0c\xdb\x3a\x2a", b"\x0c\xdb\x3a\x2a" + b"\xff" * 40])
def test_a_broken_manifest(ocdbt: Path, text: bytes) -> None:
    """The database's first file is shorter than it says, or none."""
    (ocdbt / "state" / "manifest.ocdbt").write_bytes(text)
    assert damage(ocdbt)[0] == "ocdbt-manifest"


def test_a_missing_array(zarr: Path) -> None:
    """The tree names an array that is gone."""
    shutil.rmtree(zarr / "params.dense.kernel")
    assert damage(zarr) == ["orbax-tree"]
    with open_contents(str(zarr)) as contents, pytest.raises(DamagedError, match="kernel"):
        _ = contents.tensors


@pytest.mark.parametrize("file", ["_METADATA", "_CHECKPOINT_METADATA"])
@pytest.mark.parametrize("text", ["", "[" * 10_000, "[]", '{"a": 1, "a": 1}', "\x00"])
def test_json_that_makes_no_sense(zarr: Path, file: str, text: str) -> None:
    """Broken metadata are damage."""
    (zarr / file).write_text(text)
    assert damage(zarr) == ["orbax-tree"]


@pytest.mark.parametrize(
    "tree",
    [
        [],
        1,
        {"a": 1},
        {"a": {}},
        {"a": leaf()},
        {"a": leaf("a", value_type=1)},
        {"a": {**leaf("a"), "key_metadata": [1]}},
        {"a": leaf("../orbax-zarr/step")},
        {"a": leaf("/etc")},
        {"a": leaf("a\0b")},
        {"a": leaf("", "", "", "etc")},
    ],
)
def test_trees_that_make_no_sense(zarr: Path, tree: object) -> None:
    """A tree is no way out of the folder, and whatever it holds is damage at most."""
    change(zarr / "_METADATA", tree_metadata=tree)
    assert damage(zarr) == ["orbax-tree"]


@pytest.mark.parametrize(
    "values",
    [
        {"shape": [-1]},
        {"shape": [1.5]},
        {"shape": None},
        {"shape": [0, 2**63]},
        {"shape": [1] * 65},
        {"dtype": "<q9"},
        {"dtype": 1},
        {"dtype": [["a", "<f4"]]},
    ],
)
def test_arrays_that_make_no_sense(zarr: Path, values: dict[str, Any]) -> None:
    """An array's metadata are checked before they are used."""
    change(zarr / "step" / ".zarray", **values)
    assert damage(zarr) == ["orbax-tree"]


@pytest.mark.parametrize("shape", [[2**40], [2**28, 2**28], [3] * 30])
def test_an_array_that_claims_to_be_large(zarr: Path, shape: list[int]) -> None:
    """Values that may be left out, because they are all the same, are not made up without end."""
    pytest.importorskip("tensorstore")
    change(zarr / "step" / ".zarray", shape=shape, chunks=[1] * len(shape))
    assert damage(zarr) == []
    with open_contents(str(zarr)) as contents:
        assert [finding.code for finding in contents.dangers()] == ["compression-bomb"]
        with pytest.raises(DamagedError, match="are not read"):
            contents.read(contents.tensors[-1])


def test_odd_facts(zarr: Path) -> None:
    """Times and metrics that make no sense are left out."""
    change(zarr / "_CHECKPOINT_METADATA", commit_timestamp_nsecs=10**40, custom_metadata=[1])
    (zarr / "metrics").mkdir()
    (zarr / "metrics" / "metrics").write_text('{"a": NaN, "b": "x", "c": true, "d": 2}')
    with open_contents(str(zarr)) as contents:
        assert (contents.facts.saved, contents.facts.metrics) == ("", {"d": 2.0})
