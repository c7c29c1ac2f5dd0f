"""A count on the last line of a terminal, while something takes long."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from ckptsel.cli.output import is_terminal, say
from ckptsel.cli.reports import text

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


# Of the longest line that tells progress.
_WIDTH = len("1023.9 MiB of 1023.9 MiB read, 59 min left…")


@contextmanager
def reading(total_bytes: int = -1) -> Iterator[Callable[[int], None] | None]:
    """Show on a terminal how much has been read and, if the total is known, the time left.

    Yields:
        What to call with the number of further bytes; None where nobody would see it.
    """
    started = monotonic()

    def line(done: int) -> str:
        if total_bytes <= 0:
            return f"{text.size(done)} read…"
        done = min(done, total_bytes)
        left = (monotonic() - started) * (total_bytes - done) / max(1, done)
        line = f"{text.size(done)} of {text.size(total_bytes)} read, {text.age(left)} left…"
        # The line before may have been longer, and is written over.
        return line.ljust(_WIDTH)

    with progress(line) as tick:
        total = 0

        def add(amount: int) -> None:
            nonlocal total
            total += amount
            if tick is not None:
                tick(total)

        yield add if tick is not None else None
