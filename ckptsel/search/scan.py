"""Locations into folders of checkpoints. The only walker of directories."""

from __future__ import annotations

import glob
import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from ckptsel import storage
from ckptsel.checkpoint import Finding
from ckptsel.errors import LocationNotFoundError
from ckptsel.search.grouping import (
    ALWAYS,
    NOT_SIMPLE,
    TENSORFLOW_DATA,
    Folder,
    add_prefix,
    data_files,
    folder_kind,
    group_shards,
    group_version_1,
    is_holder,
    is_of_logs,
    is_without_weights,
    markers,
    place,
    run_above,
    unfinished,
)
from ckptsel.sources import INSIDE, is_folder_of_logs, is_log_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


@dataclass(slots=True, eq=False, repr=False)
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
    # Folder → the depth at which it was walked; links to folders, which are walked last.
    _depths: dict[tuple[int, int], int] = field(default_factory=dict)
    _links: list[tuple[str, str, int]] = field(default_factory=list)

    def folders(self, locations: Iterable[str]) -> Iterator[Folder]:
        """Walk the locations: folders, files, TensorFlow prefixes or globs.

        Raises:
            LocationNotFoundError: for a location that does not exist.
        """
        single: list[str] = []
        for location in locations:
            for path in _expanded(location):
                if storage.is_folder(path):
                    # `runs/` and `runs` are the same root, and join to the same paths.
                    yield from self._location(path.rstrip(os.sep) or os.sep)
                else:
                    single.append(path)
        yield from self._single(single)
        # A folder is found under its own name rather than by a link that may lead elsewhere
        # tomorrow; and a link into a folder that is walked anyway adds nothing.
        while self._links:
            found = self._walk(*self._links.pop(0))
            yield from found if isinstance(found, list) else ()

    def files(self, paths: Iterable[str]) -> Iterator[Folder]:
        """The checkpoints among the paths, each of which is a file or a folder of a checkpoint."""
        single: list[str] = []
        for path in dict.fromkeys(path.rstrip(os.sep) for path in paths):
            if storage.is_folder(path):
                if _kind_of_folder_at(path):
                    yield from self._location(path)
                else:
                    self.passed_over["a folder that is no checkpoint"] += 1
            elif storage.exists(path) or storage.exists(path + ".index"):
                single.append(path)
            else:
                said = "listed, but does not exist"
                self.findings.append(Finding("vanished", said, path, strict=True))
        yield from self._single(single)

    def _single(self, paths: list[str]) -> Iterator[Folder]:
        """Files that were named one by one, each as it would be found in its folder."""
        by_folder: dict[str, list[str]] = defaultdict(list)
        # The current folder may be one that only holds a run's files: then the run is above it.
        current = os.curdir if is_holder(os.curdir) else ""
        for path in dict.fromkeys(paths):
            by_folder[os.path.dirname(path) or current].append(os.path.basename(path))
        for path, names in by_folder.items():
            root = run_above(path)
            yield from self._logs_above(path, root)
            # What belongs to them stands beside them, and need not be named.
            beside = _beside(path) or {*names}
            bases = {TENSORFLOW_DATA.sub("", name).removesuffix(".index") for name in names}
            prefixes = {base for base in bases if base + ".index" in beside}
            parts = {base + ".index" for base in prefixes}
            parts |= {name + ".meta" for name in names} & beside
            folder = Folder(path, root, is_named=True)
            yield self._grouped(folder, sorted({*names} - prefixes | parts), beside)
            self._count(len(names))

    def _location(self, path: str) -> Iterator[Folder]:
        """A folder that was named: a checkpoint itself, or one that holds some."""
        above, name = os.path.split(path)
        folder = Folder(above, above)
        if name not in ("", ".", "..") and self._is_excluded(folder, name):
            return
        if unfinished([name]) or any(storage.exists(folder.join(m)) for m in markers(name)):
            self._pass_over(folder, name)
            return
        root = run_above(path)
        found = self._walk(path, root, 1)
        if isinstance(found, list):
            yield from self._logs_above(path, root)
            yield from found
        else:
            folder.names, folder.kinds, folder.is_named = [name], {name: found}, True
            self._look_inside(folder, name)
            yield folder

    def _logs_above(self, path: str, root: str) -> Iterator[Folder]:
        """The logs of the run, if the location is only the folder in it that holds checkpoints."""
        if path == root:
            return
        # Quiet: nobody has named this folder.
        quiet = Scan(exclude=self.exclude)
        try:
            found = storage.entries(root)
        except OSError:
            return
        folder = Folder(root, root, logs=sorted(_logs_in(root, found.files)))
        folders = [folder]
        for name in found.folders:
            if name.startswith(".") or not is_of_logs(name) or name in found.links:
                continue
            below = quiet._walk(folder.join(name), root, 2)
            # What holds checkpoints as well is a run of its own.
            if isinstance(below, list) and not any(one.names or one.weak for one in below):
                folders += below
        for one in folders:
            one.others.clear()
            one.logs = [name for name in one.logs if not self._is_excluded(one, name)]
            if one.logs:
                yield one

    def _walk(self, path: str, root: str, depth: int) -> list[Folder] | str:
        """The folders with checkpoints from `path` down; its kind if it is itself a checkpoint."""
        try:
            identity = storage.identity(path)
            if self._depths.get(identity, depth + 1) <= depth:
                return []
            again = identity in self._depths
            self._depths[identity] = depth
            found = storage.entries(path)
        except OSError as error:
            if depth == 1:
                said = f"cannot read {path!r}: {error.strerror}"
                raise LocationNotFoundError(said, hint="check its permissions") from None
            message = f"cannot be read: {error.strerror}"
            self.findings.append(Finding("unreadable-folder", message, path, strict=True))
            return []
        if found.special:
            self.passed_over["no regular file"] += found.special
        self._count(len(found.files) + len(found.folders))
        kind = folder_kind(path, found)
        if kind and is_without_weights(found):
            self.passed_over["an incomplete checkpoint"] += 1
            said = "incomplete, and passed over: it holds texts only, and no weights"
            self.findings.append(Finding("incomplete-checkpoint", said, path, strict=True))
            return []
        if kind:
            return kind
        # Walked before, but less deep than this time: its own files are known.
        folder = Folder(path, root) if again else self._folder(path, root, found.files)
        below: list[Folder] = []
        broken = unfinished((*found.folders, *found.files))
        for name in found.folders:
            if name.startswith(".") or self._is_excluded(folder, name):
                continue
            if name in broken:
                self._pass_over(folder, name)
                continue
            too_deep = self.max_depth is not None and depth >= self.max_depth
            inner: list[Folder] | str
            if too_deep or name in found.links:
                inner = _kind_of_folder_at(folder.join(name))
            else:
                inner = self._walk(folder.join(name), root, depth + 1)
            if isinstance(inner, list):
                below += inner
            elif not inner:
                self._links += [] if too_deep else [(folder.join(name), root, depth + 1)]
            elif not again and self._is_wanted(folder, name):
                folder.names.append(name)
                folder.kinds[name] = inner
                self._look_inside(folder, name)
        return [folder, *below]

    def _folder(self, path: str, root: str, files: list[str]) -> Folder:
        folder = Folder(path, root)
        names = [name for name in files if name.endswith(ALWAYS)]
        together = "\n".join(["", *names])
        beside: list[str] = []
        if len(names) < len(files):
            beside = [name for name in files if not name.endswith(ALWAYS)]
        if all(map(_is_shown_log, beside)) and not any(part in together for part in NOT_SIMPLE):
            folder.names = names
            folder.others = beside
            folder.logs = _logs_in(path, beside)
            self._keep_wanted(folder)
            return folder
        shown = [name for name in files if not name.startswith(".")]
        return self._grouped(folder, shown, {*files})

    def _grouped(self, folder: Folder, names: Iterable[str], beside: set[str]) -> Folder:
        """The folder with the checkpoints that the names make, with all that is beside them."""
        broken = unfinished(beside)
        data = data_files(beside)
        folder.logs = sorted(_logs_in(folder.path, beside))
        for name in names:
            if name.endswith("-unfinished"):
                continue  # a marker, which is passed over with what it marks
            if name in broken:
                self._pass_over(folder, name)
            elif name.endswith(".index"):
                add_prefix(folder, name.removesuffix(".index"), beside, data)
            elif not TENSORFLOW_DATA.search(name):
                place(folder, name)
        group_shards(folder, beside)
        group_version_1(folder, beside)
        self._keep_wanted(folder)
        for name, missing in folder.incomplete.items():
            if self._is_wanted(folder, name):
                self.passed_over["an incomplete checkpoint"] += 1
                said = f"incomplete, and passed over: {missing} are there"
                path = folder.join(name)
                self.findings.append(Finding("incomplete-checkpoint", said, path, strict=True))
        return folder

    def _look_inside(self, folder: Folder, name: str) -> None:
        """Find the log in a folder that is a checkpoint."""
        log = INSIDE.get(folder.kinds[name])
        if log is not None and not self._is_excluded(folder, inner := f"{name}/{log}"):
            folder.logs += [inner] if storage.exists(folder.join(inner)) else []

    def _pass_over(self, folder: Folder, name: str) -> None:
        """Say that a write is unfinished, unless it is one of those that are not asked for."""
        if not self._is_excluded(folder, name):
            self.passed_over["an unfinished write"] += 1
            said = "an unfinished write, passed over"
            self.findings.append(Finding("unfinished", said, folder.join(name)))

    def _keep_wanted(self, folder: Folder) -> None:
        if self.include or self.exclude:
            for names in (folder.names, folder.weak, folder.others):
                names[:] = [name for name in names if self._is_wanted(folder, name)]
            # What is to be included are checkpoints.
            folder.logs = [name for name in folder.logs if not self._is_excluded(folder, name)]

    def _is_wanted(self, folder: Folder, name: str) -> bool:
        if self._is_excluded(folder, name):
            return False
        return not self.include or _matches(self.include, folder, name)

    def _is_excluded(self, folder: Folder, name: str) -> bool:
        return bool(self.exclude) and _matches(self.exclude, folder, name)

    def _count(self, entries: int) -> None:
        self.seen += entries
        if self.progress is not None:
            self.progress(self.seen)


def _logs_in(path: str, names: Iterable[str]) -> list[str]:
    """Those of a folder's files that may be logs."""
    if is_folder_of_logs(path):
        return [name for name in names if not name.startswith(".") and not name.endswith(ALWAYS)]
    return [*filter(_is_shown_log, names)]


def _is_shown_log(name: str) -> bool:
    return not name.startswith(".") and is_log_name(name)


def _matches(globs: Iterable[str], folder: Folder, name: str) -> bool:
    """Whether a glob matches the checkpoint's name or path, or those of a prefix's index."""
    texts = [name, folder.join(name)]
    if folder.kinds.get(name) == "tf-checkpoint":
        texts += [text + ".index" for text in texts]
    return any(fnmatchcase(text, glob) for glob in globs for text in texts)


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
