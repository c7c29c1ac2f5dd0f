"""`ckptsel average`: write the mean of the best checkpoints."""

# ruff: noqa: PLC0415 - what only some calls need is imported by those calls.
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ckptsel.cli import options, output
from ckptsel.cli.printing import output_name
from ckptsel.cli.query_options import with_query
from ckptsel.cli.reports import text
from ckptsel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ckptsel.checkpoint import Mode
    from ckptsel.selection import Query
    from ckptsel.transfer.evaluation import Greedy
    from ckptsel.transfer.members import Members
    from ckptsel.transfer.soup import Trial

EXAMPLES = (
    "ckptsel average runs/mnist -m val_loss --top 5 --to mean.keras",
    "ckptsel average runs/mnist --last 3 --weights 3,2,1 --to mean.weights.h5",
    "ckptsel average a.keras b.keras --to mean.keras",
    "ckptsel average runs -m val_accuracy --greedy 'python evaluate.py {path}' --to soup.keras",
)


@with_query
def run(
    query: Query,
    *,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="DEST",
            envvar="CKPTSEL_TO",
            help="The new path, with the suffix of the checkpoints that are averaged.",
        ),
    ],
    top: options.Top = None,
    last: Annotated[
        int | None,
        typer.Option(
            "--last",
            metavar="N",
            min=1,
            envvar="CKPTSEL_LAST",
            show_default=False,
            help="The N last by epoch or step, whatever their values.",
        ),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            "--weights",
            metavar="W1,W2,…",
            envvar="CKPTSEL_WEIGHTS",
            show_default=False,
            help="How much each counts, best (or latest, or first named) first.",
        ),
    ] = None,
    greedy: Annotated[
        str | None,
        typer.Option(
            "--greedy",
            metavar="COMMAND",
            envvar="CKPTSEL_GREEDY",
            show_default=False,
            help="Add one by one, best first, and keep each only if the number that COMMAND"
            " prints at the end does not get worse. {path} in it is the checkpoint to evaluate; it"
            " is run without a shell.",
        ),
    ] = None,
    greedy_mode: Annotated[
        Literal["min", "max"] | None,
        typer.Option(
            "--greedy-mode",
            envvar="CKPTSEL_GREEDY_MODE",
            show_default=False,
            help="Whether low or high is good for that number.  [default: as for the monitor]",
        ),
    ] = None,
    verify: options.Verify = False,
    force: Annotated[
        bool, typer.Option("--force", envvar="CKPTSEL_FORCE", help="Replace what is there.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            envvar="CKPTSEL_DRY_RUN",
            help="Check everything, say it, and write nothing.",
        ),
    ] = False,
    output_format: options.Output = None,
    null: options.Null = False,
) -> None:
    """Write the mean of checkpoints, and print where it is now.

    Of the N best with --top, of the N last with --last, else of the files that are named.
    Weights that are floats are averaged; all else, such as the optimizer's state, is the
    best one's (the latest's, the first named one's), and so is the format.
    """
    from ckptsel.cli.progress import reading
    from ckptsel.cli.reports.average import AverageReport, done_line
    from ckptsel.cli.verified import say
    from ckptsel.transfer import average as transfer

    chosen = output_name(output_format, null=null, default="paths")
    if greedy is None and greedy_mode is not None:
        raise UsageError("--greedy-mode says how the number of --greedy is meant: give both")
    numbers = None if weights is None else _numbers(weights)
    with reading() as on_bytes:
        members = _members(
            query, top, last, greedy=greedy is not None, verify=verify, on_bytes=on_bytes
        )
        how = None if greedy is None else _greedy(greedy, greedy_mode, query, members)
        if members.verdicts is not None:
            say(members.verdicts)
        averaged = transfer.average(
            members,
            to,
            weights=numbers,
            greedy=how,
            force=force,
            strict=query.strict,
            dry_run=dry_run,
            on_bytes=on_bytes,
            on_trial=_say_trial,
        )
    output.findings(averaged.findings)
    output.say(text.shown(done_line(averaged, dry_run=dry_run)))
    output.write(AverageReport(averaged, members, dry_run), chosen)


def _members(
    query: Query,
    top: int | None,
    last: int | None,
    *,
    greedy: bool,
    verify: bool,
    on_bytes: Callable[[int], None] | None,
) -> Members:
    from ckptsel.transfer import members

    if query.takes_several:
        option = "--per-run" if query.per_run else "--pareto"
        raise UsageError(
            f"{option} does not say how many are averaged", hint="give --top K, or name the files"
        )
    if top is not None and last is not None:
        raise UsageError("give only one of --top and --last")
    if last is not None:
        return members.last(query, last, verify=verify, on_bytes=on_bytes)
    if top is not None or (greedy and query.monitor is not None):
        return members.best(query, top, verify=verify, on_bytes=on_bytes)
    return members.named(query, verify=verify, on_bytes=on_bytes)


def _numbers(weights: str) -> list[float]:
    try:
        # Python would read 1_0 as 10.
        return [float(part.replace("_", "?")) for part in weights.split(",")]
    except ValueError:
        raise UsageError(
            f"--weights {weights!r}: no list of numbers", hint="such as --weights 3,2,1"
        ) from None


def _greedy(command: str, mode: Mode | None, query: Query, members: Members) -> Greedy:
    from ckptsel.transfer.evaluation import Greedy

    monitor = members.ranking.monitor if members.ranking else None
    if mode is None and monitor is not None:
        mode = monitor.mode
    if mode is None and query.mode in ("min", "max"):
        mode = "min" if query.mode == "min" else "max"
    if mode is None:
        raise UsageError(
            "--greedy: whether low or high is good is not known",
            hint="give --greedy-mode min or --greedy-mode max",
        )
    good = "lower" if mode == "min" else "higher"
    output.note(f"of the number that the command prints, {good} is taken for better")
    return Greedy(command, mode)


def _say_trial(trial: Trial) -> None:
    done = "kept" if trial.kept else "left out"
    what = text.count(trial.members, "member")
    output.say(text.shown(f"ckptsel: {trial.value!r} of {what}: {trial.added} {done}"))
