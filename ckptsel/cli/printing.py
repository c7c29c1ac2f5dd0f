"""How rows of a ranking are to be printed: an output format, or a template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptsel.cli import output
from ckptsel.cli.record import FIXED, fields, metric_names
from ckptsel.cli.report import RankingReport
from ckptsel.cli.template import Template, fill, parse_template
from ckptsel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckptsel.checkpoint import Ranked, Ranking


@dataclass(frozen=True, slots=True)
class Printing:
    """What the options say about printing.

    Attributes:
        output: one of the output formats.
        template: instead of it, a line a row.
        null: whether these lines end with a NUL byte.
    """

    output: str
    template: Template | None = None
    null: bool = False

    def write(
        self,
        command: str,
        ranking: Ranking,
        rows: Sequence[Ranked],
        runner_up: Ranked | None = None,
    ) -> None:
        """Print rows to stdout."""
        if self.template is None:
            output.write(RankingReport(command, ranking, rows, runner_up), self.output)
            return
        known = list(dict.fromkeys((*FIXED, *metric_names(ranking.rows))))
        lines = [fill(self.template, fields(row, ranking), known) for row in rows]
        output.write_lines(lines, end="\0" if self.null else "\n")


def printing(
    chosen: str | None, *, null: bool, template: str | None = None, default: str
) -> Printing:
    """What `-o`, `-0` and `--format` say together.

    Raises:
        UsageError: they contradict each other, or the template is none.
    """
    overrides = "the output format can also come from CKPTSEL_OUTPUT; -o overrides it"
    if template is not None:
        if chosen is not None:
            raise UsageError(f"--format and -o {chosen} contradict each other", hint=overrides)
        return Printing("paths", parse_template(template), null)
    if null and chosen not in (None, "paths", "paths0"):
        raise UsageError(f"-0 and -o {chosen} contradict each other", hint=overrides)
    return Printing("paths0" if null else chosen or default)
