"""TensorFlow checkpoints with other values: the same files, with new bytes and checksums.

A checksum has four bytes wherever it stands in the index, so nothing in it moves.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import numpy as np

from ckptsel.conversion.rewriting.patching import Patch, write_patched
from ckptsel.errors import ConversionError
from ckptsel.formats.crc32c import extend, masked
from ckptsel.formats.tensorflow.bundle import Bundle
from ckptsel.formats.tensorflow.leveldb_table import Table, positions
from ckptsel.formats.tensorflow.protobuf_wire import naming, place_of_fixed32

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.conversion.rewriting.job import Job
    from ckptsel.formats.tensorflow.bundle import Entry

_CHECKSUM = 6  # in BundleEntryProto
_INDEX, _META = ".index", ".meta"
_BLOCK_KIND_BYTES = 1


def rewrite(job: Job) -> None:
    """Write the files of a prefix.

    Raises:
        ConversionError, DamagedError, OSError: see `ckptsel.conversion.rewrite.rewrite`.
    """
    job.refuse_moves(
        "TensorFlow checkpoint", "its graph of objects says what is in it, and of which type"
    )
    prefix = job.source.removesuffix(_INDEX)
    with naming(prefix):
        bundle = Bundle(prefix)
    checksums: dict[bytes, int] = {}
    try:
        with naming(prefix):
            found = [each for entry in bundle.entries.values() for each in _new(job, bundle, entry)]
        for shard in range(bundle.shards):
            path = bundle.shard_path(shard)
            dest = job.dest + path[len(prefix) :]
            patches = [
                Patch(part.offset, part.size_bytes, _summed(blocks, part.key, checksums))
                for part, blocks in found
                if part.shard == shard
            ]
            if patches or os.path.exists(path):
                with naming(path):
                    _readable(path)
                write_patched(path, dest, patches)
    finally:
        bundle.close()
    if os.path.isfile(prefix + _META):
        shutil.copyfile(prefix + _META, job.dest + _META)
    _write_index(prefix + _INDEX, job.dest + _INDEX, checksums)


def _readable(path: str) -> None:
    with open(path, "rb"):
        pass


def _new(job: Job, bundle: Bundle, entry: Entry) -> Iterator[tuple[Entry, Iterator[memoryview]]]:
    """The entries in the data files that get new bytes, and these."""
    blocks = job.blocks(entry.name) if entry.dtype.item_bytes else None
    if blocks is None:
        return
    if not entry.slices:
        yield entry, blocks
        return
    # The slices of a tensor are not in its own order: it is held as a whole, and cut.
    whole: list[np.ndarray] = []

    def cut(spans: tuple[slice, ...]) -> Iterator[memoryview]:
        if not whole:
            data = np.frombuffer(b"".join(blocks), f"V{entry.dtype.item_bytes}")
            whole.append(data.reshape(entry.shape))
        yield np.ascontiguousarray(whole[0][spans]).reshape(-1).view("u1").data

    for where, part in bundle.slices_of(entry):
        pairs = zip(where.starts, where.lengths, strict=True)
        yield part, cut(tuple(slice(start, start + size) for start, size in pairs))


def _summed(
    blocks: Iterator[memoryview], key: bytes, checksums: dict[bytes, int]
) -> Iterator[memoryview]:
    crc = 0
    for block in blocks:
        crc = extend(crc, block)
        yield block
    checksums[key] = masked(crc)


def _write_index(source: str, dest: str, checksums: dict[bytes, int]) -> None:
    """The index with new checksums of tensors, and so of its own blocks.

    Raises:
        ConversionError: if an entry has no checksum.
        DamagedError: if it cannot be read.
    """
    with naming(source), open(source, "rb") as file:
        table = Table(file)
        file.seek(0)
        data = bytearray(file.read())
        for block in table.blocks:
            changed = False
            for key, start, length in positions(table.read(block)):
                if key not in checksums:
                    continue
                begin = block.offset + start
                place = place_of_fixed32(data[begin : begin + length], _CHECKSUM)
                if place is None:
                    raise ConversionError(f"{key!r} in {source!r} has no checksum to replace")
                at = begin + place
                data[at : at + 4] = checksums[key].to_bytes(4, "little")
                changed = True
            if changed:
                end = block.offset + block.size_bytes + _BLOCK_KIND_BYTES
                crc = masked(extend(0, bytes(data[block.offset : end])))
                data[end : end + 4] = crc.to_bytes(4, "little")
    with open(dest, "xb") as out:
        out.write(data)
