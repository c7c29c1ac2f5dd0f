"""Many files, one checkpoint: TensorFlow prefixes, shards, folders that are checkpoints."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ckptsel.naming.conventions import GENERAL_SUFFIXES, SUFFIXES

if TYPE_CHECKING:
    from ckptsel.storage import Entries

TENSORFLOW_DATA = re.compile(r"\.data-\d{5}-of-\d{5}$")
_SHARD = re.compile(r"_\d{5}\.weights\.h5$")
# Files with these suffixes are checkpoints, or stand for one.
ALWAYS = (*SUFFIXES, ".index")
_GENERAL = tuple(GENERAL_SUFFIXES)

# Where no name holds one of these, each file is a checkpoint of its own.
NOT_SIMPLE = ("\n.", ".index", ".weights.json", "-unfinished")

# A folder that holds such files is itself one checkpoint.
_FOLDER_MARKERS = {
    frozenset({"saved_model.pb"}): "savedmodel",
    frozenset({"_CHECKPOINT_METADATA"}): "orbax",
    frozenset({".metadata"}): "torch distributed",
    frozenset({"CKPT.yaml"}): "speechbrain",
    frozenset({"config.json", "metadata.json", "model.weights.h5"}): "keras folder",
    frozenset({"config.json", "model.safetensors"}): "huggingface",
    frozenset({"config.json", "model.safetensors.index.json"}): "huggingface",
    frozenset({"config.json", "pytorch_model.bin"}): "huggingface",
    frozenset({"config.json", "pytorch_model.bin.index.json"}): "huggingface",
    frozenset({"adapter_config.json", "adapter_model.safetensors"}): "huggingface",
}
_HF_STEP = re.compile(r"checkpoint-\d+")

# Suffix → kind, the longest first, so that `.weights.h5` comes before `.h5`.
_KINDS = sorted({**SUFFIXES, **GENERAL_SUFFIXES}.items(), key=lambda item: -len(item[0]))


@dataclass(slots=True)
class Folder:
    """The checkpoints that stand together in one folder.

    Attributes:
        path: the folder, beginning with the location as the user wrote it.
        root: the location it was found under.
        names: names of checkpoints: files, folders, TensorFlow prefixes.
        weak: names whose suffix other files share, too.
        others: names of further files, which only a given pattern makes checkpoints.
        members: for a checkpoint of several files, their names.
        kinds: for a checkpoint whose suffix does not tell, its kind.
    """

    path: str
    root: str
    names: list[str] = field(default_factory=list)
    weak: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    members: dict[str, tuple[str, ...]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)

    def join(self, name: str) -> str:
        """The path of one of the names."""
        return os.path.join(self.path, name)

    def files_of(self, name: str) -> tuple[str, ...]:
        """The paths of all files of one checkpoint."""
        return tuple(self.join(member) for member in self.members.get(name, (name,)))

    def kind_of(self, name: str) -> str:
        """The kind of one checkpoint, by its name."""
        if name in self.kinds:
            return self.kinds[name]
        low = name.lower()
        return next((kind for suffix, kind in _KINDS if low.endswith(suffix)), "file")


def is_part(name: str) -> bool:
    """Whether it is one of the files of a TensorFlow checkpoint."""
    return name.endswith(".index") or TENSORFLOW_DATA.search(name) is not None


def folder_kind(path: str, found: Entries) -> str:
    """The kind of checkpoint that the folder itself is, "" if it only holds some."""
    files = set(found.files)
    for markers, kind in _FOLDER_MARKERS.items():
        if markers <= files:
            # The Trainer's output folder holds the last model, and the checkpoints.
            if kind == "huggingface" and any(map(_HF_STEP.match, found.folders)):
                return ""
            return kind
    name = os.path.basename(os.path.normpath(path))
    if name.endswith((".ckpt", ".keras", ".tf")) and not any(
        inner.endswith(ALWAYS) for inner in found.files
    ):
        return SUFFIXES["." + name.rpartition(".")[2]] + " folder"
    return "huggingface" if _HF_STEP.match(name) and found.files else ""


def place(folder: Folder, name: str) -> None:
    """Put a file where its suffix says: a checkpoint, perhaps one, or another file."""
    low = name.lower()
    if low.endswith(ALWAYS):
        folder.names.append(name)
    elif low.endswith(_GENERAL):
        folder.weak.append(name)
    else:
        folder.others.append(name)


def add_prefix(folder: Folder, prefix: str, present: set[str]) -> None:
    """A TensorFlow checkpoint: index, shards, and the graph that TensorFlow 1 writes."""
    shards = sorted(
        name for name in present if name.startswith(prefix + ".data-") and is_part(name)
    )
    graph = [prefix + ".meta"] if prefix + ".meta" in present else []
    folder.names.append(prefix)
    folder.kinds[prefix] = "tf-checkpoint"
    folder.members[prefix] = (prefix + ".index", *shards, *graph)
    folder.others = [name for name in folder.others if name not in graph]


def group_shards(folder: Folder, present: set[str]) -> None:
    """Keras's sharded weights: `X.weights.json` with `X_00000.weights.h5`, ….

    Source: ShardedH5IOStore in keras/src/saving/saving_lib.py.
    """
    for name in [name for name in folder.names if name.endswith(".weights.json")]:
        stem = name.removesuffix(".weights.json")
        shards = tuple(
            sorted(
                n for n in present if n.startswith(stem + "_") and _SHARD.fullmatch(n[len(stem) :])
            )
        )
        folder.members[name] = (*shards, name)
        folder.names = [n for n in folder.names if n not in shards]


def group_version_1(folder: Folder, present: set[str]) -> None:
    """TensorFlow's first format: `model.ckpt-100` beside `model.ckpt-100.meta`."""
    for name in [name for name in folder.others if name.endswith(".meta")]:
        base = name.removesuffix(".meta")
        if base in present:
            folder.others = [n for n in folder.others if n not in (base, name)]
            folder.names = [n for n in folder.names if n != base] + [base]
            folder.kinds[base] = "tf-checkpoint-v1"
            folder.members[base] = (base, name)
        elif base + ".index" in present:
            folder.others.remove(name)
