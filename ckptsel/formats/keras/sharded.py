"""Keras 3's sharded weights: `X.weights.json`, and beside it `X_00000.weights.h5`, ….

Source: `ShardedH5IOStore` in keras/src/saving/saving_lib.py.
"""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ckptsel.checkpoint import Finding
from ckptsel.errors import DamagedError
from ckptsel.formats.contents import Contents, Format, Level
from ckptsel.formats.hdf5.file import Hdf5, natural, open_hdf5
from ckptsel.formats.keras.weights import KerasWeights
from ckptsel.formats.strict_json import read_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from ckptsel.formats.hdf5.dataset import Stored

_SHARD_SUFFIX = ".weights.h5"


class Shards:
    """The HDF5 files of one checkpoint, as if they were one.

    Attributes:
        path: the index's.
        dangers: see `Hdf5.dangers`; also shards that are elsewhere.

    Raises:
        DamagedError: if the index is broken.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._folder = os.path.dirname(path)
        index = read_object(path)
        self._groups = shards_of(index)
        if self._groups is None:
            raise DamagedError(f"{path!r} does not tell which shard has which weights")
        metadata = index.get("metadata")
        total = metadata.get("total_size") if isinstance(metadata, dict) else None
        self._total_bytes = float(total) if isinstance(total, (int, float)) else 0.0
        self._names = sorted({name for names in self._groups.values() for name in names})
        self._open: dict[str, tuple[Any, Hdf5]] = {}
        self._failed: dict[str, Finding] = {}
        self.dangers: list[Finding] = []

    @cached_property
    def _where(self) -> dict[str, Hdf5]:
        """Path of a dataset → its shard, in a natural order."""
        found: dict[str, Hdf5] = {}
        for name in self._names:
            shard = self._shard(name)
            for path in shard.datasets if shard else ():
                found.setdefault(path, shard)  # type: ignore[arg-type]
            self.dangers += shard.dangers if shard else ()
        return {path: found[path] for path in sorted(found, key=natural)}

    def _shard(self, name: str) -> Hdf5 | None:
        if name in self._open:
            return self._open[name][1]
        if name in self._failed:
            return None
        path = os.path.join(self._folder, name)
        if not name.endswith(_SHARD_SUFFIX) or os.path.basename(name) != name:
            message = f"the shard {name!r} is no file beside the index, and is not opened"
            self.dangers.append(Finding("shard-elsewhere", message, self.path))
            self._failed[name] = Finding("missing-shard", message, self.path)
        elif not os.path.isfile(path):
            self._failed[name] = Finding("missing-shard", f"the shard {name} is missing", self.path)
        else:
            try:
                self._open[name] = open_hdf5(path)
            except DamagedError as error:
                self._failed[name] = Finding("unreadable-weights", error.message, path)
            else:
                return self._open[name][1]
        return None

    @property
    def datasets(self) -> dict[str, Stored]:
        """See `Hdf5.datasets`."""
        return {path: shard.datasets[path] for path, shard in self._where.items()}

    @property
    def groups(self) -> set[str]:
        """See `Hdf5.groups`."""
        _ = self._where
        return {group for _, shard in self._open.values() for group in shard.groups}

    def text(self, group: str, name: str) -> str:
        """See `Hdf5.text`; of the first shard that has it."""
        for shard_name in (self._groups or {}).get(f"/{group}", self._names[:1]):
            shard = self._shard(shard_name)
            if shard is not None and group in shard.groups:
                return shard.text(group, name)
        return ""

    def pieces(self, path: str) -> Iterator[NDArray[Any]]:
        """See `Hdf5.pieces`."""
        if path not in self._where:
            raise DamagedError(f"there is no dataset {path!r} in {self.path!r}")
        return self._where[path].pieces(path)

    def damage(
        self,
        level: Level,
        on_bytes: Callable[[int], None] | None = None,
        *,
        read_all: bool = True,
    ) -> Iterator[Finding]:
        """See `Hdf5.damage`; also what the index names and is not there."""
        held: dict[str, set[str]] = {}
        for path, shard in self._where.items():
            held.setdefault("/" + path.rpartition("/")[0], set()).add(shard.path)
        yield from self._failed.values()
        for _, shard in self._open.values():
            yield from shard.damage(level, on_bytes, read_all=read_all)
        for group, names in (self._groups or {}).items():
            for name in names:
                path = os.path.join(self._folder, name)
                if name in self._open and path not in held.get(group, ()):
                    yield Finding("missing-tensor", f"{name} has no weights at {group}", self.path)
        size = sum(stored.size_bytes for stored in self.datasets.values())
        if size < self._total_bytes and not self._failed:
            message = f"{size:,} of {self._total_bytes:,.0f} bytes of weights are there"
            yield Finding("missing-tensor", message, self.path)

    def close(self) -> None:
        """See `Hdf5.close`."""
        for file, shard in self._open.values():
            shard.close()
            file.close()


class KerasSharded(KerasWeights):
    """Open sharded weights."""

    kind = "sharded weights"


def shards_of(index: Mapping[str, Any]) -> dict[str, list[str]] | None:
    """Group → shards, of an index; None if it is not one of Keras's.

    Keras gives a group one name, or a list where its variables are spread over several shards.
    (Hugging Face's indexes have the same keys, with tensors and other suffixes.)
    """
    found: dict[str, list[str]] = {}
    listed = index.get("weight_map")
    for group, names in listed.items() if isinstance(listed, dict) else ():
        found[group] = names if isinstance(names, list) else [names]
    shards = [name for names in found.values() for name in names]
    if not shards or not all(isinstance(name, str) for name in shards):
        return None
    return found if any(name.endswith(_SHARD_SUFFIX) for name in shards) else None


def _recognise(path: str, head: bytes) -> bool:
    # Where the content is broken, the name is a hint.
    named = path.endswith(".weights.json") and os.path.isfile(path)
    if not head.lstrip().startswith(b"{") or b'"weight_map"' not in head:
        return named
    try:
        return named or shards_of(read_object(path)) is not None
    except DamagedError:
        return named


def _open(path: str) -> Contents:
    return KerasSharded(path, Shards(path), lambda: None)


FORMAT = Format("sharded weights", _recognise, _open)
