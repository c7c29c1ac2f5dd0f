"""Folders that are part of a checkpoint's name: `epoch=1-val/loss=0.3.ckpt`, `e003/w.h5`."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from ckptsel.naming.labels import label_of
from ckptsel.naming.tokens import tokenize
from ckptsel.naming.vocabulary import QUALIFIERS, role_of

if TYPE_CHECKING:
    from ckptsel.search.grouping import Folder

# Lightning cuts `…-val/loss=0.3` at the slash, and names begin with the rest of the label.
_CUT_LABEL = re.compile(rf"(?:^|[^A-Za-z])(?:{'|'.join(QUALIFIERS)})$")
_REST_OF_LABEL = re.compile(r"([A-Za-z_]+)=")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def nest(folders: list[Folder]) -> None:
    """Give checkpoints that stand alone in numbered folders a name with these folders in it.

    A checkpoint's folders belong to its name if a slash has cut a label in two; or if it is the
    only one below them, siblings of the same shape stand beside them, and they hold a labelled
    epoch, step or metric.
    """
    _join_labels(folders)
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
        if len(found) > 1 and _is_part_of_name(found[0][1]):
            for folder, inner in found:
                _move(folder, folder.names[0], inner, by_path[top])


def _join_labels(folders: list[Folder]) -> None:
    """Give names back what a slash in a label has made a folder: `epoch=1-val/loss=0.3`."""
    by_path = {folder.path: folder for folder in folders}
    # The deepest first: `epoch=1-val/loss=0.3-val/acc=0.9` was cut twice.
    for folder in sorted(folders, key=lambda folder: -folder.path.count(os.sep)):
        above, inner = os.path.split(folder.path)
        if above not in by_path or folder.path == folder.root or not _CUT_LABEL.search(inner):
            continue
        firsts = [_REST_OF_LABEL.match(name) for name in folder.names]
        if firsts and all(m and role_of(m[1]) == "metric" for m in firsts):
            for name in [*folder.names]:
                _move(folder, name, inner, by_path[above])


def _upwards(path: str, root: str) -> list[str]:
    """The folder, and those above it, up to the location."""
    paths = [path]
    while path != root and os.path.dirname(path) != path:
        path = os.path.dirname(path)
        paths.append(path)
    return paths


def _is_part_of_name(inner: str) -> bool:
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


def _move(folder: Folder, name: str, inner: str, top: Folder) -> None:
    folder.names.remove(name)
    long = os.path.join(inner, name)
    top.names.append(long)
    if name in folder.members:
        top.members[long] = tuple(os.path.join(inner, m) for m in folder.members.pop(name))
    if name in folder.kinds:
        top.kinds[long] = folder.kinds.pop(name)
