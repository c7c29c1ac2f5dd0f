"""Orbax step folders: the tree of arrays, when it was saved, and whether saving ended.

Source: orbax.checkpoint 0.12, `_src/metadata/tree.py` (`_METADATA`), `_src/metadata/checkpoint.py`
(`CHECKPOINT_METADATA`), `_src/path/atomicity.py` (the marks of unfinished folders).
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ckptsel.checkpoint import Finding
from ckptsel.errors import DamagedError, MissingExtraError
from ckptsel.formats.contents import (
    Contents,
    Facts,
    Format,
    Level,
    Tensor,
    is_too_much,
    numpy_dtype,
)
from ckptsel.formats.orbax.arrays import HINT, OrbaxArrays, files_in
from ckptsel.formats.orbax.layout import (
    CHECKPOINT,
    COMMIT_TIME,
    TREE,
    folder_name,
    items_in,
    read_if_there,
    read_tree,
    unfinished_folders,
)
from ckptsel.formats.state_dict import names_of, role_of
from ckptsel.storage import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

# What stands in the tree without an array of its own: empty containers, None; texts are in a file.
_NO_ARRAYS = ("None", "Dict", "List", "Tuple", "NamedTuple", "string")
_BLOCK_BYTES = 2**20


@dataclass(frozen=True)
class _Leaf:
    """An array of the tree: where it is, and whether it is a single number."""

    arrays: OrbaxArrays
    name: str
    path: str
    is_scalar: bool


class OrbaxContents(Contents):
    """An open step folder, or the folder of one item in it."""

    kind = "orbax"
    has_checksums = True

    def __init__(self, path: str) -> None:
        self.path = path
        self._items = {
            name: OrbaxArrays(os.path.join(path, name) if name else path) for name in items_in(path)
        }
        if not self._items and not os.path.isfile(os.path.join(path, CHECKPOINT)):
            raise DamagedError(f"{path!r} is no folder of Orbax")

    @property
    def lists_tensors(self) -> bool:  # type: ignore[override]
        """Whether shapes can be read: of arrays in an OCDBT database only by tensorstore."""
        return all(arrays.is_listable for arrays in self._items.values())

    @property
    def unlisted(self) -> str:
        """Why there are none."""
        if self.lists_tensors:
            return ""
        return f"{len(self._leaves)} arrays are listed only with tensorstore: {HINT}"

    @cached_property
    def _leaves(self) -> list[_Leaf]:
        """Every array of every item's tree; with several items, their names come first."""
        found = []
        for item, arrays in self._items.items():
            prefix = f"{item}/" if len(self._items) > 1 else ""
            for keys, value_type in read_tree(os.path.join(arrays.folder, TREE)):
                if value_type not in _NO_ARRAYS:
                    path, is_scalar = prefix + "/".join(keys), value_type == "scalar"
                    found.append(_Leaf(arrays, ".".join(keys), path, is_scalar))
        return found

    @cached_property
    def _by_path(self) -> dict[str, tuple[_Leaf, Tensor]]:
        if not self.lists_tensors:
            return {}
        return {leaf.path: (leaf, _tensor(leaf, len(self._items) > 1)) for leaf in self._leaves}

    @property
    def tensors(self) -> Sequence[Tensor]:
        """Every array by its keys, joined by `/`; none where `lists_tensors` is false."""
        return [tensor for _, tensor in self._by_path.values()]

    @property
    def facts(self) -> Facts:
        """Times, and the metrics that the manager saved with the step."""
        more = {}
        if not self.lists_tensors:
            more["tensors"] = f"{len(self._leaves)}, listed only with tensorstore: {HINT}"
        custom = self._metadata.get("custom_metadata")
        if isinstance(custom, dict):
            more |= {str(key): str(text) for key, text in custom.items()}
        return Facts(
            saved=_time(self._metadata.get(COMMIT_TIME)),
            framework="orbax",
            metrics=_numbers(read_if_there(os.path.join(self.path, "metrics", "metrics"))),
            more=more,
        )

    @cached_property
    def _metadata(self) -> dict[str, Any]:
        return read_if_there(os.path.join(self.path, CHECKPOINT))

    def pieces(self, tensor: Tensor) -> Iterator[NDArray[Any]]:
        """A tensor's values, read by tensorstore. Raises as `OrbaxArrays.pieces` does."""
        leaf, _ = self._by_path[tensor.path]
        if self._bomb:
            raise DamagedError(f"{self.path!r}: {self._bomb}; they are not read")
        return leaf.arrays.pieces(leaf.name, tensor)

    def damage(
        self, level: Level, on_bytes: Callable[[int], None] | None = None
    ) -> Iterator[Finding]:
        """Saving that did not end, trees without their arrays, databases that are cut off.

        `full` reads every file, and with tensorstore every value, whose checksums that checks.
        """
        for arrays in self._items.values():
            if arrays.is_ocdbt and not arrays.manifest_is_whole():
                yield Finding("ocdbt-manifest", "its manifest.ocdbt is not whole", arrays.folder)
        try:
            folders = [arrays.folder for arrays in self._items.values()]
            for folder in unfinished_folders(self.path, folders):
                yield Finding("unfinished", f"saving {folder_name(folder)!r} did not end", folder)
            handlers = self._metadata.get("item_handlers")
            for item in handlers if isinstance(handlers, dict) else ():
                if "\0" in item or not os.path.isdir(os.path.join(self.path, item)):
                    yield Finding("missing-item", f"the folder of {item!r} is not there", self.path)
            _ = self.facts
            tensors = self.tensors
        except DamagedError as error:
            yield Finding("orbax-tree", error.message, self.path)
            return
        if level == "full":
            for file in files_in(self.path):
                yield from _read_all(file, on_bytes)
            for tensor in () if self._bomb else tensors:
                yield from self._unreadable(tensor)
            for arrays in self._items.values():
                for says in arrays.broken_parts():
                    yield Finding("ocdbt-part", says, arrays.folder)

    def dangers(self) -> Iterator[Finding]:
        """Arrays that are not stored, all of one value, and would fill the memory."""
        if self._bomb:
            yield Finding("compression-bomb", self._bomb, self.path)

    @cached_property
    def _bomb(self) -> str:
        try:
            claimed = sum(tensor.size_bytes for tensor in self.tensors)
        except DamagedError:
            return ""  # which damage() tells
        stored = sum(os.path.getsize(file) for file in files_in(self.path))
        too_much = is_too_much(claimed, stored)
        return f"{claimed:,} bytes of values in files of {stored:,}" if too_much else ""

    def _unreadable(self, tensor: Tensor) -> Iterator[Finding]:
        try:
            for _ in self.pieces(tensor):
                pass
        except DamagedError as error:
            yield Finding("orbax-values", error.message, self.path)
        except MissingExtraError:
            return  # Whoever asks for values is told.

    def close(self) -> None:
        """Let go of the folder: nothing of it is held open but by tensorstore."""
        self.__dict__.pop("_by_path", None)
        self.__dict__.pop("_leaves", None)


def _tensor(leaf: _Leaf, has_items: bool) -> Tensor:
    shape, dtype = leaf.arrays.describe(leaf.name)
    inside = leaf.path.partition("/")[2] if has_items else leaf.path
    role = "other" if leaf.is_scalar and "/" not in inside else role_of(inside)
    size_bytes = math.prod(shape) * _itemsize(dtype)
    return Tensor(leaf.path, shape, dtype, size_bytes, role, "", *names_of(inside))


def _itemsize(dtype: str) -> int:
    if dtype == "bfloat16":
        return 2
    try:
        return 1 if dtype.startswith("float8") else numpy_dtype(dtype).itemsize
    except TypeError:
        return 1  # int4 and its kin: zarr stores each in a byte.


def _time(nanoseconds: object) -> str:
    try:
        return datetime.fromtimestamp(int(str(nanoseconds)) // 10**9, timezone.utc).isoformat()
    except (ValueError, OverflowError, OSError):
        return ""


def _numbers(raw: dict[str, Any]) -> dict[str, float]:
    pairs = [(name, value) for name, value in raw.items() if type(value) in (int, float)]
    return {name: float(value) for name, value in pairs if abs(value) < 2**63}


def _read_all(file: str, on_bytes: Callable[[int], None] | None) -> Iterator[Finding]:
    try:
        with open_regular(file) as opened:
            while block := opened.read(_BLOCK_BYTES):
                if on_bytes:
                    on_bytes(len(block))
    except OSError as error:
        yield Finding("orbax-values", f"it cannot be read: {error.strerror}", file)


def _recognise(path: str, head: bytes) -> bool:
    del head
    if not os.path.isdir(path):
        return False
    return os.path.isfile(os.path.join(path, CHECKPOINT)) or bool(items_in(path))


FORMAT = Format(OrbaxContents.kind, _recognise, OrbaxContents)
