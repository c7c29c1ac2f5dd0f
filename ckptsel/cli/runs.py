"""`ckptsel runs`: one row a training run."""

# ruff: noqa: PLC0415 - what only some calls need is imported by those calls.
from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.cli import options, output
from ckptsel.cli.printing import output_name
from ckptsel.cli.progress import progress
from ckptsel.cli.query_options import with_runs
from ckptsel.cli.reports.text import count
from ckptsel.errors import StrictError

if TYPE_CHECKING:
    from ckptsel.selection import Query

EXAMPLES = (
    "ckptsel runs runs --monitor val_loss",
    "ckptsel runs runs -m val_accuracy -o csv > runs.csv",
)


@with_runs
def run(
    query: Query,
    *,
    top: options.Top = None,
    output_format: options.Output = None,
    null: options.Null = False,
) -> None:
    """Show one row a training run: how far it came, where it was best, and what is wrong.

    The run with the best checkpoint comes first. The trend and the trouble are the log's, where
    there is one. With --top, the N best runs.
    """
    chosen = output_name(output_format, null=null, default="table")
    from ckptsel.cli.reports.runs import RunsReport
    from ckptsel.runs import overview

    with progress(lambda files: count(files, "file") + "…") as tick:
        found = overview(query, tick)
    output.findings(found.ranking.findings)
    runs = found.runs[:top]
    grave = [finding.said for each in runs for finding in each.trouble if finding.strict]
    if query.strict and grave:
        raise StrictError(f"under --strict: {grave[0]}", details=tuple(grave[1:5]))
    output.write(RunsReport(found.ranking, runs, len(found.runs)), chosen)
