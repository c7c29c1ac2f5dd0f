"""`ckptsel inspect`: what is inside of checkpoints, and what they load into."""

# ruff: noqa: PLC0415 - what only some calls need is imported by those calls.
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ckptsel.cli import options, output
from ckptsel.cli.printing import output_name
from ckptsel.errors import CkptselError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckptsel.cli.reports.inspection import Inspected
    from ckptsel.inspection.against import Model

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

    The exit code is 5 if one is seen to be damaged; with --against, 4 if the weights of one do
    not fit.
    """
    chosen = output_name(output_format, null=null, default="table")
    from ckptsel.cli.reports.inspection import InspectionReport
    from ckptsel.inspection.against import Model

    model = Model(against) if against is not None else None
    looked = [_look(path, model, statistics=statistics) for path in paths]
    errors = [each for each in looked if isinstance(each, CkptselError)]
    found = [each for each in looked if not isinstance(each, CkptselError)]
    if len(paths) == len(errors) == 1:
        raise errors[0]
    for error in errors:
        output.error(error)
    # Tables stand one below the other; all other formats hold every checkpoint.
    parts = [[one] for one in found] if chosen == "table" else [found]
    for number, part in enumerate(parts):
        if number:
            output.write_lines([""])
        output.write(InspectionReport(part, every=every or statistics), chosen)
    raise typer.Exit(_exit_code(found, errors))


def _look(path: str, model: Model | None, *, statistics: bool) -> Inspected | CkptselError:
    """One checkpoint; or why not, since nobody wants to lose the others for it."""
    from ckptsel.cli.reports.inspection import Inspected
    from ckptsel.inspection.against import against
    from ckptsel.inspection.inspect import inspect
    from ckptsel.verification.verify import verify

    try:
        found = inspect(path, statistics=statistics)
        fit = against(model, path) if model else None
        # What is shown of a damaged file is what could be read of it.
        verdict = verify(path, level="full" if statistics else "quick", allow_nonfinite=True)
    except CkptselError as error:
        return error
    return Inspected(found, fit, model.path if model else "", verdict)


def _exit_code(found: Sequence[Inspected], errors: Sequence[CkptselError]) -> ExitCode:
    """Damage before all else, then what could not be read, then what does not fit."""
    codes = [error.exit_code for error in errors]
    codes += [ExitCode.DAMAGE for one in found if not one.verdict.is_sound]
    if codes:
        return ExitCode.DAMAGE if ExitCode.DAMAGE in codes else codes[0]
    return ExitCode.OK if all(one.fits for one in found) else ExitCode.CONDITION_NOT_MET
