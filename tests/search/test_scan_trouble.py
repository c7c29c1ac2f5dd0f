"""The walk in trouble: links that lead round, unfinished writes, unreadable folders, races."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ckptsel import storage
from tests.folders import make
from tests.scanning import said, scanned

if TYPE_CHECKING:
    from pathlib import Path


def test_links_that_lead_round(tmp_path: Path) -> None:
    """Cycles of links end the walk neither with an error nor never."""
    root = make(tmp_path, "a/w.h5", "b/v.h5")
    os.symlink(tmp_path, tmp_path / "a" / "up")
    os.symlink(tmp_path / "b", tmp_path / "a" / "over")
    os.symlink(tmp_path / "a", tmp_path / "b" / "back")
    os.symlink("loop", tmp_path / "loop")
    found, scan = scanned(root)
    assert [os.path.basename(path) for path in found] == ["w.h5", "v.h5"]
    assert scan.findings == []
    # Only the link to itself leads nowhere.
    assert scan.passed_over == {"no regular file": 1}


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


def test_a_trainers_folder_without_weights(tmp_path: Path) -> None:
    """As where git has left out what is large: it is no checkpoint, and that is said."""
    root = make(tmp_path, "checkpoint-1/trainer_state.json", "checkpoint-1/tokenizer.json")
    make(tmp_path, "checkpoint-2/trainer_state.json", "checkpoint-2/model.safetensors")
    make(tmp_path, "checkpoint-3/trainer_state.json", "checkpoint-3/global_step3/")
    found, scan = scanned(root)
    assert [os.path.basename(path) for path in found] == ["checkpoint-2", "checkpoint-3"]
    (finding,) = scan.findings
    assert (finding.code, finding.strict) == ("incomplete-checkpoint", True)
    assert finding.path.endswith("checkpoint-1")


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
