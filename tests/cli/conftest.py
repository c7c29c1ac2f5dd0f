"""What the tests of the command line share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import typer.testing

from ckptsel.cli import output
from ckptsel.cli.app import app
from ckptsel.cli.reports.ranking import RankingReport
from tests.cli.rankings import three

if TYPE_CHECKING:
    from collections.abc import Callable

    from ckptsel.checkpoint import Ranking
    from ckptsel.errors import CkptselError
    from ckptsel.selection import Query

    Run = Callable[..., typer.testing.Result]
    Written = Callable[[Ranking, str], bytes]


@dataclass
class Core:
    """Stands in for `select`: remembers what it is asked and answers with a ranking."""

    answer: Ranking | CkptselError = field(default_factory=three)
    query: Query | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def __call__(self, query: Query, **options: Any) -> Ranking:
        """Answer, or fail as it was told to."""
        self.query, self.options = query, options
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch) -> Core:
    """The core, replaced."""
    stand_in = Core()
    monkeypatch.setattr("ckptsel.selection.select", stand_in)
    return stand_in


@pytest.fixture
def run() -> Run:
    """Run the command line in this process."""

    def call(*argv: str, **settings: Any) -> typer.testing.Result:
        runner = typer.testing.CliRunner()
        return runner.invoke(app, argv, prog_name="ckptsel", **settings)

    return call


@pytest.fixture
def written(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Written:
    """Write a ranking's report in a format, 1000 seconds after the files were made."""
    monkeypatch.setattr("time.time", lambda: 1700001000.0)

    def write(ranking: Ranking, name: str) -> bytes:
        output.write(RankingReport("list", ranking, ranking.rows), name)
        return capfdbinary.readouterr().out

    return write
