"""Verdicts, told in each of the output formats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptsel.cli.reports import text
from ckptsel.cli.reports.table import Column, Table
from ckptsel.cli.reports.verdict import finding_record
from ckptsel.verification.severity import severity_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ckptsel.checkpoint import Finding
    from ckptsel.formats.contents import Level
    from ckptsel.verification.verify import Verdict


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was verified, and what was found.

    Attributes:
        verdicts: one a checkpoint.
        sizes: path → size in bytes, -1 where it is not known.
        level: how closely was looked.
        strict: whether a danger counts as damage.
    """

    verdicts: Sequence[Verdict]
    sizes: Mapping[str, int]
    level: Level
    strict: bool

    def bad(self) -> list[Verdict]:
        """Those that end the command with 5."""
        return [
            verdict
            for verdict in self.verdicts
            if not verdict.is_sound or (self.strict and not verdict.is_safe)
        ]

    def reasons(self) -> list[Finding]:
        """What is wrong with those, for stderr."""
        return [finding for verdict in self.bad() for finding in verdict.findings[:1]]

    def paths(self) -> Sequence[str]:
        """The damaged ones."""
        return [verdict.path for verdict in self.bad()]

    def document(self) -> Mapping[str, object]:
        """All the verdicts."""
        return {
            "command": "verify",
            "level": self.level,
            "checkpoints": self.records(),
            "damaged": sum(not verdict.is_sound for verdict in self.verdicts),
            "unsafe": sum(not verdict.is_safe for verdict in self.verdicts),
        }

    def records(self) -> Sequence[Mapping[str, object]]:
        """One record a checkpoint."""
        return [
            {
                "path": verdict.path,
                "kind": verdict.kind or None,
                "size_bytes": self._size_bytes(verdict),
                "tensors": verdict.tensors,
                "sound": verdict.is_sound,
                "safe": verdict.is_safe,
                "findings": [finding_record(finding) for finding in verdict.findings],
            }
            for verdict in self.verdicts
        ]

    def cells(self) -> Iterator[Sequence[str]]:
        """One line a finding; one without a finding for a checkpoint that has none."""
        yield ["path", "kind", "size_bytes", "tensors", "severity", "code", "message"]
        for verdict, finding in self._lines():
            size = self._size_bytes(verdict)
            fixed = [verdict.path, verdict.kind, "" if size is None else str(size)]
            yield [*fixed, str(verdict.tensors), *_finding_cells(finding)]

    def table(self) -> Table:
        """One line a finding, the damaged ones first, and a line that sums up."""
        # A person reads from the top; everything else is in the order of the paths.
        lines = sorted(self._lines(), key=lambda line: (line[0].is_sound, line[0].is_safe))
        said = [_finding_cells(finding) for _, finding in lines]
        return Table(
            [
                Column("verdict", [severity or "sound" for severity, _, _ in said]),
                Column("path", [verdict.path for verdict, _ in lines]),
                Column("kind", [verdict.kind or "?" for verdict, _ in lines]),
                Column("size", [text.size(self.sizes[v.path]) for v, _ in lines], right=True),
                Column("tensors", [str(verdict.tensors) for verdict, _ in lines], right=True),
                *self._finding_columns(said),
            ],
            footer=[self._sum()],
        )

    def _finding_columns(self, said: Sequence[tuple[str, str, str]]) -> Iterator[Column]:
        if any(code for _, code, _ in said):
            yield Column("code", [code for _, code, _ in said])
            yield Column("finding", [message for _, _, message in said])

    def _lines(self) -> Iterator[tuple[Verdict, Finding | None]]:
        for verdict in self.verdicts:
            for finding in verdict.findings or (None,):
                yield verdict, finding

    def _sum(self) -> str:
        sound = [verdict for verdict in self.verdicts if verdict.is_sound]
        damaged = len(self.verdicts) - len(sound)
        unsafe = sum(not verdict.is_safe for verdict in self.verdicts)
        line = f"{text.count(len(self.verdicts), 'checkpoint')}: {len(sound)} sound"
        line += f", {damaged} damaged" if damaged else ""
        line += f", {unsafe} not safe to load" if unsafe else ""
        quick = " (--level quick: values were not looked at)" if self.level == "quick" else ""
        return line + quick

    def _size_bytes(self, verdict: Verdict) -> int | None:
        size = self.sizes[verdict.path]
        return size if size >= 0 else None


def _finding_cells(finding: Finding | None) -> tuple[str, str, str]:
    if finding is None:
        return ("", "", "")
    return (severity_of(finding.code), finding.code, finding.message)
