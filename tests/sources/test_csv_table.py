"""Tables whose columns change, whose cells go over lines, whose numbers are none."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from ckptsel.sources.log import LogRow, is_absent, number, whole
from tests.folders import make
from tests.selecting import codes, places, ranked
from tests.sources.reading import read

if TYPE_CHECKING:
    from pathlib import Path


def losses(path: Path, text: str) -> tuple[list[tuple[int, int | None, str | None]], list[str]]:
    """Line, epoch and val_loss of each row; and what was said."""
    _, rows, said = read(path, text)
    assert all(len(row) == len(LogRow._fields) for row in rows)
    return [(row.place, row.epoch, row.values.get("val_loss")) for row in rows], said


@pytest.mark.parametrize(
    "header, row, loss",
    [
        ("epoch,val_loss,loss", "1,0.4,0.9", "0.4"),
        # The key moves as well.
        ("val_loss,loss,epoch", "0.4,0.9,1", "0.4"),
        # A metric more, and one that is there twice.
        ("epoch,acc,loss,val_loss", "1,0.7,0.9,0.4", "0.4"),
        (" epoch , val_loss , loss ", "1,0.4,0.9", "0.4"),
    ],
)
def test_a_second_header(tmp_path: Path, header: str, row: str, loss: str) -> None:
    """Rows below other titles are read by these, and lines are counted on."""
    text = f"epoch,loss,val_loss\n0,0.9,0.5\n{header}\n{row}\n"
    assert losses(tmp_path / "log.csv", text) == ([(2, 0, "0.5"), (4, 1, loss)], [])


def test_a_second_header_with_a_column_twice(tmp_path: Path) -> None:
    """Such a column is not used, as in the first one."""
    text = "epoch,val_loss\n0,0.5\nval_loss,epoch,val_loss\n1,1,2\n"
    assert losses(tmp_path / "log.csv", text) == ([(2, 0, "0.5"), (4, 1, None)], ["log-malformed"])


def test_a_second_header_of_less(tmp_path: Path) -> None:
    """Where columns are gone, nothing tells what is below: it is not read, and that is said."""
    text = "epoch,loss,val_loss\n0,0.9,0.5\nepoch,val_loss\n1,0.4\n2,0.3\n"
    assert losses(tmp_path / "log.csv", text) == ([(2, 0, "0.5")], ["log-malformed"])


def test_best_below_a_second_header(here: Path) -> None:
    """The best file is found by the column that now holds the metric."""
    make(here, *(f"cp-{n:02d}.keras" for n in (1, 2, 3, 4)))
    text = "epoch,acc,val_loss\n0,0.1,0.5\n1,0.2,0.4\nepoch,val_loss,acc\n2,0.3,0.05\n3,0.6,0.01\n"
    (here / "log.csv").write_text(text)
    ranking = ranked()
    assert places(ranking)[0] == (1, "cp-03.keras")
    assert "log-malformed" not in codes(ranking)


def test_lines_of_cells_over_several(tmp_path: Path) -> None:
    """A row stands where it begins."""
    text = 'epoch,note,val_loss\n0,"a\nb\nc",0.5\n\n1,d,0.4\n2,"e\nf",0.3\n'
    found, said = losses(tmp_path / "log.csv", text)
    assert ([place for place, *_ in found], said) == ([2, 6, 7], [])


def test_columns_separated_by_bars(tmp_path: Path) -> None:
    """`CSVLogger(separator="|")`; a bar in a title of another table separates nothing."""
    assert losses(tmp_path / "a.csv", "epoch|val_loss\n0|0.5\n") == ([(2, 0, "0.5")], [])
    _, rows, _ = read(tmp_path / "b.csv", "epoch,a|b|c\n0,0.5\n")
    assert rows[0].names == ("epoch", "a|b|c")


NANS = ["nan", "NaN", "-nan", "NAN", "1.#QNAN", "1.#QNAN0", "-1.#IND00", "1.#SNAN", "nan(ind)",
        "-nan(0x8000)", "nan(snan)", ".nan", ".NaN", "#NUM!", "#DIV/0!", " nan "]  # fmt: skip
INFS = ["inf", "Infinity", "+inf", "1.#INF", "1.#INF00", ".inf", "+.Inf", "∞"]
NONE = ["", "NA", "N/A", "<NA>", "#N/A", "None", "null", "-", "?", " "]
SPOILT = ["tensor(0.1)", "5%", "0,05", "[0.05]", "np.float64(0.05)", "abc", "1.#", "1.#INF00x"]


def test_spellings() -> None:
    """NaN, infinity and absence in every known spelling; anything else is spoilt."""
    for text in NANS:
        value = number(text)
        assert value is not None, text
        assert math.isnan(value), text
        assert not is_absent(text), text
    for text in INFS:
        assert number(text) == math.inf
        assert number("-" + text.removeprefix("+")) == -math.inf
    for text in NONE + SPOILT:
        assert number(text) is None
        assert is_absent(text) == (text in NONE)


def test_counters_that_are_none(tmp_path: Path) -> None:
    """A number of more digits than any counter has is none, however it is written."""
    for text in ("9" * 19, "9" * 400, "1e300", "-" + "9" * 400):
        assert whole(text) is None
        found, said = losses(tmp_path / "log.csv", f"epoch,val_loss\n{text},0.5\n")
        assert (found, said) == ([], ["log-malformed"])
