"""Locations into folders of checkpoints. The only walker of directories."""

from __future__ import annotations

import glob
import os
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from fnmatch import translate
from typing import TYPE_CHECKING

from ckptsel import storage
from ckptsel.checkpoint import Finding
from ckptsel.errors import LocationNotFoundError
from ckptsel.grouping import (
    ALWAYS,
    NOT_SIMPLE,
    TENSORFLOW_DATA,
    Folder,
    add_prefix,
    folder_kind,
    group_shards,
    group_version_1,
    is_part,
    place,
)
from ckptsel.naming.conventions import UNFINISHED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# Folders that only hold a run's files, and do not name the run.
_HOLDERS = {"checkpoints", "checkpoint", "ckpt", "ckpts", "weights", "saved_models", "models"}


@dataclass(slots=True)
class Scan:
    """What a walk is asked for, and what it noticed.

    Attributes:
        max_depth: 1 for the location's own entries only; None without limit.
        include: globs, of which a checkpoint's name or path must match one.
        exclude: globs, none of which a file, folder or path may match.
        progress: is told how many entries have been seen.
        findings: unreadable folders, vanished files, unfinished writes.
        passed_over: reason → how many.
        seen: how many entries were seen.
    """

    max_depth: int | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    progress: Callable[[int], None] | None = None
    findings: list[Finding] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)
    seen: int = 0
    _visited: set[tuple[int, int]] = field(default_factory=set)

    def folders(self, locations: Iterable[str]) -> Iterator[Folder]:
        """Walk the locations: folders, files, TensorFlow prefixes or globs.

        Raises:
            LocationNotFoundError: for a location that does not exist.
        """
        single: dict[str, list[str]] = defaultdict(list)
        for location in locations:
            for path in _expanded(location):
                if storage.is_folder(path):
                    yield from self._location(path)
                else:
                    single[os.path.dirname(path)].append(os.path.basename(path))
        yield from self._single(single)

    def files(self, paths: Iterable[str]) -> Iterator[Folder]:
        """The checkpoints among the paths, each of which is a file or a folder of a checkpoint."""
        single: dict[str, list[str]] = defaultdict(list)
        for path in dict.fromkeys(paths):
            if storage.exists(path) or storage.exists(path + ".index"):
                single[os.path.dirname(path)].append(os.path.basename(path))
            else:
                self.findings.append(Finding("vanished", "listed, but does not exist", path))
        yield from self._single(single)

    def _single(self, by_folder: dict[str, list[str]]) -> Iterator[Folder]:
        """Files that were named one by one: each is a candidate, whatever its suffix."""
        for path, names in by_folder.items():
            folder = Folder(path, path)
            present = set(names)
            beside = _beside(path) if any(map(is_part, names)) else present
            for name in dict.fromkeys(names):
                base = TENSORFLOW_DATA.sub("", name).removesuffix(".index")
                is_prefix = base + ".index" in beside or storage.exists(
                    folder.join(base + ".index")
                )
                if is_prefix and base not in folder.members:
                    beside = beside if base + ".index" in beside else _beside(path)
                    add_prefix(folder, base, beside)
                elif not is_prefix and self._wanted(folder, name):
                    place(folder, name)
            group_shards(folder, _beside(path))
            folder.names += folder.others
            folder.others = []
            self._count(len(names))
            yield folder

    def _location(self, path: str) -> Iterator[Folder]:
        """A folder that was named: a checkpoint itself, or one that holds some."""
        found = self._walk(path, path, 1)
        if isinstance(found, list):
            yield from found
        else:
            bare = path.rstrip(os.sep) or path
            above, name = os.path.split(bare)
            yield Folder(above, above, names=[name], kinds={name: found})

    def _walk(self, path: str, root: str, depth: int) -> list[Folder] | str:
        """The folders with checkpoints from `path` down; its kind if it is itself a checkpoint."""
        try:
            identity = storage.identity(path)
            if identity in self._visited:
                self.passed_over["a folder seen before"] += 1
                return []
            self._visited.add(identity)
            found = storage.entries(path)
        except OSError as error:
            message = f"cannot be read: {error.strerror}"
            self.findings.append(Finding("unreadable-folder", message, path, strict=True))
            return []
        self._count(len(found.files) + len(found.folders))
        kind = folder_kind(path, found)
        if kind:
            return kind
        folder = self._folder(path, root, found)
        below: list[Folder] = []
        for name in sorted(found.folders):
            if name.startswith(".") or self._excluded(os.path.join(path, name), name):
                continue
            if UNFINISHED.search(name):
                self._unfinished(folder.join(name))
                continue
            inner: list[Folder] | str
            if self.max_depth is not None and depth >= self.max_depth:
                inner = _kind_of_folder_at(folder.join(name))
            else:
                inner = self._walk(folder.join(name), root, depth + 1)
            if isinstance(inner, list):
                below += inner
            elif inner and self._wanted(folder, name):
                folder.names.append(name)
                folder.kinds[name] = inner
        return [folder, *below]

    def _folder(self, path: str, root: str, found: storage.Entries) -> Folder:
        folder = Folder(path, root)
        files = found.files
        if self.include or self.exclude:
            files = [name for name in files if self._wanted(folder, name, part=True)]
        names = [name for name in files if name.endswith(ALWAYS)]
        together = "\n".join(["", *names])
        if len(names) == len(files) and not any(part in together for part in NOT_SIMPLE):
            folder.names = names
            return folder
        present = set(files)
        unfinished = {name for name in files if UNFINISHED.search(name)}
        for name in unfinished:
            self._unfinished(folder.join(name))
        broken = {name.removesuffix("-unfinished") for name in unfinished}
        for name in files:
            if name.startswith(".") or name in unfinished or name in broken:
                continue
            if name.endswith(".index"):
                add_prefix(folder, name.removesuffix(".index"), present)
            elif not TENSORFLOW_DATA.search(name):
                place(folder, name)
        group_shards(folder, present)
        group_version_1(folder, present)
        return folder

    def _unfinished(self, path: str) -> None:
        self.passed_over["an unfinished write"] += 1
        self.findings.append(Finding("unfinished", "an unfinished write, passed over", path))

    def _wanted(self, folder: Folder, name: str, *, part: bool = False) -> bool:
        path = folder.join(name)
        if self._excluded(path, name):
            return False
        if not self.include:
            return True
        base = TENSORFLOW_DATA.sub("", name).removesuffix(".index") if part else name
        return any(_matches(glob, text) for glob in self.include for text in (name, base, path))

    def _excluded(self, path: str, name: str) -> bool:
        return any(_matches(glob, text) for glob in self.exclude for text in (name, path))

    def _count(self, entries: int) -> None:
        self.seen += entries
        if self.progress is not None:
            self.progress(self.seen)


def _matches(pattern: str, text: str) -> bool:
    return re.match(translate(pattern), text) is not None


def _expanded(location: str) -> list[str]:
    if storage.exists(location) or storage.exists(location + ".index"):
        return [location]
    found = sorted(glob.glob(location, recursive=True)) if glob.has_magic(location) else []
    if not found:
        what = "no file matches the glob" if glob.has_magic(location) else "no such file or folder:"
        raise LocationNotFoundError(f"{what} {location!r}", hint="check the path")
    return found


def _kind_of_folder_at(path: str) -> str:
    """The kind of a folder that is too deep to be walked."""
    try:
        return folder_kind(path, storage.entries(path))
    except OSError:
        return ""


def _beside(path: str) -> set[str]:
    try:
        return set(storage.entries(path).files)
    except OSError:
        return set()


def run_of(path: str, root: str, *, levels: int = 0) -> str:
    """The run that a checkpoint belongs to.

    Args:
        path: the checkpoint's folder.
        root: the location it was found under; a run is not above it.
        levels: how many of the folders are part of the checkpoint's name.
    """
    for _ in range(levels):
        if path != root:
            path = os.path.dirname(path)
    while path not in (root, "") and os.path.basename(path).lower() in _HOLDERS:
        path = os.path.dirname(path)
    return path
