"""`ckptsel copy`: copy the best checkpoint."""

# ruff: noqa: PLC0415 - what only some calls need is imported by those calls.
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from ckptsel.cli import choose, options, output
from ckptsel.cli.printing import output_name
from ckptsel.cli.progress import progress
from ckptsel.cli.query_options import with_query
from ckptsel.cli.reports import text
from ckptsel.cli.reports.ranking_record import finding_record, rejected_records, verified
from ckptsel.cli.reports.table import Column, Table
from ckptsel.cli.require import check, parse_conditions
from ckptsel.errors import StrictError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ckptsel.selection import Query
    from ckptsel.transfer.copy import Copied
    from ckptsel.verification.soundness import Sound

EXAMPLES = (
    "ckptsel copy runs/mnist --to best.keras",
    "ckptsel copy runs -m val_loss --to release --top 3 --sha256",
    "ckptsel copy runs -m val_loss --to best.keras --force --dry-run",
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
            help="The new path; or, if it ends in / or is one, a folder to copy into.",
        ),
    ],
    top: options.Top = None,
    require: options.Require,
    verify: options.Verify = False,
    force: Annotated[
        bool, typer.Option("--force", envvar="CKPTSEL_FORCE", help="Replace what is there.")
    ] = False,
    sha256: Annotated[
        bool,
        typer.Option("--sha256", envvar="CKPTSEL_SHA256", help="Write each file's hash down."),
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
    """Copy the best checkpoint, all of its files, and print where it is now.

    With --top or --per-run, several into a folder. Either everything is copied or nothing
    is, and what is there already stays unless --force is given. A record of why it was the
    best is written beside it, and beside a TensorFlow prefix a state file `checkpoint`.
    """
    from ckptsel.transfer import copy as transfer

    conditions = parse_conditions(require)
    chosen = output_name(output_format, null=null, default="paths")
    ranking = choose.ranked(query, keep=choose.wanted(query, top))
    found = choose.sound(ranking, query, top) if verify else None
    ranking = found.ranking if found else ranking
    rows = found.rows if found else choose.taken(ranking, query, top)
    check(conditions, rows, ranking)
    # One that was not asked for by number can get the destination's own name.
    number = len(rows) if query.takes_several and top is None else top
    if query.strict:
        _refuse(transfer.copy(ranking, to, top=number, force=force, dry_run=True))
    with progress(lambda size: f"{text.size(size)} copied…") as tick:
        copies = transfer.copy(
            ranking,
            to,
            top=number,
            force=force,
            sha256=sha256,
            dry_run=dry_run,
            on_bytes=_summed(tick),
        )
    for copied in copies:
        output.findings(copied.findings)
        output.say(text.shown(_done(copied, dry_run=dry_run)))
    output.write(CopyReport(copies, dry_run, found), chosen)


def _refuse(copies: Sequence[Copied]) -> None:
    for copied in copies:
        for finding in copied.findings:
            if finding.strict:
                raise StrictError(f"{copied.dest}: {finding.message}")


def _summed(tick: Callable[[int], None] | None) -> Callable[[int], None] | None:
    if tick is None:
        return None
    total = 0

    def add(amount: int) -> None:
        nonlocal total
        total += amount
        tick(total)

    return add


def _done(copied: Copied, *, dry_run: bool) -> str:
    size = text.size(_size_bytes(copied))
    files = text.count(len(copied.files), "file")
    done = "would copy" if dry_run else "copied"
    line = f"ckptsel: {done} {copied.source} to {copied.dest} ({files}, {size})"
    if copied.state_file:
        line += f", with {copied.state_file} for tf.train.latest_checkpoint"
    return line


def _size_bytes(copied: Copied) -> int:
    return sum(file.size_bytes for file in copied.files)


@dataclass(frozen=True, slots=True)
class CopyReport:
    """What was copied, or would be.

    Attributes:
        copies: one a checkpoint.
        dry_run: whether nothing was written.
        sound: what --verify found, if it was asked for.
    """

    copies: Sequence[Copied]
    dry_run: bool
    sound: Sound | None = None

    def paths(self) -> Sequence[str]:
        """The destinations."""
        return [copied.dest for copied in self.copies]

    def document(self) -> Mapping[str, object]:
        """All the copies."""
        told = {"command": "copy", "dry_run": self.dry_run, "copies": self.records()}
        if self.sound is None:
            return told
        return {**told, "rejected": [*rejected_records(self.sound)]}

    def records(self) -> Sequence[Mapping[str, object]]:
        """One record a checkpoint."""
        return [verified(self._record(copied), copied.source, self.sound) for copied in self.copies]

    def _record(self, copied: Copied) -> dict[str, object]:
        return {
            "path": copied.dest,
            "source": copied.source,
            "record": copied.record or None,
            "state_file": copied.state_file or None,
            "size_bytes": _size_bytes(copied),
            "files": [
                {"name": file.name, "size_bytes": file.size_bytes, "sha256": file.sha256}
                for file in copied.files
            ],
            "findings": [finding_record(finding) for finding in copied.findings],
        }

    def cells(self) -> Iterator[Sequence[str]]:
        """One line a checkpoint."""
        yield ["path", "source", "record", "size_bytes"]
        for copied in self.copies:
            yield [copied.dest, copied.source, copied.record, str(_size_bytes(copied))]

    def table(self) -> Table:
        """One line a checkpoint."""
        copies = self.copies
        return Table(
            [
                Column("source", [copied.source for copied in copies]),
                Column("path", [copied.dest for copied in copies]),
                Column("files", [str(len(copied.files)) for copied in copies], right=True),
                Column("size", [text.size(_size_bytes(copied)) for copied in copies], right=True),
            ],
            caption="nothing was written" if self.dry_run else "",
        )
