"""What an operating system's error means to whoever asked for the copy."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ckptsel.errors import CopyError, DestinationError

if TYPE_CHECKING:
    from collections.abc import Iterator

_ELSEWHERE = "choose another destination"
# errno → what is wrong, and what to do next.
_WRITING = {
    errno.ENOSPC: ("the disk is full", "free some space, or choose another disk"),
    errno.EDQUOT: ("the disk quota is used up", "free some space, or choose another disk"),
    errno.EROFS: ("the file system is read-only", _ELSEWHERE),
    errno.EACCES: ("permission denied", f"get permission to write there, or {_ELSEWHERE}"),
    errno.EPERM: ("this is not permitted there", f"get permission to write there, or {_ELSEWHERE}"),
    errno.EFBIG: (
        "the file is larger than the file system or `ulimit -f` allows",
        "raise the limit, or choose another disk",
    ),
    errno.ENAMETOOLONG: ("the name is too long", "choose a shorter destination"),
    errno.ENOENT: ("its folder is gone, or takes no new files", _ELSEWHERE),
}


@contextmanager
def writing(target: str) -> Iterator[None]:
    """Turn an OSError in the block into a DestinationError about `target`.

    Raises:
        DestinationError: with the reason and the next step.
    """
    try:
        yield
    except OSError as error:
        what, hint = _WRITING.get(error.errno or 0, (_reason(error), _ELSEWHERE))
        raise DestinationError(f"cannot write {target!r}: {what}", hint=hint) from error


@contextmanager
def reading(source: str) -> Iterator[None]:
    """Turn an OSError in the block into a CopyError about `source`.

    Raises:
        CopyError: with the reason and the next step.
    """
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise CopyError(
            f"{source!r} is not there any more, or is a link that leads nowhere",
            hint="the training may be deleting old checkpoints; try again",
        ) from error
    except OSError as error:
        raise CopyError(
            f"cannot read {source!r}: {_reason(error)}", hint="check the file and its disk"
        ) from error


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)
