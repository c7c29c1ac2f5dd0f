"""`ckptsel inspect`: what is inside of checkpoints, and what they load into."""

# ruff: noqa: PLC0415 - what only some calls need is imported by those calls.
from __future__ import annotations

from typing import Annotated

import typer

from ckptsel.cli import options, output
from ckptsel.cli.printing import output_name
from ckptsel.errors import ExitCode

EXAMPLES = (
    "ckptsel inspect runs/mnist/weights.05-0.4500.keras",
    "ckptsel inspect best.weights.h5 --stats",
    "ckptsel inspect best.weights.h5 --against model.keras",
)


def run(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Checkpoints: files, folders such as a SavedModel, or TensorFlow prefixes.",
        ),
    ],
    *,
    every: Annotated[
        bool,
        typer.Option("--all", envvar="CKPTSEL_ALL", help="Every tensor, not folded by layer."),
    ] = False,
    statistics: Annotated[
        bool,
        typer.Option(
            "--stats",
            envvar="CKPTSEL_STATS",
            help="Minimum, maximum, mean, standard deviation and the share of NaN, infinities"
            " and zeros of every tensor. Reads all values.",
        ),
    ] = False,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="MODEL",
            envvar="CKPTSEL_AGAINST",
            help="Whether the weights load into this model, and into the right layers: a saved"
            " model, the JSON of model.to_json(), or other weights.",
        ),
    ] = None,
    output_format: options.Output = None,
    null: options.Null = False,
) -> None:
    """Show what is inside of checkpoints, without loading them.

    With --against, the exit code is 4 if the weights of one do not fit.
    """
    chosen = output_name(output_format, null=null, default="table")
    from ckptsel.cli.inspection_report import Inspected, InspectionReport
    from ckptsel.inspection.against import Model
    from ckptsel.inspection.against import against as fit_into
    from ckptsel.inspection.inspect import inspect

    model = Model(against) if against is not None else None
    found = [
        Inspected(
            inspect(path, statistics=statistics),
            fit_into(model, path) if model else None,
            against or "",
        )
        for path in paths
    ]
    # Tables stand one below the other; all other formats hold every checkpoint.
    parts = [[one] for one in found] if chosen == "table" else [found]
    for number, part in enumerate(parts):
        if number:
            output.write_lines([""])
        output.write(InspectionReport(part, every=every or statistics), chosen)
    if not all(one.fits for one in found):
        raise typer.Exit(ExitCode.CONDITION_NOT_MET)
