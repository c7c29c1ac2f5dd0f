"""A disk that fills, names that are taken meanwhile, unfinished saves of a killed training."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

import ckptsel
from ckptsel.errors import DestinationError
from ckptsel.keras import saving
from ckptsel.verification.verify import verify
from tests.keras.conftest import lines, names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def files_up_to(size_bytes: int) -> Iterator[None]:
    """Let no file grow larger, as `ulimit -f` does; Python turns the signal into an error."""
    resource = pytest.importorskip("resource")
    # Python would leave cut bytecode for other processes: it does not look how much it wrote.
    sys.dont_write_bytecode = True
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("weights_only", [True, False])
def test_a_file_that_cannot_grow(
    training: Any, callback: Any, tmp_path: Path, weights_only: bool
) -> None:
    """The save fails with the reason; what was good is there, and nothing half written is."""
    run = tmp_path / "run"
    model, kept = training.model(), callback(save_weights_only=weights_only)
    training.fit(model, training.Told([0.5]), kept)
    before, log = names(run), lines(run)
    with files_up_to(6000), pytest.raises(DestinationError, match="`ulimit -f` allows"):
        training.fit(model, training.Told([0.4]), kept)
    assert names(run) == before
    assert lines(run) == log
    assert verify(ckptsel.best(run, monitor="val_loss").checkpoint.path).is_sound
    assert kept.best == 0.5
    # The training can go on as soon as there is room.
    training.fit(model, training.Told([0.3]), kept)
    assert len(names(run)) == 2
    assert kept.best == 0.3


def test_a_log_that_cannot_grow(training: Any, callback: Any, tmp_path: Path) -> None:
    """If its line cannot be written, a file does not get its name; half a line spoils nothing."""
    run = tmp_path / "run"
    model, kept = training.model(), callback()
    training.fit(model, training.Told([0.5]), kept)
    with (run / "ckptsel.jsonl").open("a") as log:
        log.write("x" * 40_000)
    with files_up_to(40_500), pytest.raises(DestinationError, match=r"ckptsel\.jsonl"):
        training.fit(model, training.Told([0.4]), kept)
    assert len(names(run)) == 1
    training.fit(model, training.Told([0.3]), kept)
    last = (run / "ckptsel.jsonl").read_text("utf-8").splitlines()[-1]
    assert '"event": "saved"' in last
    assert type(kept)(run).best == 0.3


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 128 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if sys.platform != "linux" or os.geteuid():
        pytest.skip("only root on Linux can mount a tmpfs")
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mounting a tmpfs is not permitted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("weights_only", [True, False])
def test_a_disk_that_fills(
    training: Any, callback: Any, small_disk: Path, weights_only: bool
) -> None:
    """Saving goes on until the disk is full; every file with a name is whole, then and before."""
    kept = type(callback())(small_disk, keep_best=None, save_weights_only=weights_only)
    values = [1 / (1 + epoch) for epoch in range(20)]
    with pytest.raises(DestinationError, match="the disk is full"):
        training.fit(training.model(), training.Told(values), kept, epochs=20)
    found = names(small_disk)
    assert 2 <= len(found) < 20
    assert all(verify(str(small_disk / name)).is_sound for name in found)
    best = ckptsel.best(small_disk, monitor="val_loss").checkpoint
    assert best.path == kept.best_path
    assert best.epoch == len(found)


def test_a_name_that_is_taken_meanwhile(
    training: Any, callback: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else's file stays as it is, and the log takes back what it said of the name."""
    run = tmp_path / "run"
    run.mkdir()
    taken = run / "epoch=001-val_loss=0.5000.weights.h5"
    taken.write_bytes(b"mine")
    monkeypatch.setattr("ckptsel.keras.best_checkpoint.free_name", lambda _, name: name)
    kept = callback()
    with pytest.raises(DestinationError, match="cannot write"):
        training.fit(training.model(), training.Told([0.5]), kept)
    assert names(run) == [taken.name]
    assert taken.read_bytes() == b"mine"
    assert [line["event"] for line in lines(run)] == ["saved", "removed"]
    assert type(kept)(run).best_path is None


def test_without_hard_links(
    training: Any, callback: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there are none, the file is renamed, and still overwrites nothing."""

    def link(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    kept = callback()
    training.fit(training.model(), training.Told([0.5]), kept)
    assert kept.best_path == str(tmp_path / "run" / "epoch=001-val_loss=0.5000.weights.h5")
    monkeypatch.setattr("ckptsel.keras.best_checkpoint.free_name", lambda _, name: name)
    with pytest.raises(DestinationError, match="cannot write"):
        training.fit(training.model(), training.Told([0.5]), kept)
    assert len(names(tmp_path / "run")) == 1


def test_an_empty_save_is_no_save(
    training: Any, callback: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written is looked at before it gets its name."""
    model = training.model()
    monkeypatch.setattr(
        type(model),
        "save_weights",
        lambda _, path, **__: open(path, "wb").close(),
    )
    with pytest.raises(DestinationError, match="cannot write"):
        training.fit(model, training.Told([0.5]), callback())
    assert names(tmp_path / "run") == []


def test_leftovers_of_a_kill_are_cleared(training: Any, callback: Any, tmp_path: Path) -> None:
    """What a killed training had not finished goes with the next save; other files stay."""
    run = tmp_path / "run"
    run.mkdir()
    (run / ".ckptsel-save-0123456789ab.weights.h5").write_bytes(b"half")
    (run / ".ckptsel-0123456789ab.tmp").write_bytes(b"a copy")
    (run / ".mine.weights.h5").write_bytes(b"mine")
    training.fit(training.model(), training.Told([0.5]), callback())
    assert names(run) == [
        ".ckptsel-0123456789ab.tmp",
        ".mine.weights.h5",
        "epoch=001-val_loss=0.5000.weights.h5",
    ]


def test_a_save_of_another_log_is_not_cleared(training: Any, callback: Any, tmp_path: Path) -> None:
    """One callback's pattern leads into the folder of another, which is within a save."""
    one = callback(pattern="inner/{epoch}.weights.h5")
    other = type(one)(tmp_path / "run" / "inner", save_weights_only=True)
    there: list[bool] = []

    class Between(type(training.Told([]))):  # type: ignore[misc] # Keras has no types
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            del epoch
            one.set_model(self.model)
            with saving.written(self.model, str(inner / "x.weights.h5"), other.directory) as path:
                one.on_epoch_end(0, logs)
                there.append(os.path.exists(path))

    inner = tmp_path / "run" / "inner"
    inner.mkdir(parents=True)
    training.fit(training.model(), training.Told([0.5]), Between([]))
    assert there == [True]
    assert (inner / "1.weights.h5").exists()
