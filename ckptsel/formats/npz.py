"""numpy's `.npz`: a zip of `.npy` files, whose headers are read and never unpickled."""

from __future__ import annotations

from functools import cached_property
from typing import IO, TYPE_CHECKING, Any

from ckptsel.checkpoint import Finding
from ckptsel.errors import DamagedError
from ckptsel.formats.contents import PIECE_BYTES, Contents, Facts, Format, Level, Tensor
from ckptsel.formats.npy_fortran import in_usual_order
from ckptsel.formats.npy_header import SUFFIX, NpyMember, plain, read_header
from ckptsel.formats.pickle_scan import few_operations, pickle_findings, pickle_globals
from ckptsel.formats.zip_checks import (
    ZIP_ERRORS,
    is_bomb,
    member_names,
    open_zip,
    zip_damage,
    zip_dangers,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

_ZIP_MAGIC = b"PK\x03\x04"


class NpzContents(Contents):
    """An open `.npz`."""

    kind = "npz"
    has_checksums = True

    def __init__(self, path: str) -> None:
        self.path = path
        self._archive = open_zip(path)
        if not any(name.endswith(SUFFIX) for name in self._archive.namelist()):
            self._archive.close()
            raise DamagedError(f"{path!r} is an archive without arrays")

    @cached_property
    def _members(self) -> dict[str, NpyMember | DamagedError]:
        """Every array, or why it cannot be read, by its name."""
        found: dict[str, NpyMember | DamagedError] = {}
        for name in self._archive.namelist():
            if name.endswith(SUFFIX):
                try:
                    found[name.removesuffix(SUFFIX)] = read_header(self._archive, name)
                except DamagedError as error:
                    found[name.removesuffix(SUFFIX)] = error
        return found

    @property
    def tensors(self) -> Sequence[Tensor]:
        """Every array but those of objects, which are pickles.

        Raises:
            DamagedError: if a header cannot be read.
        """
        found = []
        for member in self._members.values():
            if isinstance(member, DamagedError):
                raise member
            if not member.is_pickle:
                found.append(member.tensor)
        return found

    def member(self, tensor: Tensor) -> NpyMember:
        """How a tensor stands in the archive.

        Raises:
            DamagedError: if its header cannot be read.
        """
        member = self._members[tensor.path]
        if isinstance(member, DamagedError):
            raise member
        return member

    @property
    def unlisted(self) -> str:
        """How many arrays of objects there are."""
        return f"{self._pickles} arrays of objects are pickled" if self._pickles else ""

    @property
    def _pickles(self) -> int:
        return sum(isinstance(m, NpyMember) and m.is_pickle for m in self._members.values())

    @property
    def facts(self) -> Facts:
        """How many arrays of objects there are."""
        count = self._pickles
        return Facts(more={"arrays of objects, not listed": str(count)} if count else {})

    def pieces(self, tensor: Tensor) -> Iterator[NDArray[Any]]:
        """A tensor's values; text as UTF-8. See `Contents.pieces`.

        Raises:
            DamagedError: if they cannot be read, or the file is a compression bomb.
        """
        import numpy as np  # noqa: PLC0415

        member = self.member(tensor)
        if is_bomb(self._archive):
            raise DamagedError(f"{self.path!r} unpacks to far more than it holds: it is not read")
        dtype = member.dtype
        count = max(1, PIECE_BYTES // max(dtype.itemsize, 8))  # An object takes 8 bytes.
        blocks = self._blocks(member, count * dtype.itemsize)
        parts: Iterator[NDArray[Any]] = (np.frombuffer(block, dtype) for block in blocks)
        # With one axis that is not of one element, both orders are the same.
        if member.is_fortran and 0 not in tensor.shape and sum(n > 1 for n in tensor.shape) > 1:
            parts = in_usual_order(lambda: self._values(member), tensor.shape, dtype)
        try:
            for part in parts:
                yield plain(part)
        except ZIP_ERRORS as error:
            raise DamagedError(f"{member.name!r} in {self.path!r}: {error}") from None

    def _values(self, member: NpyMember) -> IO[bytes]:
        file = self._archive.open(member.name)
        file.read(member.start)
        return file

    def _blocks(self, member: NpyMember, step: int) -> Iterator[bytes]:
        left = member.size_bytes
        try:
            with self._values(member) as file:
                while left > 0:
                    block = file.read(min(step, left))
                    if len(block) < min(step, left):
                        raise EOFError("it ends before its values do")
                    left -= len(block)
                    yield block
                file.read(1)  # At the end of the member its checksum is looked at.
        except ZIP_ERRORS as error:
            raise DamagedError(f"{member.name!r} in {self.path!r} is damaged: {error}") from None

    def damage(
        self, level: Level, on_bytes: Callable[[int], None] | None = None
    ) -> Iterator[Finding]:
        """Broken headers, and at `full` wrong checksums. See `Contents.damage`."""
        yield from zip_damage(self._archive, self.path, level, on_bytes)
        for member in self._members.values():
            if isinstance(member, DamagedError):
                yield Finding("npy-header", member.message, self.path)

    def dangers(self) -> Iterator[Finding]:
        """What is wrong with the archive, and arrays of objects, which are pickles."""
        yield from zip_dangers(self._archive, self.path)
        operations = few_operations()
        for member in self._members.values():
            if not isinstance(member, DamagedError) and member.is_pickle:
                yield from self._pickle(member, operations)

    def _pickle(self, member: NpyMember, operations: Iterator[int]) -> Iterator[Finding]:
        if is_bomb(self._archive):
            return
        try:
            with self._archive.open(member.name) as file:
                file.read(member.start)
                found = pickle_globals(file, operations=operations)
            yield from pickle_findings(found, repr(member.name), self.path)
        except ZIP_ERRORS as error:
            says = f"{member.name!r} is a pickle that cannot be looked into: {error}"
            yield Finding("pickle-code", says, self.path)

    def close(self) -> None:
        """Let go of the file."""
        self._archive.close()


def _recognise(path: str, head: bytes) -> bool:
    names = member_names(path) if head.startswith(_ZIP_MAGIC) else []
    return bool(names) and all(name.endswith(SUFFIX) for name in names)


FORMAT = Format(NpzContents.kind, _recognise, NpzContents)
