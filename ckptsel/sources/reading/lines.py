"""The lines of a log of text: in any encoding, of any size, still being written."""

from __future__ import annotations

import codecs
import io
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import BufferedReader

MAX_LINE = 200_000
"""Characters. A longer line is none of a log, and must not fill the memory."""

PIECE = 2**18
"""Characters. So many are read at a time."""

_ENCODINGS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_DOUBTFUL = "log-malformed"


def encoding_of(head: bytes) -> str:
    """The encoding that the first bytes tell; UTF-8 where they tell none."""
    return next((e for mark, e in _ENCODINGS.items() if head.startswith(mark)), "utf-8")


def first_line(head: bytes) -> str:
    """The first line of a log, from its first bytes; "" if they hold none."""
    text = head.decode(encoding_of(head), "replace")
    return text.splitlines()[0] if text.strip() else ""


def lines(
    path: str, findings: list[Finding], is_whole: Callable[[str], bool] | None = None
) -> Iterator[str]:
    """The lines, without their ends. A last line that has none is half written, and left out.

    Bytes that are no text of the encoding are kept as lone surrogates: a name in another
    encoding does not make the numbers beside it unreadable.

    Args:
        path: the file.
        findings: takes what is wrong.
        is_whole: tells of a last line without an end whether it is whole all the same.

    Raises:
        OSError: if the file cannot be read.
    """
    with open(path, "rb") as file:
        # In pieces, since a call for each line would take longer than all the rest.
        for some in pieces(file, path, findings, is_whole):
            yield from some


def pieces(
    file: BufferedReader,
    path: str,
    findings: list[Finding],
    is_whole: Callable[[str], bool] | None = None,
    size: int = PIECE,
) -> Iterator[list[str]]:
    """The lines of an open file, as `lines` has them, some at a time.

    Args:
        file: the file, at its begin; it is closed at the end.
        path: where it is, for findings.
        findings: see `lines`.
        is_whole: see `lines`.
        size: how many characters are read at a time.
    """
    rest = ""
    encoding = encoding_of(file.peek(4))
    errors = "surrogateescape" if encoding.startswith("utf-8") else "replace"
    with io.TextIOWrapper(file, encoding, errors, newline="\n") as text:
        while piece := text.read(size):
            *whole, rest = (rest + piece).split("\n")
            yield whole
            if len(rest) > MAX_LINE:
                said = f"a line is longer than {MAX_LINE} characters; the log was read up to there"
                findings.append(Finding(_DOUBTFUL, said, path, strict=True))
                return
    if rest and is_whole is not None and is_whole(rest):
        yield [rest]
    elif rest:
        said = "the last line has no end: it is still being written, and was left out"
        findings.append(Finding("log-half-line", said, path))
