"""The state file, written for TensorFlow's own reader."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

import pytest

from ckptsel.search.query import Query
from ckptsel.selection import select
from ckptsel.transfer.copy import CopiedFile, copy
from tests.transfer.rankings import checkpoint, contents, ranking, tensorflow_like

if TYPE_CHECKING:
    from pathlib import Path


PATTERN = "ckpt-{epoch:02d}-{val_loss:.2f}"


@pytest.fixture(scope="module")
def tf() -> Any:
    """TensorFlow, which takes seconds to import."""
    return pytest.importorskip("tensorflow")


def save(tf: Any, prefix: Path, value: float) -> None:
    """A real checkpoint of one variable."""
    tf.train.Checkpoint(v=tf.Variable([value])).write(str(prefix))


def load(tf: Any, prefix: str) -> float:
    """The variable's value."""
    reader = tf.train.load_checkpoint(prefix)
    return float(reader.get_tensor("v/.ATTRIBUTES/VARIABLE_VALUE")[0])


def test_latest_checkpoint_finds_the_best(tf: Any, run: Path, out: Path) -> None:
    """The whole road with real files: found, ranked, copied, found again, read."""
    for epoch, loss in ((1, 0.5), (2, 0.25), (3, 0.75)):
        save(tf, run / f"ckpt-{epoch:02d}-{loss:.2f}", loss)
    found = select(Query(locations=(str(run),), monitor="val_loss", patterns=(PATTERN,)))
    (copied,) = copy(found, f"{out}/best")
    assert copied.findings == ()
    assert tf.train.latest_checkpoint(str(out)) == f"{out}/best"
    assert load(tf, f"{out}/best") == 0.25


def test_of_the_best_n_the_best_is_the_latest(tf: Any, run: Path, out: Path) -> None:
    """All are listed, and the best is the one that TensorFlow returns."""
    for epoch, loss in ((1, 0.5), (2, 0.25), (3, 0.75)):
        save(tf, run / f"ckpt-{epoch:02d}-{loss:.2f}", loss)
    found = select(Query(locations=(str(run),), monitor="val_loss", patterns=(PATTERN,)))
    copy(found, str(out), top=2)
    assert tf.train.latest_checkpoint(str(out)) == f"{out}/ckpt-02-0.25"
    state = tf.train.get_checkpoint_state(str(out))
    assert list(state.all_model_checkpoint_paths) == [f"{out}/ckpt-01-0.50", f"{out}/ckpt-02-0.25"]


@pytest.mark.parametrize(
    "name", ["plain", 'quo"te', "new\nline", "-dash", "dé", "st*r", "q?", "checkpoint", "x" * 235]
)
def test_names_are_written_as_tensorflow_reads_them(
    tf: Any, run: Path, out: Path, name: str
) -> None:
    """Quotes, newlines and letters of all alphabets come through the text proto."""
    save(tf, run / "ckpt-1", 0.5)
    files = [f"{run}/ckpt-1.index", f"{run}/ckpt-1.data-00000-of-00001"]
    copy(ranking(checkpoint(run / "ckpt-1", files=files, kind="tf-checkpoint")), f"{out}/{name}")
    assert tf.train.latest_checkpoint(str(out)) == f"{out}/{name}"
    assert load(tf, f"{out}/{name}") == 0.5


@pytest.mark.parametrize("name", ["a[red]", "back\\slash", os.fsdecode(b"\xff")])
def test_names_that_latest_checkpoint_cannot_find(run: Path, out: Path, name: str) -> None:
    """It takes names for globs and for UTF-8; where that fails it is said, and none written."""
    (copied,) = copy(ranking(tensorflow_like(run / "ckpt-1")), f"{out}/{name}")
    assert [finding.code for finding in copied.findings] == ["no-state-file"]
    assert not (out / "checkpoint").exists()


def test_why_some_names_get_no_state_file(tf: Any, out: Path) -> None:
    """TensorFlow itself does not find a name with a bracket: the rule is not made up."""
    save(tf, out / "a[red]", 0.5)
    (out / "checkpoint").write_text('model_checkpoint_path: "a[red]"\n')
    assert tf.train.latest_checkpoint(str(out)) is None


def test_the_state_file_is_told(run: Path, out: Path) -> None:
    """It is one of the files of the best TensorFlow checkpoint of its folder, with its hash."""
    (run / "w.keras").touch()
    found = ranking(
        checkpoint(run / "w.keras"), tensorflow_like(run / "a"), tensorflow_like(run / "b")
    )
    copies = copy(found, f"{out}/", top=3, sha256=True)
    assert [copied.state_file for copied in copies] == ["", f"{out}/checkpoint", ""]
    content = (out / "checkpoint").read_bytes()
    assert copies[1].files[-1] == CopiedFile(
        "checkpoint", len(content), hashlib.sha256(content).hexdigest()
    )
    assert [len(copied.files) for copied in copies] == [1, 3, 2]


@pytest.mark.parametrize("force", [False, True])
def test_a_pipe_called_checkpoint_stays(run: Path, out: Path, *, force: bool) -> None:
    """It is neither read, which would wait for ever, nor replaced."""
    os.mkfifo(out / "checkpoint")
    (copied,) = copy(ranking(tensorflow_like(run / "ckpt-1")), f"{out}/best", force=force)
    assert [finding.code for finding in copied.findings] == ["state-file-kept"]
    assert "is no regular file" in copied.findings[0].message
    assert (out / "checkpoint").is_fifo()


def test_a_new_folder_gets_a_state_file(run: Path, out: Path) -> None:
    """Folder, checkpoint and state file appear together."""
    copy(ranking(tensorflow_like(run / "ckpt-1")), f"{out}/new/")
    assert (out / "new" / "checkpoint").read_text().startswith('model_checkpoint_path: "ckpt-1"\n')


def test_the_state_file_of_another_is_kept(run: Path, out: Path) -> None:
    """It belongs to whoever wrote it; that it names another is said."""
    (out / "checkpoint").write_text('model_checkpoint_path: "ckpt-9"\n')
    (copied,) = copy(ranking(tensorflow_like(run / "ckpt-1")), f"{out}/best")
    assert [(found.code, found.strict) for found in copied.findings] == [("state-file-kept", False)]
    assert (out / "checkpoint").read_text() == 'model_checkpoint_path: "ckpt-9"\n'


def test_force_replaces_the_state_file(run: Path, out: Path) -> None:
    """Asked to replace, it names the copy."""
    (out / "checkpoint").write_text('model_checkpoint_path: "ckpt-9"\n')
    (copied,) = copy(ranking(tensorflow_like(run / "ckpt-1")), f"{out}/best", force=True)
    assert copied.findings == ()
    assert (out / "checkpoint").read_text() == (
        'model_checkpoint_path: "best"\nall_model_checkpoint_paths: "best"\n'
    )


@pytest.mark.parametrize("spelling", ["best", "{out}/best", "./best"])
def test_a_state_file_that_names_the_copy_is_left_alone(
    run: Path, out: Path, spelling: str
) -> None:
    """It says what is wanted already, with whatever else is in it."""
    state = f'model_checkpoint_path: "{spelling.format(out=out)}"\nlast_preserved_timestamp: 1.5\n'
    (out / "checkpoint").write_text(state)
    (copied,) = copy(ranking(tensorflow_like(run / "ckpt-1")), f"{out}/best")
    assert copied.findings == ()
    assert (out / "checkpoint").read_text() == state


@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"model_checkpoint_path: best"])
def test_a_state_file_that_is_none(run: Path, out: Path, content: bytes) -> None:
    """Whatever is called `checkpoint` is not overwritten unasked."""
    (out / "checkpoint").write_bytes(content)
    (copied,) = copy(ranking(tensorflow_like(run / "ckpt-1")), f"{out}/best")
    assert [finding.code for finding in copied.findings] == ["state-file-kept"]
    assert contents(out)["checkpoint"] == content


def test_a_folder_called_checkpoint_stays(run: Path, out: Path) -> None:
    """Even with force, no folder gives way to the state file."""
    (out / "checkpoint").mkdir()
    (copied,) = copy(ranking(tensorflow_like(run / "ckpt-1")), f"{out}/best", force=True)
    assert [finding.code for finding in copied.findings] == ["state-file-kept"]
    assert (out / "checkpoint").is_dir()


def test_a_checkpoint_of_one_file_can_have_the_state_files_name(run: Path, out: Path) -> None:
    """TensorFlow 1's format knows such; the checkpoint comes first."""
    (run / "checkpoint").write_text("weights")
    found = ranking(checkpoint(run / "checkpoint", kind="tf-checkpoint-v1"))
    (copied,) = copy(found, f"{out}/")
    assert [finding.code for finding in copied.findings] == ["no-state-file"]
    assert (out / "checkpoint").read_text() == "weights"


def test_no_other_kind_gets_a_state_file(run: Path, out: Path) -> None:
    """It would mean nothing beside a .keras file."""
    (run / "w.keras").touch()
    copy(ranking(checkpoint(run / "w.keras")), f"{out}/")
    assert not (out / "checkpoint").exists()
