"""Keras's sharded weights with other values: shard by shard, and an index of their names."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ckptsel.conversion.rewriting import hdf5
from ckptsel.errors import ConversionError, DamagedError
from ckptsel.formats.keras.sharded import shards_of
from ckptsel.formats.strict_json import read_object

if TYPE_CHECKING:
    from ckptsel.conversion.rewriting.job import Job

_SUFFIX = ".weights.json"
_NUMBERED = re.compile(r"_(\d{5,})\.weights\.h5$")


def rewrite(job: Job) -> None:
    """Write an index and its shards beside it.

    Raises:
        ConversionError, DamagedError, OSError: see `ckptsel.conversion.rewrite.rewrite`.
    """
    job.refuse_moves("checkpoint in shards", "their index counts bytes and names groups")
    if not job.dest.endswith(_SUFFIX):
        raise ConversionError(f"{job.dest!r} has to end in {_SUFFIX}: Keras looks at nothing else")
    index = dict(read_object(job.source))
    groups = shards_of(index) or {}
    # Keras makes up the first shard's name from the index's own.
    base = os.path.basename(job.dest).removesuffix(_SUFFIX)
    names = {name: _renamed(name, base) for each in groups.values() for name in each}
    source, dest = os.path.dirname(job.source), os.path.dirname(job.dest)
    for old, new in names.items():
        if os.path.basename(old) != old or not os.path.isfile(os.path.join(source, old)):
            raise DamagedError(f"the shard {old!r} is not beside {job.source!r}")
        hdf5.rewrite(replace(job, source=os.path.join(source, old), dest=os.path.join(dest, new)))
    index["weight_map"] = {
        group: _mapped(listed, names) for group, listed in index["weight_map"].items()
    }
    with open(job.dest, "x", encoding="utf-8") as file:
        json.dump(index, file, indent=4)  # As Keras does.


def _renamed(name: str, base: str) -> str:
    match = _NUMBERED.search(name)
    if match is None:
        raise ConversionError(
            f"the shard {name!r} is not named as Keras names them, so that a copy cannot be"
        )
    return f"{base}{match.group()}"


def _mapped(listed: Any, names: dict[str, str]) -> Any:
    return [names[name] for name in listed] if isinstance(listed, list) else names[listed]
