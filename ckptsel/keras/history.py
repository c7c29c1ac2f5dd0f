"""What a folder's log says of the checkpoints that were saved for one monitor."""

from __future__ import annotations

import math
import os
import stat
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ckptsel.keras.keeping import is_better
from ckptsel.keras.names import SUFFIXES
from ckptsel.training_log.events import Removed
from ckptsel.training_log.identity import sha256_of

if TYPE_CHECKING:
    from ckptsel.checkpoint import Monitor
    from ckptsel.training_log.events import Saved
    from ckptsel.training_log.log import TrainingLog


class History:
    """The saves for one monitor, in their order.

    Args:
        log: what is read.
        monitor: whose saves count.
        pattern: how the files are called that are the callback's own.

    Attributes:
        best: the save with the best value there ever was; of equal ones the last.
    """

    def __init__(self, log: TrainingLog, monitor: Monitor, pattern: str) -> None:
        self._log = log
        self._monitor = monitor
        self._pattern = pattern
        self._digests: dict[str, tuple[tuple[int, ...], str]] = {}
        self._saves: dict[str, Saved] = {}
        self.best: Saved | None = None

    def refresh(self) -> None:
        """Read what was added to the log.

        Raises:
            OSError: if it cannot be read.
        """
        for event in self._log.news():
            self.add(event)

    def add(self, event: Saved | Removed) -> None:
        """Take an event into account; what the callback did counts, whatever the log says."""
        # A name that comes again is another file, and a later one.
        self._saves.pop(event.file, None)
        if isinstance(event, Removed) or not _is_safe(event.file):
            return
        if (event.monitor, event.mode) != (self._monitor.name, self._monitor.mode):
            return
        self._saves[event.file] = event
        value, best = self.value(event), self.best
        if math.isfinite(value) and not (
            best and is_better(self.value(best), value, self._monitor.mode)
        ):
            self.best = event

    def value(self, save: Saved) -> float:
        """The monitor's value; NaN if it has none."""
        return save.metrics.get(self._monitor.name, math.nan)

    def path(self, save: Saved) -> str:
        """Where its file is, or was."""
        return os.path.join(self._log.folder, *PurePosixPath(save.file).parts)

    def present(self) -> list[Saved]:
        """Those whose file is there, and is the very one: nobody has put another in its place."""
        return [save for save in self._saves.values() if self._is_there(save)]

    def own(self) -> list[Saved]:
        """Those of `present` that were saved under the callback's own pattern."""
        return [save for save in self.present() if save.pattern == self._pattern]

    def replaced(self) -> list[Saved]:
        """Those in whose place stands what somebody else has put there."""
        return [
            save
            for save in self._saves.values()
            if os.path.lexists(self.path(save)) and not self._is_there(save)
        ]

    def is_lost(self, save: Saved) -> bool:
        """Whether its file should be there, and is not."""
        return self._saves.get(save.file) == save and not self._is_there(save)

    def _is_there(self, save: Saved) -> bool:
        path = self.path(save)
        try:
            found = os.lstat(path)
        except OSError:
            return False
        inside = os.path.realpath(os.path.dirname(path)) + os.sep
        home = os.path.join(os.path.realpath(self._log.folder), "")
        if not (stat.S_ISREG(found.st_mode) and inside.startswith(home)):
            return False
        same = save.mark.is_of(found.st_size, found.st_mtime_ns)
        return self._digest(path, found) == save.sha256 if same is None else same

    def _digest(self, path: str, found: os.stat_result) -> str | None:
        """The file's SHA-256, read once for as long as it does not change; None if unreadable."""
        mark = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        known = self._digests.get(path)
        if known is None or known[0] != mark:
            try:
                known = mark, sha256_of(path)
            except OSError:
                return None
            self._digests[path] = known
        return known[1]


def _is_safe(file: str) -> bool:
    """Whether a name leads to a checkpoint inside the folder: logs travel with strangers."""
    parts = PurePosixPath(file).parts
    return file.endswith(SUFFIXES) and not (
        file.startswith("/") or ".." in parts or "\\" in file or "\0" in file
    )
