"""What is made anew appears as a whole, with its record, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ckptsel.errors import CopyError, DestinationError, StrictError
from ckptsel.transfer.export import export as exported
from ckptsel.transfer.produce import Produced, check_destination, produce
from tests.conversion.made import weights

if TYPE_CHECKING:
    from collections.abc import Callable


def write(*names: str) -> Callable[[str], None]:
    """Something that writes a file for each ending of the name."""

    def make(path: str) -> None:
        for name in names:
            with open(path + name, "x", encoding="ascii") as file:
                file.write("new")

    return make


def export(
    dest: Path, make: Callable[[str], None], *, force: bool = False, is_prefix: bool = False
) -> Produced:
    """Produce something that was exported from `a`."""
    return produce(
        str(dest),
        make,
        command="export",
        told=lambda _: {"source": "a"},
        force=force,
        is_prefix=is_prefix,
    )


def listed(folder: Path) -> list[str]:
    """All names in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_a_file_and_its_record(tmp_path: Path) -> None:
    """The file stands at its name, and beside it what was told."""
    made = export(tmp_path / "b.npz", write(""))
    assert listed(tmp_path) == ["b.npz", "b.npz.ckptsel.json"]
    assert (tmp_path / "b.npz").read_text() == "new"
    assert made.files == (("b.npz", 3),)
    record = json.loads((tmp_path / "b.npz.ckptsel.json").read_text())
    assert (record["command"], record["source"]) == ("export", "a")
    assert record["files"] == [{"name": "b.npz", "size_bytes": 3, "sha256": None}]
    assert "exported_at" in record


def test_a_prefix_replaces_older_shards(tmp_path: Path) -> None:
    """With force, no shard of what stood there stays; TensorFlow's state file names the prefix."""
    for name in ("p.index", "p.data-00000-of-00002", "p.data-00001-of-00002"):
        (tmp_path / name).write_text("old")
    make = write(".index", ".data-00000-of-00001")
    made = export(tmp_path / "p", make, force=True, is_prefix=True)
    assert listed(tmp_path) == [
        "checkpoint", "p.ckptsel.json", "p.data-00000-of-00001", "p.index"
    ]  # fmt: skip
    assert made.state_file == str(tmp_path / "checkpoint")
    assert '"p"' in (tmp_path / "checkpoint").read_text()


def test_nothing_stays_of_what_failed(tmp_path: Path) -> None:
    """Where making or checking fails, what stood there is untouched, and no temporary is left."""
    (tmp_path / "b").write_text("old")

    def fail(_: str) -> None:
        raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input"):
        export(tmp_path / "b", fail, force=True)
    with pytest.raises(OSError, match="Input"):
        produce(
            str(tmp_path / "b"), write(""), command="export", told=lambda _: {}, check=fail,
            force=True,
        )  # fmt: skip
    with pytest.raises(DestinationError, match="exists already"):
        export(tmp_path / "b", write(""))
    assert listed(tmp_path) == ["b"]
    assert (tmp_path / "b").read_text() == "old"


@pytest.mark.parametrize(
    ("dest", "error"),
    [
        ("a", "exists already"),
        ("gone/b", "is no folder"),
        ("", "no path"),
        (".", "no path"),
        ("d", "is a folder|exists already"),
    ],
)
def test_destinations_are_looked_at_first(tmp_path: Path, dest: str, error: str) -> None:
    """What cannot be written is refused before anything is made."""
    (tmp_path / "a").write_text("old")
    (tmp_path / "d").mkdir()
    path = str(tmp_path / dest) if dest not in ("", ".") else dest
    with pytest.raises(DestinationError, match=error):
        check_destination(path, [], 0, force=False)


def test_a_source_is_never_the_destination(tmp_path: Path) -> None:
    """Not even by force; and a source that is gone is an error of its own."""
    (tmp_path / "a").write_text("old")
    with pytest.raises(DestinationError, match="itself"):
        check_destination(str(tmp_path / "a"), [str(tmp_path / "a")], 0, force=True)
    with pytest.raises(CopyError):
        check_destination(str(tmp_path / "b"), [str(tmp_path / "gone")], 0, force=True)


def test_a_name_that_leaves_no_room_for_a_record(tmp_path: Path) -> None:
    """It is said before anything is made, and is no error but under `--strict`."""
    source = weights(tmp_path / "w.weights.h5", {"layers/dense/vars/0": np.ones(2, "f4")})
    dest = str(tmp_path / ("x" * 246 + ".npz"))
    with pytest.raises(StrictError, match="so long that no record"):
        exported(source, dest, strict=True)
    assert not Path(dest).exists()
    done = exported(source, dest)
    assert [each.code for each in done.findings] == ["no-record"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["w.weights.h5", Path(dest).name]
    with pytest.raises(DestinationError, match="too long"):
        exported(source, str(tmp_path / ("x" * 252 + ".npz")))
