"""Folders that are part of a checkpoint's name: `epoch=1-val/loss=0.3.ckpt`, `e003/w.h5`."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from ckptsel.naming.labels import label_of
from ckptsel.naming.tokens import tokenize

if TYPE_CHECKING:
    from ckptsel.grouping import Folder

# Lightning cuts `val/loss=0.3` at the slash.
_CUT_LABEL = re.compile(r"[A-Za-z_]$")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def nest(folders: list[Folder]) -> None:
    """Give checkpoints that stand alone in numbered folders a name with these folders in it.

    A checkpoint's folders belong to its name if it is the only one below them, if siblings of
    the same shape stand beside them, and if they hold a labelled epoch, step or metric, or a
    label that a slash has cut in two.
    """
    by_path = {folder.path: folder for folder in folders}
    below: dict[str, int] = defaultdict(int)
    for folder in folders:
        count = len(folder.names) + len(folder.weak)
        for path in _upwards(folder.path, folder.root) if count else ():
            below[path] += count
    chains: dict[tuple[str, str], list[tuple[Folder, str]]] = defaultdict(list)
    for folder in folders:
        if len(folder.names) != 1 or below[folder.path] != 1 or folder.path == folder.root:
            continue
        alone = [
            p for p in _upwards(folder.path, folder.root) if below[p] == 1 and p != folder.root
        ]
        top = os.path.dirname(alone[-1])
        if top in by_path:
            inner = os.path.relpath(folder.path, top)
            shape = _NUMBER.sub("0", os.path.join(inner, folder.names[0]))
            chains[top, shape].append((folder, inner))
    for (top, _), found in chains.items():
        if len(found) > 1 and _is_part_of_name(found[0][1], found[0][0].names[0]):
            for folder, inner in found:
                _move(folder, inner, by_path[top])


def _upwards(path: str, root: str) -> list[str]:
    """The folder, and those above it, up to the location."""
    paths = [path]
    while path != root and os.path.dirname(path) != path:
        path = os.path.dirname(path)
        paths.append(path)
    return paths


def _is_part_of_name(inner: str, name: str) -> bool:
    if _CUT_LABEL.search(inner) and "=" in name and re.match(r"[A-Za-z_]+=", name):
        return tokenize(inner + "/") != []
    position = 0
    for index, token in enumerate(tokenize(inner + "/")):
        if token.kind != "opaque":
            label = label_of(
                inner[position : token.start],
                (inner + "/")[token.end :],
                first=index == 0,
                decimal=token.kind == "decimal",
            )
            if label and label.known and label.role != "setting":
                return True
        position = token.end
    return False


def _move(folder: Folder, inner: str, top: Folder) -> None:
    name = folder.names.pop()
    long = os.path.join(inner, name)
    top.names.append(long)
    if name in folder.members:
        top.members[long] = tuple(os.path.join(inner, m) for m in folder.members.pop(name))
    if name in folder.kinds:
        top.kinds[long] = folder.kinds.pop(name)
