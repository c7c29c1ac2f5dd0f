"""Means while disks fill, processes die and members change: the old one stays whole."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ckptsel.errors import CopyError, DamagedError, DestinationError
from ckptsel.transfer import members
from ckptsel.transfer.average import average
from tests.conversion.made import with_config_of_another_model
from tests.transfer.small_weights import kernel, query, series, write

if TYPE_CHECKING:
    from ckptsel.transfer.members import Members

ROOT = Path(__file__).parents[2]


def listed(folder: Path) -> list[str]:
    """All names in a folder."""
    return sorted(os.listdir(folder))


def of(*paths: str) -> Members:
    """Members that are named."""
    return members.named(query(*paths))


def test_a_member_that_changes_meanwhile(run: Path, out: Path) -> None:
    """A training that goes on may save into a member: half a mean of each is none."""
    paths = series(run, 0.5, 0.2)

    def save_again(_: int) -> None:
        write(paths[1], 8)

    with pytest.raises(CopyError, match="changed while it was averaged"):
        average(of(*paths), f"{out}/m.weights.h5", on_bytes=save_again)
    assert not listed(out)


def test_a_disk_that_is_full(run: Path, small_disk: Path) -> None:
    """What stood there stays whole."""
    wide = np.ones((400, 1000), "float32")
    paths = [write(run / f"{at}.weights.h5", at, wide__vars__0=wide * at) for at in (1, 2)]
    dest = write(small_disk / "m.weights.h5", 9)
    with pytest.raises(DestinationError, match="free"):
        average(of(*paths), dest, force=True)
    assert (kernel(dest) == 9).all()
    assert listed(small_disk) == ["m.weights.h5"]


def child(run: Path, dest: Path, code: str) -> subprocess.Popen[str]:
    """A process of its own that averages what is in a folder, with something done before."""
    call = (
        "from ckptsel.transfer import members\n"
        "from ckptsel.transfer.average import average\n"
        "from ckptsel.search.query import Query\n"
        "import resource, sys, time\n"
        f"{code}\n"
        f"chosen = members.best(Query(({str(run)!r},), monitor='val_loss'), None)\n"
        f"average(chosen, {str(dest)!r}, force=True, on_bytes=on_bytes)\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", call],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Where files may not grow, Python would leave cut bytecode for other processes.
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )


def test_a_file_that_may_not_grow(run: Path, out: Path) -> None:
    """The disk fails in the middle: the old mean stays, and nothing else."""
    series(run, 0.5, 0.2)
    dest = out / "m.weights.h5"
    write(dest, 9)
    size = resource.getpagesize()
    code = f"on_bytes = None\nresource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))"
    with child(run, dest, code) as process:
        _, told = process.communicate()
    assert "DestinationError" in told
    assert "larger than the file system or `ulimit -f` allows" in told
    assert (kernel(dest) == 9).all()
    assert listed(out) == ["m.weights.h5"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_kill_in_the_middle(number: int, run: Path, out: Path) -> None:
    """The old mean stays whole; after Ctrl-C nothing else does."""
    series(run, 0.5, 0.2)
    dest = out / "m.weights.h5"
    write(dest, 9)
    code = (
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "def on_bytes(_):\n    print('reading', flush=True)\n    time.sleep(600)"
    )
    with child(run, dest, code) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "reading\n"
        process.send_signal(number)
    assert (kernel(dest) == 9).all()
    rest = [each for each in listed(out) if each != "m.weights.h5"]
    assert all(each.startswith(".ckptsel-") for each in rest)
    assert bool(rest) == (number == signal.SIGKILL)


def test_a_member_whose_config_is_of_another_model(tmp_path: Path) -> None:
    """The mean would be a model that nothing loads."""
    runs = Path(__file__).parents[2] / "docs/examples/runs/whole-models"
    sound, other, *_ = sorted(str(path) for path in runs.glob("*.keras"))
    spoilt = with_config_of_another_model(Path(other), tmp_path / "spoilt.keras")
    dest = tmp_path / "mean.keras"
    with pytest.raises(DamagedError, match="config and weights disagree"):
        average(of(sound, spoilt), str(dest))
    assert not dest.exists()
