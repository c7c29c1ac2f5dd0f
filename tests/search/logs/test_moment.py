"""What was saved within an epoch, and whose name tells nothing but the epoch."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ckptsel.errors import StrictError
from ckptsel.runs import overview
from ckptsel.search.logs import moment
from ckptsel.search.query import Query
from ckptsel.selection import select
from tests.folders import make, write_csv
from tests.selecting import codes
from tests.sources.writers import write

if TYPE_CHECKING:
    from pathlib import Path

    from ckptsel.checkpoint import Ranking

CODE, OTHER = "log-too-coarse", "log-steps-differ"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of real fits, of Keras and of Lightning; not to be written to."""
    pytest.importorskip("keras")
    pytest.importorskip("lightning")
    folder = tmp_path_factory.mktemp("moments")
    write("moment_writer", folder)
    return folder


def best_of(folder: Path, **options: bool) -> Ranking:
    """The best of a run."""
    return select(Query((str(folder),), monitor="val_loss", **options), keep=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("run", ["within", "within-whole", "within-often", "pl-within"])
def test_within_an_epoch(runs: Path, run: str) -> None:
    """The value is that of the epoch's end, which the file's own step contradicts."""
    ranking = best_of(runs / run)
    assert ranking.logs[0].joined
    assert CODE in codes(ranking)
    with pytest.raises(StrictError, match="was saved at step"):
        best_of(runs / run, strict=True)


@pytest.mark.parametrize(
    "run",
    [
        *("at-end", "each", "begun-later", "tuned", "twice", "loaded", "scaled"),
        *("pl-each", "pl-two"),
    ],
)
def test_at_its_end(runs: Path, run: str) -> None:
    """Nothing is said; also where the optimizer or the epochs were counted anew, or both.

    Nor where the optimizer was loaded with its steps of other data, or leaves steps out.
    """
    ranking = best_of(runs / run)
    assert ranking.logs[0].joined
    assert CODE not in codes(ranking)


def test_of_two_optimizers(runs: Path, tmp_path: Path) -> None:
    """The file counts two steps for each of the log's, as another training would; so may names."""
    assert OTHER not in codes(best_of(runs / "pl-each"))
    assert OTHER in codes(best_of(runs / "pl-two"))
    shutil.copytree(runs / "pl-two", tmp_path, dirs_exist_ok=True)
    saved = sorted(tmp_path.glob("*.ckpt"), key=lambda file: int(file.stem.partition("=")[2]))
    for epoch, file in enumerate(saved):
        file.rename(tmp_path / f"epoch={epoch}-step={10 * epoch + 10}.ckpt")
    assert [each.code for each in best_of(tmp_path).findings].count(OTHER) == 1


def test_another_epoch(runs: Path) -> None:
    """Names of steps alone, of two optimizers: the log's row of that step is of another epoch."""
    ranking = best_of(runs / "pl-steps")
    assert ranking.logs[0].by == "step"
    assert "log-steps-differ" not in codes(ranking)
    with pytest.raises(StrictError, match="is of epoch"):
        best_of(runs / "pl-two-steps", strict=True)


def test_without_pytorch(runs: Path) -> None:
    """The step is read without what takes seconds to import."""
    argv = [sys.executable, "-X", "importtime", "-m", "ckptsel", "best", str(runs / "pl-within")]
    result = subprocess.run([*argv, "-m", "val_loss"], capture_output=True, text=True, check=True)
    assert "was saved at step" in result.stderr
    assert "ckptsel.formats.torch" in result.stderr
    assert not re.search(r"\| +(torch|h5py|numpy)$", result.stderr, re.MULTILINE)


def test_within_an_epoch_of_any_run(runs: Path) -> None:
    """Each run has a best of its own, which is opened, whichever is the best of all."""
    for one, other in (("at-end", "within"), ("at-end", "within-whole"), ("each", "at-end")):
        query = Query((str(runs / one), str(runs / other)), monitor="val_loss")
        found = overview(query).ranking
        each = select(replace(query, per_run=True))
        said = [[f.path for f in of.findings if f.code == CODE] for of in (found, each)]
        assert said[0] == said[1]
        assert bool(said[0]) == other.startswith("within")


@pytest.mark.parametrize(
    ("saved", "is_said"),
    [
        ({n: 35 + 10 * n for n in (1, 4, 9)}, False),
        ({2: 8, 4: 16, 5: 4, 7: 12, 8: 16}, False),  # a new optimizer from the fifth epoch on
        ({n: 500 * (1563 * n // 500) for n in range(1, 11)}, True),
        ({n: 101 * (n - 1) for n in range(2, 11)}, True),
        # What cannot be told.
        ({n: 99 * n for n in range(1, 11)}, False),
        ({3: 47, 7: 87}, True),
    ],
)
def test_steps_beside(
    here: Path, monkeypatch: pytest.MonkeyPatch, saved: dict[int, int], *, is_said: bool
) -> None:
    """Whichever file wins, of these epochs and steps."""
    monkeypatch.setattr(moment, "_step_in", lambda path: saved[int(path[-8:-6])])
    make(here, *(f"m.{epoch:02d}.keras" for epoch in saved))
    for best in saved:
        losses = [0.1 if epoch == best else 0.5 + epoch for epoch in range(1, max(saved) + 1)]
        write_csv(here / "training.csv", *losses)
        assert (CODE in codes(best_of(here))) is is_said, best


def test_a_file_that_cannot_be_read_tells_nothing(runs: Path, tmp_path: Path) -> None:
    """Then there is no other to hold the step against, and that is no error."""
    for name in ("cp-03.weights.h5", "training.csv"):
        shutil.copy(runs / "within" / name, tmp_path)
    (tmp_path / "cp-04.weights.h5").write_bytes(b"damaged")
    ranking = best_of(tmp_path)
    assert ranking.logs[0].joined
    assert CODE not in codes(ranking)
