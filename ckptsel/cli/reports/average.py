"""A mean that was written, or would be, in every output format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptsel.cli.reports import text
from ckptsel.cli.reports.ranking_record import finding_record, record, verified
from ckptsel.cli.reports.table import Column, Table
from ckptsel.transfer.mean_record import member_record, trial_record
from ckptsel.verification.soundness import Sound

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ckptsel.transfer.average import Averaged
    from ckptsel.transfer.members import Members


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


def done_line(averaged: Averaged, *, dry_run: bool) -> str:
    """What was done, in a sentence."""
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
