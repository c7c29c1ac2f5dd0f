"""One save that is there as a whole or not at all, with its line in the log."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ckptsel.errors import DestinationError
from ckptsel.keras.names import SUFFIXES, WEIGHTS
from ckptsel.keras.weights_file import save_weights
from ckptsel.training_log.events import Removed
from ckptsel.transfer.disk import remove, sync_folder
from ckptsel.transfer.failures import writing
from ckptsel.verification.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.training_log.events import Saved
    from ckptsel.training_log.log import TrainingLog

# A search passes over what begins like this; Keras goes by the suffix, which has to follow.
_TEMPORARY = ".ckptsel-save-"


def now() -> str:
    """The time, as the log has it."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


@contextmanager
def written(model: Any, final: str, folder: str) -> Iterator[str]:
    """Save a model under a temporary name, down to the disk.

    Args:
        model: a Keras model.
        final: where it shall stand; its suffix tells whether only the weights are saved.
        folder: the log's, on the same disk: whoever holds the log's lock may clear it.

    Yields:
        The temporary path. What still stands there at the end is removed.

    Raises:
        DestinationError: if it cannot be written.
    """
    suffix = next(suffix for suffix in SUFFIXES if final.endswith(suffix))
    path = os.path.join(folder, f"{_TEMPORARY}{secrets.token_hex(6)}{suffix}")
    try:
        with writing(final):
            os.makedirs(os.path.dirname(final), exist_ok=True)
            if suffix == WEIGHTS:
                save_weights(model, path)
            else:
                model.save(path)
            with open(path, "rb+") as file:
                os.fsync(file.fileno())
        damage = verify(path, level="quick").of("damage")
        if damage:
            raise DestinationError(
                f"cannot write {final!r}: {damage[0].message}", hint="is the disk full?"
            )
        yield path
    finally:
        remove(path)


def put(temporary: str, final: str, log: TrainingLog, save: Saved) -> None:
    """Say in the log what comes, then give the file its name; nothing is overwritten.

    Raises:
        DestinationError: if that is not possible. The log then says that the file did not come.
    """
    with writing(log.path):
        log.append(save)
    try:
        with writing(final):
            _rename(temporary, final)
            sync_folder(os.path.dirname(final))
    except BaseException:
        if os.path.lexists(temporary):
            with contextlib.suppress(OSError):
                log.append(Removed(save.file, now()))
        raise


def _rename(temporary: str, final: str) -> None:
    try:
        # Unlike a rename, a link never overwrites what somebody put there meanwhile.
        os.link(temporary, final)
    except FileExistsError:
        raise
    except OSError:
        # The file system has no hard links.
        if os.path.lexists(final):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), final) from None
        os.rename(temporary, final)
    else:
        os.unlink(temporary)


def clear_unfinished(folder: str) -> None:
    """Remove what a training left behind that was killed within a save.

    Args:
        folder: the log's. It is locked, so that no other training is within a save there.
    """
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            if name.startswith(_TEMPORARY) and name.endswith(SUFFIXES):
                remove(os.path.join(folder, name))


def prune(log: TrainingLog, save: Saved, path: str) -> Removed:
    """Remove a checkpoint, and say so in the log.

    Returns:
        What the log says.

    Raises:
        DestinationError: if that is not possible.
    """
    with writing(path):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        removed = Removed(save.file, now())
        log.append(removed)
    return removed
