"""Members that are open, and a file with their mean."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from ckptsel.conversion.mean import mean
from ckptsel.conversion.rewrite import rewrite
from ckptsel.formats import open_contents
from ckptsel.transfer.failures import writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ckptsel.checkpoint import Ranked
    from ckptsel.formats.contents import Contents

    OnBytes = Callable[[int], None] | None


@contextmanager
def opened(rows: Sequence[Ranked]) -> Iterator[dict[str, Contents]]:
    """Path → contents, in the order of the members. Raises DamagedError if one is no checkpoint."""
    with ExitStack() as stack:
        yield {
            row.checkpoint.path: stack.enter_context(open_contents(row.checkpoint.path))
            for row in rows
        }


def write_mean(
    rows: Sequence[Ranked], weights: Sequence[float], made: str, dest: str, on_bytes: OnBytes
) -> None:
    """Write the mean of members that agree.

    Args:
        rows: the members; what is not averaged is the first one's.
        weights: one a member.
        made: where it is written.
        dest: what it will be called, for messages.
        on_bytes: is told how many more bytes have been read.

    Raises:
        ConversionError, DamagedError, MissingExtraError: see `rewrite` and `mean`.
        DestinationError: if it cannot be written.
    """
    with opened(rows) as contents, writing(dest):
        rewrite(rows[0].checkpoint.path, made, mean(contents, weights, on_bytes=on_bytes))
