"""How strings and quantities are shown to people."""

# ruff: noqa: PLC0415 - what only some calls need is imported by those calls.
from __future__ import annotations

_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def shown(text: str) -> str:
    r"""Escape what a terminal would obey instead of show.

    File names are bytes from strangers: a newline in one forges a line of output, an ESC
    sequence recolours or rewrites the screen, a direction mark turns a name round. A byte
    that is no UTF-8 (a surrogate in Python) is shown as that byte, `\xff`.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    code = ord(char)
    if char in _SHORT:
        return _SHORT[char]
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return char.encode("unicode_escape").decode("ascii")


def number(value: float | str) -> str:
    """A value as text that reads back as the same value."""
    return value if isinstance(value, str) else repr(value)


def size(size_bytes: int) -> str:
    """A size for people: `12 B`, `3.4 MiB`; `?` where it is not known."""
    if size_bytes < 0:
        return "?"
    if size_bytes < 1024:
        return f"{size_bytes} B"
    amount = float(size_bytes)
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        amount /= 1024
        # 1023.96 would be printed as "1024.0", which is one of the next unit.
        if round(amount, 1) < 1024 or unit == "TiB":
            break
    return f"{amount:.1f} {unit}"


def age(seconds: float) -> str:
    """A time span for people, in its largest unit: `42 s`, `5 min`, `3 h`, `12 d`."""
    # A file from a machine whose clock runs ahead is new, not of negative age.
    seconds = max(0.0, seconds)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} s"


def count(amount: int, singular: str, plural: str = "") -> str:
    """A number with its noun: `1 name`, `2 names`."""
    return f"{amount} {singular if amount == 1 else plural or singular + 's'}"


def pattern_line(pattern: str, names: int, *, learned: bool = False) -> str:
    """A pattern in the form that a shell takes back, and how many names it read."""
    # Only tables show patterns, and a command that prints a path shall not pay for shlex.
    import shlex

    how = "learned, " if learned else ""
    return f"--pattern {shlex.quote(shown(pattern))}  ({how}{count(names, 'name')})"
