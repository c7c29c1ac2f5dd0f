"""Everything that is printed: results to stdout, all the rest to stderr. The only user of Rich."""

# ruff: noqa: PLC0415 - what only some calls need is imported by those calls.
from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Protocol, TextIO

from ckptsel.cli.reports.text import shown
from ckptsel.errors import CkptselError
from ckptsel.record import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ckptsel.checkpoint import Finding
    from ckptsel.cli.reports.table import Table

# Findings of one kind; a folder of a thousand odd names shall not bury the result.
_NOTES_OF_A_KIND = 5
# A terminal's table folds names into no fewer columns than this.
_FOLDED = 12
_TSV = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


class Report(Protocol):
    """A command's result, which each output format takes its part of."""

    def paths(self) -> Sequence[str]:
        """For `paths` and `paths0`."""

    def document(self) -> Mapping[str, object]:
        """For `json`: all there is to say, without the schema number."""

    def records(self) -> Sequence[Mapping[str, object]]:
        """For `jsonl`: one a line."""

    def cells(self) -> Iterable[Sequence[str]]:
        """For `csv` and `tsv`: the heading, then one a line."""

    def table(self) -> Table:
        """For people."""


def write(report: Report, output: str) -> None:
    """Write a result to stdout in one of the output formats."""
    if output == "paths":
        write_lines(report.paths())
    elif output == "paths0":
        write_lines(report.paths(), end="\0")
    elif output == "json":
        _send([_json({"schema": SCHEMA, **report.document()}) + b"\n"])
    elif output == "jsonl":
        _send(_json(record) + b"\n" for record in report.records())
    elif output == "csv":
        _send(_csv(report.cells()))
    elif output == "tsv":
        rows = ("\t".join(cell.translate(_TSV) for cell in row) for row in report.cells())
        _send(_raw(row) + b"\n" for row in rows)
    elif is_terminal(sys.stdout):
        _draw(report.table())
    else:
        from ckptsel.cli.reports.table import plain

        _send(_readable(line) + b"\n" for line in plain(report.table()))


def write_lines(texts: Sequence[str], *, end: str = "\n") -> None:
    """Write texts as they are, bytes that are no UTF-8 included.

    Only a terminal gets them escaped, because it would obey what is in them.
    """
    if end == "\n":
        if is_terminal(sys.stdout):
            _send(_readable(shown(text)) + b"\n" for text in texts)
            return
        if any("\n" in text for text in texts):
            note("a result holds a newline, so lines are not results: -0 separates them safely")
    _send(_raw(text) + end.encode() for text in texts)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a standard stream is there (it can be closed) and is a terminal."""
    return stream is not None and stream.isatty()


def _raw(text: str) -> bytes:
    # Windows has no bytes behind its names, but its surrogates must not stop a listing.
    return os.fsencode(text) if os.name != "nt" else text.encode("utf-8", "surrogatepass")


def _readable(text: str) -> bytes:
    """Escaped text in whatever encoding the terminal or log has, ASCII included."""
    return text.encode(sys.stdout.encoding or "utf-8", "backslashreplace")


def _send(chunks: Iterable[bytes]) -> None:
    """Write to stdout and make sure that it arrived.

    Raises:
        CkptselError: stdout is closed, or its disk is full.
        BrokenPipeError: whoever read it has gone.
    """
    if sys.stdout is None:
        raise CkptselError("standard output is closed", hint="redirect it to a file")
    try:
        for chunk in chunks:
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        abandon(sys.stdout)
        raise CkptselError(f"cannot write to standard output: {error.strerror}") from None


def abandon(stream: TextIO) -> None:
    """Point a broken stream at nothing, or Python would complain of it when it ends."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, stream.fileno())
    os.close(nothing)


def _json(value: object) -> bytes:
    import json

    # ASCII with escapes keeps every file name whole, in any locale.
    return json.dumps(value, allow_nan=False).encode("ascii")


def _csv(rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    import csv
    import io

    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    for row in rows:
        writer.writerow(row)
        yield _raw(buffer.getvalue())
        buffer.seek(0)
        buffer.truncate()


def _draw(table: Table) -> None:
    # Imported here because Rich takes longer than all the rest of a command.
    import io

    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    drawn = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    least = 0
    for column in table.columns:
        texts = [Text(shown(text)) for text in (column.title, *column.cells)]
        widest = max(text.cell_len for text in texts)
        narrowest = widest if column.right else min(widest, _FOLDED)
        least += narrowest + 2
        # Folding, because Rich's other ways to fit a column cut it.
        drawn.add_column(
            texts[0],
            justify="right" if column.right else "left",
            overflow="fold",
            min_width=narrowest,
        )
    console = Console(highlight=False)
    # Where even that does not fit, the terminal wraps lines; Rich would leave columns out.
    console.width = max(console.width, least)
    for index, row in enumerate(zip(*(column.cells for column in table.columns), strict=True)):
        # Text, because Rich would take "[red]" in a file name for a style.
        cells = (Text(shown(cell)) for cell in row)
        drawn.add_row(*cells, style="bold green" if index == table.marked else "")
    if table.caption:
        console.print(Text(shown(table.caption), style="bold"), soft_wrap=True)
    for line in table.head:
        console.print(Text(shown(line)), soft_wrap=True)
    if drawn.row_count:
        console.print(drawn)
    for line in table.footer:
        console.print(Text(shown(line), style="dim"), soft_wrap=True)


def note(message: str) -> None:
    """Say something on stderr that is no reason to stop."""
    say(f"ckptsel: note: {shown(message)}")


def findings(found: Iterable[Finding]) -> None:
    """Say what was noticed on the way, a few of each kind."""
    said: dict[str, int] = {}
    for finding in found:
        said[finding.code] = said.get(finding.code, 0) + 1
        if said[finding.code] <= _NOTES_OF_A_KIND:
            where = f"{finding.path}: " if finding.path not in finding.message else ""
            note(f"{where}{finding.message}")
    for code, times in said.items():
        if times > _NOTES_OF_A_KIND:
            note(f"{times - _NOTES_OF_A_KIND} more like this ({code}); -o json gives them all")


def error(problem: CkptselError) -> None:
    """Say on stderr what ended the call, with its details and what to do next."""
    say(f"ckptsel: error: {shown(problem.message)}")
    for line in problem.details:
        say(f"  {shown(line)}")
    if problem.hint:
        say(f"hint: {shown(problem.hint)}")


def say(line: str, end: str = "\n") -> None:
    """Write to stderr, if anybody listens."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(line + end)
        sys.stderr.flush()
    except OSError:
        # Nobody listens to notes; the result on stdout matters all the same.
        abandon(sys.stderr)
