"""How sure an answer is: what logs and names leave open."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.folders import make, write_csv
from tests.which.asking import ask, codes, said, value

if TYPE_CHECKING:
    from pathlib import Path


def fill(folder: Path) -> None:
    """Write into each file its own name, all at one time."""
    for path in folder.iterdir():
        path.write_text(path.name)
        os.utime(path, (1e9, 1e9))


def test_a_log_that_two_models_share(tmp_path: Path) -> None:
    """The epoch is certain; whose the values are, is not."""
    make(tmp_path, *(f"{model}_0{n}.keras" for model in ("resnet", "vgg") for n in (1, 2, 3)))
    fill(tmp_path)
    write_csv(tmp_path / "log.csv", 0.3, 0.2, 0.1)
    answer = ask(tmp_path / "resnet_02.keras")
    assert (answer.sure, answer.values_sure) == ("certain", "likely")
    assert codes(answer) == ["log-shared"]


def test_files_that_were_not_saved_in_the_order_of_epochs(tmp_path: Path) -> None:
    """Some may be of an earlier training than the log."""
    make(tmp_path, *(f"w.0{n}.keras" for n in range(1, 7)))
    fill(tmp_path)
    for n in (4, 5, 6):
        os.utime(tmp_path / f"w.0{n}.keras", (1e8 + n, 1e8 + n))
    write_csv(tmp_path / "log.csv", *(1 / n for n in range(1, 7)))
    answer = ask(tmp_path / "w.05.keras")
    assert (answer.sure, answer.values_sure) == ("certain", "likely")
    assert codes(answer) == ["log-out-of-order"]


def saved(folder: Path, *, mtime_ns: int, content: bytes, sha256: bool) -> None:
    """A log with a line about `best.keras`, of two, and both of them."""
    lines = []
    for name, epoch in (("best.keras", 7), ("last.keras", 9)):
        line = {"schema": 1, "event": "saved", "file": name, "epoch": epoch, "step": 10 * epoch}
        line |= {"metrics": {"loss": 0.5}, "size_bytes": 5, "mtime_ns": mtime_ns}
        if sha256:
            line["sha256"] = hashlib.sha256(content).hexdigest()
        lines.append(json.dumps(line))
    (folder / "best.keras").write_bytes(b"first")
    (folder / "last.keras").write_bytes(b"final")
    shutil.copy(folder / "best.keras", folder / "copy.keras")
    (folder / "ckptsel.jsonl").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("name", ["best.keras", "copy.keras"])
def test_a_line_about_a_file_of_another_time(tmp_path: Path, name: str) -> None:
    """Without its SHA-256 the epoch is likely, of the file and of its copy; with it, certain."""
    saved(tmp_path, mtime_ns=1, content=b"first", sha256=False)
    answer = ask(tmp_path / name)
    assert (answer.epoch, answer.sure, answer.values_sure) == (7, "likely", "likely")
    assert "log-unconfirmed" in codes(answer)
    saved(tmp_path, mtime_ns=1, content=b"first", sha256=True)
    answer = ask(tmp_path / name)
    assert (answer.epoch, answer.sure, answer.values_sure) == (7, "certain", "certain")
    assert answer.findings == ()


@pytest.mark.parametrize("name", ["best.keras", "copy.keras"])
def test_a_line_about_other_bytes(tmp_path: Path, name: str) -> None:
    """It is about another file of that name, and tells no epoch of this one or its copy."""
    saved(tmp_path, mtime_ns=1, content=b"other", sha256=True)
    answer = ask(tmp_path / name)
    assert (answer.epoch, answer.sure) == (None, "unknown")
    assert ("log-other-file" in codes(answer)) == (name == "best.keras")


def test_a_line_whose_file_has_its_time(tmp_path: Path) -> None:
    """That another file of the log is doubted makes this one no less sure."""
    saved(tmp_path, mtime_ns=1, content=b"", sha256=False)
    os.utime(tmp_path / "best.keras", ns=(1, 1))
    assert (ask(tmp_path / "best.keras").sure, ask(tmp_path / "last.keras").sure) == (
        "certain",
        "likely",
    )


@pytest.mark.parametrize(
    ("names", "sure"),
    [
        (("unet_256.h5", "unet_512.h5"), "likely"),
        (("unet_256.h5", "unet_257.h5"), "likely"),
        (("w.05.h5", "w.06.h5", "w.07.h5"), "certain"),
        (("w.03.h5", "w.04.h5", "w.05.h5", "w.09.h5"), "certain"),
        (("w.05.h5", "w.10.h5", "w.15.h5"), "likely"),
        (("unet_epoch256.h5", "unet_epoch512.h5"), "certain"),
    ],
)
def test_a_number_without_a_label(tmp_path: Path, names: tuple[str, ...], sure: str) -> None:
    """It may be a size; successive ones are counted. So it is for a copy of such a file."""
    make(tmp_path, *names)
    fill(tmp_path)
    shutil.copy(tmp_path / names[0], tmp_path / "best.h5")
    assert ask(tmp_path / names[0]).sure == sure
    answer = ask(tmp_path / "best.h5")
    assert (answer.evidence[0].how, answer.sure, answer.values_sure) == ("same bytes", sure, sure)


def test_a_number_without_a_label_and_the_same_bytes(tmp_path: Path) -> None:
    """A copy of a checkpoint whose epoch is certain is that, whatever its own number may mean."""
    make(tmp_path, "unet_256.h5", "unet_512.h5", "epoch=4-a=1.h5", "epoch=7-a=1.h5")
    fill(tmp_path)
    shutil.copy(tmp_path / "epoch=4-a=1.h5", tmp_path / "unet_256.h5")
    answer = ask(tmp_path / "unet_256.h5")
    assert (answer.sure, answer.epoch) == ("certain", 4)
    assert [each.how for each in answer.evidence] == ["same bytes", "name"]
    shutil.copy(tmp_path / "unet_512.h5", tmp_path / "unet_256.h5")
    answer = ask(tmp_path / "unet_256.h5")
    assert (answer.sure, answer.epoch) == ("unknown", None)
    assert "epoch 256 by its name, 512 by the same bytes as" in answer.findings[-1].message


def test_a_number_without_a_label_that_a_log_has(tmp_path: Path) -> None:
    """A log with a row for each shows that it counts."""
    make(tmp_path, "w.05.h5", "w.10.h5", "w.15.h5")
    fill(tmp_path)
    write_csv(tmp_path / "log.csv", *(1 / n for n in range(1, 16)))
    assert said(ask(tmp_path / "w.05.h5")) == ("name", "certain", 5)


def test_one_file_of_several_is_shared(tmp_path: Path) -> None:
    """A hard link of the data alone makes two prefixes no one checkpoint."""
    for name in ("ckpt-1", "ckpt-2", "ckpt-3", "best"):
        (tmp_path / f"{name}.index").write_text(f"index of {name}")
        (tmp_path / f"{name}.data-00000-of-00001").write_text(name)
    (tmp_path / "best.data-00000-of-00001").unlink()
    os.link(tmp_path / "ckpt-2.data-00000-of-00001", tmp_path / "best.data-00000-of-00001")
    assert ask(tmp_path / "best").sure == "unknown"
    (tmp_path / "best.index").unlink()
    os.link(tmp_path / "ckpt-2.index", tmp_path / "best.index")
    answer = ask(tmp_path / "best")
    assert said(answer) == ("same file", "certain", 2)


def test_empty_files(tmp_path: Path) -> None:
    """They have no bytes that could be the same."""
    make(tmp_path, "epoch1.keras", "best.keras")
    assert ask(tmp_path / "best.keras").sure == "unknown"


def test_one_epoch_with_and_without_a_step(tmp_path: Path) -> None:
    """Two names say the same, one of them more; and a name with another step contradicts it."""
    names = [f"m-epoch={n}-step={n}00.keras" for n in (4, 5, 6)]
    make(tmp_path, *names, *(f"w.0{n}.keras" for n in (4, 5, 6)))
    fill(tmp_path)
    for name in ("w.05.keras", "best.keras"):
        shutil.copy(tmp_path / names[1], tmp_path / name)
    answer = ask(tmp_path / "best.keras")
    assert (said(answer), answer.step) == (("same bytes", "certain", 5), 500)
    assert codes(answer) == []
    shutil.copy(tmp_path / names[1], tmp_path / "m-epoch=5-step=550.keras")
    answer = ask(tmp_path / "best.keras")
    assert (said(answer), answer.step) == (("same bytes", "certain", 5), None)
    assert codes(answer) == ["several-epochs"]


def test_one_epoch_with_different_values(tmp_path: Path) -> None:
    """The epoch is told, and of two values none."""
    names = ("epoch=4-loss=0.4.keras", "epoch=5-loss=0.3.keras", "epoch=5-loss=0.2.keras")
    make(tmp_path, *names)
    fill(tmp_path)
    shutil.copy(tmp_path / names[1], tmp_path / names[2])
    shutil.copy(tmp_path / names[1], tmp_path / "best.keras")
    answer = ask(tmp_path / "best.keras")
    assert (answer.epoch, answer.metrics, codes(answer)) == (5, (), ["several-epochs"])
    (tmp_path / names[2]).unlink()
    assert value(ask(tmp_path / "best.keras"), "loss") == 0.3


def test_two_steps_without_an_epoch(tmp_path: Path) -> None:
    """Of two steps none is chosen; of one step with two values, the step is told."""
    names = ("step=400-loss=0.4.keras", "step=500-loss=0.3.keras", "step=500-loss=0.2.keras")
    make(tmp_path, *names)
    fill(tmp_path)
    for name in (names[2], "best.keras"):
        shutil.copy(tmp_path / names[1], tmp_path / name)
    answer = ask(tmp_path / "best.keras")
    assert (answer.sure, answer.step, answer.metrics) == ("certain", 500, ())
    assert codes(answer) == ["several-epochs"]
    shutil.copy(tmp_path / names[1], tmp_path / names[0])
    answer = ask(tmp_path / "best.keras")
    assert (answer.sure, answer.step, codes(answer)) == ("unknown", None, ["several-epochs"])


def test_a_link_under_a_name_with_another_epoch(tmp_path: Path) -> None:
    """Its name tells the epoch, and that it is another's file is said."""
    make(tmp_path, "epoch=2-a=1.keras", "epoch=3-a=1.keras")
    fill(tmp_path)
    os.link(tmp_path / "epoch=2-a=1.keras", tmp_path / "epoch=4-a=1.keras")
    answer = ask(tmp_path / "epoch=4-a=1.keras")
    assert said(answer) == ("name", "certain", 4)
    assert codes(answer) == ["two-names"]


@pytest.mark.parametrize("gone", ["best.keras", "last.keras", "ckptsel.jsonl"])
def test_what_cannot_be_read(tmp_path: Path, gone: str) -> None:
    """A link that leads nowhere is none of the others, and the rest is compared still."""
    saved(tmp_path, mtime_ns=1, content=b"first", sha256=True)
    (tmp_path / gone).unlink()
    (tmp_path / gone).symlink_to("nowhere")
    answer = ask(tmp_path / "copy.keras")
    assert answer.epoch == (7 if gone == "last.keras" else None)
