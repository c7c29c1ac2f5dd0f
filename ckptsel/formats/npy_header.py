"""One array of a `.npz`: the header of a `.npy` file, which is read and never unpickled."""

from __future__ import annotations

import ast
import math
import sys
import warnings
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from ckptsel.errors import DamagedError
from ckptsel.formats.contents import PIECE_BYTES, Tensor
from ckptsel.formats.state_dict import layer_of, names_of, role_of
from ckptsel.formats.zip_checks import ZIP_ERRORS

if TYPE_CHECKING:
    from zipfile import ZipFile

    import numpy as np
    from numpy.typing import NDArray

SUFFIX = ".npy"

_MAGIC = b"\x93NUMPY"
# numpy itself refuses longer ones: the parser below would need too much memory.
# Source: numpy/lib/_format_impl.py, _MAX_HEADER_SIZE.
_HEADER_BYTES = 10_000


@dataclass(frozen=True)
class NpyMember:
    """An array in an archive: its header, and where its values begin.

    Attributes:
        name: the member's.
        tensor: the array without its values.
        dtype: as it is stored.
        start: where, in the member, the values begin.
        size_bytes: the size of all values.
        is_fortran: whether the first index moves fastest.
    """

    name: str
    tensor: Tensor
    dtype: np.dtype[Any]
    start: int
    size_bytes: int
    is_fortran: bool

    @property
    def is_pickle(self) -> bool:
        """Whether its values are objects, stored as a pickle."""
        return bool(self.dtype.hasobject)


def read_header(archive: ZipFile, name: str) -> NpyMember:
    """The header of a member.

    Source: numpy.lib.format: magic, version, length of two bytes (version 1) or four, and a
    Python literal. It is read by hand, because numpy's reader is not public, and because what it
    raises and warns about on hostile headers changes.

    Raises:
        DamagedError: if it is no header, or speaks of another size than the member has.
    """
    import numpy as np  # noqa: PLC0415

    what = f"{name!r} in {archive.filename!r}"
    try:
        with archive.open(name) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Of odd escapes and old type codes.
            fields, start = _literal(file)
            descr, shape, is_fortran = (fields[k] for k in ("descr", "shape", "fortran_order"))
            dtype = np.lib.format.descr_to_dtype(descr)
        is_shape = isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape)
    except (*ZIP_ERRORS, TypeError, SyntaxError, RecursionError, AttributeError) as error:
        raise DamagedError(f"{what} is no array: {error}") from None
    # The limits of numpy, also for arrays without elements.
    if not is_shape or len(shape) > 64 or math.prod(n for n in shape if n) >= 2**63:
        raise DamagedError(f"{what} has a shape that makes no sense")
    if not dtype.itemsize or dtype.itemsize > PIECE_BYTES:
        raise DamagedError(f"{what} has elements of {dtype.itemsize} bytes")
    size_bytes = math.prod(shape) * dtype.itemsize
    held = archive.getinfo(name).file_size - start
    if held != size_bytes and not dtype.hasobject:
        raise DamagedError(f"{what} has {held} bytes of values, its shape {shape} needs others")
    path = name.removesuffix(SUFFIX)
    ours, size = _names(dtype, size_bytes)
    tensor = Tensor(path, shape, ours, size, role_of(path), layer_of(path), *names_of(path))
    return NpyMember(name, tensor, dtype, start, size_bytes, bool(is_fortran))


def _literal(file: IO[bytes]) -> tuple[dict[str, Any], int]:
    """The header's dictionary, and where it ends."""
    begin = file.read(len(_MAGIC) + 2)
    width = 2 if begin[-2:-1] == b"\x01" else 4
    length = int.from_bytes(file.read(width), "little")
    if begin[:-2] != _MAGIC or length > _HEADER_BYTES:
        raise ValueError("it does not begin like one")
    fields = ast.literal_eval(file.read(length).decode("latin1" if width == 2 else "utf-8"))
    if not isinstance(fields, dict):
        raise TypeError("its header is no dictionary")
    return fields, len(begin) + width + length


def _names(dtype: np.dtype[Any], size_bytes: int) -> tuple[str, int]:
    """The dtype's name and the size as `Tensor` has them."""
    if dtype.kind in "SU":
        return "string", 0
    # `np.dtype` does not take the names of times and records, only their codes.
    native = dtype.newbyteorder("=")
    return (native.name if dtype.kind in "biufc" else native.str), size_bytes


def plain(values: NDArray[Any]) -> NDArray[Any]:
    """In this machine's byte order; texts as bytes; records without names of their fields.

    Raises:
        ValueError: if a text holds what is no character.
    """
    import numpy as np  # noqa: PLC0415

    kind = values.dtype.kind
    if kind == "U":
        # numpy would make a text of it, and the interpreter an error that means a bug in C.
        if (
            np.ascontiguousarray(values).view(values.dtype.byteorder + "u4") > sys.maxunicode
        ).any():
            raise ValueError("a text in it holds what is no character")
        return np.array([text.encode(errors="surrogatepass") for text in values.tolist()], object)
    if kind == "S":
        return values.astype(object)
    if kind == "V":
        return np.ascontiguousarray(values).view(f"V{values.dtype.itemsize}")
    return values.astype(values.dtype.newbyteorder("="))
