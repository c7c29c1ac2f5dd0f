"""What a terminal gets."""

from __future__ import annotations

import io
from typing import Any

import pytest

from ckptsel.cli import output
from ckptsel.cli.reports.ranking import RankingReport
from tests.cli.rankings import by_val_loss, checkpoint, evil, ranked


def on_terminal(report: Any, monkeypatch: pytest.MonkeyPatch, columns: int) -> str:
    """What a terminal of that width gets."""
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr("sys.stdout", stdout)
    monkeypatch.setattr(output, "is_terminal", lambda _: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "dumb")
    output.write(report, "table")
    stdout.flush()
    written = stdout.buffer
    assert isinstance(written, io.BytesIO)
    return written.getvalue().decode()


@pytest.mark.parametrize("columns", [20, 40, 80, 300])
def test_rich_cuts_nothing(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """However narrow the terminal is, a name is folded, never cut, and never taken as markup."""
    # Letters that nothing else in the table has.
    name = "[RED][/X]" + "ACDEFGHJ" * 10
    ranking = by_val_loss(ranked(1, checkpoint(1, "0.45", name=name)))
    drawn = on_terminal(RankingReport("list", ranking, ranking.rows), monkeypatch, columns)
    assert "".join(c for c in drawn if c in "[]REDXACFGHJ") == name.replace("/", "")
    assert drawn.startswith("val_loss, lowest first (a loss)\n")


def test_rich_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hostile name cannot reach the terminal through Rich."""
    ranking = evil()
    drawn = on_terminal(RankingReport("list", ranking, ranking.rows), monkeypatch, 300)
    assert r"[red]x\x1b[31m\n\xff,\t'.keras" in drawn
    assert "\x1b[31m" not in drawn


def test_paths_on_a_terminal_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal is shown a path, whatever its bytes would have done."""
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr("sys.stdout", stdout)
    monkeypatch.setattr(output, "is_terminal", lambda _: True)
    output.write_lines(["a\nb\x1b[31m"])
    written = stdout.buffer
    assert isinstance(written, io.BytesIO)
    assert written.getvalue() == b"a\\nb\\x1b[31m\n"
