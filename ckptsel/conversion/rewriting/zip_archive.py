"""Zip archives with other bytes in their members: patched in place, or packed anew."""

from __future__ import annotations

import os
import shutil
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, BinaryIO

from ckptsel.conversion.rewriting.patching import content, in_order
from ckptsel.errors import DamagedError
from ckptsel.formats.zip_checks import ZIP_ERRORS, open_zip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from zipfile import ZipFile, ZipInfo

    from ckptsel.conversion.rewriting.patching import Patch

# APPNOTE.TXT 4.3.7 (local header), 4.3.9 (data descriptor) and 4.3.12 (directory).
_LOCAL_BYTES, _LOCAL_CRC, _LOCAL_LENGTHS = 30, 14, 26
_CENTRAL_BYTES, _CENTRAL_CRC, _CENTRAL_LENGTHS = 46, 16, 28
_DESCRIPTOR = b"PK\x07\x08"
_CRC_FOLLOWS = 0x08
_ENCRYPTED = 0x01


def is_stored(info: ZipInfo) -> bool:
    """Whether a member stands in the archive as it is, so that it can be patched."""
    plain = info.compress_type == zipfile.ZIP_STORED and info.file_size == info.compress_size
    return plain and not info.flag_bits & _ENCRYPTED


def data_start(file: BinaryIO, info: ZipInfo) -> int:
    """Where the bytes of a member begin in the file of the archive.

    Raises:
        DamagedError: if no member is there.
    """
    file.seek(info.header_offset)
    header = file.read(_LOCAL_BYTES)
    if len(header) < _LOCAL_BYTES or header[:4] != b"PK\x03\x04":
        raise DamagedError(f"{info.filename!r} in {file.name!r} is not where the directory says")
    lengths: tuple[int, int] = struct.unpack_from("<2H", header, _LOCAL_LENGTHS)
    return info.header_offset + _LOCAL_BYTES + sum(lengths)


def write_patched(source: str, dest: str, patches: Mapping[str, Iterable[Patch]]) -> None:
    """Copy an archive with patches in members that are stored, and with their new checksums.

    Args:
        source: the archive.
        dest: the new one.
        patches: member → patches, by their places in the archive's file.

    Raises:
        DamagedError: if the archive cannot be read.
        OSError: if the new one cannot be written.
    """
    with open_zip(source) as archive, open(source, "rb") as file, open(dest, "xb") as out:
        infos = sorted(
            (archive.getinfo(name) for name in patches), key=lambda info: info.header_offset
        )
        size_bytes = os.fstat(file.fileno()).st_size
        at = 0
        checksums: dict[str, int] = {}
        for info in infos:
            start = data_start(file, info)
            stop = start + info.file_size
            inside = in_order(patches[info.filename], source)
            is_inside = not inside or (start <= inside[0].start and inside[-1].end <= stop)
            if not is_stored(info) or not is_inside or start < at or stop > size_bytes:
                raise DamagedError(f"{info.filename!r} in {source!r} is not as its directory says")
            out.writelines(content(file, at, start))
            crc = 0
            for block in content(file, start, stop, inside):
                crc = zlib.crc32(block, crc)
                out.write(block)
            checksums[info.filename] = crc
            at = stop
        out.writelines(content(file, at, size_bytes))
        for info in infos:
            _put_local(file, out, info, checksums[info.filename])
        _put_central(file, out, archive, checksums)


def _put_local(file: BinaryIO, out: BinaryIO, info: ZipInfo, crc: int) -> None:
    packed = struct.pack("<L", crc)
    if info.flag_bits & _CRC_FOLLOWS:
        end = data_start(file, info) + info.file_size
        file.seek(end)
        out.seek(end + 4 if file.read(4) == _DESCRIPTOR else end)
        out.write(packed)
    file.seek(info.header_offset + _LOCAL_CRC)
    if not info.flag_bits & _CRC_FOLLOWS or file.read(4) != bytes(4):
        out.seek(info.header_offset + _LOCAL_CRC)
        out.write(packed)


def _put_central(
    file: BinaryIO, out: BinaryIO, archive: ZipFile, checksums: Mapping[str, int]
) -> None:
    at = archive.start_dir
    for info in archive.infolist():  # They are in the directory's order.
        file.seek(at)
        header = file.read(_CENTRAL_BYTES)
        if header[:4] != b"PK\x01\x02":
            raise DamagedError(f"the directory of {file.name!r} cannot be read")
        if info.filename in checksums:
            out.seek(at + _CENTRAL_CRC)
            out.write(struct.pack("<L", checksums[info.filename]))
        at += _CENTRAL_BYTES + sum(struct.unpack_from("<3H", header, _CENTRAL_LENGTHS))


def repack(
    source: str, dest: str, members: Mapping[str, Callable[[BinaryIO], None] | None]
) -> None:
    """Pack an archive anew: the same members in the same order, some with another content.

    Args:
        source: the archive.
        dest: the new one.
        members: member → what writes its new content; None leaves it out.

    Raises:
        DamagedError: if the archive cannot be read.
        OSError: if the new one cannot be written.
    """
    with open_zip(source) as archive, zipfile.ZipFile(dest, "x") as packed:
        packed.comment = archive.comment
        for info in archive.infolist():
            write = members.get(info.filename, _unpacker(archive, info))
            if write is None:
                continue
            new = zipfile.ZipInfo(info.filename, info.date_time)
            new.compress_type, new.comment = info.compress_type, info.comment
            new.external_attr, new.create_system = info.external_attr, info.create_system
            with packed.open(new, "w", force_zip64=info.file_size >= 2**31) as out:
                write(out)  # type: ignore[arg-type]


def _unpacker(archive: ZipFile, info: ZipInfo) -> Callable[[BinaryIO], None]:
    return lambda out: _unpack(archive, info, out)


def _unpack(archive: ZipFile, info: ZipInfo, out: BinaryIO) -> None:
    with _opened(archive, info) as member:
        while True:
            try:
                block = member.read(2**20)
            except ZIP_ERRORS as error:
                message = f"{info.filename!r} in {archive.filename!r} is damaged: {error}"
                raise DamagedError(message) from None
            if not block:
                return
            out.write(block)


def _opened(archive: ZipFile, info: ZipInfo) -> zipfile.ZipExtFile:
    try:
        return archive.open(info)  # type: ignore[return-value]
    except ZIP_ERRORS as error:
        message = f"{info.filename!r} in {archive.filename!r} cannot be read: {error}"
        raise DamagedError(message) from None


def from_file(path: str) -> Callable[[BinaryIO], None]:
    """A member's content that stands in a file."""

    def write(out: BinaryIO) -> None:
        with open(path, "rb") as file:
            shutil.copyfileobj(file, out, 2**20)

    return write
