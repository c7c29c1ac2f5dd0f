"""Writes an HDF5 file of plain arrays: HDF5 lays it out, and the values are written straight in.

So memory stays flat, and a full disk is an error of the operating system, not one of HDF5's.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import h5py
from h5py import h5d, h5g, h5p, h5s, h5t

from ckptsel.conversion.rewriting.job import numpy_name
from ckptsel.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ckptsel.conversion.cargo import Cargo, Item

_ERRNO = re.compile(r"errno = (\d+)")


def write_hdf5(
    cargo: Cargo,
    items: Iterable[Item],
    attributes: Mapping[str, Mapping[str, Any]],
    dest: str,
) -> None:
    """Write tensors to a new file.

    Args:
        cargo: what they are read from.
        items: what is written; a `/` in a path makes a group.
        attributes: group, "" for the root → its attributes; groups without arrays are made, too.
        dest: the new path.

    Raises:
        ConversionError: if HDF5 cannot hold it.
        OSError: if the disk fails.
    """
    items = list(items)
    with _explained():
        offsets = _lay_out(items, attributes, dest)
    with open(dest, "r+b") as file:
        for item in items:
            offset = offsets[item.path]
            if offset is not None:
                file.seek(offset)
                file.writelines(cargo.blocks(item))


def _lay_out(
    items: list[Item], attributes: Mapping[str, Mapping[str, Any]], dest: str
) -> dict[str, int | None]:
    """Make the file without the values; where those of each array have to stand."""
    offsets: dict[str, int | None] = {}
    links = h5p.create(h5p.LINK_CREATE)
    links.set_create_intermediate_group(1)
    creation = h5p.create(h5p.DATASET_CREATE)
    creation.set_layout(h5d.CONTIGUOUS)
    # The place is taken at once, and nothing is written there but the values.
    creation.set_alloc_time(h5d.ALLOC_TIME_EARLY)
    creation.set_fill_time(h5d.FILL_TIME_NEVER)
    with h5py.File(dest, "x") as file:
        groups: dict[str, Any] = {"": file}
        for group, values in attributes.items():
            owner = _group(group, groups)
            for name, value in values.items():
                owner.attrs[name] = value
        for item in items:
            # Little-endian, as the blocks are.
            dtype = numpy_name(item.dtype).newbyteorder("<")
            kind = h5t.py_create(dtype, logical=True)
            space = h5s.create_simple(item.tensor.shape) if item.tensor.shape else h5s.create(0)
            key = item.path.encode("utf-8", "surrogateescape")
            dataset = h5d.create(file.id, key, kind, space, creation, links)
            if item.dtype == "bfloat16":
                # HDF5 has none; Keras marks it so (H5IOStore in keras/src/saving/saving_lib.py).
                h5py.Dataset(dataset).attrs["dtype"] = "bfloat16"
            offsets[item.path] = dataset.get_offset()
    return offsets


def _group(path: str, made: dict[str, Any]) -> Any:
    """A group, made with all above it; names may be any bytes."""
    parts = path.split("/")
    # A loop: a stranger's file may be nested deeper than Python's calls.
    for length in range(1, len(parts) + 1):
        at, above = "/".join(parts[:length]), "/".join(parts[: length - 1])
        if at not in made:
            key = parts[length - 1].encode("utf-8", "surrogateescape")
            made[at] = h5py.Group(h5g.create(made[above].id, key))
    return made[path]


@contextmanager
def _explained() -> Iterator[None]:
    """Tell HDF5's errors about the disk from those about what it cannot hold."""
    try:
        yield
    except (OSError, RuntimeError, ValueError, TypeError, KeyError) as error:
        number = _ERRNO.search(str(error))
        if number is not None:
            raise OSError(int(number[1]), str(error)) from error
        if isinstance(error, OSError) and error.errno:
            raise
        raise ConversionError(f"HDF5 cannot hold it: {error}") from error
