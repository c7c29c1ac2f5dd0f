"""Anything → `.safetensors`: a header in JSON, and the values behind it, written in a stream.

By hand, as it is read: the package's own writer wants every tensor in memory at once.

Source of the rules: the section "Format" of the safetensors README, and `prepare` in its
`safetensors/src/tensor.rs`, which puts the widest types first, so that all are aligned.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ckptsel.conversion.cargo import Cargo, Streamed, plain_cargo
from ckptsel.errors import ConversionError
from ckptsel.formats.safetensors import NAMES

if TYPE_CHECKING:
    from ckptsel.conversion.converter import Options
    from ckptsel.formats.contents import Contents

_KEEPS = frozenset({"bfloat16"})
_ALIGNED_BYTES = 8
_METADATA = "__metadata__"
# Larger ones are refused by the package (MAX_HEADER_SIZE).
_LARGEST_HEADER_BYTES = 100_000_000


def load(contents: Contents, path: str, options: Options) -> Cargo:
    """See `Loader`. bfloat16 stays; the types of one byte become float32."""
    return plain_cargo(contents, path, options, keeps=_KEEPS)


def put(cargo: Cargo, dest: str, options: Options) -> None:
    """See `Putter`."""
    del options
    items = sorted(cargo.items, key=lambda item: -_width(item.dtype))
    header: dict[str, object] = {}
    at = 0
    for item in items:
        if item.dtype not in NAMES:
            raise ConversionError(f"safetensors cannot hold {item.dtype}: {item.tensor.path}")
        if item.path == _METADATA:
            raise ConversionError(f"safetensors cannot hold a tensor called {_METADATA}")
        end = at + item.size_bytes
        header[item.path] = {
            "dtype": NAMES[item.dtype],
            "shape": list(item.tensor.shape),
            "data_offsets": [at, end],
        }
        at = end
    try:
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError as error:
        raise ConversionError(f"a name is no text, and JSON cannot hold it: {error}") from None
    text += b" " * (-len(text) % _ALIGNED_BYTES)
    if len(text) > _LARGEST_HEADER_BYTES:
        raise ConversionError("so many tensors do not fit into the header of a safetensors file")
    with open(dest, "xb") as file:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        for item in items:
            file.writelines(cargo.blocks(item))


def _width(dtype: str) -> int:
    digits = "".join(c for c in dtype if c.isdigit())
    return int(digits or 8)


CONVERTER = Streamed(load, put)
