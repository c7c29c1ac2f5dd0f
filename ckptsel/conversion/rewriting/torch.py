"""PyTorch archives with other values: patched in the members that hold their storages.

The pickle stays as it is, so that everything beside the tensors does, too. PyTorch, with
`weights_only=True`, tells where tensors stand: it maps the file, and their addresses are places
in it.
"""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ckptsel.conversion.rewriting.patching import Patch
from ckptsel.conversion.rewriting.zip_archive import data_start, is_stored, write_patched
from ckptsel.errors import ConversionError, MissingExtraError
from ckptsel.formats.contents import PIECE_BYTES
from ckptsel.formats.torch.archive import HINT, TorchContents
from ckptsel.formats.zip_checks import open_zip

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from ckptsel.conversion.rewriting.job import Job


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a tensor stands in the file of the archive.

    Attributes:
        path: the tensor's.
        member: what of the archive it stands in.
        start: where its first element begins.
        strides: steps along its dimensions, in bytes.
        shape: its shape.
        item_bytes: the size of an element.
    """

    path: str
    member: str
    start: int
    strides: tuple[int, ...]
    shape: tuple[int, ...]
    item_bytes: int

    @property
    def size_bytes(self) -> int:
        """From its first byte to its last."""
        if not math.prod(self.shape):
            return 0
        pairs = zip(self.shape, self.strides, strict=True)
        return sum((n - 1) * step for n, step in pairs) + self.item_bytes

    @property
    def is_contiguous(self) -> bool:
        """Whether its values stand in their own order, one after the other."""
        step = self.item_bytes
        for size, stride in zip(reversed(self.shape), reversed(self.strides), strict=True):
            if size > 1 and stride != step:
                return False
            step *= size
        return True


def rewrite(job: Job) -> None:
    """Write an archive.

    Raises:
        ConversionError, DamagedError, OSError: see `ckptsel.conversion.rewrite.rewrite`.
        MissingExtraError: without PyTorch.
    """
    job.refuse_moves("PyTorch archive", "its pickle says what is in it, and of which type")
    with closing(TorchContents(job.source)) as contents:
        if not contents.lists_tensors:
            raise MissingExtraError(
                f"{job.source!r} cannot be read: {contents.unlisted}", hint=HINT
            )
        places = _places(job.source, contents.values)
        patches: dict[str, list[Patch]] = {}
        for same in _by_bytes(job, places):
            place = same[0]
            changed = {each.path: job.blocks(each.path) for each in same}
            (one, blocks), *others = sorted(changed.items(), key=lambda item: item[1] is None)
            if blocks is not None:
                for other, theirs in others:
                    blocks = _compared(blocks, theirs or _as_it_is(job, place), one, other)
                if not place.is_contiguous:
                    blocks = _strided(job, place, blocks)
                patches.setdefault(place.member, []).append(
                    Patch(place.start, place.size_bytes, blocks)
                )
        write_patched(job.source, job.dest, patches)


def _places(path: str, values: Mapping[str, Any]) -> list[_Place]:
    """Where every tensor stands.

    All storages are in one mapping of the file, so one distance leads from their addresses to
    their places: the one by which each is at the start of a member of its size.

    Raises:
        ConversionError: if there is no such distance, or more than one.
    """
    with open_zip(path) as archive, open(path, "rb") as file:
        infos = [info for info in archive.infolist() if is_stored(info) and info.file_size]
        starts = {data_start(file, info): info for info in infos}
    wanted = {}
    for value in values.values():
        storage = value.untyped_storage()
        if storage.nbytes():
            wanted[storage.data_ptr()] = storage.nbytes()
    if not wanted:
        return []
    first = min(wanted)
    bases = [
        first - start
        for start in starts
        if all(
            (info := starts.get(address - first + start)) is not None and info.file_size == size
            for address, size in wanted.items()
        )
    ]
    if len(bases) != 1:
        raise ConversionError(
            f"where the tensors of {path!r} stand in it cannot be told",
            hint="save it again with torch.save, or export it to .safetensors",
        )
    found = []
    for name, value in values.items():
        if not value.numel():
            continue
        start = value.untyped_storage().data_ptr() - bases[0]
        item_bytes = value.element_size()
        if value.is_conj() or value.is_neg():
            raise ConversionError(f"{name} of {path!r} is a conjugate, which is not written")
        found.append(
            _Place(
                name,
                starts[start].filename,
                start + value.storage_offset() * item_bytes,
                tuple(step * item_bytes for step in value.stride()),
                tuple(value.shape),
                item_bytes,
            )
        )
    return found


def _by_bytes(job: Job, places: list[_Place]) -> list[list[_Place]]:
    """Tensors that are one and the same in the file, such as tied weights, together.

    Raises:
        ConversionError: if tensors share some of their bytes only.
    """
    groups: dict[tuple[object, ...], list[_Place]] = {}
    for place in places:
        key = (place.start, place.shape, place.strides, place.item_bytes)
        groups.setdefault(key, []).append(place)
    end, before = 0, ""
    for one, *_ in sorted(groups.values(), key=lambda each: each[0].start):
        if one.start < end:
            raise ConversionError(
                f"{one.path} and {before} of {job.source!r} share some of their values",
                hint="export it to .safetensors, where each has its own",
            )
        end, before = one.start + one.size_bytes, one.path
    return list(groups.values())


def _compared(
    blocks: Iterator[memoryview], others: Iterator[memoryview], one: str, other: str
) -> Iterator[memoryview]:
    """Blocks, each compared with those of another tensor that is the same in the file."""
    left = memoryview(b"")
    for block in blocks:
        start = 0
        while start < len(block):
            left = left or next(others, left)
            size = min(len(left), len(block) - start)
            if not size or block[start : start + size] != left[:size]:
                raise ConversionError(
                    f"{one} and {other} are one tensor in the file, and would have to become two"
                )
            left, start = left[size:], start + size
        yield block


def _as_it_is(job: Job, place: _Place) -> Iterator[memoryview]:
    """The bytes of a tensor that does not change."""
    if not place.is_contiguous:
        yield memoryview(_view(job, place)[1].tobytes())
        return
    with open(job.source, "rb") as file:
        file.seek(place.start)
        left = place.size_bytes
        while data := file.read(min(left, PIECE_BYTES)):
            left -= len(data)
            yield memoryview(data)


def _strided(job: Job, place: _Place, blocks: Iterator[memoryview]) -> Iterator[memoryview]:
    """The bytes from a tensor's first to its last, where its values stand in another order."""
    if any(step == 0 and size > 1 for step, size in zip(place.strides, place.shape, strict=True)):
        raise ConversionError(f"{place.path} of {job.source!r} repeats its values")
    data, view = _view(job, place)
    view[...] = np.frombuffer(b"".join(blocks), view.dtype).reshape(place.shape)
    yield memoryview(data)


def _view(job: Job, place: _Place) -> tuple[bytearray, NDArray[Any]]:
    """The bytes from a tensor's first to its last, and its values in them."""
    with open(job.source, "rb") as file:
        file.seek(place.start)
        data = bytearray(file.read(place.size_bytes))
    kind = np.dtype(f"V{place.item_bytes}")
    return data, np.ndarray(place.shape, kind, data, strides=place.strides)
