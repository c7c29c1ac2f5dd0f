"""The Python API does what the commands do."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest

import ckptsel
from ckptsel import api, selection
from ckptsel.search.query import Query
from tests.folders import make

if TYPE_CHECKING:
    from pathlib import Path

    from ckptsel.checkpoint import Ranking

ASKED: dict[str, Any] = {
    "monitor": ["val_loss", "val_acc:max"],
    "mode": "min",
    "pattern": ["{epoch}-{val_loss:.1f}.h5", "w-{epoch}.h5"],
    "max_depth": 2,
    "include": ["a*"],
    "exclude": ["b*"],
    "tie": "earlier",
    "per_run": True,
    "pareto": True,
    "smooth": 3,
    "strict": True,
    "allow_zero": True,
    "logs": "ignore",
    "metrics": ["t.csv"],
    "key": "step",
}
QUERY = {
    **ASKED,
    "monitor": "val_loss",
    "further": ("val_acc:max",),
    "patterns": ("{epoch}-{val_loss:.1f}.h5", "w-{epoch}.h5"),
    "include": ("a*",),
    "exclude": ("b*",),
    "metrics": ("t.csv",),
}
QUERY.pop("pattern")


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Query, dict[str, Any]]]:
    """What the core is asked."""
    asked: list[tuple[Query, dict[str, Any]]] = []
    real = selection.select

    def select(query: Query, **options: Any) -> Ranking:
        asked.append((query, options))
        return real(Query((".",)), rank=False)

    monkeypatch.setattr(api, "select", select)
    return asked


def test_find_passes_everything_on(here: Path, queries: list[Any]) -> None:
    """Every argument of `find` reaches the query; none of the query's options is missing."""
    make(here, "a.h5")
    ckptsel.find("x", here / "y", **ASKED)
    query, options = queries[0]
    assert query == Query(locations=("x", str(here / "y")), **QUERY)
    assert options == {"rank": True}
    left_out = {"locations", "files", "patterns", "further", "rejected", "about", "each_run"}
    assert {f.name for f in fields(Query)} - left_out <= {*ASKED}


def test_best_passes_everything_on(here: Path, queries: list[Any]) -> None:
    """Every argument of `best` reaches the query; they are those of `find`."""
    make(here, "a.h5")
    several = {"per_run", "pareto"}
    asked = {name: value for name, value in ASKED.items() if name not in several}
    ckptsel.best(**asked)
    query, options = queries[0]
    assert query == Query(**{**QUERY, **dict.fromkeys(several, False)})
    assert options["keep"] >= 1
    assert {*inspect.signature(ckptsel.best).parameters} == {*asked, "locations"}
    assert {*inspect.signature(ckptsel.find).parameters} == {*ASKED, "locations"}


def test_defaults(here: Path, queries: list[Any]) -> None:
    """Without arguments: the current folder, and nothing is ranked."""
    make(here, "a.h5")
    ckptsel.find()
    assert queries == [(Query(), {"rank": False})]


def test_one_pattern_needs_no_list(here: Path) -> None:
    """A pattern can be a string."""
    make(here, "w-1-0.5.h5", "w-2-0.4.h5")
    pattern = "w-{epoch}-{val_loss:.1f}.h5"
    best = ckptsel.best(pattern=pattern)
    assert (best.checkpoint.epoch, best.metric and best.metric.value) == (2, 0.4)
    assert ckptsel.find(pattern=[pattern]).patterns == ((pattern, 2),)


def test_find_and_best_agree(here: Path) -> None:
    """The best one is the first of all."""
    make(here, *(f"e={n}-val_loss=0.{n}.h5" for n in (3, 1, 2)))
    ranking = ckptsel.find(here, monitor="val_loss")
    assert ckptsel.best(here) == ranking.rows[0] == ranking.best
    assert [row.rank for row in ranking.rows] == [1, 2, 3]


def test_errors_have_one_root(here: Path) -> None:
    """Whatever goes wrong is a CkptselError, with a code and something to do next."""
    make(here, "e=1-val_loss=0.5.h5", "e=2-val_loss=0.4.h5")
    for arguments, kind, code in (
        ({"monitor": "val_los"}, ckptsel.MonitorNotFoundError, "monitor-not-found"),
        ({"mode": "highest"}, ckptsel.UsageError, "usage"),
        ({"pattern": "{"}, ckptsel.PatternError, "bad-pattern"),
        ({"pattern": "w-{epoch}.h5"}, ckptsel.PatternMismatchError, "no-match"),
        ({"include": ["*.pt"]}, ckptsel.NothingFoundError, "nothing-found"),
    ):
        with pytest.raises(ckptsel.CkptselError) as caught:
            ckptsel.best(here, **arguments)
        assert type(caught.value) is kind
        assert caught.value.code == code
        assert str(caught.value) == caught.value.message
        assert caught.value.hint


def test_no_other_names() -> None:
    """A name that is not public is an AttributeError, as of any module."""
    with pytest.raises(AttributeError, match="module 'ckptsel' has no attribute 'worst'"):
        getattr(ckptsel, "worst")  # noqa: B009 - mypy knows that it is not there
