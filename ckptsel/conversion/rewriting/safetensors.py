"""safetensors with other values; with other types or fewer tensors, under a new header."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from ckptsel.conversion.rewriting.patching import Patch, content, write_patched
from ckptsel.formats.safetensors import SafetensorsContents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.conversion.rewriting.job import Job

_CODES = {"float16": "F16", "bfloat16": "BF16", "float32": "F32", "float64": "F64"}
_ITEM_BYTES = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}
_ALIGNED = 8  # `serialize` in safetensors/src/tensor.rs pads the header with spaces to this.


def rewrite(job: Job) -> None:
    """Write a file of safetensors.

    Raises:
        ConversionError, DamagedError, OSError: see `ckptsel.conversion.rewrite.rewrite`.
    """
    contents = SafetensorsContents(job.source)
    with contents:
        places = {tensor.path: contents.place(tensor) for tensor in contents.tensors}
        if job.moves:
            _rebuild(job, contents, places)
            return
    patches = []
    for path, (start, size_bytes) in places.items():
        blocks = job.blocks(path)
        if blocks is not None:
            patches.append(Patch(start, size_bytes, blocks))
    write_patched(job.source, job.dest, patches)


def _rebuild(job: Job, contents: SafetensorsContents, places: dict[str, tuple[int, int]]) -> None:
    header: dict[str, Any] = {}
    if contents.metadata:
        header["__metadata__"] = contents.metadata
    end = 0
    kept = sorted((path for path in places if not job.is_dropped(path)), key=places.__getitem__)
    for path in kept:
        tensor, dtype = job.tensors[path], job.dtype_of(path)
        size_bytes = places[path][1]
        code = contents.code(tensor)
        if dtype != tensor.dtype:
            code = _CODES[dtype]
            size_bytes = math.prod(tensor.shape) * _ITEM_BYTES[dtype]
        offsets = [end, end + size_bytes]
        header[path] = {"dtype": code, "shape": list(tensor.shape), "data_offsets": offsets}
        end += size_bytes
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % _ALIGNED)
    with open(job.source, "rb") as file, open(job.dest, "xb") as out:
        out.write(len(text).to_bytes(8, "little") + text)
        for path in kept:
            out.writelines(_blocks(job, path, contents, content(file, *_range(places[path]))))


def _range(place: tuple[int, int]) -> tuple[int, int]:
    return place[0], place[0] + place[1]


def _blocks(
    job: Job, path: str, contents: SafetensorsContents, stored: Iterator[memoryview]
) -> Iterator[memoryview]:
    tensor = job.tensors[path]
    blocks = job.blocks(path)
    if blocks is not None:
        return blocks
    if job.dtype_of(path) == tensor.dtype:
        return stored
    return job.encoded(path, contents.pieces(tensor))
