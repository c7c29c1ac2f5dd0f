"""A count on the last line of a terminal, while something takes long."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from ckptsel.cli.output import is_terminal, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def progress(show: Callable[[int], str]) -> Iterator[Callable[[int], None] | None]:
    """Show a count on one line of a terminal's stderr once it takes over a second.

    Args:
        show: makes the line from the count.

    Yields:
        What to call with each new count; None where nobody would see it.
    """
    if not is_terminal(sys.stderr):
        yield None
        return
    next_at = monotonic() + 1.0
    longest = 0

    def tick(count: int) -> None:
        nonlocal next_at, longest
        now = monotonic()
        if now >= next_at:
            line = show(count)
            longest = max(longest, len(line))
            say(f"\r{line}", end="")
            next_at = now + 0.1

    try:
        yield tick
    finally:
        if longest:
            say("\r" + " " * longest + "\r", end="")
