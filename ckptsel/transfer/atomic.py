"""Files that appear under their names as a whole or not at all."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptsel.errors import DestinationError
from ckptsel.transfer.disk import aside_name, remove, sync_folder, temporary_name
from ckptsel.transfer.failures import writing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType


@dataclass(slots=True)
class _Entry:
    """One file or folder on its way to its name.

    Attributes:
        final: where it shall stand.
        temporary: where it is written, in the same folder.
        aside: where what stood there before is kept until all is done, "" if nothing did.
        identity: device and inode of what was written, once it is about to be put in place.
        is_removal: whether nothing new comes in place of the old.
        is_label: whether it describes others, and must never stand beside what it does not.
        force: whether what stands there is replaced.
    """

    final: str
    temporary: str
    aside: str = ""
    identity: tuple[int, int] | None = None
    is_removal: bool = False
    is_label: bool = False
    force: bool = False


class Staging:
    """Writes that are seen all at once, or never.

    A context manager. Files are written under temporary names beside their final ones, and
    `commit` renames them. However the block ends before `commit` has returned, no temporary
    stays, and what had been replaced is back.

    Args:
        force: whether what stands at a final name is replaced.
    """

    def __init__(self, *, force: bool = False) -> None:
        self._force = force
        self._groups: list[list[_Entry]] = []
        self._made: list[str] = []
        self._committed = False

    def __enter__(self) -> Staging:  # noqa: PYI034 - typing.Self came with Python 3.11.
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._clear()
        except (KeyboardInterrupt, SystemExit):
            # Unlinking many gigabytes takes its time, and people press Ctrl-C twice. SystemExit
            # is what the command line makes of SIGTERM.
            self._clear()
            raise

    def make_folder(self, path: str) -> None:
        """Create a folder with its parents, and forget them again if nothing comes of it.

        Raises:
            DestinationError: if that is not possible.
        """
        missing = []
        while path and not os.path.isdir(path):
            missing.append(path)
            path = os.path.dirname(path)
        for folder in reversed(missing):
            # Noted first: an interrupt can come between any two steps, and only an empty
            # folder will be removed.
            self._made.append(folder)
            with writing(folder), contextlib.suppress(FileExistsError):
                os.mkdir(folder)

    def stage(
        self,
        finals: Sequence[str],
        *,
        without: Sequence[str] = (),
        force: bool = False,
        labels: bool = False,
    ) -> tuple[str, ...]:
        """Reserve a temporary name for each file or folder that belongs together.

        Args:
            finals: where they shall stand; the one that makes the others count comes last.
            without: what has to go when they come, such as the shards of an older one.
            force: whether what stands there is replaced, even if nothing else may be.
            labels: whether they describe what is staged before them. Then what stood at their
                names goes before anything else does: a kill between two renames may leave a
                checkpoint without its record, and never with another's.

        Returns:
            Where to write each of them, or the folder of each: nothing is there yet.
        """
        force = force or self._force
        group = [
            _Entry(final, temporary_name(final), is_label=labels, force=force) for final in finals
        ]
        old = [_Entry(name, temporary_name(name), is_removal=True, force=force) for name in without]
        self._groups.append([*old, *group])
        return tuple(entry.temporary for entry in group)

    def commit(self) -> None:
        """Put everything in place, in the order in which it was staged.

        Raises:
            DestinationError: if something stands there and `force` is off, or a rename fails.
        """
        for entry in self._entries():
            if entry.is_label:
                with writing(entry.final):
                    self._set_aside(entry, keep_visible=False)
        for group in self._groups:
            if len(group) > 1:
                # No reader may find new shards through the old index, so that goes first.
                for entry in reversed(group):
                    with writing(entry.final):
                        self._set_aside(entry, keep_visible=False)
            for entry in group:
                if not entry.is_removal:
                    with writing(entry.final):
                        self._put(entry)
        folders = [os.path.dirname(entry.final) for entry in self._entries()]
        for folder in dict.fromkeys([*folders, *map(os.path.dirname, self._made)]):
            with writing(folder or os.curdir):
                sync_folder(folder)
        self._committed = True

    def _entries(self) -> list[_Entry]:
        return [entry for group in self._groups for entry in group]

    def _set_aside(self, entry: _Entry, *, keep_visible: bool) -> None:
        if not (entry.force and os.path.lexists(entry.final)):
            return
        # Noted before it is done, for the same reason as in make_folder.
        entry.aside = aside_name(entry.final)
        if keep_visible:
            try:
                os.link(entry.final, entry.aside, follow_symlinks=False)
            except (OSError, NotImplementedError):
                pass  # A folder, or a file system without hard links.
            else:
                return
        os.rename(entry.final, entry.aside)

    def _put(self, entry: _Entry) -> None:
        status = os.lstat(entry.temporary)
        entry.identity = (status.st_dev, status.st_ino)
        if not entry.aside:
            self._set_aside(entry, keep_visible=True)
        if entry.aside:
            os.replace(entry.temporary, entry.final)
            return
        try:
            # Unlike a rename, a link never overwrites what somebody put there meanwhile.
            os.link(entry.temporary, entry.final)
        except OSError:
            # It is a folder, or the file system has no hard links, or something is there.
            if os.path.lexists(entry.final):
                raise already_there(entry.final) from None
            os.rename(entry.temporary, entry.final)

    def _clear(self) -> None:
        entries = self._entries()
        stuck = [] if self._committed else [e for e in reversed(entries) if not _undo(e)]
        for entry in entries:
            remove(entry.temporary)
            if entry.aside and entry not in stuck:
                remove(entry.aside)
        for folder in [] if self._committed else reversed(self._made):
            with contextlib.suppress(OSError):
                os.rmdir(folder)
        if stuck:
            raise DestinationError(
                f"{stuck[0].final!r} could not be put back",
                hint="what stood there was kept: rename it yourself",
                details=tuple(f"{entry.final!r} is now {entry.aside!r}" for entry in stuck),
            )


def _undo(entry: _Entry) -> bool:
    """Give back what stood at a name; False if the disk does not let us."""
    is_ours = entry.identity is not None and _identity(entry.final) == entry.identity
    if entry.aside and os.path.lexists(entry.aside):
        if is_ours and os.path.isdir(entry.final):
            remove(entry.final)
        try:
            # Does nothing where both are links to the same file; `_clear` then removes this one.
            os.replace(entry.aside, entry.final)
        except OSError:
            return False
    elif is_ours:
        remove(entry.final)
    return True


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def already_there(path: str) -> DestinationError:
    """The error for a destination that exists."""
    return DestinationError(
        f"{path!r} exists already", hint="--force replaces it; or choose another destination"
    )
