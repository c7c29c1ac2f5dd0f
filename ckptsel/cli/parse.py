"""`ckptsel parse`: read values from names, without touching a file."""

# ruff: noqa: PLC0415 - what only some calls need is imported by those calls.
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from ckptsel.cli import options, output
from ckptsel.cli.printing import output_name
from ckptsel.cli.reports import text
from ckptsel.cli.reports.ranking_record import finding_record
from ckptsel.cli.reports.table import Column, Table
from ckptsel.errors import ExitCode
from ckptsel.record import by_name, finite, finite_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ckptsel.naming.parse import NameReading

EXAMPLES = (
    "ckptsel parse weights.05-0.4500.keras weights.06-0.3900.keras",
    "ckptsel parse --pattern 'epoch={epoch}-{val_loss:.2f}.ckpt' epoch=3-0.25.ckpt -o json",
    "ckptsel parse -- -0.25.keras",
)


def run(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME...", help="File names. Put -- before the first that begins with a dash."
        ),
    ],
    *,
    patterns: options.Patterns,
    single: Annotated[
        bool,
        typer.Option(
            "--single", help="Read each name on its own, without learning from the others."
        ),
    ] = False,
    output_format: options.Output = None,
    null: options.Null = False,
) -> None:
    """Read values from names, without touching a file.

    The exit code is 3 if none of the names could be read.
    """
    chosen = output_name(output_format, null=null, default="table")
    from ckptsel.naming.parse import read_names

    readings = read_names(names, patterns, single=single)
    output.findings(finding for reading in readings for finding in reading.findings)
    output.write(ParseReport(readings, learned=not patterns), chosen)
    if not any(reading.status == "ok" for reading in readings):
        raise typer.Exit(ExitCode.NOTHING_FOUND)


@dataclass(frozen=True, slots=True)
class ParseReport:
    """Names and what was read from them.

    Attributes:
        readings: one a name.
        learned: whether the patterns were learned from the names.
    """

    readings: Sequence[NameReading]
    learned: bool

    def paths(self) -> Sequence[str]:
        """The names that were read."""
        return [reading.name for reading in self.readings if reading.status == "ok"]

    def document(self) -> Mapping[str, object]:
        """All the names."""
        return {"command": "parse", "names": self.records()}

    def records(self) -> Sequence[Mapping[str, object]]:
        """One record a name."""
        return [_record(reading) for reading in self.readings]

    def cells(self) -> Iterator[Sequence[str]]:
        """The values in columns; a value reads back as the same value."""
        fixed = ("name", "status", "pattern")
        names = self._metric_names()
        yield [*fixed, *(f"metric.{name}" if name in fixed else name for name in names)]
        for reading in self.readings:
            found = by_name(reading.metrics)
            row = (text.number(found[name].value) if name in found else "" for name in names)
            yield [reading.name, reading.status, reading.pattern, *row]

    def table(self) -> Table:
        """The names for people, with the values as they are printed in them."""
        readings = self.readings
        columns = [
            Column("name", [reading.name for reading in readings]),
            Column("status", [reading.status for reading in readings]),
        ]
        for name in self._metric_names():
            found = [by_name(reading.metrics).get(name) for reading in readings]
            columns.append(Column(name, [m.text if m else "" for m in found], right=True))
        used = Counter(reading.pattern for reading in readings if reading.pattern)
        footer = [
            text.pattern_line(pattern, n, learned=self.learned) for pattern, n in used.items()
        ]
        return Table(columns, footer=footer)

    def _metric_names(self) -> list[str]:
        return list(dict.fromkeys(m.name for reading in self.readings for m in reading.metrics))


def _record(reading: NameReading) -> dict[str, object]:
    return {
        "name": reading.name,
        "status": reading.status,
        "pattern": reading.pattern,
        "fields": finite_values(m for m in reading.metrics if m.labelled),
        "unlabelled": [finite(m.value) for m in reading.metrics if not m.labelled],
        "findings": [finding_record(finding) for finding in reading.findings],
    }
