"""Which epoch a file is: every kind of evidence, on checkpoints that Keras wrote."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ckptsel.errors import LocationNotFoundError
from tests.folders import make, write_csv
from tests.which.asking import ask, said, value

RUNS = Path(__file__).parents[1] / "docs" / "examples" / "runs"
TENTH = "epoch10-val_loss0.2544-val_accuracy0.9178.keras"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with fourteen whole models and their log."""
    return Path(shutil.copytree(RUNS / "whole-models", tmp_path / "run"))


def test_by_its_name(run: Path) -> None:
    """The name tells the epoch, the log the exact values."""
    answer = ask(run / TENTH)
    assert said(answer) == ("name", "certain", 10)
    assert value(answer, "val_loss") == 0.2543772757053375


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_a_link(run: Path, link: object) -> None:
    """A hard or symbolic link is the file that it leads to."""
    assert callable(link)
    link(str(run / TENTH), str(run / "best.keras"))
    assert said(ask(run / "best.keras")) == ("same file", "certain", 10)


def test_a_copy(run: Path, tmp_path: Path) -> None:
    """The same bytes, within the run or far from it."""
    shutil.copy(run / TENTH, run / "best.keras")
    assert said(ask(run / "best.keras")) == ("same bytes", "certain", 10)
    shutil.copy(run / TENTH, tmp_path / "final.keras")
    assert said(ask(tmp_path / "final.keras", run)) == ("same bytes", "certain", 10)


def test_the_same_weights(run: Path, tmp_path: Path) -> None:
    """The same weights in another format, without the optimizer, under other names."""
    with zipfile.ZipFile(run / TENTH) as archive:
        archive.extract("model.weights.h5", tmp_path)
    assert said(ask(tmp_path / "model.weights.h5", run)) == ("same weights", "certain", 10)


@pytest.mark.parametrize("is_near", [True, False])
def test_the_same_optimizer_step(run: Path, tmp_path: Path, is_near: bool) -> None:
    """Weights that cannot be compared: the step is that of the tenth epoch, in its own run."""
    import h5py  # noqa: PLC0415

    with zipfile.ZipFile(run / TENTH) as archive:
        archive.extract("model.weights.h5", tmp_path)
    file = tmp_path / "model.weights.h5"
    with h5py.File(file, "r+") as opened:
        del opened["layers/dense/vars/0"]
    if is_near:
        file = Path(shutil.move(file, run))
    answer = ask(file, run)
    assert said(answer) == ("step", "likely", 10)
    assert [each.how for each in answer.evidence] == ["step", "inside"]
    assert bool(answer.metrics) == is_near


def test_other_weights_at_the_same_optimizer_step(run: Path, tmp_path: Path) -> None:
    """It is another training, or a mean: the step tells no epoch of this one."""
    import h5py  # noqa: PLC0415

    with zipfile.ZipFile(run / TENTH) as archive:
        archive.extract("model.weights.h5", tmp_path)
    with h5py.File(tmp_path / "model.weights.h5", "r+") as file:
        kernel = file["layers/dense/vars/0"]
        kernel[...] = np.asarray(kernel) + 1
    answer = ask(tmp_path / "model.weights.h5", run)
    assert said(answer) == ("inside", "likely", None)
    assert answer.metrics == ()


def test_its_own_name_is_read_wherever_others_are_looked_for(run: Path, tmp_path: Path) -> None:
    """A location is looked in besides the file's own run, and tells nothing of it."""
    other = tmp_path / "other"
    other.mkdir()
    write_csv(other / "training.csv", *(9.0 for _ in range(14)))
    for path in run.glob("*.keras"):
        shutil.copy(path, other / f"cp-{path.name[5:7]}.keras")
    assert value(ask(other / "cp-10.keras"), "val_loss") == 9.0
    answer = ask(run / TENTH, other)
    assert said(answer) == ("name", "certain", 10)
    assert value(answer, "val_loss") == 0.2543772757053375


def test_as_many_steps_an_epoch(run: Path, tmp_path: Path) -> None:
    """A checkpoint of an epoch that was deleted: the others tell how many steps an epoch has."""
    with zipfile.ZipFile(run / TENTH) as archive:
        archive.extract("model.weights.h5", tmp_path)
    (run / TENTH).unlink()
    answer = ask(tmp_path / "model.weights.h5", run)
    assert said(answer) == ("step", "likely", 10)
    assert answer.metrics == ()


def test_nothing_is_known(tmp_path: Path) -> None:
    """Weights alone, without anything beside them, tell nothing."""
    np.savez(tmp_path / "w.npz", a=np.ones(3))
    answer = ask(tmp_path / "w.npz")
    assert said(answer) == ("", "unknown", None)


def test_two_epochs_with_the_same_bytes(run: Path) -> None:
    """Where the evidence says two things, nothing is chosen; both are told."""
    shutil.copy(run / TENTH, run / "best.keras")
    shutil.copy(run / TENTH, run / TENTH.replace("epoch10", "epoch15"))
    answer = ask(run / "best.keras")
    assert (answer.sure, answer.epoch) == ("unknown", None)
    assert [finding.code for finding in answer.findings if finding.strict] == ["several-epochs"]
    assert {each.epoch for each in answer.evidence} == {10, 15}


def test_a_damaged_neighbour(run: Path, tmp_path: Path) -> None:
    """What cannot be opened is said, and the others are compared still."""
    shutil.move(run / TENTH, tmp_path / "best.keras")
    with zipfile.ZipFile(tmp_path / "best.keras") as archive:
        archive.extract("model.weights.h5", tmp_path)
    shutil.copy(tmp_path / "best.keras", run / TENTH)
    other = next(run.glob("epoch01*"))
    other.write_bytes(other.read_bytes()[:5000])
    answer = ask(tmp_path / "model.weights.h5", run)
    assert said(answer) == ("same weights", "certain", 10)
    assert [finding.code for finding in answer.findings] == ["not-compared"]


def test_a_damaged_file(run: Path) -> None:
    """It is still told apart by nothing, and why is said."""
    (run / "best.keras").write_bytes((run / TENTH).read_bytes()[:5000])
    answer = ask(run / "best.keras")
    assert answer.sure == "unknown"
    assert [finding.code for finding in answer.findings] == ["not-compared"]


def test_no_such_file(tmp_path: Path) -> None:
    """A path that leads nowhere is an error."""
    with pytest.raises(LocationNotFoundError):
        ask(tmp_path / "gone.keras")


def save_torch(path: Path, **saved: object) -> None:
    """A PyTorch checkpoint, each with weights of its own."""
    import torch  # noqa: PLC0415

    path.parent.mkdir(parents=True, exist_ok=True)
    weights = {"w": torch.randn(4, 4, generator=torch.Generator().manual_seed(len(str(path))))}
    torch.save({"state_dict": weights} | saved, path)


def lightning(folder: Path, name: str, epoch: int, step: int) -> Path:
    """What Lightning's ModelCheckpoint writes, with the keys that tell when."""
    path = folder / name
    save_torch(path, epoch=epoch, global_step=step, **{"pytorch-lightning_version": "2.5.0"})
    return path


def test_the_file_says_so_itself(tmp_path: Path) -> None:
    """Lightning's last.ckpt holds its epoch, and one neighbour tells no pace."""
    lightning(tmp_path, "epoch=1-step=200.ckpt", 1, 200)
    answer = ask(lightning(tmp_path, "last.ckpt", 3, 400))
    assert said(answer) == ("inside", "likely", 3)
    assert [each.how for each in answer.evidence] == ["inside"]


def test_the_file_counts_otherwise_than_names(tmp_path: Path) -> None:
    """Where all others say one less inside than in their names, this one does so as well."""
    for epoch in (1, 2):
        save_torch(tmp_path / f"model_epoch{epoch}.pt", epoch=epoch - 1)
    save_torch(tmp_path / "best.pt", epoch=4)
    assert said(ask(tmp_path / "best.pt")) == ("inside", "likely", 5)


def test_a_stripped_file(tmp_path: Path) -> None:
    """Ultralytics writes epoch -1 into best.pt after training: that is none."""
    save_torch(tmp_path / "epoch5.pt", epoch=5)
    save_torch(tmp_path / "best.pt", epoch=-1)
    answer = ask(tmp_path / "best.pt")
    assert (answer.sure, answer.epoch, answer.evidence) == ("unknown", None, ())


@pytest.mark.parametrize("first", [0, 1])
def test_the_pace_of_the_others(tmp_path: Path, first: int) -> None:
    """Names count from 0 or from 1: two others of different epochs tell which."""
    for epoch in (0, 2):
        name = f"epoch={epoch + first}-a=1.ckpt"
        save_torch(tmp_path / name, global_step=100 * (epoch + 1))
    save_torch(tmp_path / "last.ckpt", global_step=400)
    assert said(ask(tmp_path / "last.ckpt")) == ("step", "likely", 3 + first)
    (tmp_path / f"epoch={first}-a=1.ckpt").unlink()
    assert ask(tmp_path / "last.ckpt").epoch is None


def test_evidence_that_contradicts_itself(tmp_path: Path) -> None:
    """The same step as one epoch, and another epoch inside: neither is chosen."""
    for epoch in (1, 2):
        save_torch(
            tmp_path / f"epoch={epoch}-step={100 * epoch}.ckpt",
            epoch=epoch,
            global_step=100 * epoch,
            state_dict={},
        )
    answer = ask(lightning(tmp_path, "last.ckpt", 7, 200))
    assert (answer.sure, answer.epoch) == ("unknown", None)
    assert {each.epoch for each in answer.evidence} == {2, 7}
    (finding,) = (each for each in answer.findings if each.strict)
    assert finding.code == "several-epochs"
    assert "epoch 7 by what stands in the file, 2 by the step of" in finding.message


def test_values_of_an_assumed_base(tmp_path: Path) -> None:
    """The epoch is certain, and the values of a log that may count otherwise are not."""
    make(tmp_path, *(f"cp-0{n}.h5" for n in (3, 4, 5)))
    for path in tmp_path.iterdir():
        path.write_text(path.name)
    shutil.copy(tmp_path / "cp-04.h5", tmp_path / "best.h5")
    (tmp_path / "training.csv").write_text("epoch,val_loss\n0,.9\n1,.8\n2,.7\n3,.6\n4,.5\n5,.4\n")
    answer = ask(tmp_path / "best.h5")
    assert said(answer) == ("same bytes", "certain", 4)
    assert answer.values_sure == "likely"
    for path in tmp_path.glob("*.csv"):
        path.unlink()
    assert ask(tmp_path / "best.h5").values_sure == "certain"


def test_a_log_about_another_file_of_that_name(tmp_path: Path) -> None:
    """It tells of the one that stood there; a copy with another time is still the same."""
    file = tmp_path / "best.keras"
    file.write_bytes(b"first")
    line = {"schema": 1, "event": "saved", "file": file.name, "epoch": 7, "step": 70}
    line |= {"metrics": {"loss": 0.5}, "size_bytes": 5, "mtime_ns": 1}
    line["sha256"] = hashlib.sha256(b"first").hexdigest()
    (tmp_path / "ckptsel.jsonl").write_text(json.dumps(line) + "\n")
    assert said(ask(file)) == ("log", "certain", 7)
    file.write_bytes(b"other")
    answer = ask(file)
    assert (answer.sure, answer.epoch) == ("unknown", None)
    assert "log-other-file" in {finding.code for finding in answer.findings}
