"""`ckptsel best`: print the path of the best checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ckptsel.cli import choose, options, output
from ckptsel.cli.printing import printer
from ckptsel.cli.query_options import with_query
from ckptsel.cli.reports import text
from ckptsel.cli.require import check, parse_conditions

if TYPE_CHECKING:
    from ckptsel.selection import Query

EXAMPLES = (
    "ckptsel best runs/mnist",
    "ckptsel best runs --monitor val_accuracy --require 'val_accuracy>=0.9'",
    "ckptsel best runs --monitor val_loss --explain",
    "ckptsel best runs -m val_loss --top 3 --format '{path} {val_loss:.4f}'",
)


@with_query
def run(
    query: Query,
    *,
    top: options.Top = None,
    require: options.Require,
    verify: options.Verify = False,
    template: options.Template = None,
    output_format: options.Output = None,
    null: options.Null = False,
    why: Annotated[
        bool,
        typer.Option(
            "--explain",
            envvar="CKPTSEL_EXPLAIN",
            help="Say on stderr, and in -o json, why: which value, from which line of which log,"
            " what the name says, and how far behind the next one is.",
        ),
    ] = False,
) -> None:
    """Print the path of the best checkpoint.

    With --per-run, of the best one of each training run. If it cannot be told which one is
    best, nothing is printed and the exit code is not 0.
    """
    conditions = parse_conditions(require)
    show = printer(output_format, null=null, template=template, default="paths")
    ranking = choose.ranked(query, keep=choose.wanted(query, top))
    found = choose.sound(ranking, query, top) if verify else None
    ranking = found.ranking if found else ranking
    rows = found.rows if found else choose.taken(ranking, query, top)
    check(conditions, rows, ranking)
    if len(rows) < (top or 1):
        could = "could be ranked and are sound" if verify else "could be ranked"
        output.note(f"{top} were asked for, and only {len(rows)} {could}")
    if why:
        from ckptsel.cli.reports.explanation import explained  # noqa: PLC0415 - only where it is asked for

        for line in explained(ranking, rows):
            output.say(text.shown(line))
    show("best", ranking, rows, found, explain=why)
