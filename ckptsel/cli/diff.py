"""`ckptsel diff`: do two checkpoints hold the same, and if not, what differs?"""

# ruff: noqa: PLC0415 - what only some calls need is imported by those calls.
from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from ckptsel.cli import options, output
from ckptsel.cli.printing import output_name
from ckptsel.errors import ExitCode

EXAMPLES = (
    "ckptsel diff old/best.keras new/best.keras",
    "ckptsel diff --weights-only best.keras best.weights.h5",
    "ckptsel diff --tolerance 1e-6 run/ckpt-3 best.weights.h5 -o json",
)


def run(
    a: Annotated[
        str, typer.Argument(metavar="A", help="A checkpoint: a file, a folder, or a prefix.")
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="Another, of any format.")],
    *,
    tolerance: Annotated[
        float,
        typer.Option(
            metavar="X",
            envvar="CKPTSEL_TOLERANCE",
            min=0,
            help="Values that differ by no more than this are the same.",
        ),
    ] = 0.0,
    weights_only: Annotated[
        bool,
        typer.Option(
            "--weights-only",
            envvar="CKPTSEL_WEIGHTS_ONLY",
            help="Leave out the optimizer's state, the config and all else that is no weight.",
        ),
    ] = False,
    output_format: options.Output = None,
    null: options.Null = False,
) -> None:
    """Compare two checkpoints of any formats, tensor by tensor.

    The exit code is 0 if nothing differs, 4 if something does, and 5 if one is damaged.
    """
    chosen = output_name(output_format, null=null, default="table")
    from ckptsel.cli.reports.diff import DiffReport
    from ckptsel.comparison.compare import compare
    from ckptsel.verification.verify import verify

    # What is damaged may still be read, in part or wrongly.
    verdicts = [verify(path, allow_nonfinite=True) for path in (a, b)]
    found = compare(a, b, tolerance=tolerance, weights_only=weights_only)
    output.write(DiffReport(found, tolerance, weights_only=weights_only), chosen)
    # That one holds nothing, the comparison says itself.
    damage = [f for each in verdicts for f in each.of("damage") if f.code != "no-weights"]
    output.findings([replace(each, message=f"damage: {each.message}") for each in damage])
    if damage:
        raise typer.Exit(ExitCode.DAMAGE)
    if not found.is_same:
        raise typer.Exit(ExitCode.CONDITION_NOT_MET)
