"""Files that are links to others, or are gone when they are looked at."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from ckptsel.errors import NothingFoundError
from ckptsel.search.query import Query
from ckptsel.selection import select
from tests.folders import make
from tests.selecting import codes, places, ranked

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("link", [os.link, os.symlink])
@pytest.mark.parametrize("name", ["best.h5", "e=3-val_loss=0.30.h5", "z/e=2-val_loss=0.30.h5"])
def test_links_are_counted_once(here: Path, link: Any, name: str) -> None:
    """A hard link or a link to a file is not another checkpoint, in any kind of list."""
    make(here, "e=1-val_loss=0.50.h5", "e=2-val_loss=0.30.h5", "z/")
    link(here / "e=2-val_loss=0.30.h5", here / name)
    ranking = ranked()
    assert [row.rank for row in ranking.rows] == [1, 2]
    assert ranking.passed_over["a link to a checkpoint already counted"] == 1
    assert "tie" not in codes(ranking)
    assert len(ranked(keep=3).rows) == 2
    unranked = select(Query(), rank=False)
    assert len(unranked.rows) == 2
    assert all(row.checkpoint.metrics for row in unranked.rows)


def test_many_links_hide_nobody(here: Path) -> None:
    """However many links to the best there are, the second is found."""
    make(here, "e=1-val_loss=0.50.h5", "e=2-val_loss=0.30.h5")
    for number in range(40):
        os.link(here / "e=2-val_loss=0.30.h5", here / f"e=3-val_loss=0.1{number:02d}.h5")
    ranking = ranked(keep=2)
    assert places(ranking)[1] == (2, "e=1-val_loss=0.50.h5")


def test_many_vanished_files_hide_nobody(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are deleted between being found and being looked at are said, and passed over."""
    make(here, *(f"e={n:02d}-val_loss=0.{n:02d}.h5" for n in range(1, 41)))
    from ckptsel.search import survey  # noqa: PLC0415 - it has the function's name

    real = survey.survey

    def racing(*args: Any) -> survey.Survey:
        found = real(*args)
        for number in range(1, 31):
            os.remove(here / f"e={number:02d}-val_loss=0.{number:02d}.h5")
        return found

    monkeypatch.setattr("ckptsel.selection.survey", racing)
    ranking = ranked(keep=1)
    assert places(ranking) == [(1, "e=31-val_loss=0.31.h5")]
    gone = [finding.path for finding in ranking.findings if finding.code == "vanished"]
    assert len(gone) == len({*gone}) == 30
    make(here, *(f"e={n:02d}-val_loss=0.{n:02d}.h5" for n in range(1, 41)))
    ranking = ranked()
    assert places(ranking)[:2] == [(1, "e=31-val_loss=0.31.h5"), (2, "e=32-val_loss=0.32.h5")]
    assert len(ranking.rows) == 10
    assert sum(finding.code == "vanished" for finding in ranking.findings) == 30


def test_a_dangling_link(here: Path) -> None:
    """A link whose file is gone is said, and does not win."""
    make(here, "e=1-val_loss=0.50.h5")
    os.symlink("nowhere", here / "e=2-val_loss=0.30.h5")
    ranking = ranked(keep=1)
    assert places(ranking) == [(1, "e=1-val_loss=0.50.h5")]
    assert [(f.code, f.path) for f in ranking.findings] == [("vanished", "./e=2-val_loss=0.30.h5")]


def test_all_have_vanished(here: Path) -> None:
    """Where the only values are gone, the error says so."""
    for number in (1, 2):
        os.symlink("nowhere", here / f"e={number}-val_loss=0.{number}.h5")
    with pytest.raises(NothingFoundError) as caught:
        ranked(keep=1)
    assert len(caught.value.details) == 2
    assert "No such file or directory" in caught.value.details[0]
