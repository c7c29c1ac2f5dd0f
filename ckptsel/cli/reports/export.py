"""What `ckptsel export` says and prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptsel.cli.reports import text
from ckptsel.cli.reports.ranking_record import finding_record, rejected_records, verified
from ckptsel.cli.reports.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ckptsel.transfer.export import Exported
    from ckptsel.verification.soundness import Sound


def done(exported: Exported, *, dry_run: bool) -> str:
    """One line for stderr."""
    how = "would export" if dry_run else "exported"
    about = "about " if dry_run else ""
    size = about + text.size(exported.size_bytes)
    line = f"ckptsel: {how} {exported.source} to {exported.dest} ({size})"
    if exported.optimizer_bytes:
        line += f", without {text.size(exported.optimizer_bytes)} of the optimizer's state"
    if exported.produced and exported.produced.state_file:
        line += f", with {exported.produced.state_file} for tf.train.latest_checkpoint"
    return line


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was exported, or would be.

    Attributes:
        exported: the checkpoint.
        dry_run: whether nothing was written.
        sound: what --verify found in a search, if it was asked for.
    """

    exported: Exported
    dry_run: bool
    sound: Sound | None = None

    def paths(self) -> Sequence[str]:
        """The destination."""
        return [self.exported.dest]

    def document(self) -> Mapping[str, object]:
        """The export."""
        told = {"command": "export", "dry_run": self.dry_run, "export": self.records()[0]}
        if self.sound is None:
            return told
        return {**told, "rejected": [*rejected_records(self.sound)]}

    def records(self) -> Sequence[Mapping[str, object]]:
        """One record."""
        done, produced = self.exported, self.exported.produced
        files = produced.files if produced else ()
        record: dict[str, object] = {
            "path": done.dest,
            "source": done.source,
            "from": done.kind,
            "to": done.target,
            "record": (produced.record or None) if produced else None,
            "state_file": (produced.state_file or None) if produced else None,
            "size_bytes": done.size_bytes,
            "optimizer_bytes": done.optimizer_bytes,
            "checked": done.is_checked,
            "files": [{"name": name, "size_bytes": size} for name, size in files],
            "findings": [finding_record(finding) for finding in done.findings],
        }
        return [verified(record, done.source, self.sound)]

    def cells(self) -> Iterator[Sequence[str]]:
        """One line."""
        done = self.exported
        yield ["path", "source", "from", "to", "size_bytes", "optimizer_bytes"]
        sizes = [str(done.size_bytes), str(done.optimizer_bytes)]
        yield [done.dest, done.source, done.kind, done.target, *sizes]

    def table(self) -> Table:
        """One line."""
        done = self.exported
        return Table(
            [
                Column("source", [done.source]),
                Column("from", [done.kind]),
                Column("path", [done.dest]),
                Column("to", [done.target]),
                Column("size", [text.size(done.size_bytes)], right=True),
            ],
            caption="nothing was written" if self.dry_run else "",
        )
