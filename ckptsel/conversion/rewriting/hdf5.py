"""HDF5 with other values: the same bytes around them where they stand in one row, else rebuilt."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from ckptsel.conversion.rewriting.hdf5_rebuild import rebuild
from ckptsel.conversion.rewriting.job import order_of
from ckptsel.conversion.rewriting.patching import Patch, write_patched
from ckptsel.errors import DamagedError
from ckptsel.formats.hdf5.file import Hdf5, open_hdf5

if TYPE_CHECKING:
    from ckptsel.conversion.rewriting.job import Job


def rewrite(job: Job) -> None:
    """Write a file that is HDF5 as a whole.

    Raises:
        ConversionError, DamagedError, OSError: see `ckptsel.conversion.rewrite.rewrite`.
    """
    file, hdf5 = open_hdf5(job.source)
    with closing(file), closing(hdf5):
        if is_patchable(hdf5, job):
            write_patched(job.source, job.dest, patches(hdf5, job))
        else:
            rebuild(hdf5, job, job.dest)


def is_patchable(hdf5: Hdf5, job: Job) -> bool:
    """Whether all values that change stand in the file in one row, as they are.

    Chunks are compressed or have checksums, and small arrays can stand among the metadata.

    Raises:
        DamagedError: if a dataset cannot be read.
    """
    is_patchable = not job.moves
    for stored in hdf5.datasets.values():
        if stored.code == "odd-dataset" and stored.problem:
            continue  # Texts, say: no weights, and left as they are.
        if stored.problem:
            raise DamagedError(f"{stored.path} of {hdf5.path!r} {stored.problem}")
        is_patchable &= stored.offset is not None or not stored.size_bytes
    return is_patchable


def patches(hdf5: Hdf5, job: Job) -> list[Patch]:
    """The new values, by their places in the file that the window is on."""
    found = []
    for path, stored in hdf5.datasets.items():
        blocks = job.blocks(path, order_of(stored.dtype))
        if blocks is not None and stored.offset is not None:
            place = hdf5.window.start + stored.offset
            found.append(Patch(place, stored.size_bytes, blocks))
    return found
