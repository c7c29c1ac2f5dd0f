"""Two callbacks of one training that would remove each other's files."""

from __future__ import annotations

import os
import weakref
from itertools import count
from typing import Any, NamedTuple

from ckptsel.errors import UsageError

_moments = count()


class _Seen(NamedTuple):
    """Who was told last to save under one pattern, of what, and at which moment."""

    callback: weakref.ref[Any]
    event: tuple[int, int | None]
    moment: int


_seen: dict[tuple[str, ...], _Seen] = {}


def now() -> int:
    """This moment: later ones are larger."""
    return next(_moments)


def refuse_rival(callback: Any, pattern: str, event: tuple[int, int | None], began: int) -> None:
    """See that no other callback saves the same: each would remove what the other keeps.

    A callback that was left behind by a training that failed is none.

    Args:
        callback: a BestCheckpoint that shall save.
        pattern: how its files are called.
        event: the epoch, and the batch if it saves by batches.
        began: when its training began, by `now`.

    Raises:
        UsageError: if another one has been told to save the same of this very training.
    """
    folder = os.path.realpath(callback.directory)
    key = (folder, callback.monitor, callback.mode, pattern)
    seen = _seen.get(key)
    other = None if seen is None else seen.callback()
    if seen is not None and other is not None and other is not callback:
        is_same = other.model is callback.model and seen.event == event
        if is_same and seen.moment > began:
            raise UsageError(
                f"two callbacks keep the best {callback.monitor} in {callback.directory!r} under"
                f" the pattern {pattern!r}: each would remove what the other keeps",
                hint="give one of them a pattern of its own",
            )
    _seen[key] = _Seen(weakref.ref(callback), event, now())
