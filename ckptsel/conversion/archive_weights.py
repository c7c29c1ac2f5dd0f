"""`.keras` → `.weights.h5`: the member that holds the weights, byte for byte if it may be."""

from __future__ import annotations

import errno
import os
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ckptsel.conversion.converter import Outlook
from ckptsel.errors import ConversionError, DamagedError
from ckptsel.formats import open_contents
from ckptsel.formats.keras.archive import WEIGHTS, KerasArchive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.conversion.converter import Converter, Options

_BLOCK_BYTES = 2**20
# So that Ctrl-C is heard between two.
_KERNEL_BYTES = 64 * 2**20
# Kernels and file systems that cannot copy by themselves say one of these.
_CANNOT_COPY = {errno.ENOSYS, errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM}


class ArchiveWeights:
    """Copies the bytes; where something has to change, `keras_weights` writes them anew."""

    def look(self, source: str, options: Options) -> Outlook:
        """See `Converter.look`."""
        if _changes(options):
            return _rewriter().look(source, options)
        with _archive(source) as archive:
            return Outlook(archive.members.size_bytes(WEIGHTS))

    def write(self, source: str, dest: str, options: Options) -> None:
        """See `Converter.write`."""
        if _changes(options):
            _rewriter().write(source, dest, options)
            return
        with _archive(source) as archive, open(dest, "xb", buffering=0) as out:
            if _copied_by_kernel(archive, out.fileno()):
                return
            for block in archive.members.blocks(WEIGHTS):
                rest = memoryview(block)
                while rest:
                    rest = rest[out.write(rest) :]

    def check(self, source: str, dest: str, options: Options) -> None:
        """See `Converter.check`: what was written has the checksum that the zip says.

        Raises:
            DamagedError: if the source itself has not.
        """
        if _changes(options):
            _rewriter().check(source, dest, options)
            return
        with _archive(source) as archive:
            members = archive.members
            crc = members.crc(WEIGHTS)
            if crc is None:
                # Of a folder there is no checksum, so that of the file itself is taken.
                crc = 0
                for block in members.blocks(WEIGHTS):
                    crc = zlib.crc32(block, crc)
            if _crc(dest) == (crc, members.size_bytes(WEIGHTS)):
                return
            for _ in members.blocks(WEIGHTS):
                pass  # Raises if it is the source that has changed since it was saved.
        raise ConversionError(
            f"{dest!r} is not what was written", hint="the disk is bad; nothing was put in place"
        )


def _copied_by_kernel(archive: KerasArchive, out: int) -> bool:
    """Whether the bytes were copied without passing through this process, which is faster."""
    place = archive.members.place(WEIGHTS)
    if place is None or not hasattr(os, "copy_file_range"):
        return False
    number, at = place
    left = archive.members.size_bytes(WEIGHTS)
    written = 0
    while left:
        try:
            done = os.copy_file_range(number, out, min(left, _KERNEL_BYTES), offset_src=at)
        except OSError as error:
            if not written and error.errno in _CANNOT_COPY:
                return False
            raise
        if not done:
            raise DamagedError("the source became shorter while it was read")
        if hasattr(os, "posix_fadvise"):
            # Linux begins to write these pages out now, and not when all is there.
            os.posix_fadvise(out, written, done, os.POSIX_FADV_DONTNEED)
        written += done
        at, left = at + done, left - done
    return True


def _crc(path: str) -> tuple[int, int]:
    """The CRC-32 of a file, and its size."""
    crc = size_bytes = 0
    buffer = memoryview(bytearray(_BLOCK_BYTES))
    with open(path, "rb", buffering=0) as file:
        while amount := file.readinto(buffer):
            crc = zlib.crc32(buffer[:amount], crc)
            size_bytes += amount
    return crc, size_bytes


def _changes(options: Options) -> bool:
    return options.drop_optimizer or options.dtype is not None


def _rewriter() -> Converter:
    # h5py and numpy take longer to import than many a file takes to copy
    from ckptsel.conversion import keras_weights  # noqa: PLC0415

    return keras_weights.CONVERTER


@contextmanager
def _archive(path: str) -> Iterator[KerasArchive]:
    with open_contents(path) as contents:
        assert isinstance(contents, KerasArchive), "the table names this for archives only"
        if WEIGHTS not in contents.members.names:
            raise ConversionError(
                f"{path!r} holds no {WEIGHTS}",
                hint="weights in an npz are pickled, and reading them would run their code",
            )
        yield contents


CONVERTER = ArchiveWeights()
