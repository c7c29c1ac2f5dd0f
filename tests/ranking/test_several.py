"""Several monitors and the Pareto front: from names to rankings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckptsel.checkpoint import Checkpoint, Metric, Monitor, Ranked
from ckptsel.errors import (
    AmbiguousMonitorError,
    MonitorNotFoundError,
    StrictError,
    TieError,
    UsageError,
)
from ckptsel.ranking.monitor import MonitorFields
from ckptsel.ranking.several import Order, reranked
from ckptsel.search.query import Query, parse_monitor
from tests.folders import make
from tests.selecting import codes, places, ranked

if TYPE_CHECKING:
    from pathlib import Path


def save(folder: Path, *pairs: tuple[float, float]) -> list[str]:
    """Checkpoints with a loss and an accuracy each."""
    names = [
        f"w.{n:02d}-val_loss={loss:.2f}-val_acc={acc:.2f}.keras"
        for n, (loss, acc) in enumerate(pairs, 1)
    ]
    make(folder, *names)
    return names


def best(**asked: Any) -> list[str]:
    """The names of those with a place, best first."""
    return [name for rank, name in places(ranked(monitor="val_loss", **asked)) if rank]


def test_the_second_decides_among_equals(here: Path) -> None:
    """Of two with the same loss the more accurate one comes first, and it is no tie."""
    names = save(here, (0.3, 0.9), (0.3, 0.8), (0.2, 0.1))
    assert best() == [names[2], names[1], names[0]]  # the later one
    assert best(further=("val_acc",)) == [names[2], names[0], names[1]]
    assert best(further=("val_acc:min",)) == [names[2], names[1], names[0]]
    asked = ranked(monitor="val_loss", further=("val_acc",), keep=1)
    assert [row.checkpoint.name for row in asked.rows] == [names[2]]
    assert codes(asked) == set()


def test_equal_in_both(here: Path) -> None:
    """Equal in all is a tie, which `error` refuses."""
    names = save(here, (0.3, 0.9), (0.3, 0.9))
    asked = ranked(monitor="val_loss", further=("val_acc",))
    assert places(asked)[0] == (1, names[1])
    assert "tie" in codes(asked)
    assert all(row.tied for row in asked.rows)
    with pytest.raises(TieError):
        ranked(monitor="val_loss", further=("val_acc",), tie="error")


def test_a_further_monitor_that_is_missing(here: Path) -> None:
    """One that nobody has is an error; one that some have not puts those last among equals."""
    names = save(here, (0.3, 0.9))
    make(here, "w.05-val_loss=0.30.keras")
    with pytest.raises(MonitorNotFoundError):
        ranked(monitor="val_loss", further=("val_auc",))
    asked = ranked(monitor="val_loss", further=("val_acc",))
    assert places(asked)[:2] == [(1, names[0]), (2, "w.05-val_loss=0.30.keras")]
    assert "missing-value" in codes(asked)


def test_the_front(here: Path) -> None:
    """Those that nothing beats in both; the others have no place, and the reason is said."""
    names = save(here, (0.2, 0.7), (0.3, 0.9), (0.4, 0.8), (0.2, 0.6))
    assert best(further=("val_acc",), pareto=True) == [names[0], names[1]]
    rows = {
        r.checkpoint.name: r
        for r in ranked(monitor="val_loss", further=("val_acc",), pareto=True).rows
    }
    assert rows[names[2]].reason == f"in nothing better than {names[1]!r}"
    assert len(rows) == 4
    with pytest.raises(UsageError):
        Query(monitor="val_loss", pareto=True)


def test_of_each_run(here: Path) -> None:
    """With --per-run each run has its own best, and its own front."""
    a, b = here / "a", here / "b"
    of_a = [f"a/{name}" for name in save(a, (0.3, 0.8), (0.3, 0.9))]
    of_b = [f"b/{name}" for name in save(b, (0.5, 0.1), (0.6, 0.2))]
    assert best(further=("val_acc",), per_run=True) == [of_a[1], of_b[0]]
    assert best(further=("val_acc",), per_run=True, pareto=True) == [of_a[1], of_b[0], of_b[1]]


@pytest.mark.parametrize("pareto", [False, True])
def test_lightnings_zero_in_a_further_monitor(here: Path, pareto: bool) -> None:
    """It is no value there either, unless zeros are allowed."""
    names = [f"epoch=0{n}-val_acc=0.90-val_loss=0.{v}.ckpt" for n, v in ((1, "30"), (2, "00"))]
    make(here, *names)
    asked: dict[str, Any] = {"monitor": "val_acc", "further": ("val_loss",), "pareto": pareto}
    ranking = ranked(**asked)
    assert places(ranking)[0] == (1, names[0])
    assert "lightning-zero" in codes(ranking)
    with pytest.raises(StrictError, match="Lightning"):
        ranked(**asked, strict=True)
    assert places(ranked(**asked, allow_zero=True))[0] == (1, names[1])


def test_ignites_negated_loss_as_a_further_monitor(here: Path) -> None:
    """The highest score is the lowest loss, whatever is asked."""
    names = [f"best_model_{n}_val_loss=-0.{n}000.pt" for n in (3, 2, 4)]
    make(here, *names)
    (here / "t.csv").write_text("epoch,acc\n2,.9\n3,.9\n4,.9\n")
    for text in ("val_loss", "val_loss:min"):
        ranking = ranked(monitor="acc", further=(text,), metrics=("t.csv",), key="epoch")
        assert [row.checkpoint.name for row in ranking.rows] == [names[1], names[0], names[2]]
        assert "ignite-inverted-sign" in codes(ranking)


@pytest.mark.parametrize("options", [{}, {"pareto": True}, {"per_run": True}])
def test_rounding_in_a_further_monitor(here: Path, options: dict[str, Any]) -> None:
    """Of `0.30` and `0.299` the first may be the better one; that is said among equals only."""
    make(here, "e=01-val_acc=0.90-val_loss=0.30.h5", "e=02-val_acc=0.90-val_loss=0.299.h5")
    asked: dict[str, Any] = {"monitor": "val_acc", "further": ("val_loss",), **options}
    with pytest.raises(StrictError, match="different precision"):
        ranked(**asked, strict=True)
    make(here, "e=03-val_acc=0.95-val_loss=0.20.h5")
    assert places(ranked(**asked, strict=True))[0] == (1, "e=03-val_acc=0.95-val_loss=0.20.h5")


def test_rounding_within_each_run(here: Path) -> None:
    """Each run's own best may be hidden, though another run's is not."""
    make(here, "a/e=1-val_loss=0.10-acc=0.5.h5", "a/e=2-val_loss=0.20-acc=0.5.h5")
    make(here, "b/e=1-val_loss=0.30-acc=0.5.h5", "b/e=2-val_loss=0.299-acc=0.5.h5")
    with pytest.raises(StrictError, match=r"0\.299 and 0\.30 are printed"):
        ranked(monitor="val_loss", further=("acc",), per_run=True, strict=True)


VALUES = st.lists(st.tuples(*[st.sampled_from([0.1, 0.2, 0.3])] * 2), min_size=1, max_size=8)


@given(VALUES)
def test_the_front_is_what_nothing_beats(pairs: list[tuple[float, float]]) -> None:
    """By the definition, one by one."""
    rows = [
        Ranked(
            None,
            Checkpoint(str(n), (), "", "", (Metric("a", a, ""), Metric("b", b, "")), "p"),
        )
        for n, (a, b) in enumerate(pairs)
    ]
    values = [{str(n): pair[place] for n, pair in enumerate(pairs)} for place in (0, 1)]
    orders = [
        Order(Monitor("a", "min", ""), MonitorFields("a", {"p": "a"}), values[0]),
        Order(Monitor("b", "max", ""), MonitorFields("b", {"p": "b"}), values[1]),
    ]
    query = Query(monitor="a", further=("b",), pareto=True)
    found = {row.checkpoint.path for row in reranked(rows, orders, query)[0] if row.rank}
    expected = {
        str(n)
        for n, (a, b) in enumerate(pairs)
        if not any(x <= a and y >= b and (x, y) != (a, b) for x, y in pairs)
    }
    assert found == expected


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("val_loss", ("val_loss", "auto")),
        ("val_acc:max", ("val_acc", "max")),
        ("a:b", ("a:b", "auto")),
        ("a:b:min", ("a:b", "min")),
    ],
)
def test_a_monitor_and_its_mode(text: str, parsed: tuple[str, str]) -> None:
    """The mode stands behind the last colon, if it is one."""
    assert parse_monitor(text) == parsed


def test_a_mode_without_a_monitor() -> None:
    """It is wrong usage."""
    with pytest.raises(UsageError):
        parse_monitor(":max")


@pytest.mark.parametrize("options", [{}, {"per_run": True}])
def test_a_tie_at_the_edge(here: Path, options: dict[str, bool]) -> None:
    """Between the last one that is taken and the first one that is left, as for one monitor."""
    folders = ("a", "b", "c", "d") if options else ("a",) * 4
    values = [(0.1, 0.9), (0.2, 0.8), (0.2, 0.8), (0.3, 0.7)]
    for n, (run, (loss, acc)) in enumerate(zip(folders, values, strict=True), 1):
        make(here, f"{run}/w.0{n}-val_loss={loss}-val_acc={acc}.keras")
    asked: dict[str, Any] = {"further": ("val_acc:max",), **options}
    assert "tie" not in codes(ranked(keep=2, **asked))
    assert "tie" in codes(ranked(keep=3, **asked))
    assert "tie" not in codes(ranked(keep=4, **asked))
    with pytest.raises(TieError, match="the same val_loss and val_acc"):
        ranked(keep=3, tie="error", **asked)


def test_one_value_without_a_label(here: Path) -> None:
    """It cannot be two metrics at once."""
    make(here, *(f"model.{n:02d}-0.{n}0.keras" for n in (1, 2, 3)))
    with pytest.raises(AmbiguousMonitorError, match="cannot be both 'val_loss' and 'val_acc"):
        ranked(further=("val_accuracy:max",))
