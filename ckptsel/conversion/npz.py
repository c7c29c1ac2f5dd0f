"""Anything → `.npz`: a zip of `.npy` files under the paths of the tensors, written in a stream."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import numpy as np

from ckptsel.conversion.cargo import Cargo, Streamed, plain_cargo
from ckptsel.errors import ConversionError

if TYPE_CHECKING:
    from ckptsel.conversion.converter import Options
    from ckptsel.formats.contents import Contents

# As numpy.savez does: the time says nothing, and the same input gives the same bytes.
_TIME = (1980, 1, 1, 0, 0, 0)
_ZIP64_FROM_BYTES = 2**31


def load(contents: Contents, path: str, options: Options) -> Cargo:
    """See `Loader`. numpy has no bfloat16 and no float8: they become float32."""
    return plain_cargo(contents, path, options)


def put(cargo: Cargo, dest: str, options: Options) -> None:
    """See `Putter`."""
    del options
    with zipfile.ZipFile(dest, "x") as archive:
        for item in cargo.items:
            info = zipfile.ZipInfo(_member(item.path), _TIME)
            header = {
                "descr": np.lib.format.dtype_to_descr(np.dtype(item.dtype).newbyteorder("<")),
                "fortran_order": False,
                "shape": item.tensor.shape,
            }
            first = io.BytesIO()
            np.lib.format.write_array_header_1_0(first, header)
            is_large = item.size_bytes + len(first.getvalue()) >= _ZIP64_FROM_BYTES
            with archive.open(info, "w", force_zip64=is_large) as member:
                member.write(first.getvalue())
                for block in cargo.blocks(item):
                    member.write(block)


def _member(path: str) -> str:
    try:
        path.encode()
    except UnicodeEncodeError:
        raise ConversionError(f"the name {path!r} is no text, and a zip cannot hold it") from None
    # A zip ends names at a NUL, and on some systems reads another slash.
    if "\0" in path or zipfile.ZipInfo(path).filename != path:
        raise ConversionError(f"a zip cannot hold the name {path!r}")
    return path + ".npy"


CONVERTER = Streamed(load, put)
