"""safetensors: a JSON header and the bytes behind it, read by hand.

No package is needed: of the types in use numpy lacks bfloat16 and those of one byte, which a few
lines widen to float32, and the package's own numpy reader has no more.

Source of the rules: the section "Format" of the safetensors README, and `validate` in its
`safetensors/src/tensor.rs`.
"""

from __future__ import annotations

import math
import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ckptsel.checkpoint import Finding
from ckptsel.errors import DamagedError, MissingExtraError
from ckptsel.formats.contents import PIECE_BYTES, Contents, Facts, Format, Level, Tensor
from ckptsel.formats.narrow_floats import widen
from ckptsel.formats.state_dict import layer_of, names_of, role_of
from ckptsel.formats.strict_json import LIMIT_BYTES, parse_object
from ckptsel.storage import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

# The header's name of a type → ours, and the type in which its bytes are read; all little-endian.
_DTYPES = {
    "BOOL": ("bool", "?"),
    "U8": ("uint8", "u1"),
    "I8": ("int8", "i1"),
    "U16": ("uint16", "<u2"),
    "I16": ("int16", "<i2"),
    "U32": ("uint32", "<u4"),
    "I32": ("int32", "<i4"),
    "U64": ("uint64", "<u8"),
    "I64": ("int64", "<i8"),
    "F16": ("float16", "<f2"),
    "F32": ("float32", "<f4"),
    "F64": ("float64", "<f8"),
    "C64": ("complex64", "<c8"),
    "BF16": ("bfloat16", "<u2"),
    "F8_E5M2": ("float8_e5m2", "u1"),
    "F8_E4M3": ("float8_e4m3fn", "u1"),
    "F8_E8M0": ("float8_e8m0fnu", "u1"),
}
NAMES = {ours: name for name, (ours, _) in _DTYPES.items()}
"""Our name of a type → the header's."""
_LENGTH_BYTES = 8


def header_length(path: str, head: bytes) -> int:
    """The header's length if this begins like a safetensors file, else 0."""
    length = int.from_bytes(head[:_LENGTH_BYTES], "little")
    begins = head[_LENGTH_BYTES : _LENGTH_BYTES + 1] == b"{"
    if not begins or not 1 < length <= LIMIT_BYTES:
        return 0
    # A file cut off inside of its header is recognised by what the header begins with.
    if b'"data_offsets"' in head or b'"__metadata__"' in head:
        return length
    try:
        return length if os.path.getsize(path) >= _LENGTH_BYTES + length else 0
    except OSError:
        return 0


class SafetensorsContents(Contents):
    """An open safetensors file."""

    kind = "safetensors"

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            # Not mapped: a mapped file that shrinks while it is read ends the process.
            self._file = open_regular(path)
        except OSError as error:
            raise DamagedError(f"{path!r} cannot be read: {error.strerror}") from None
        try:
            self._size_bytes = os.fstat(self._file.fileno()).st_size
            self._read_header()
        except BaseException:
            self._file.close()
            raise

    def _read_header(self) -> None:
        head = self._file.read(_LENGTH_BYTES)
        length = int.from_bytes(head, "little")
        if len(head) < _LENGTH_BYTES or length > min(self._size_bytes - len(head), LIMIT_BYTES):
            says = f"{self.path!r} ends before its header does, at {_LENGTH_BYTES + length} bytes"
            raise DamagedError(says, hint="the write was cut off, or the header is damaged")
        header = parse_object(self._file.read(length), f"the header of {self.path!r}")
        self._metadata = header.pop("__metadata__", {})
        self._start = _LENGTH_BYTES + length
        self._entries = {name: _Entry(name, raw, self.path) for name, raw in header.items()}
        self._tensors = tuple(entry.tensor for entry in self._entries.values())

    @property
    def tensors(self) -> Sequence[Tensor]:
        """Every tensor, in the order of the header."""
        return self._tensors

    @property
    def facts(self) -> Facts:
        """The texts in `__metadata__`."""
        pairs = self._metadata.items() if isinstance(self._metadata, dict) else ()
        return Facts(more={name: str(text) for name, text in pairs})

    @property
    def metadata(self) -> object:
        """What stands in `__metadata__`: of texts, in a sound file; empty if there is none."""
        return self._metadata

    def place(self, tensor: Tensor) -> tuple[int, int]:
        """Where a tensor's bytes begin in the file, and how many there are."""
        return self._start + self._entries[tensor.path].begin, tensor.size_bytes

    def code(self, tensor: Tensor) -> str:
        """The header's own name of a tensor's type."""
        return self._entries[tensor.path].code

    def pieces(self, tensor: Tensor) -> Iterator[NDArray[Any]]:
        """A tensor's values. See `Contents.pieces`.

        Raises:
            DamagedError: if the file ends before them, or is closed.
            MissingExtraError: for types of less than a byte (F4, F6_…), which nothing here reads.
        """
        import numpy as np  # noqa: PLC0415

        entry = self._entries[tensor.path]
        if tensor.path in self._overlapping:
            # Many tensors over the same bytes would make a small file as large as one likes.
            raise DamagedError(f"{tensor.path!r} in {self.path!r} shares its bytes with others")
        if entry.read_as is None:
            raise MissingExtraError(
                f"{tensor.path!r} is of type {tensor.dtype}, whose values are not read",
                hint="PyTorch or JAX can read it",
            )
        stored = np.dtype(entry.read_as)
        # What is widened to float32 must not be larger than a piece afterwards.
        is_wide = tensor.dtype in ("bfloat16", "float8_e5m2", "float8_e4m3fn", "float8_e8m0fnu")
        step = PIECE_BYTES // (4 if is_wide else stored.itemsize) * stored.itemsize
        begin, end = entry.begin, entry.begin + tensor.size_bytes
        for at in range(begin, end, step):
            raw = np.frombuffer(self._bytes(at, min(step, end - at)), stored)
            yield widen(raw, tensor.dtype) if is_wide else raw.astype(stored.newbyteorder("="))

    def _in_order(self) -> list[_Entry]:
        return sorted(self._entries.values(), key=lambda entry: (entry.begin, entry.end))

    @cached_property
    def _overlapping(self) -> frozenset[str]:
        """The tensors that claim bytes which another one before them claims."""
        found, reached = [], 0
        for entry in self._in_order():
            if entry.begin < min(reached, entry.end):
                found.append(entry.tensor.path)
            reached = max(reached, entry.end)
        return frozenset(found)

    def _bytes(self, at: int, count: int) -> bytes:
        if self._start + at + count > self._size_bytes:
            raise DamagedError(f"{self.path!r} ends before the values of its tensors do")
        try:
            self._file.seek(self._start + at)
            data = self._file.read(count)
        except (OSError, ValueError) as error:
            raise DamagedError(f"{self.path!r} cannot be read: {error}") from None
        if len(data) < count:
            raise DamagedError(f"{self.path!r} became shorter while it was read")
        return data

    def damage(
        self, level: Level, on_bytes: Callable[[int], None] | None = None
    ) -> Iterator[Finding]:
        """Tensors that overlap, bytes that belong to none, a file that is cut off or too long.

        The format has no checksums: a changed value is not found. `full` reads every byte, so
        that a bad disk shows.
        """
        if not isinstance(self._metadata, dict) or not all(
            isinstance(text, str) for text in self._metadata.values()
        ):
            yield Finding("safetensors-header", "__metadata__ holds more than texts", self.path)
        reached = 0
        wrong: dict[str, list[str]] = {}
        for entry in self._in_order():
            if entry.begin != reached:
                what = "overlaps another" if entry.begin < reached else "follows unused bytes"
                wrong.setdefault(what, []).append(entry.tensor.path)
            reached = max(reached, entry.end)
        for what, paths in wrong.items():
            more = f" (and {len(paths) - 1} more)" if paths[1:] else ""
            says = f"the tensor {paths[0]!r} {what}{more}"
            yield Finding("safetensors-offsets", says, self.path)
        held = self._size_bytes - self._start
        if held < reached:
            says = f"it has {held} bytes of values, where the header speaks of {reached}"
            yield Finding("truncated", says, self.path)
        elif held > reached:
            says = f"{held - reached} bytes behind the last tensor belong to none"
            yield Finding("trailing-bytes", says, self.path)
        if level == "full":
            for at in range(0, held, PIECE_BYTES):
                count = min(PIECE_BYTES, held - at)
                self._bytes(at, count)
                if on_bytes:
                    on_bytes(count)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class _Entry:
    """One entry of the header: a tensor, and where its bytes stand."""

    code: str
    read_as: str | None

    def __init__(self, name: str, raw: object, path: str) -> None:
        match raw:
            case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [begin, end]} if all(
                type(number) is int and number >= 0 for number in (*shape, begin, end)
            ):
                self.code = dtype
                ours, self.read_as = _DTYPES.get(dtype, (dtype.lower(), None))
            case _:
                raise DamagedError(f"the header's entry {name!r} in {path!r} makes no sense")
        # The limits of numpy, also for tensors without elements: a zero among the dimensions would
        # hide one that no memory could hold.
        too_large = len(shape) > 64 or math.prod(n for n in shape if n) >= 2**63
        if begin > end or too_large:
            raise DamagedError(f"the header's entry {name!r} in {path!r} makes no sense")
        itemsize = None if self.read_as is None else int(self.read_as[-1].replace("?", "1"))
        if itemsize is not None and math.prod(shape) * itemsize != end - begin:
            says = f"{name!r} in {path!r} has {end - begin} bytes, its shape {shape} needs others"
            raise DamagedError(says)
        self.begin, self.end = begin, end
        names = (layer_of(name), *names_of(name))
        self.tensor = Tensor(name, tuple(shape), ours, end - begin, role_of(name), *names)


def _recognise(path: str, head: bytes) -> bool:
    return header_length(path, head) > 0


FORMAT = Format(SafetensorsContents.kind, _recognise, SafetensorsContents)
