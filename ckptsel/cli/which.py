"""`ckptsel which`: which epoch is this file?"""

# ruff: noqa: PLC0415 - what only some calls need is imported by those calls.
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ckptsel.cli import options, output
from ckptsel.cli.printing import output_name
from ckptsel.cli.progress import progress
from ckptsel.cli.reports.text import count
from ckptsel.errors import NothingFoundError, StrictError

if TYPE_CHECKING:
    from ckptsel.which.evidence import Answer

EXAMPLES = (
    "ckptsel which runs/mnist/weights/best.pt",
    "ckptsel which best.weights.h5 runs/mnist",
)


def run(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="A checkpoint: a file, a folder, or a prefix."),
    ],
    locations: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="LOCATION...",
            help="Where other checkpoints are, besides those of the file's own run.",
            show_default=False,
        ),
    ] = None,
    *,
    patterns: options.Patterns,
    strict: options.Strict = False,
    output_format: options.Output = None,
    null: options.Null = False,
) -> None:
    """Say which epoch a checkpoint is, with its values, and how sure that is.

    By its name, by a log, or by its content: another checkpoint that is the same file, or has the
    same bytes, the same weights or the same optimizer step. If it cannot be told, the exit code
    is 3.
    """
    chosen = output_name(output_format, null=null, default="table")
    from ckptsel.cli.reports.which import WhichReport
    from ckptsel.search.query import Query
    from ckptsel.which.ask import which

    query = Query(tuple(locations or ()), patterns=tuple(patterns))
    with progress(lambda files: count(files, "file") + "…") as tick:
        answer = which(file, query, tick)
    output.findings(answer.findings)
    _check(answer, strict=strict)
    output.write(WhichReport(answer), chosen)
    if answer.sure == "unknown":
        raise NothingFoundError(
            f"which epoch {file!r} is cannot be told",
            hint="name the folder with the run's other checkpoints, or its logs",
        )


def _check(answer: Answer, *, strict: bool) -> None:
    """Under --strict, only what is certain counts."""
    grave = [finding.said for finding in answer.findings if finding.strict]
    if strict and answer.sure == "likely":
        grave.append(f"which epoch {answer.path!r} is, is only likely")
    if strict and grave:
        raise StrictError(f"under --strict: {grave[0]}", details=tuple(grave[1:5]))
