"""`ckptsel list`: show the checkpoints and their values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.cli import choose, options
from ckptsel.cli.printing import printer
from ckptsel.cli.query_options import with_query

if TYPE_CHECKING:
    from ckptsel.selection import Query

EXAMPLES = (
    "ckptsel list runs/mnist",
    "ckptsel list runs --monitor val_loss --per-run",
    "ckptsel list runs -m val_loss -o csv > checkpoints.csv",
)


@with_query
def run(
    query: Query,
    *,
    top: options.Top = None,
    verify: options.Verify = False,
    template: options.Template = None,
    output_format: options.Output = None,
    null: options.Null = False,
) -> None:
    """Show the checkpoints and their values.

    With --monitor, best first. Without it nothing is ranked and they are in the order of
    their paths, unless --top or --per-run asks for the best. With --verify, a column says
    which are sound.
    """
    show = printer(output_format, null=null, template=template, default="table")
    # The first N of an unranked list would be taken for the best N.
    rank = query.monitor is not None or query.takes_several or top is not None
    ranking = choose.ranked(query, rank=rank)
    rows = ranking.rows[:top]
    show("list", ranking, rows, choose.verified(ranking, rows, query) if verify else None)
