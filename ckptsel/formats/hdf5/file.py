"""HDF5 files, read without following anything that leads out of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ckptsel.checkpoint import Finding
from ckptsel.errors import CkptselError, DamagedError, UnreadValuesError
from ckptsel.formats.contents import is_too_much
from ckptsel.formats.hdf5.attributes import read_attribute
from ckptsel.formats.hdf5.chunks import check_chunks
from ckptsel.formats.hdf5.dataset import (
    HDF5_ERRORS,
    Stored,
    damaged,
    describe,
    pieces,
)
from ckptsel.formats.hdf5.source import Hdf5Source
from ckptsel.formats.hdf5.superblock import superblock_findings, superblock_offset
from ckptsel.formats.hdf5.walk import Met, objects
from ckptsel.formats.window import Window
from ckptsel.storage import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from ckptsel.formats.contents import Level


class Hdf5:
    """An open HDF5 file.

    Everything is read through a Python file: HDF5 takes no lock, opens no other file, and can
    read a member of a zip in place.

    Attributes:
        path: as in messages.
        findings: objects that could not be read; filled by `datasets`.
        dangers: links and datasets that lead out of the file; filled by `datasets`.
        groups: the paths of all groups; filled by `datasets`.

    Raises:
        DamagedError: if HDF5 cannot open it.
    """

    def __init__(self, window: Window, path: str) -> None:
        import h5py  # noqa: PLC0415

        self.path = path
        self.window = window
        self.findings: list[Finding] = []
        self.dangers: list[Finding] = []
        self.groups: set[str] = set()
        self._checked: set[str] = set()
        self._stored: dict[str, Stored] | None = None
        with damaged(path, "the superblock"):
            first = next(superblock_findings(window, path), None)
            self._base = superblock_offset(window) or 0
        try:
            self._file = h5py.File(Hdf5Source(window, self._base), "r")
        except HDF5_ERRORS as error:
            what = first.message if first else str(error).strip()
            raise DamagedError(f"cannot open {path!r} as HDF5: {what}") from error

    def close(self) -> None:
        """Let go of HDF5's side; the window's file stays open."""
        try:
            self._file.close()
        except HDF5_ERRORS as error:  # pragma: no cover - HDF5 may stumble over what it cached
            self.findings.append(Finding("unreadable-object", str(error), self.path))

    @property
    def datasets(self) -> dict[str, Stored]:
        """Path → dataset, for all that are in this very file, in a natural order."""
        if self._stored is None:
            found: dict[str, Stored] = {}
            for path, met, what in self.objects():
                stored = self._meet(path, met, what)
                if stored is not None:
                    found[path] = stored
            self._stored = {path: found[path] for path in sorted(found, key=natural)}
            total = sum(stored.load_bytes for stored in found.values())
            if is_too_much(total, self.window.size):
                message = f"{total:,} bytes of values in a file of {self.window.size:,}"
                self.dangers.append(Finding("compression-bomb", message, self.path))
        return self._stored

    def objects(self) -> Iterator[tuple[str, Met, Any]]:
        """See `walk.objects`."""
        return objects(self._file.id)

    def identifier(self, path: str) -> Any:
        """h5py's id of a group or a dataset, for a rebuild.

        Raises:
            DamagedError: if it cannot be opened.
        """
        import h5py  # noqa: PLC0415

        with damaged(self.path, path or "/"):
            if not path:
                return h5py.h5g.open(self._file.id, b"/")
            return h5py.h5o.open(self._file.id, path.encode("utf-8", "surrogateescape"))

    def creation(self) -> Any:
        """h5py's properties with which the file was created, for a rebuild."""
        return self._file.id.get_create_plist()

    def _meet(self, path: str, met: Met, what: Any) -> Stored | None:
        """Take note of an object; the dataset, if it is one."""
        if met == "group":
            self.groups.add(path)
        elif met == "external-link":
            self.dangers.append(Finding(met, f"{path} is a link to another file", self.path))
        elif met == "soft-link":
            says = f"{path} is a soft link: the same values under another name"
            self.dangers.append(Finding(met, says, self.path))
        elif met == "dangling":
            says = f"{path} is a link to what is not there"
            self.findings.append(Finding("dangling-link", says, self.path))
        elif met == "broken":
            self.findings.append(
                Finding("unreadable-object", f"{path or '/'} cannot be read: {what}", self.path)
            )
        else:
            return self._describe(path, what)
        return None

    def _describe(self, path: str, identifier: Any) -> Stored | None:
        import h5py  # noqa: PLC0415

        try:
            # Before anything else: even the shape of a virtual dataset may open other files.
            creation = identifier.get_create_plist()
            if creation.get_layout() == h5py.h5d.VIRTUAL:
                message = f"{path} is a virtual dataset: its values are in other datasets"
                self.dangers.append(Finding("virtual-dataset", message, self.path))
                return None
            stored = describe(identifier, path, self.window, self._base)
        except HDF5_ERRORS as error:
            return self._meet(path, "broken", str(error).strip() or type(error).__name__)
        if stored.problem:
            where = self.dangers if stored.code in _DANGERS else self.findings
            where.append(Finding(stored.code, f"{path} {stored.problem}", self.path))
        return stored

    @property
    def _is_bomb(self) -> bool:
        return any(danger.code == "compression-bomb" for danger in self.dangers)

    def attribute(self, path: str, name: str) -> Any:
        """An attribute's value, None if there is none.

        Raises:
            DamagedError: if it cannot be read.
        """
        with damaged(self.path, f"the attribute {name!r} of {path or '/'!r}"):
            return read_attribute(self.identifier(path), name, self.window, self._base)

    def text(self, path: str, name: str) -> str:
        """An attribute that is a text; "" if it is none. Raises as `attribute` does."""
        value = self.attribute(path, name)
        if isinstance(value, bytes):
            return value.decode("utf-8", "replace")
        return value if isinstance(value, str) else ""

    def pieces(self, path: str) -> Iterator[NDArray[Any]]:
        """The values of one of `datasets`, flat and in order.

        Raises:
            DamagedError: if they cannot be read, or are too many for the file to be honest.
        """
        stored = self.datasets.get(path)
        if stored is None:
            raise DamagedError(f"there is no dataset {path!r} in {self.path!r}")
        if self._is_bomb:
            raise DamagedError(f"{self.path!r} is a compression bomb; its values are not read")
        if stored.code == "values-not-read":
            raise UnreadValuesError(f"{path} of {self.path!r} {stored.problem}")
        if stored.problem:
            raise DamagedError(f"{path} of {self.path!r} {stored.problem}")
        with damaged(self.path, path):
            identifier = None
            if stored.offset is None:
                identifier = self.identifier(path)
                if path not in self._checked:
                    check_chunks(identifier, self.window)
            yield from pieces(stored, identifier, self.window)

    def _read_all(self, path: str) -> None:
        """See that a dataset can be read. Raises as `pieces` does."""
        with damaged(self.path, path):
            if check_chunks(self.identifier(path), self.window):
                self._checked.add(path)
                return
        for _ in self.pieces(path):
            pass

    def damage(
        self,
        level: Level,
        on_bytes: Callable[[int], None] | None = None,
        *,
        read_all: bool = True,
    ) -> Iterator[Finding]:
        """What is broken in the structure; at `full`, also what cannot be read.

        Args:
            level: see `Contents.damage`.
            on_bytes: see `Contents.damage`.
            read_all: whether `full` reads every byte; not needed if a checksum has just done so.
        """
        try:
            yield from superblock_findings(self.window, self.path)
            stored = self.datasets
            yield from self.findings
            if level == "full" and read_all:
                for _ in self.window.blocks(on_bytes):
                    pass
        except OSError as error:
            yield Finding("unreadable", f"cannot be read: {error}", self.path)
            return
        if level == "quick" or self._is_bomb:
            return
        for path, dataset in stored.items():
            # What stands in one row was read above; chunks have to be put together.
            if dataset.offset is None and not dataset.problem:
                try:
                    self._read_all(path)
                except UnreadValuesError as error:
                    yield Finding(error.code, error.message, self.path)
                except CkptselError as error:
                    yield Finding("unreadable-dataset", error.message, self.path)


_DANGERS = frozenset({"external-storage", "compression-bomb"})


def natural(path: str) -> tuple[tuple[str, int], ...]:
    """A sorting key in which `vars/10` comes after `vars/2`."""
    parts = []
    for part in path.split("/"):
        stem = part.rstrip("0123456789")
        number = part[len(stem) :][:18]
        parts.append((stem, int(number) if number else -1))
    return tuple(parts)


def open_hdf5(path: str) -> tuple[Any, Hdf5]:
    """Open a file that is HDF5 as a whole: the file, to be closed, and what is in it.

    Raises:
        DamagedError: if it cannot be opened.
    """
    try:
        file = open_regular(path)
    except OSError as error:
        raise DamagedError(f"cannot read {path!r}: {os.strerror(error.errno or 0)}") from error
    try:
        return file, Hdf5(Window(file), path)
    except BaseException:
        file.close()
        raise
