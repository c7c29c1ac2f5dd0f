"""Whole Keras models with other weights: `.keras`, as an archive or as a folder."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from ckptsel.conversion.rewriting import hdf5, zip_archive
from ckptsel.conversion.rewriting.hdf5_rebuild import rebuild
from ckptsel.errors import ConversionError, DamagedError
from ckptsel.formats.keras.archive import WEIGHTS, WEIGHTS_NPZ
from ckptsel.formats.keras.members import FolderMembers, ZipMembers
from ckptsel.formats.zip_checks import open_zip

if TYPE_CHECKING:
    from ckptsel.conversion.rewriting.job import Job


def rewrite(job: Job) -> None:
    """Write a whole model; all but its weights stays byte for byte.

    Raises:
        ConversionError, DamagedError, OSError: see `ckptsel.conversion.rewrite.rewrite`.
    """
    if os.path.isdir(job.source):
        _rewrite_folder(job)
        return
    with closing(ZipMembers(job.source)) as members:
        _check(job, WEIGHTS in members.names, WEIGHTS_NPZ in members.names)
        with closing(members.hdf5(WEIGHTS)) as weights, open_zip(job.source) as archive:
            stored = zip_archive.is_stored(archive.getinfo(WEIGHTS))
            if hdf5.is_patchable(weights, job) and stored:
                patches = hdf5.patches(weights, job)
                zip_archive.write_patched(job.source, job.dest, {WEIGHTS: patches})
                return
            # Beside the new file, which is on the disk that has the room.
            temporary = job.dest + ".weights"
            try:
                rebuild(weights, job, temporary)
                content = zip_archive.from_file(temporary)
                zip_archive.repack(job.source, job.dest, {WEIGHTS: content})
            finally:
                if os.path.lexists(temporary):
                    os.unlink(temporary)


def _rewrite_folder(job: Job) -> None:
    with closing(FolderMembers(job.source)) as members:
        _check(job, WEIGHTS in members.names, WEIGHTS_NPZ in members.names)
        entries = [*members.entries()]
        for name, kind in entries:
            if kind not in ("file", "folder"):
                what = "a link" if kind == "link" else "a pipe, a socket or a device"
                raise ConversionError(
                    f"{name} in {job.source!r} is {what}, and is not followed",
                    hint="put a file in its place, if you trust what it leads to",
                )
        os.mkdir(job.dest)
        for name, kind in entries:
            source, dest = (os.path.join(folder, name) for folder in (job.source, job.dest))
            if kind == "folder":
                os.mkdir(dest)
            elif name == WEIGHTS:
                hdf5.rewrite(replace(job, source=source, dest=dest))
            else:
                with open(dest, "xb") as out:
                    out.writelines(members.blocks(name))


def _check(job: Job, has_hdf5: bool, has_npz: bool) -> None:
    if has_hdf5:
        return
    if has_npz:
        raise ConversionError(
            f"the weights in {job.source!r} are pickled: reading them would run their code",
            hint="load the model with Keras and save it again",
        )
    raise DamagedError(f"there is no {WEIGHTS} in {job.source!r}")
