"""Values in logs that are no numbers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ckptsel.errors import MonitorNotFoundError, StrictError
from tests.folders import make
from tests.selecting import codes, places, ranked

if TYPE_CHECKING:
    from pathlib import Path

CELLS = ["tensor(0.1)", "5%", '"0,05"', "[0.05]", "np.float64(0.05)", "abc"]


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_that_is_no_number(here: Path, cell: str) -> None:
    """The checkpoint may be the best one: that it does not compete is said, with cell and line."""
    make(here, *(f"cp-{n:02d}.keras" for n in (1, 2, 3)))
    (here / "log.csv").write_text(f"epoch,val_loss\n0,0.5\n1,{cell}\n2,0.4\n")
    ranking = ranked()
    assert places(ranking)[0] == (1, "cp-03.keras")
    said = next(f for f in ranking.findings if f.code == "log-no-number")
    assert said.strict
    assert said.path == "./cp-02.keras"
    assert cell.strip('"') in said.message
    assert "csv:log.csv:3" in said.message
    with pytest.raises(StrictError, match="no number"):
        ranked(strict=True)


@pytest.mark.parametrize("cell", ["", "NA", "<NA>", "nan", "1.#QNAN0", ".inf"])
def test_a_cell_that_says_so(here: Path, cell: str) -> None:
    """Absent and not finite are known, and said in their own ways."""
    make(here, *(f"cp-{n:02d}.keras" for n in (1, 2, 3)))
    (here / "log.csv").write_text(f"epoch,val_loss\n0,0.5\n1,{cell}\n2,0.4\n")
    assert "log-no-number" not in codes(ranked())


def test_all_cells(here: Path) -> None:
    """Where no value is usable, the error quotes one of them."""
    make(here, "cp-01.keras", "cp-02.keras")
    (here / "log.csv").write_text("epoch;val_loss\n0;0,5\n1;0,4\n")
    with pytest.raises(MonitorNotFoundError) as caught:
        ranked(keep=1)
    (said,) = [each for each in caught.value.details if "no number" in each]
    assert "'0,5' in csv:log.csv:2" in said
    assert "checkpoints of which that is so: 2" in said


def test_where_the_value_is_known(here: Path) -> None:
    """A name's value, or another log's, competes; nothing is lost, and nothing said."""
    make(here, "cp-01-val_loss=0.50.keras", "cp-02-val_loss=0.40.keras")
    (here / "log.csv").write_text("epoch,val_loss\n0,0.5012\n1,x\n")
    ranking = ranked()
    assert places(ranking)[0] == (1, "cp-02-val_loss=0.40.keras")
    assert "log-no-number" not in codes(ranking)


def test_a_long_text_of_several_files(here: Path) -> None:
    """It is shortened, and its own file is told."""
    for step in (1, 2):
        make(here, f"run/{step}/metrics/", f"run/{step}/_CHECKPOINT_METADATA")
        text = json.dumps({"val_loss": "x" * 99 if step == 1 else 0.5})
        (here / f"run/{step}/metrics/metrics").write_text(text)
    ranking = ranked(locations=("run",))
    (said,) = [f.message for f in ranking.findings if f.code == "log-no-number"]
    assert "'" + "x" * 40 + "…' in orbax:1/metrics/metrics:1" in said
