"""Weights → `X.weights.json` with its shards `X_00000.weights.h5`, …, as Keras 3 writes them.

Source: `ShardedH5IOStore` in keras/src/saving/saving_lib.py.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from ckptsel.conversion import keras_weights
from ckptsel.conversion.cargo import Streamed
from ckptsel.conversion.converter import DEFAULT_SHARD_BYTES
from ckptsel.conversion.hdf5_file import write_hdf5
from ckptsel.conversion.read_back import require_same
from ckptsel.errors import ConversionError
from ckptsel.formats.keras.sharded import shards_of
from ckptsel.formats.keras.weights import KerasWeights
from ckptsel.formats.strict_json import read_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckptsel.conversion.cargo import Cargo, Item
    from ckptsel.conversion.converter import Options
    from ckptsel.formats.contents import Contents

_SUFFIX = ".weights.json"


def put(cargo: Cargo, dest: str, options: Options) -> None:
    """See `Putter`."""
    folder, name = os.path.split(dest)
    # Keras finds the first shard by the index's name, from which it takes out every `.weights`.
    stem = name.removesuffix(".json").replace(".weights", "")
    largest = DEFAULT_SHARD_BYTES if options.shard_bytes is None else options.shard_bytes
    shards = _shards(cargo.items, largest)
    where: dict[str, list[str]] = {}
    for number, items in enumerate(shards):
        shard = f"{stem}_{number:05d}.weights.h5"
        groups = {_group(item) for item in items}
        above = {part for group in groups for part in _above(group)}
        attributes = {
            # A layer without weights has its name in the first one.
            group: values
            for group, values in cargo.attributes.items()
            if group in groups or group in above or (number == 0 and not _holds(cargo, group))
        }
        write_hdf5(cargo, items, attributes, os.path.join(folder, shard))
        for group in sorted(groups):
            where.setdefault(f"/{group}", []).append(shard)
    total = sum(item.size_bytes for item in cargo.items)
    index = {
        "metadata": {"total_size": total},
        "weight_map": {
            group: found[0] if len(found) == 1 else found for group, found in where.items()
        },
    }
    with open(dest, "x", encoding="utf-8") as file:
        json.dump(index, file, indent=4)


def _shards(items: Sequence[Item], limit_bytes: int) -> list[list[Item]]:
    found: list[list[Item]] = [[]]
    size_bytes = 0
    for item in items:
        if item.size_bytes > limit_bytes:
            raise ConversionError(
                f"{item.path} has {item.size_bytes:,} bytes, more than a shard may have",
                hint="raise --max-shard-size",
            )
        size_bytes += item.size_bytes
        if size_bytes > limit_bytes and found[-1]:
            found.append([])
            size_bytes = item.size_bytes
        found[-1].append(item)
    return found


def _group(item: Item) -> str:
    return item.path.rpartition("/")[0]


def _above(group: str) -> list[str]:
    parts = group.split("/")
    return ["/".join(parts[:length]) for length in range(1, len(parts))]


def _holds(cargo: Cargo, group: str) -> bool:
    return any(item.path.startswith(f"{group}/") for item in cargo.items)


def confirm(cargo: Cargo, made: Contents, options: Options) -> None:
    """See `Confirmer`: the index names every group, as Keras finds none without it."""
    keras_weights.confirm(cargo, made, options)
    groups = {f"/{_group(item)}" for item in cargo.items}
    assert isinstance(made, KerasWeights), "it was written as such"
    require_same("the index", set(shards_of(read_object(made.path)) or {}), groups)


CONVERTER = Streamed(keras_weights.load, put, confirm)
