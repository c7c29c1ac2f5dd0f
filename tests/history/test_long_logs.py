"""A log of any length through the commands that read it, in little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROWS = 300_000
SAVED = (3, 5, 900)

# The rows alone, if all of them were held, would take four times as much.
LIMITED = """
import resource, sys
from pathlib import Path
from ckptsel.__main__ import main
import ckptsel.cli.reports.runs, ckptsel.cli.reports.ranking, ckptsel.runs, ckptsel.search.logs.add
pages = int(Path("/proc/self/statm").read_text().split()[0])
most = pages * resource.getpagesize() + 24 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (most, most))
main()
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three checkpoints and a log of many more epochs, of which the best was not saved."""
    folder = tmp_path_factory.mktemp("long")
    for epoch in SAVED:
        (folder / f"cp-{epoch:04d}-val_loss={1 / epoch:.4f}.h5").write_text(str(epoch))
    with (folder / "training.csv").open("w") as file:
        file.write("epoch,loss,val_loss\n")
        file.writelines(f"{n},0.12345678,{1 / (n + 1):.8f}\n" for n in range(ROWS))
    return folder


def limited(*arguments: str) -> Any:
    """What a command says in JSON, if 24 MB are enough for it."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *arguments, "-o", "json"],
        capture_output=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr.decode()[-500:]
    return json.loads(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="such limits are Linux's")
def test_the_best_by_a_long_log(run: Path) -> None:
    """Only the rows of checkpoints are kept."""
    found = limited("best", str(run), "-m", "val_loss")
    assert (found["best"]["epoch"], found["best"]["value"]) == (900, 0.00111111)


@pytest.mark.skipif(sys.platform != "linux", reason="such limits are Linux's")
def test_smoothed_by_a_long_log(run: Path) -> None:
    """Only the rows around those are kept."""
    found = limited("best", str(run), "-m", "val_loss", "--smooth", "5")
    assert (found["best"]["epoch"], found["best"]["smoothed"]) == (900, 0.00111111)


@pytest.mark.skipif(sys.platform != "linux", reason="such limits are Linux's")
def test_the_course_of_a_long_log(run: Path) -> None:
    """The values are counted, thinned out, and the best and the last are told."""
    (one,) = limited("runs", str(run), "-m", "val_loss")["runs"]
    assert one["values"] == ROWS
    assert len(one["history"]) < ROWS / 10
    assert one["history"][-1]["at"] == ROWS
    codes = [finding["code"] for finding in one["trouble"]]
    assert codes == ["run-best-not-saved", "run-saving-stopped"]
