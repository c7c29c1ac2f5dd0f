"""numpy's `.npz` with other values: patched where arrays stand as they are, else packed anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ckptsel.conversion.rewriting.job import order_of
from ckptsel.conversion.rewriting.patching import Patch
from ckptsel.conversion.rewriting.zip_archive import data_start, is_stored, repack, write_patched
from ckptsel.errors import ConversionError
from ckptsel.formats.npy_header import SUFFIX, NpyMember
from ckptsel.formats.npz import NpzContents
from ckptsel.formats.zip_checks import open_zip

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Callable, Iterator

    from ckptsel.conversion.rewriting.job import Job


def rewrite(job: Job) -> None:
    """Write an archive of arrays.

    Raises:
        ConversionError, DamagedError, OSError: see `ckptsel.conversion.rewrite.rewrite`.
    """
    if job.dtype == "bfloat16" and job.moves:
        raise ConversionError("numpy's files cannot hold bfloat16", hint="choose float16")
    with NpzContents(job.source) as contents, open_zip(job.source) as archive:
        members = {path: contents.member(job.tensors[path]) for path in job.tensors}
        infos = {path: archive.getinfo(member.name) for path, member in members.items()}
        changed = {path: blocks for path in members if (blocks := _blocks(job, members, path))}
        if not job.moves and all(is_stored(infos[path]) for path in changed):
            with open(job.source, "rb") as file:
                patches = {
                    members[path].name: [_patch(file, members[path], infos[path], blocks)]
                    for path, blocks in changed.items()
                }
            write_patched(job.source, job.dest, patches)
            return
        writers: dict[str, Callable[[BinaryIO], None] | None] = {}
        for path, member in members.items():
            if job.is_dropped(path):
                writers[path + SUFFIX] = None
            elif path in changed or job.dtype_of(path) != job.tensors[path].dtype:
                blocks = changed.get(path) or _converted(job, contents, member)
                writers[path + SUFFIX] = _writer(job, member, blocks)
        repack(job.source, job.dest, writers)


def _patch(
    file: BinaryIO, member: NpyMember, info: zipfile.ZipInfo, blocks: Iterator[memoryview]
) -> Patch:
    return Patch(data_start(file, info) + member.start, member.size_bytes, blocks)


def _blocks(job: Job, members: dict[str, NpyMember], path: str) -> Iterator[memoryview] | None:
    """The new bytes of an array, in the order in which its file has them."""
    member = members[path]
    found = job.blocks(path, order_of(member.dtype))
    return _as_fortran(found, member, job.dtype_of(path)) if found and member.is_fortran else found


def _converted(job: Job, contents: NpzContents, member: NpyMember) -> Iterator[memoryview]:
    path = member.tensor.path
    found = job.encoded(path, contents.pieces(member.tensor), order_of(member.dtype))
    return _as_fortran(found, member, job.dtype_of(path)) if member.is_fortran else found


def _as_fortran(
    blocks: Iterator[memoryview], member: NpyMember, dtype: str
) -> Iterator[memoryview]:
    """Values are given with the last index moving fastest; here the first does."""
    data = b"".join(blocks)
    whole = np.frombuffer(data, dtype).reshape(member.tensor.shape)
    yield np.asarray(whole.reshape(-1, order="F")).view("u1").data


def _writer(
    job: Job, member: NpyMember, blocks: Iterator[memoryview]
) -> Callable[[BinaryIO], None]:
    dtype = np.dtype(job.dtype_of(member.tensor.path)).newbyteorder(order_of(member.dtype))
    header: dict[str, Any] = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": member.is_fortran,
        "shape": member.tensor.shape,
    }

    def write(out: BinaryIO) -> None:
        np.lib.format.write_array_header_1_0(out, header)
        out.writelines(blocks)

    return write
