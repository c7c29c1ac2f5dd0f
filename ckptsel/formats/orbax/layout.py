"""The layout of Orbax's step folders: items, their trees, and the marks of unfinished ones.

Source: orbax.checkpoint 0.12, `_src/metadata/tree.py` (`_METADATA`), `_src/metadata/checkpoint.py`
(`_CHECKPOINT_METADATA`), `_src/path/atomicity.py`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ckptsel.errors import DamagedError
from ckptsel.formats.strict_json import read_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TREE = "_METADATA"
CHECKPOINT = "_CHECKPOINT_METADATA"
COMMIT_TIME = "commit_timestamp_nsecs"

_COMMITTED = "commit_success.txt"
_UNFINISHED = ".orbax-checkpoint-tmp"


def unfinished_folders(path: str, items: Sequence[str]) -> list[str]:
    """Those of a step's folders whose saving did not end.

    Args:
        path: the step's folder.
        items: the folders of its items.

    Raises:
        DamagedError: if the step's metadata cannot be read.
    """
    marked = [at for at in [path, *_subfolders(path)] if _UNFINISHED in folder_name(at)]
    if marked:
        return marked
    folders = list(dict.fromkeys([path, *items]))
    without = [at for at in folders if not os.path.exists(os.path.join(at, _COMMITTED))]
    # On a local disk older versions of Orbax rename only, and leave no such file at all.
    if without and len(without) < len(folders):
        return without
    metadata = read_if_there(os.path.join(path, CHECKPOINT))
    return [path] if not items or metadata.get(COMMIT_TIME, 0) is None else []


def folder_name(folder: str) -> str:
    """The last part of a folder's path."""
    return os.path.basename(os.path.abspath(folder))


def _subfolders(path: str) -> list[str]:
    try:
        return sorted(entry.path for entry in os.scandir(path) if entry.is_dir())
    except OSError:
        return []


def items_in(path: str) -> list[str]:
    """The folders with a tree in them: "" is the folder itself."""
    if os.path.isfile(os.path.join(path, TREE)):
        return [""]
    folders = _subfolders(path)
    return [folder_name(at) for at in folders if os.path.isfile(os.path.join(at, TREE))]


def read_tree(file: str) -> Iterator[tuple[list[str], str]]:
    """The keys that lead to each value, and the value's type.

    Raises:
        DamagedError: if the tree cannot be read.
    """
    tree = read_object(file).get("tree_metadata")
    for entry in tree.values() if isinstance(tree, dict) else [None]:
        match entry:
            case {
                "key_metadata": list(keys),
                "value_metadata": {"value_type": str(value_type)},
            } if keys and all(isinstance(k, dict) and "key" in k for k in keys):
                yield [str(key["key"]) for key in keys], value_type
            case _:
                raise DamagedError(f"the tree in {file!r} makes no sense")


def read_if_there(file: str) -> dict[str, Any]:
    """The JSON object in a file, {} if there is no file. Raises as `read_object` does."""
    return read_object(file) if os.path.isfile(file) else {}
