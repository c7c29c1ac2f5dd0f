"""An HDF5 file built anew: the same objects, attributes, layouts and filters, other values.

Needed where values are in chunks, change their type, or go. What has no place in a checkpoint
(links to other files, named types) is refused, not lost.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5f, h5g, h5l, h5o, h5p, h5s, h5t

from ckptsel.conversion.rewriting.job import numpy_name, order_of
from ckptsel.errors import ConversionError
from ckptsel.formats.contents import PIECE_BYTES
from ckptsel.formats.hdf5.dataset import damaged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ckptsel.conversion.rewriting.job import Job
    from ckptsel.formats.hdf5.dataset import Stored
    from ckptsel.formats.hdf5.file import Hdf5

_DTYPE = b"dtype"  # Keras's mark of a bfloat16


def rebuild(hdf5: Hdf5, job: Job, dest: str) -> None:
    """Write a new HDF5 file.

    Args:
        hdf5: the source, open; `hdf5.datasets` is what is written of it.
        job: what is asked for.
        dest: the new path.

    Raises:
        ConversionError: if the source holds something that cannot be carried over.
        DamagedError: if it cannot be read.
        OSError: if the new file cannot be written.
    """
    _Rebuild(hdf5, job).write(dest)


class _Rebuild:
    def __init__(self, hdf5: Hdf5, job: Job) -> None:
        self._hdf5, self._job = hdf5, job
        self._made: dict[int, Any] = {}
        dropped = {path for path in hdf5.datasets if job.is_dropped(path)}
        kept = set(hdf5.datasets) - dropped
        # A group goes if it held something, and nothing of that is left.
        self._gone = {above for path in dropped for above in _above(path)}
        self._gone -= {above for path in kept for above in _above(path)}
        self._gone |= dropped

    def write(self, dest: str) -> None:
        root = self._hdf5.identifier("")
        settings = h5p.create(h5p.FILE_ACCESS)
        settings.set_fclose_degree(h5f.CLOSE_STRONG)
        creation = self._hdf5.creation()
        if creation.get_version()[0] >= 2:
            settings.set_libver_bounds(h5f.LIBVER_V18, h5f.LIBVER_LATEST)
        order = root.get_create_plist()
        creation.set_link_creation_order(order.get_link_creation_order())
        creation.set_attr_creation_order(order.get_attr_creation_order())
        with h5py.File(h5f.create(dest.encode(), h5f.ACC_EXCL, fapl=settings, fcpl=creation)) as to:
            base = h5g.open(to.id, b"/")
            self._attributes("", root, base)
            todo = [("", root, base)]
            while todo:
                at, group, made = todo.pop()
                below = self._members(at, group, made)
                todo += reversed(below)
            to.flush()

    def _members(self, at: str, group: Any, made: Any) -> list[tuple[str, Any, Any]]:
        """Make what is in one group; the groups in it are returned, to be filled."""
        links: list[tuple[int, bytes, int, int]] = []
        with damaged(self._hdf5.path, at or "/"):
            group.links.iterate(
                lambda name, info: links.append((info.corder, name, info.type, info.u)), info=True
            )
        below = []
        tracked = made.get_create_plist().get_link_creation_order()
        for _, name, kind, address in sorted(links) if tracked else links:
            path = f"{at}/{name.decode('utf-8', 'surrogateescape')}".lstrip("/")
            if path in self._gone:
                continue
            if kind == h5l.TYPE_SOFT:
                made.links.create_soft(name, group.links.get_val(name))
                continue
            if kind != h5l.TYPE_HARD:
                raise self._refusal(path, "is a link to another file")
            if address in self._made:
                h5o.link(self._made[address], made, name)
                continue
            with damaged(self._hdf5.path, path):
                found = h5o.open(group, name)
            self._made[address] = new = self._object(path, name, found, made)
            if isinstance(found, h5g.GroupID):
                below.append((path, found, new))
        return below

    def _object(self, path: str, name: bytes, found: Any, made: Any) -> Any:
        if isinstance(found, h5g.GroupID):
            new = h5g.create(made, name, gcpl=found.get_create_plist())
            self._attributes(path, found, new)
            return new
        if not isinstance(found, h5d.DatasetID) or path not in self._hdf5.datasets:
            raise self._refusal(path, "is neither a group nor a plain array")
        return self._dataset(path, name, found, made)

    def _dataset(self, path: str, name: bytes, found: Any, made: Any) -> Any:
        stored = self._hdf5.datasets[path]
        if stored.problem:
            raise self._refusal(path, stored.problem)
        tensor = self._job.tensors[path]
        dtype = self._job.dtype_of(path)
        changes = dtype != tensor.dtype
        kind = h5t.py_create(numpy_name(dtype), logical=True) if changes else found.get_type()
        creation = found.get_create_plist()
        if changes and creation.fill_value_defined() == h5d.FILL_VALUE_USER_DEFINED:
            raise self._refusal(path, "has a fill value, which has a type of its own")
        new = h5d.create(made, name, kind, found.get_space(), creation)
        self._attributes(path, found, new, without=_DTYPE if changes else b"")
        if changes and dtype == "bfloat16":
            h5py.Dataset(new).attrs["dtype"] = "bfloat16"
        if stored.size_bytes:
            order = "<" if changes else order_of(stored.dtype)
            raw = numpy_name(dtype).newbyteorder(order)
            values = self._job.values(tensor)
            values = self._hdf5.pieces(path) if values is None else values
            blocks = self._job.encoded(path, values, order)
            _fill(h5py.Dataset(new), stored, (np.frombuffer(block, raw) for block in blocks))
        return new

    def _attributes(self, path: str, found: Any, new: Any, without: bytes = b"") -> None:
        names: list[bytes] = []
        with damaged(self._hdf5.path, f"the attributes of {path or '/'}"):
            tracked = found.get_create_plist().get_attr_creation_order()
            index = h5py.h5.INDEX_CRT_ORDER if tracked else h5py.h5.INDEX_NAME
            h5a.iterate(found, names.append, index_type=index)
        for name in names:
            if name == without:
                continue
            # Looked at first with its size checked: the library takes memory for any length.
            self._hdf5.attribute(path, name.decode("utf-8", "surrogateescape"))
            with damaged(self._hdf5.path, f"an attribute of {path or '/'}"):
                one = h5a.open(found, name)
                space = one.get_space()
                values = None
                if space.get_simple_extent_type() != h5s.NULL:
                    values = np.empty(one.shape, one.dtype)
                    one.read(values)
            copy = h5a.create(new, name, one.get_type(), space)
            if values is not None:
                copy.write(values)

    def _refusal(self, path: str, why: str) -> ConversionError:
        return ConversionError(
            f"{self._hdf5.path!r} cannot be built anew: {path} {why}",
            hint="load it with Keras and save it again",
        )


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def _fill(dataset: Any, stored: Stored, blocks: Iterator[NDArray[Any]]) -> None:
    """Write values into a dataset as they come, whole chunks at a time."""
    stream = _Stream(blocks)
    shape = stored.shape
    if not shape:
        dataset[()] = stream.take(1)[0]
        return
    limit = max(1, PIECE_BYTES // stored.dtype.itemsize)
    axis, step = 0, dataset.chunks[0] if dataset.chunks else 1
    if dataset.chunks is None:
        # Slices of the first axis whose rows are small enough; of one row at a time before it.
        while math.prod(shape[axis + 1 :]) > limit:
            axis += 1
    row = math.prod(shape[axis + 1 :])
    step *= max(1, limit // (row * step))
    for outer in np.ndindex(shape[:axis]):
        for start in range(0, shape[axis], step):
            stop = min(start + step, shape[axis])
            block = stream.take((stop - start) * row)
            place = (*outer, slice(start, stop))
            dataset[place] = block.reshape(stop - start, *shape[axis + 1 :])


class _Stream:
    """Pieces of any size, taken in other sizes."""

    def __init__(self, blocks: Iterator[NDArray[Any]]) -> None:
        self._blocks = blocks
        self._left: NDArray[Any] | None = None

    def take(self, count: int) -> NDArray[Any]:
        """The next values. Raises ConversionError, from the source, if there are too few."""
        parts = []
        while count:
            if self._left is None or not self._left.size:
                self._left = next(self._blocks)
            part, self._left = self._left[:count], self._left[count:]
            parts.append(part)
            count -= part.size
        return parts[0] if len(parts) == 1 else np.concatenate(parts)
