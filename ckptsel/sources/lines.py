"""The lines of a log of text: in any encoding, of any size, still being written."""

from __future__ import annotations

import codecs
import io
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_LINE = 200_000
"""Characters. A longer line is none of a log, and must not fill the memory."""

_PIECE = 2**18

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
    rest = ""
    with open(path, "rb") as file:
        encoding = encoding_of(file.peek(4))
        errors = "surrogateescape" if encoding.startswith("utf-8") else "replace"
        text = io.TextIOWrapper(file, encoding, errors, newline="\n")
        # In pieces, since a call for each line would take longer than all the rest.
        while piece := text.read(_PIECE):
            *whole, rest = (rest + piece).split("\n")
            yield from whole
            if len(rest) > MAX_LINE:
                said = f"a line is longer than {MAX_LINE} characters; the log was read up to there"
                findings.append(Finding(_DOUBTFUL, said, path, strict=True))
                return
    if rest and is_whole is not None and is_whole(rest):
        yield rest
    elif rest:
        said = "the last line has no end: it is still being written, and was left out"
        findings.append(Finding("log-half-line", said, path))
