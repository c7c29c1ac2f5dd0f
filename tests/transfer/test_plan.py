from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ckptsel.errors import DestinationError, NothingFoundError, UsageError
from ckptsel.transfer.plan import plan_copy, suffix
from tests.transfer.rankings import checkpoint, ranking

if TYPE_CHECKING:
    from pathlib import Path

SHARDED = checkpoint(
    "run/w.weights.json",
    files=("run/w.weights.json", "run/w_00000.weights.h5", "run/w_00001.weights.h5"),
    kind="sharded weights",
)


@pytest.mark.parametrize(
    "dest, expected",
    [
        ("best.keras", "best.keras"),
        ("there", "there/w.keras"),
        ("there/", "there/w.keras"),
        ("new/", "new/w.keras"),
        (".", "./w.keras"),
    ],
)
def test_where_a_copy_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dest: str, expected: str
) -> None:
    """An existing folder, or a final slash, means into it under its own name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    (plan,) = plan_copy(ranking(checkpoint("run/w.keras")), dest)
    assert plan.dest == expected
    assert plan.files == (("run/w.keras", expected),)
    assert plan.findings == ()


@pytest.mark.parametrize(
    "dest, message",
    [
        ("", "is no path"),
        ("nul\0", "is no path"),
        ("missing/best.keras", "'missing' is no folder that exists"),
        ("file/", "'file/' is not a folder"),
        ("file/best.keras", "'file' is no folder that exists"),
        ("broken/", "'broken/' is not a folder"),
    ],
)
def test_a_destination_that_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dest: str, message: str
) -> None:
    """The message names it, and the hint says what to do."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    os.symlink("nowhere", tmp_path / "broken")
    with pytest.raises(DestinationError) as caught:
        plan_copy(ranking(checkpoint("run/w.keras")), dest)
    assert message in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("dest", ["best.h5", "new/best.keras", "best.weights.h5"])
def test_a_new_folder_is_not_called_like_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dest: str
) -> None:
    """With --top, `--to best.h5` means a file; a slash or a folder that is there says otherwise."""
    monkeypatch.chdir(tmp_path)
    found = ranking(checkpoint("run/w.h5"))
    with pytest.raises(DestinationError, match="is called like a checkpoint") as caught:
        plan_copy(found, dest, top=1)
    assert "drop them" in caught.value.hint
    assert plan_copy(found, f"{dest}/", top=1)[0].dest == f"{dest}/w.h5"
    (tmp_path / dest).mkdir(parents=True)
    assert plan_copy(found, dest, top=1)[0].dest == f"{dest}/w.h5"


def test_a_current_folder_that_was_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said in words, and not as a folder without a name; absolute paths go on."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    found = ranking(checkpoint(tmp_path / "w.keras"))
    for dest in ("best.keras", "./best.keras", "new/"):
        with pytest.raises(DestinationError, match="the current folder was removed"):
            plan_copy(found, dest)
    assert plan_copy(found, f"{tmp_path}/best.keras")


def test_the_best_n_need_a_folder(tmp_path: Path) -> None:
    """A file of that name is in the way."""
    (tmp_path / "out").touch()
    with pytest.raises(DestinationError, match="is not a folder"):
        plan_copy(ranking(checkpoint("run/w.keras")), f"{tmp_path}/out", top=1)


def test_less_than_asked_for_is_said() -> None:
    """Three asked for and one there is one, and a finding."""
    plans = plan_copy(ranking(checkpoint("run/w.keras")), "out", top=3)
    assert [plan.dest for plan in plans] == ["out/w.keras"]
    assert [finding.code for finding in plans[0].findings] == ["fewer-than-top"]


def test_top_starts_at_one() -> None:
    """Zero checkpoints are no request."""
    with pytest.raises(UsageError, match="--top 0"):
        plan_copy(ranking(checkpoint("run/w.keras")), "out", top=0)


def test_nothing_ranked_is_nothing_to_copy() -> None:
    """There is no fall-back to a checkpoint without a rank."""
    with pytest.raises(NothingFoundError):
        plan_copy(ranking(), "out/")


def test_equal_names_keep_the_folders_that_tell_them_apart() -> None:
    """Two runs that each wrote best.keras do not meet in one file, and that is said."""
    found = ranking(checkpoint("sweep/a/best.keras"), checkpoint("sweep/b/best.keras"))
    plans = plan_copy(found, "out", top=2)
    assert [plan.dest for plan in plans] == ["out/a/best.keras", "out/b/best.keras"]
    assert [finding.code for finding in plans[0].findings] == ["same-names"]


def test_one_checkpoint_ranked_twice_is_refused() -> None:
    """It cannot be told apart from itself."""
    found = ranking(checkpoint("run/w.keras"), checkpoint("./run/w.keras"))
    with pytest.raises(DestinationError, match="twice"):
        plan_copy(found, "out", top=2)


def test_the_file_that_makes_it_count_comes_last() -> None:
    """Shards before the index, and before the table of contents."""
    prefix = checkpoint("r/c-1", files=("r/c-1.index", "r/c-1.data-0"), kind="tf-checkpoint")
    (plan,) = plan_copy(ranking(prefix), "out/")
    assert plan.files[-1] == ("r/c-1.index", "out/c-1.index")
    (plan,) = plan_copy(ranking(SHARDED), "out/")
    assert plan.files[-1] == ("run/w.weights.json", "out/w.weights.json")


@pytest.mark.parametrize("folder", [".runs", "../runs", "./runs", ".", "..", "/runs", "a.b"])
def test_sharded_weights_from_any_folder(folder: str) -> None:
    """A location that begins with a dot is no suffix of the table's name."""
    names = ("w.weights.json", "w_00000.weights.h5")
    files = [f"{folder}/{name}" for name in names]
    (plan,) = plan_copy(ranking(checkpoint(files[0], files=files)), "out/")
    assert plan.files == tuple((f"{folder}/{name}", f"out/{name}") for name in names[::-1])


def test_sharded_weights_keep_their_name() -> None:
    """Keras finds the shards by names that a copy under another name would break."""
    with pytest.raises(DestinationError, match="under another name") as caught:
        plan_copy(ranking(SHARDED), "best.weights.json")
    assert "slash" in caught.value.hint


@pytest.mark.parametrize(
    "source, dest",
    [
        ("w.weights.h5", "best.h5"),
        ("w.h5", "best.weights.h5"),
        ("w.keras", "best.h5"),
        ("w.keras", "best"),
        ("w.keras", "best-0.95"),
        ("w.h5", "best.H5"),
        ("w", "best.keras"),
        ("w.pt", "best.bin"),
        ("w.pth.tar", "best.tar"),
    ],
)
def test_another_suffix_is_said(source: str, dest: str) -> None:
    """Loaders go by the suffix, so a changed one is a strict finding that names both."""
    (plan,) = plan_copy(ranking(checkpoint(source)), dest)
    (finding,) = plan.findings
    assert (finding.code, finding.strict) == ("suffix-changed", True)
    assert repr(source) in finding.message
    assert repr(dest) in finding.message


@pytest.mark.parametrize("dest, is_said", [("release", True), ("best.h5", False)])
def test_a_folder_may_have_been_meant(dest: str, *, is_said: bool) -> None:
    """`--to release` writes a file; whoever meant a folder is told how to say so."""
    (plan,) = plan_copy(ranking(checkpoint("w.keras")), dest)
    message = plan.findings[0].message
    assert message.endswith("; to copy into a folder, end it with /") is is_said


def test_keras_is_named_where_it_would_fail() -> None:
    """The reason is Keras's habit for its own suffixes, and a general one for others."""
    (keras,) = plan_copy(ranking(checkpoint("w.weights.h5")), "best.h5")
    (other,) = plan_copy(ranking(checkpoint("w.pt")), "best.bin")
    assert "Keras chooses" in keras.findings[0].message
    assert "Keras" not in other.findings[0].message


@pytest.mark.parametrize(
    "source, dest",
    [
        ("w.keras", "best.keras"),
        ("w.weights.h5", "best.weights.h5"),
        ("acc-0.95", "best"),
        ("acc-0.95", "best-0.99"),
        ("model.onnx", "best.onnx"),
    ],
)
def test_the_same_suffix_is_not_worth_a_word(source: str, dest: str) -> None:
    """Digits after a point are a value, not a suffix."""
    assert plan_copy(ranking(checkpoint(source)), dest)[0].findings == ()


@pytest.mark.parametrize(
    "dest, codes", [("best", []), ("best-1.5", []), ("best.h5", ["suffix-changed"])]
)
def test_a_prefix_may_be_called_anything_but_a_keras_file(dest: str, codes: list[str]) -> None:
    """TensorFlow takes any prefix; a loader takes `best.h5` for HDF5."""
    prefix = checkpoint("model.ckpt-5", files=("model.ckpt-5.index",), kind="tf-checkpoint")
    (plan,) = plan_copy(ranking(prefix), dest)
    assert [finding.code for finding in plan.findings] == codes


@pytest.mark.parametrize(
    "path, expected",
    [
        ("a.weights.h5", ".weights.h5"),
        ("a/b.h5", ".h5"),
        ("b.pth.tar", ".pth.tar"),
        ("epoch=1-val_loss=0.5.ckpt", ".ckpt"),
        ("a.d/b", ""),
        ("acc-0.95", ""),
        ("x.tflite", ".tflite"),
    ],
)
def test_suffixes_are_whole(path: str, expected: str) -> None:
    """The longest that a loader would look at."""
    assert suffix(path) == expected
