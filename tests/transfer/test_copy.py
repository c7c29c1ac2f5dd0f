from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING

import pytest

from ckptsel.errors import DestinationError
from ckptsel.transfer.copy import copy
from tests.transfer.rankings import checkpoint, contents, one_file, ranking, tensorflow_like

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_copied_byte_for_byte(run: Path, out: Path) -> None:
    """The copy has the bytes of the best, and a record beside it; no temporary stays."""
    content = bytes(range(256)) * 10_000
    (copied,) = copy(one_file(run, content=content), f"{out}/best.keras")
    assert (out / "best.keras").read_bytes() == content
    assert sorted(os.listdir(out)) == ["best.keras", "best.keras.ckptsel.json"]
    assert copied.dest == f"{out}/best.keras"
    assert copied.record == f"{out}/best.keras.ckptsel.json"
    assert [(file.name, file.size_bytes) for file in copied.files] == [("best.keras", 2_560_000)]


def test_an_empty_file_is_a_file(run: Path, out: Path) -> None:
    """Nothing to read is no reason to fail; whether it loads is for verify to say."""
    copy(one_file(run, content=b""), f"{out}/best.keras")
    assert (out / "best.keras").read_bytes() == b""


def test_permissions_come_along(run: Path, out: Path) -> None:
    """As with cp, the copy of a private file is private."""
    found = one_file(run)
    os.chmod(found.rows[0].checkpoint.path, 0o600)
    copy(found, f"{out}/best.keras")
    assert (out / "best.keras").stat().st_mode & 0o777 == 0o600


def test_a_link_is_copied_as_what_it_leads_to(run: Path, out: Path) -> None:
    """`best.keras -> w.03.keras` gives a file of its own."""
    one_file(run, content=b"real")
    os.symlink("w.03-0.5.keras", run / "best.keras")
    copy(ranking(checkpoint(run / "best.keras")), f"{out}/")
    assert not (out / "best.keras").is_symlink()
    assert (out / "best.keras").read_bytes() == b"real"


def test_a_folder_is_copied_with_all_in_it(run: Path, out: Path) -> None:
    """Links are resolved, as in a Hugging Face cache, and empty folders kept."""
    source = run / "checkpoint-500"
    (source / "empty").mkdir(parents=True)
    (source / "config.json").write_text("{}")
    (run / "blob").write_text("blob")
    os.symlink("../blob", source / "model.safetensors")
    (copied,) = copy(ranking(checkpoint(source)), f"{out}/best")
    assert contents(out / "best") == {"config.json": b"{}", "model.safetensors": b"blob"}
    assert (out / "best" / "empty").is_dir()
    assert [file.name for file in copied.files] == ["best/config.json", "best/model.safetensors"]


def test_all_files_of_a_prefix_get_the_new_name(run: Path, out: Path) -> None:
    """Index and shards stay together under the new prefix."""
    copy(ranking(tensorflow_like(run / "ckpt-3", shards=2)), f"{out}/best")
    found = contents(out)
    assert found["best.index"] == b"ckpt-3.index"
    assert found["best.data-00000-of-00002"] == b"ckpt-3.data-00000-of-00002"
    assert found["best.data-00001-of-00002"] == b"ckpt-3.data-00001-of-00002"


def test_the_best_n_go_into_a_new_folder(run: Path, out: Path) -> None:
    """The folder and those above it are created; names are kept."""
    paths = [run / name for name in ("a.keras", "b.keras", "c.keras")]
    for path in paths:
        path.write_text(path.name)
    copies = copy(ranking(*map(checkpoint, paths)), f"{out}/new/best", top=2)
    assert [copied.dest for copied in copies] == [
        f"{out}/new/best/a.keras",
        f"{out}/new/best/b.keras",
    ]
    assert (out / "new" / "best" / "b.keras").read_text() == "b.keras"


def test_nothing_is_overwritten(run: Path, out: Path) -> None:
    """An existing destination is an error that says how to replace it."""
    (out / "best.keras").write_text("precious")
    with pytest.raises(DestinationError, match="exists already") as caught:
        copy(one_file(run), f"{out}/best.keras")
    assert "--force" in caught.value.hint
    assert contents(out) == {"best.keras": b"precious"}


def test_an_existing_record_is_not_overwritten(run: Path, out: Path) -> None:
    """The record belongs to the copy: where only it is there, nothing is written."""
    (out / "best.keras.ckptsel.json").write_text("{}")
    with pytest.raises(DestinationError, match=r"ckptsel\.json' exists already"):
        copy(one_file(run), f"{out}/best.keras")
    assert contents(out) == {"best.keras.ckptsel.json": b"{}"}


def test_force_replaces_a_file_and_its_record(run: Path, out: Path) -> None:
    """Both are new afterwards, and the old ones are gone."""
    (out / "best.keras").write_text("old")
    (out / "best.keras.ckptsel.json").write_text("old")
    copy(one_file(run), f"{out}/best.keras", force=True)
    assert (out / "best.keras").read_bytes() == b"weights"
    assert json.loads((out / "best.keras.ckptsel.json").read_text())["command"] == "copy"
    assert len(os.listdir(out)) == 2


def test_force_replaces_a_link_and_not_what_it_leads_to(run: Path, out: Path) -> None:
    """A destination that is a link becomes a file; the file it led to stays as it was."""
    (run / "other").write_text("other")
    os.symlink(run / "other", out / "best.keras")
    copy(one_file(run), f"{out}/best.keras", force=True)
    assert not (out / "best.keras").is_symlink()
    assert (run / "other").read_text() == "other"


def test_force_replaces_a_folder(run: Path, out: Path) -> None:
    """Files that only the old folder had do not end up in the new one."""
    source = run / "step"
    source.mkdir()
    (source / "new").touch()
    (out / "step").mkdir()
    (out / "step" / "old").touch()
    copy(ranking(checkpoint(source)), f"{out}/", force=True)
    assert os.listdir(out / "step") == ["new"]
    assert sorted(os.listdir(out)) == ["step", "step.ckptsel.json"]


def test_force_leaves_no_shard_of_the_old_one(run: Path, out: Path) -> None:
    """Three old shards and one new would be taken for one checkpoint of four."""
    tensorflow_like(out / "best", shards=3)
    new = ranking(tensorflow_like(run / "ckpt-3"))
    with pytest.raises(DestinationError, match="exists already"):
        copy(new, f"{out}/best")
    copy(new, f"{out}/best", force=True)
    assert sorted(name for name in os.listdir(out) if ".data-" in name) == [
        "best.data-00000-of-00001"
    ]


def test_force_does_not_replace_a_file_by_a_folder(run: Path, out: Path) -> None:
    """What is there is of another kind, so it is probably not meant."""
    (run / "step").mkdir()
    (out / "step").write_text("a file")
    with pytest.raises(DestinationError, match="is no folder, and the copy is one"):
        copy(ranking(checkpoint(run / "step")), f"{out}/step", force=True)
    assert contents(out) == {"step": b"a file"}


def test_a_dry_run_writes_nothing_and_answers_the_same(run: Path, out: Path) -> None:
    """Its answer is that of the copy; not even the folder is created."""
    found = one_file(run)
    planned = copy(found, f"{out}/new/", dry_run=True)
    assert os.listdir(out) == []
    assert copy(found, f"{out}/new/") == planned


def test_a_dry_run_finds_what_would_fail(run: Path, out: Path) -> None:
    """An existing destination is found without writing."""
    (out / "best.keras").touch()
    with pytest.raises(DestinationError, match="exists already"):
        copy(one_file(run), f"{out}/best.keras", dry_run=True)


def test_hashes_are_those_of_the_bytes(run: Path, out: Path) -> None:
    """With sha256, the answer and the record hold what sha256sum says."""
    (copied,) = copy(one_file(run), f"{out}/best.keras", sha256=True)
    expected = hashlib.sha256(b"weights").hexdigest()
    assert copied.files[0].sha256 == expected
    assert json.loads((out / "best.keras.ckptsel.json").read_text())["files"] == [
        {"name": "best.keras", "size_bytes": 7, "sha256": expected}
    ]


def test_progress_counts_every_byte(run: Path, out: Path) -> None:
    """The numbers add up to the size."""
    seen: list[int] = []
    copy(one_file(run, content=b"x" * 3_000_000), f"{out}/best.keras", on_bytes=seen.append)
    assert sum(seen) == 3_000_000
    assert len(seen) > 1


@pytest.mark.parametrize(
    "name",
    [
        "new\nline.keras",
        "\x1b[31mred.keras",
        "[red]x[bold].keras",
        "-rf.keras",
        "--force",
        " .keras",
        os.fsdecode(b"\xff\xfe.keras"),
        "é" * 115 + ".keras",
    ],
)
def test_awkward_names_are_names(run: Path, out: Path, name: str) -> None:
    """Whatever a file system takes for a name is copied, and recorded as it is."""
    found = one_file(run, name)
    (copied,) = copy(found, f"{out}/")
    assert sorted(os.listdir(out)) == sorted([name, name + ".ckptsel.json"])
    record = json.loads((out / (name + ".ckptsel.json")).read_text("ascii"))
    assert os.path.normpath(out / record["source"]) == found.rows[0].checkpoint.path
    assert copied.files[0].name == name


def test_a_name_of_255_bytes_is_copied_without_a_record(run: Path, out: Path) -> None:
    """The temporary name is short enough; the record's name would not be, which is said."""
    name = "x" * 249 + ".keras"
    (copied,) = copy(one_file(run, name), f"{out}/")
    assert os.listdir(out) == [name]
    assert copied.record == ""
    assert [(finding.code, finding.strict) for finding in copied.findings] == [("no-record", True)]


def test_paths_may_be_relative(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bare name goes into the working directory, with a leading dash or without."""
    monkeypatch.chdir(run)
    (run / "w.keras").write_text("weights")
    copy(ranking(checkpoint("w.keras")), "-best.keras")
    assert (run / "-best.keras").read_text() == "weights"
    assert json.loads((run / "-best.keras.ckptsel.json").read_text())["source"] == "w.keras"
