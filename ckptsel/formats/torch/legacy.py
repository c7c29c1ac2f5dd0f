"""PyTorch's files from before 1.6, and of `_use_new_zipfile_serialization=False`: pickles only.

Five pickles stand one behind the other: magic number, version, system, the object, the keys of
the storages; then the storages' bytes. Nothing but what the pickles would call is read.

Source: `_legacy_save` in torch/serialization.py.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, BinaryIO

from ckptsel.checkpoint import Finding
from ckptsel.errors import DamagedError, MissingExtraError
from ckptsel.formats.contents import Contents, Facts, Format, Level, Tensor
from ckptsel.formats.pickle_scan import TooLongError, pickle_findings, pickle_globals
from ckptsel.formats.torch.storages import storage_bytes
from ckptsel.storage import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

# LONG1 of ten bytes: MAGIC_NUMBER = 0x1950A86A20F9469CFC6C, STOP; PROTO and FRAME stand before.
_MAGIC = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
_MAGIC_STARTS = (2, 11)
_PICKLES = 5
_HOW = "torch.save(torch.load(path, weights_only=True), path) writes it anew, as an archive"


class LegacyTorchContents(Contents):
    """An open file of old: its tensors are not listed."""

    kind = "torch-legacy"
    lists_tensors = False

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            with open_regular(path) as file:
                head = file.read(_MAGIC_STARTS[-1] + len(_MAGIC))
                self._size_bytes = os.fstat(file.fileno()).st_size
        except OSError as error:
            raise DamagedError(f"{path!r} cannot be read: {error.strerror}") from None
        if not _recognise(path, head):
            raise DamagedError(f"{path!r} does not begin like a file of PyTorch")

    @property
    def tensors(self) -> Sequence[Tensor]:
        """None: only unpickling could tell them."""
        return ()

    @property
    def unlisted(self) -> str:
        """Why there are none."""
        return f"an old pickle is not listed; {_HOW}"

    @property
    def facts(self) -> Facts:
        """Why there are no tensors."""
        return Facts(framework="torch", more={"tensors": f"not listed: an old pickle; {_HOW}"})

    def pieces(self, tensor: Tensor) -> Iterator[NDArray[Any]]:
        """Nothing can be read.

        Raises:
            MissingExtraError: always.
        """
        raise MissingExtraError(f"{tensor.path!r} in {self.path!r} cannot be read", hint=_HOW)

    def damage(
        self, level: Level, on_bytes: Callable[[int], None] | None = None
    ) -> Iterator[Finding]:
        """Pickles that are cut off or broken, and values that end early; not changed ones."""
        del level
        try:
            missing = self._missing_bytes()
        except TooLongError:
            missing = 0  # nobody knows; that it was not looked into is a danger
        except ValueError as error:
            yield Finding("torch-pickle", f"its pickles cannot be read: {error}", self.path)
        else:
            if missing > 0:
                says = f"it is cut off: {missing} bytes of values are missing"
                yield Finding("truncated", says, self.path)
        if on_bytes:
            on_bytes(self._size_bytes)

    def dangers(self) -> Iterator[Finding]:
        """What the pickles would call."""
        try:
            names = self._globals()
        except ValueError as error:
            says = f"its pickles cannot be looked into: {error}"
            yield Finding("pickle-code", says, self.path)
        else:
            yield from pickle_findings(names, "it", self.path)

    def _missing_bytes(self) -> int:
        self._globals()
        try:
            with open_regular(self.path) as file:
                values = storage_bytes(_Clipped(file, self._size_bytes), _PICKLES)
                return 0 if values is None else file.tell() + values - self._size_bytes
        except OSError as error:
            raise ValueError(error.strerror) from None

    def _globals(self) -> list[str]:
        try:
            with open_regular(self.path) as file:
                return pickle_globals(_Clipped(file, self._size_bytes), _PICKLES)
        except OSError as error:
            raise ValueError(error.strerror) from None

    def close(self) -> None:
        """Nothing is held open."""


class _Clipped:
    """A file of which no more is asked than it has: a pickle may claim any length."""

    def __init__(self, file: BinaryIO, size_bytes: int) -> None:
        self._file = file
        self._size_bytes = size_bytes

    def read(self, size: int) -> bytes:
        """So many bytes, or those that are left."""
        return self._file.read(max(0, min(size, self._size_bytes - self._file.tell())))

    def readline(self, size: int = -1) -> bytes:
        """A line, or so many bytes of it."""
        return self._file.readline(size)


def _recognise(path: str, head: bytes) -> bool:
    del path
    return head[:1] == b"\x80" and any(head.startswith(_MAGIC, at) for at in _MAGIC_STARTS)


FORMAT = Format(LegacyTorchContents.kind, _recognise, LegacyTorchContents)
