"""Many files, one checkpoint: TensorFlow prefixes, shards, folders that are checkpoints."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from ckptsel.naming.conventions import GENERAL_SUFFIXES, SUFFIXES, UNFINISHED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ckptsel.storage import Entries

TENSORFLOW_DATA = re.compile(r"\.data-(\d{5})-of-(\d{5})$")
_SHARD = re.compile(r"_(\d{5})\.weights\.h5")
# Files with these suffixes are checkpoints, or stand for one.
ALWAYS = (*SUFFIXES, ".index")
_GENERAL = tuple(GENERAL_SUFFIXES)

# Where no name holds one of these, each file is a checkpoint of its own.
NOT_SIMPLE = ("\n.", ".index", ".weights.json")

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
_TEXTS = (".json", ".jsonl", ".txt", ".md", ".yaml", ".yml")

# A name that holds none of these needs no closer look at whether it is unfinished.
_UNFINISHED_PARTS = (".tmp", ".orbax-checkpoint-tmp", "-unfinished", ".ckptsel-")
# What NeMo leaves out of its marker's name: the marker of `m-EMA.ckpt` is `m-unfinished`.
# Source: format_checkpoint_unfinished_marker_path in nemo/utils/callbacks.
_MARKED = ("", "-EMA", ".ckpt", "-EMA.ckpt", ".nemo", "-EMA.nemo")

# Folders that only hold a run's files, and do not name the run.
_HOLDERS = {"checkpoints", "checkpoint", "ckpt", "ckpts", "weights", "saved_models", "models"}
# MLflow keeps a run's files in `artifacts`, beside its `metrics`.
_HOLDERS |= {"artifacts"}

_LOGS = (
    r"(?:\w+_)?logs?|metrics|history|results|version_\d+|\d{8}[_-]\d{6}|vis_data|fit|tensorboard"
    r"|[A-Z][a-z]{2}\d\d_\d\d-\d\d-\d\d_.+|tb|events|runs?|train|training|validation|val|test"
    r"|outputs?"
)

# Suffix → kind, the longest first, so that `.weights.h5` comes before `.h5`.
_KINDS = sorted({**SUFFIXES, **GENERAL_SUFFIXES}.items(), key=lambda item: -len(item[0]))


@dataclass(slots=True, eq=False, repr=False)
class Folder:
    """The checkpoints that stand together in one folder.

    Attributes:
        path: the folder, beginning with the location as the user wrote it.
        root: the location it was found under.
        names: names of checkpoints: files, folders, TensorFlow prefixes.
        weak: names whose suffix other files share, too.
        others: names of further files, which only a given pattern makes checkpoints.
        logs: names of files that may be logs.
        members: for a checkpoint of several files, their names.
        kinds: for a checkpoint whose suffix does not tell, its kind.
        incomplete: for the name of an index whose checkpoint is not whole, what is missing.
        is_named: whether the checkpoints were named one by one: there may be others beside them.
    """

    path: str
    root: str
    names: list[str] = field(default_factory=list)
    weak: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    members: dict[str, tuple[str, ...]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    incomplete: dict[str, str] = field(default_factory=dict)
    is_named: bool = False

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


def is_without_weights(found: Entries) -> bool:
    """Whether a folder that is a checkpoint by its name holds texts only, as git leaves it."""
    return not found.folders and all(name.endswith(_TEXTS) for name in found.files)


def place(folder: Folder, name: str) -> None:
    """Put a file where its suffix says: a checkpoint, perhaps one, or another file."""
    low = name.lower()
    if low.endswith(ALWAYS):
        folder.names.append(name)
    elif low.endswith(_GENERAL):
        folder.weak.append(name)
    else:
        folder.others.append(name)


def markers(name: str) -> set[str]:
    """What NeMo's marker for that name would be called."""
    stems = {name.removesuffix(ending) for ending in _MARKED}
    return {stem + "-unfinished" for stem in stems}


def unfinished(names: Iterable[str]) -> set[str]:
    """Those that were never completed: temporary names, and what a marker stands beside."""
    present = {*names}
    together = "\n".join(present)
    if not any(part in together for part in _UNFINISHED_PARTS):
        return set()
    return {n for n in present if UNFINISHED.search(n) or not present.isdisjoint(markers(n))}


def data_files(names: Iterable[str]) -> dict[str, list[str]]:
    """TensorFlow's data files, by the prefix that they belong to."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in names:
        if match := TENSORFLOW_DATA.search(name):
            found[name[: match.start()]].append(name)
    return found


def add_prefix(
    folder: Folder, prefix: str, present: set[str], data: Mapping[str, list[str]]
) -> None:
    """A TensorFlow checkpoint: index, data, and the graph that TensorFlow 1 writes."""
    index, graph = prefix + ".index", prefix + ".meta"
    parts = sorted(data.get(prefix, ()))
    missing = _missing(parts)
    if missing:
        folder.incomplete[index] = missing
        return
    folder.names.append(prefix)
    folder.kinds[prefix] = "tf-checkpoint"
    folder.members[prefix] = (index, *parts, *({graph} & present))


def _missing(data: list[str]) -> str:
    """What is missing beside an index, "" if nothing is.

    A prefix that was written again with another number of data files has some of both: one
    whole set is enough, because names do not tell which one the index means.
    """
    sets: dict[int, set[int]] = defaultdict(set)
    for name in data:
        if match := TENSORFLOW_DATA.search(name):
            number, total = int(match[1]), int(match[2])
            if number < total:
                sets[total].add(number)
    if any(len(found) == total for total, found in sets.items()):
        return ""
    counts = [f"{len(found)} of {total}" for total, found in sorted(sets.items())]
    return f"{' or '.join(counts) or 'none'} of its data files"


def group_shards(folder: Folder, present: set[str]) -> None:
    """Keras's sharded weights: `X.weights.json` with `X_00000.weights.h5`, ….

    Source: ShardedH5IOStore in keras/src/saving/saving_lib.py.
    """
    tables = [name for name in folder.names if name.endswith(".weights.json")]
    for name in tables:
        stem = name.removesuffix(".weights.json")
        matches = ((n, _SHARD.fullmatch(n, len(stem))) for n in present if n.startswith(stem))
        shards = sorted((int(match[1]), n) for n, match in matches if match)
        folder.members[name] = (*(n for _, n in shards), name)
        folder.names = [n for n in folder.names if n not in folder.members[name][:-1]]
        if not shards or [number for number, _ in shards] != [*range(len(shards))]:
            folder.names.remove(name)
            folder.incomplete[name] = "some of its shards" if shards else "none of its shards"


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


def run_of(path: str, root: str, *, levels: int = 0) -> str:
    """The run that a checkpoint belongs to.

    Args:
        path: the checkpoint's folder.
        root: the location it was found under, or the run of that; a run is not above it.
        levels: how many of the folders are part of the checkpoint's name.
    """
    for _ in range(levels):
        if path != root:
            path = os.path.dirname(path)
    while path not in (root, "") and is_holder(path):
        path = above(path)
    return path


def run_above(path: str) -> str:
    """The run whose checkpoints a folder holds, by its name: `run` for `run/checkpoints`.

    Returns:
        The folder itself if it is not only a part of a run.
    """
    while path and is_holder(path):
        path = above(path)
    return path


def is_holder(path: str) -> bool:
    """Whether a folder only holds a run's files, as `checkpoints` does."""
    name = os.path.basename(path)
    if name in (os.curdir, os.pardir):
        name = os.path.basename(os.path.abspath(path))
    return name.lower() in _HOLDERS


@cache
def is_of_logs(name: str) -> bool:
    """Whether a folder of this name holds a run's logs, and is no run of its own.

    `logs`, Lightning's `lightning_logs/version_0`, MMEngine's `20240131_120000/vis_data`,
    TensorBoard's `train`, PyTorch's `Jan31_12-00-00_host`.
    """
    return re.fullmatch(_LOGS, name, re.IGNORECASE) is not None


def above(path: str) -> str:
    """The folder above, in the words of the path: `..` of the current one."""
    if path == os.curdir:
        return os.pardir
    if os.path.basename(path) == os.pardir:
        return os.path.join(path, os.pardir)
    return os.path.dirname(path)
