"""`ckptsel average`: write the mean of the best checkpoints."""

# ruff: noqa: PLC0415 - what only some calls need is imported by those calls.
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ckptsel.cli import options, output
from ckptsel.cli.printing import output_name
from ckptsel.cli.query_options import with_query
from ckptsel.cli.reports import text
from ckptsel.cli.reports.ranking_record import finding_record, record, verified
from ckptsel.cli.reports.table import Column, Table
from ckptsel.errors import UsageError
from ckptsel.verification.soundness import Sound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ckptsel.checkpoint import Mode
    from ckptsel.selection import Query
    from ckptsel.transfer.average import Averaged
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
    output.say(text.shown(_done(averaged, dry_run=dry_run)))
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


def _done(averaged: Averaged, *, dry_run: bool) -> str:
    done = "would average" if dry_run else "averaged"
    size = ("about " if dry_run else "") + text.size(averaged.size_bytes)
    first = averaged.members[0][0].checkpoint.path
    line = (
        f"ckptsel: {done} {text.count(len(averaged.members), 'checkpoint')} to {averaged.dest}"
        f" ({size}): {text.count(averaged.averaged, 'tensor')}"
    )
    if averaged.taken:
        line += f", and {averaged.taken} as they are in {first}"
    if averaged.produced and averaged.produced.state_file:
        line += f", with {averaged.produced.state_file} for tf.train.latest_checkpoint"
    return line


@dataclass(frozen=True, slots=True)
class AverageReport:
    """What was averaged, or would be.

    Attributes:
        averaged: the mean.
        members: what was chosen for it, and what was passed over.
        dry_run: whether nothing was written.
    """

    averaged: Averaged
    members: Members
    dry_run: bool

    def paths(self) -> Sequence[str]:
        """The destination."""
        return [self.averaged.dest]

    def document(self) -> Mapping[str, object]:
        """The mean."""
        told = {"command": "average", "dry_run": self.dry_run, "average": self.records()[0]}
        if self.members.verdicts is None:
            return told
        rejected = [
            verified(record(row), row.checkpoint.path, self._sound())
            for row in self.members.rejected
        ]
        return {**told, "rejected": rejected}

    def _sound(self) -> Sound | None:
        ranking, verdicts = self.members.ranking, self.members.verdicts
        if verdicts is None or ranking is None:
            return None
        return Sound(ranking, self.members.rows, verdicts=verdicts)

    def records(self) -> Sequence[Mapping[str, object]]:
        """One record."""
        from ckptsel.transfer.average import member_record, trial_record

        done, produced = self.averaged, self.averaged.produced
        files = produced.files if produced else ()
        return [
            {
                "path": done.dest,
                "kind": done.kind,
                "record": (produced.record or None) if produced else None,
                "state_file": (produced.state_file or None) if produced else None,
                "size_bytes": done.size_bytes,
                "averaged": done.averaged,
                "taken": done.taken,
                "members": [
                    {"path": row.checkpoint.path, **member_record(row, share)}
                    for row, share in done.members
                ],
                "trials": [trial_record(trial) for trial in done.trials],
                "files": [{"name": name, "size_bytes": size} for name, size in files],
                "findings": [finding_record(finding) for finding in done.findings],
            }
        ]

    def cells(self) -> Iterator[Sequence[str]]:
        """One line a member."""
        yield ["path", "member", "weight", "rank", "value"]
        for row, share in self.averaged.members:
            rank = "" if row.rank is None else str(row.rank)
            value = row.metric.text if row.metric else ""
            yield [self.averaged.dest, row.checkpoint.path, repr(share), rank, value]

    def table(self) -> Table:
        """One line a member."""
        members = self.averaged.members
        return Table(
            [
                Column("member", [row.checkpoint.path for row, _ in members]),
                Column("value", [row.metric.text if row.metric else "" for row, _ in members]),
                Column("weight", [f"{share:.4g}" for _, share in members], right=True),
            ],
            head=[f"the mean is {self.averaged.dest}"],
            caption="nothing was written" if self.dry_run else "",
        )
