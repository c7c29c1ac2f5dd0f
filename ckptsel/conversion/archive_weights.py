"""`.keras` → `.weights.h5`: the member that holds the weights, byte for byte if it may be."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ckptsel.conversion import keras_weights
from ckptsel.conversion.converter import Outlook
from ckptsel.errors import ConversionError
from ckptsel.formats import open_contents
from ckptsel.formats.keras.archive import WEIGHTS, KerasArchive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.conversion.converter import Options


class ArchiveWeights:
    """Copies the bytes; where something has to change, `keras_weights` writes them anew."""

    def look(self, source: str, options: Options) -> Outlook:
        """See `Converter.look`."""
        if _changes(options):
            return keras_weights.CONVERTER.look(source, options)
        with _archive(source) as archive:
            return Outlook(archive.members.size_bytes(WEIGHTS))

    def write(self, source: str, dest: str, options: Options) -> None:
        """See `Converter.write`: a zip's own checksum is compared on the way."""
        if _changes(options):
            keras_weights.CONVERTER.write(source, dest, options)
            return
        with _archive(source) as archive, open(dest, "xb", buffering=0) as out:
            for block in archive.members.blocks(WEIGHTS):
                rest = memoryview(block)
                while rest:
                    rest = rest[out.write(rest) :]

    def check(self, source: str, dest: str, options: Options) -> None:
        """See `Converter.check`: both have the same bytes."""
        if _changes(options):
            keras_weights.CONVERTER.check(source, dest, options)
            return
        with _archive(source) as archive, open(dest, "rb") as file:
            for block in archive.members.blocks(WEIGHTS):
                if file.read(len(block)) != block:
                    raise ConversionError(f"{dest!r} is not what was written: the disk is bad")
            if file.read(1):
                raise ConversionError(f"{dest!r} is longer than what was written")


def _changes(options: Options) -> bool:
    return options.drop_optimizer or options.dtype is not None


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
