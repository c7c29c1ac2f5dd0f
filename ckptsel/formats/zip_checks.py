"""Zip archives from strangers: opening them, and what is broken or unsafe about them."""

from __future__ import annotations

import lzma
import os
import re
import stat
import struct
import zipfile
import zlib
from collections import Counter
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.errors import DamagedError
from ckptsel.formats.contents import is_too_much
from ckptsel.storage import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from zipfile import ZipFile, ZipInfo

    from ckptsel.formats.contents import Level

BLOCK_BYTES = 2**20
"""What is read at once: large enough for speed, small enough to stay in the cache."""

_NAMED = 3  # So many members are named one by one, and the others counted.
_UNSAFE_NAME = re.compile(r"^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)|\0")

# APPNOTE.TXT 4.3.7: signature, version, flags, method, time, date, crc, sizes, lengths.
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_SIZES_FOLLOW = 0x08  # APPNOTE 4.4.4: the sizes stand behind the data, and here may be zeros.
_IN_ZIP64 = 0xFFFFFFFF  # APPNOTE 4.5.3: the size stands in the extra field.

ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    OSError,
    EOFError,
    LookupError,
    ValueError,
    OverflowError,
    MemoryError,
    RuntimeError,
)
"""What zipfile raises on hostile content: unknown methods and versions (NotImplementedError is a
RuntimeError), encrypted members, broken streams, offsets outside of the file."""


def open_zip(path: str) -> ZipFile:
    """Open an archive; its members are not read.

    Raises:
        DamagedError: if its directory cannot be read.
    """
    try:
        return _zip(path)
    except ZIP_ERRORS as error:
        raise DamagedError(
            f"{path!r} is no whole zip archive: {error}",
            hint="the directory stands at the end: a write that was cut off loses it",
        ) from None


def _zip(path: str) -> ZipFile:
    with open_regular(path):  # Anything else raises, where zipfile would wait for it.
        return zipfile.ZipFile(path)


def member_names(path: str) -> list[str]:
    """The names in an archive; none if it is no archive. For `Format.recognise`."""
    try:
        with _zip(path) as archive:
            return archive.namelist()
    except ZIP_ERRORS:
        return []


def read_member(archive: ZipFile, name: str, limit_bytes: int) -> bytes:
    """A whole member that is no larger than a limit; its checksum is checked.

    Raises:
        DamagedError: if it is missing, larger, or cannot be read.
    """
    try:
        with archive.open(name) as member:
            data = member.read(limit_bytes + 1)
    except ZIP_ERRORS as error:
        raise DamagedError(f"{name!r} in {archive.filename!r} cannot be read: {error}") from None
    if len(data) > limit_bytes:
        raise DamagedError(f"{name!r} in {archive.filename!r} is larger than {limit_bytes} bytes")
    return data


def is_bomb(archive: ZipFile) -> bool:
    """Whether it claims to unpack to far more than the file holds.

    The file's size is what counts: members may share their bytes.
    """
    unpacked = sum(info.file_size for info in archive.infolist())
    return is_too_much(unpacked, size_bytes(archive))


def zip_damage(
    archive: ZipFile, path: str, level: Level, on_bytes: Callable[[int], None] | None = None
) -> Iterator[Finding]:
    """Members whose headers or, at `full`, whose bytes are broken.

    Bombs are not unpacked: `zip_dangers` tells of them.

    Args:
        archive: the archive, open.
        path: what the findings are about.
        level: `full` reads every member and checks its CRC-32.
        on_bytes: is told how many bytes of the file have been read.
    """
    lost = [info.filename for info in archive.infolist() if _local_header(archive, info) is None]
    if lost:
        yield Finding("zip-header", f"no member stands where {_some(lost)} should", path)
    if level == "quick" or is_bomb(archive):
        return
    for info in archive.infolist():
        if info.filename in lost:
            continue
        try:
            _read_all(archive, info, on_bytes)
        except ZIP_ERRORS as error:
            text = str(error) or type(error).__name__
            yield Finding("zip-crc", f"{info.filename!r} is damaged: {text}", path)


def zip_dangers(archive: ZipFile, path: str) -> Iterator[Finding]:
    """Members that reach outside, hide each other, lie about their size, or would fill the disk."""
    infos = archive.infolist()
    unsafe = [info.orig_filename for info in infos if _is_unsafe(info)]
    if unsafe:
        what = "unpack outside of the target folder, or are links"
        yield Finding("zip-unsafe-name", f"members that {what}: {_some(unsafe)}", path)
    twice = [name for name, count in Counter(i.filename for i in infos).items() if count > 1]
    if twice:
        what = "members that stand in it twice, so that readers may disagree"
        yield Finding("zip-duplicate-name", f"{what}: {_some(twice)}", path)
    lying = [info.filename for info in infos if _lies(archive, info)]
    if lying:
        what = "members whose sizes in the directory are not those beside the data"
        yield Finding("zip-sizes-differ", f"{what}: {_some(lying)}", path)
    shared = _overlapping(archive)
    if shared:
        yield Finding("zip-overlap", f"members that share their bytes: {_some(shared)}", path)
    if is_bomb(archive):
        unpacked = sum(info.file_size for info in infos)
        says = f"it unpacks to {unpacked} bytes from {size_bytes(archive)}"
        yield Finding("zip-bomb", f"{says}; its checksums were not checked", path)


def _read_all(archive: ZipFile, info: ZipInfo, on_bytes: Callable[[int], None] | None) -> None:
    stored = info.compress_type == zipfile.ZIP_STORED
    # zipfile checks the CRC as it reads, and raises at the end if it is wrong.
    with archive.open(info) as member:
        left = info.file_size
        while block := member.read(BLOCK_BYTES):
            left -= len(block)
            if on_bytes and stored:
                on_bytes(len(block))
    if left:
        raise EOFError(f"{left} bytes are missing")
    if on_bytes and not stored:
        on_bytes(info.compress_size)


def size_bytes(archive: ZipFile) -> int:
    """The size of the file."""
    assert archive.fp is not None, "the archive is closed"
    return os.fstat(archive.fp.fileno()).st_size


def _local_header(archive: ZipFile, info: ZipInfo) -> tuple[int, int, int, int] | None:
    """Flags, compressed size, size, and end of the member's bytes, as its own header says."""
    assert archive.fp is not None, "the archive is closed"
    try:
        archive.fp.seek(info.header_offset)
        fields = _LOCAL_HEADER.unpack(archive.fp.read(_LOCAL_HEADER.size))
    except (OSError, ValueError, OverflowError, struct.error):
        return None
    signature, _, flags, method, _, _, _, packed, size, name_bytes, extra_bytes = fields
    end = info.header_offset + _LOCAL_HEADER.size + name_bytes + extra_bytes + info.compress_size
    if signature != b"PK\x03\x04" or method != info.compress_type or end > size_bytes(archive):
        return None
    return flags, packed, size, end


def _lies(archive: ZipFile, info: ZipInfo) -> bool:
    header = _local_header(archive, info)
    if header is None:
        return False
    flags, packed, size, _ = header
    if info.compress_type == zipfile.ZIP_STORED and info.compress_size != info.file_size:
        return True
    pairs = ((packed, info.compress_size), (size, info.file_size))
    if any(local not in (central, _IN_ZIP64) for local, central in pairs):
        return not (flags & _SIZES_FOLLOW and packed == size == 0)
    return False


def _overlapping(archive: ZipFile) -> list[str]:
    found = []
    reached = 0
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        if info.header_offset < reached:
            found.append(info.filename)
        header = _local_header(archive, info)
        reached = max(reached, header[-1] if header else 0)
    return found


def _is_unsafe(info: ZipInfo) -> bool:
    is_link = stat.S_ISLNK(info.external_attr >> 16)
    return is_link or bool(_UNSAFE_NAME.search(info.orig_filename))


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else ""
    return ", ".join(map(repr, listed[:_NAMED])) + more
