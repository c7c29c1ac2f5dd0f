"""The members of a saved Keras model: in a `.keras` zip, or in a folder of the same layout."""

from __future__ import annotations

import os
import shutil
import struct
import tempfile
import zipfile
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from ckptsel.checkpoint import Finding
from ckptsel.errors import DamagedError
from ckptsel.formats import zip_checks
from ckptsel.formats.hdf5.file import Hdf5, open_hdf5
from ckptsel.formats.window import Window
from ckptsel.storage import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ckptsel.formats.contents import Level

Kind: TypeAlias = Literal["file", "folder", "link", "other"]

# JSON of this size takes some twenty times as much memory, and no model's config is near it.
_CONFIG_LIMIT_BYTES = 16 * 2**20

_LOCAL_HEADER_BYTES = 30
_ENCRYPTED = 0x01


class Members(Protocol):
    """Where a model's config and weights are."""

    names: frozenset[str]

    def read(self, name: str) -> bytes:
        """A small member. Raises DamagedError if it cannot be read, or is not small."""

    def hdf5(self, name: str) -> Hdf5:
        """A member that is HDF5. Raises DamagedError if it cannot be opened."""

    def blocks(self, name: str) -> Iterator[bytes]:
        """A member's bytes, unpacked. Raises DamagedError if they cannot be read, or are wrong."""

    def size_bytes(self, name: str) -> int:
        """A member's size, unpacked."""

    def window(self, name: str) -> Window:
        """A member's bytes, unpacked; its checksum is not looked at.

        Raises DamagedError if it is not where it should be, or is packed and cannot be unpacked.
        """

    def crc(self, name: str) -> int | None:
        """The CRC-32 that a member should have; None if nothing tells."""

    def npz_names(self, name: str) -> list[str]:
        """The arrays in a member that is an npz. Raises DamagedError if it cannot be opened."""

    def files(self) -> list[str]:
        """The names of all members, also those in folders; `/` separates. For `blocks`."""

    def damage(self, level: Level, on_bytes: Callable[[int], None] | None) -> Iterator[Finding]:
        """What is broken about the members, whatever they hold."""

    def dangers(self) -> Iterator[Finding]:
        """What is unsafe about the members, whatever they hold."""

    def close(self) -> None:
        """Let go of all files."""


class ZipMembers:
    """The members of a zip. Keras stores them as they are, so that HDF5 reads them in place."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._archive = zip_checks.open_zip(path)
        self._temporary: list[Any] = []
        self.names = frozenset(self._archive.namelist())

    def read(self, name: str) -> bytes:
        """See `Members.read`."""
        return zip_checks.read_member(self._archive, name, _CONFIG_LIMIT_BYTES)

    def hdf5(self, name: str) -> Hdf5:
        """See `Members.hdf5`."""
        return Hdf5(self.window(name), self._path)

    def blocks(self, name: str) -> Iterator[bytes]:
        """See `Members.blocks`: at its end the member's checksum is compared."""
        if zip_checks.is_bomb(self._archive):
            raise DamagedError(f"{self._path!r} is a compression bomb and is not unpacked")
        try:
            with self._archive.open(name) as member:
                while block := member.read(zip_checks.BLOCK_BYTES):
                    yield block
        except zip_checks.ZIP_ERRORS as error:
            raise DamagedError(f"{name} in {self._path!r} cannot be read: {error}") from None

    def size_bytes(self, name: str) -> int:
        """See `Members.size_bytes`."""
        return self._archive.getinfo(name).file_size

    def files(self) -> list[str]:
        """See `Members.files`."""
        return sorted(name for name in self.names if not name.endswith("/"))

    def npz_names(self, name: str) -> list[str]:
        """See `Members.npz_names`."""
        file = self._unpacked(self._archive.getinfo(name))
        try:
            with zipfile.ZipFile(file) as inner:
                return [entry.removesuffix(".npy") for entry in inner.namelist()]
        except zip_checks.ZIP_ERRORS as error:
            raise DamagedError(f"{name} in {self._path!r} is no npz: {error}") from None

    def window(self, name: str) -> Window:
        """See `Members.window`."""
        info = self._archive.getinfo(name)
        stored = info.compress_type == zipfile.ZIP_STORED and info.file_size == info.compress_size
        if not stored or info.flag_bits & _ENCRYPTED:
            return Window(self._unpacked(info), 0, info.file_size)
        file = self._archive.fp
        assert file is not None, "the archive is closed"
        try:
            file.seek(info.header_offset)
            header = file.read(_LOCAL_HEADER_BYTES)
            # APPNOTE.TXT 4.3.7: name and extra field may be longer than in the directory.
            lengths = struct.unpack("<2H", header[26:30])
        except (OSError, ValueError, struct.error) as error:
            raise DamagedError(f"{name} in {self._path!r} cannot be read: {error}") from None
        start = info.header_offset + _LOCAL_HEADER_BYTES + sum(lengths)
        if header[:4] != b"PK\x03\x04" or start + info.file_size > os.fstat(file.fileno()).st_size:
            raise DamagedError(f"{name} in {self._path!r} is not where the directory says")
        return Window(file, start, info.file_size)  # type: ignore[arg-type]

    def crc(self, name: str) -> int | None:
        """See `Members.crc`."""
        return self._archive.getinfo(name).CRC

    def _unpacked(self, info: zipfile.ZipInfo) -> Any:
        """A member in a temporary file: somebody has packed the archive again, compressed."""
        if zip_checks.is_bomb(self._archive):
            raise DamagedError(f"{self._path!r} is a compression bomb and is not unpacked")
        file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the contents
        self._temporary.append(file)
        try:
            with self._archive.open(info) as member:
                shutil.copyfileobj(member, file, zip_checks.BLOCK_BYTES)
        except zip_checks.ZIP_ERRORS as error:
            name = info.filename
            raise DamagedError(f"{name} in {self._path!r} cannot be read: {error}") from None
        if file.tell() != info.file_size:
            raise DamagedError(f"{info.filename} in {self._path!r} is not as long as it says")
        return file

    def damage(self, level: Level, on_bytes: Callable[[int], None] | None) -> Iterator[Finding]:
        """See `Members.damage`: every member has a CRC-32."""
        return zip_checks.zip_damage(self._archive, self._path, level, on_bytes)

    def dangers(self) -> Iterator[Finding]:
        """See `Members.dangers`."""
        return zip_checks.zip_dangers(self._archive, self._path)

    def close(self) -> None:
        """See `Members.close`."""
        self._archive.close()
        for file in self._temporary:
            file.close()


class FolderMembers:
    """The files of an unzipped model, as `save_model(…, zipped=False)` writes them."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._open: list[Any] = []
        try:
            self.names = frozenset(os.listdir(path))
        except OSError as error:
            raise DamagedError(f"cannot read {path!r}: {error.strerror}") from error

    def read(self, name: str) -> bytes:
        """See `Members.read`."""
        try:
            with open_regular(os.path.join(self._path, name)) as file:
                data = file.read(_CONFIG_LIMIT_BYTES + 1)
        except OSError as error:
            raise DamagedError(f"cannot read {name} in {self._path!r}: {error.strerror}") from error
        if len(data) > _CONFIG_LIMIT_BYTES:
            raise DamagedError(f"{name} in {self._path!r} is too large for a config")
        return data

    def hdf5(self, name: str) -> Hdf5:
        """See `Members.hdf5`."""
        file, found = open_hdf5(os.path.join(self._path, name))
        self._open.append(file)
        return found

    def blocks(self, name: str) -> Iterator[bytes]:
        """See `Members.blocks`: a loose file has no checksum."""
        try:
            with open_regular(os.path.join(self._path, name)) as file:
                while block := file.read(zip_checks.BLOCK_BYTES):
                    yield block
        except OSError as error:
            raise DamagedError(f"cannot read {name} in {self._path!r}: {error.strerror}") from error

    def size_bytes(self, name: str) -> int:
        """See `Members.size_bytes`."""
        return os.path.getsize(os.path.join(self._path, name))

    def window(self, name: str) -> Window:
        """See `Members.window`."""
        try:
            file = open_regular(os.path.join(self._path, name))
        except OSError as error:
            raise DamagedError(f"cannot read {name} in {self._path!r}: {error.strerror}") from error
        self._open.append(file)
        return Window(file)

    def crc(self, name: str) -> int | None:
        """See `Members.crc`."""
        del name
        return None

    def npz_names(self, name: str) -> list[str]:
        """See `Members.npz_names`."""
        with zip_checks.open_zip(os.path.join(self._path, name)) as inner:
            return [entry.removesuffix(".npy") for entry in inner.namelist()]

    def files(self) -> list[str]:
        """See `Members.files`. Links lead to nothing that is a member."""
        return sorted(name for name, kind in self.entries() if kind == "file")

    def entries(self) -> Iterator[tuple[str, Kind]]:
        """All that is in the folder, by its name seen from there, folders before what they hold.

        Raises:
            DamagedError: if a folder cannot be listed.
        """
        todo = [""]
        while todo:  # No recursion: folders may be nested deeper than Python's calls.
            above = todo.pop()
            try:
                with os.scandir(os.path.join(self._path, above)) as found:
                    listed = sorted((entry.name, _kind(entry)) for entry in found)
            except OSError as error:
                message = f"cannot read {above or '.'} in {self._path!r}: {error.strerror}"
                raise DamagedError(message) from error
            for name, kind in listed:
                path = f"{above}/{name}" if above else name
                yield path, kind
                if kind == "folder":
                    todo.append(path)

    def damage(self, level: Level, on_bytes: Callable[[int], None] | None) -> Iterator[Finding]:
        """See `Members.damage`: loose files have no checksums."""
        del level, on_bytes
        for name, kind in self.entries():
            if kind == "other":
                yield Finding("unreadable", f"{name} is a pipe, a socket or a device", self._path)

    def dangers(self) -> Iterator[Finding]:
        """See `Members.dangers`."""
        for name, kind in self.entries():
            if kind == "link":
                says = f"{name} is a link: what it leads to is no part of the model"
                yield Finding("external-link", says, self._path)

    def close(self) -> None:
        """See `Members.close`."""
        for file in self._open:
            file.close()


def _kind(entry: os.DirEntry[str]) -> Kind:
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    return "file" if entry.is_file(follow_symlinks=False) else "other"
