"""Decides what is copied where, and under which names. Nothing is written here."""

from __future__ import annotations

import os
import re
import shlex
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.errors import DestinationError, NothingFoundError, UsageError
from ckptsel.naming.conventions import GENERAL_SUFFIXES, SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckptsel.checkpoint import Checkpoint, Ranked, Ranking

# The longest first, because `.weights.h5` also ends in `.h5`.
_KNOWN = sorted((*SUFFIXES, *GENERAL_SUFFIXES, ".index"), key=len, reverse=True)
# `.95` at the end of `acc-0.95` is no suffix.
_SUFFIX = re.compile(r"\.[A-Za-z]\w*$", re.ASCII)
_KERAS = (".weights.h5", ".weights.json", ".keras", ".h5", ".hdf5")


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """One checkpoint and where it goes.

    Attributes:
        checkpoint: what is copied.
        dest: its new path, as its owner would say it: the file, the folder, or the prefix.
        files: source and target of each of its files; the one that makes it count is the last.
        row: its place in the ranking.
        findings: what there is to say about it.
    """

    checkpoint: Checkpoint
    dest: str
    files: tuple[tuple[str, str], ...]
    row: Ranked
    findings: tuple[Finding, ...] = ()

    @property
    def folder(self) -> str:
        """The folder that all of it goes into."""
        return os.path.dirname(self.dest)

    @property
    def is_tensorflow(self) -> bool:
        """Whether `tf.train.latest_checkpoint` could find it."""
        return self.checkpoint.kind.startswith("tf-checkpoint")


def plan_copy(ranking: Ranking, dest: str, *, top: int | None = None) -> tuple[CopyPlan, ...]:
    """Decide what goes where.

    Args:
        ranking: the checkpoints, best first.
        dest: the new path; or a folder, which is one if it exists, ends in a slash, or `top`
            is given: checkpoints go into it under their own names. With `top`, what is called
            like a checkpoint and is no folder yet is refused.
        top: how many; None for the best one alone.

    Raises:
        DestinationError: if the destination cannot take them.
        NothingFoundError: if nothing is ranked.
        UsageError: if `top` is less than 1.
    """
    if top is not None and top < 1:
        raise UsageError(f"--top {top}: there is nothing to copy", hint="give a number from 1 up")
    if not dest or "\0" in dest:
        raise DestinationError(f"{dest!r} is no path", hint="give a file or a folder")
    rows = [row for row in ranking.rows if row.rank is not None][: top or 1]
    if not rows:
        raise NothingFoundError("no checkpoint is ranked, so there is none to copy")
    dests = [dest]
    findings: list[Finding] = []
    if _is_folder(dest, several=top is not None):
        names, findings = _own_names([row.checkpoint for row in rows])
        dests = [os.path.join(dest, name) for name in names]
    if len(rows) < (top or 1):
        message = f"{len(rows)} instead of {top} checkpoints: no others are ranked"
        findings.append(Finding("fewer-than-top", message))
    plans = [_plan(row, path) for row, path in zip(rows, dests, strict=True)]
    plans[0] = replace(plans[0], findings=(*findings, *plans[0].findings))
    return tuple(plans)


def _is_folder(dest: str, *, several: bool) -> bool:
    """Whether the destination is a folder to copy into.

    Raises:
        DestinationError: if it can be neither that nor a file.
    """
    if not os.path.isabs(dest):
        _check_current_folder()
    if os.path.isdir(dest):
        return True
    ends_in_slash = dest.endswith(("/", os.sep))
    if ends_in_slash or several:
        if os.path.lexists(dest.rstrip("/" + os.sep)):
            raise DestinationError(f"{dest!r} is not a folder", hint="choose another destination")
        if suffix(dest) in _KNOWN and not ends_in_slash:
            raise DestinationError(
                f"{dest!r} is called like a checkpoint, and --top and --per-run copy into a folder",
                hint="drop them to copy the best one to that name;"
                " or end it with a slash, if the folder shall be called so",
            )
        return True
    folder = os.path.dirname(dest)
    if folder and not os.path.isdir(folder):
        raise DestinationError(
            f"{folder!r} is no folder that exists",
            hint=f"create it with: mkdir -p {shlex.quote(folder)}",
        )
    return False


def _check_current_folder() -> None:
    try:
        is_there = os.path.samefile(os.getcwd(), os.curdir)
    except OSError:
        is_there = False
    if not is_there:
        raise DestinationError(
            "the current folder was removed, or there is no permission to use it",
            hint="cd into another one, or give the destination as an absolute path",
        )


def _plan(row: Ranked, dest: str) -> CopyPlan:
    checkpoint = row.checkpoint
    pairs = [(source, _target(checkpoint, source, dest)) for source in checkpoint.files]
    # Without its index, the shards of a TensorFlow checkpoint are none; the same goes for the
    # table of contents of sharded weights.
    pairs.sort(key=lambda pair: pair[0] in (checkpoint.path, checkpoint.path + ".index"))
    return CopyPlan(checkpoint, dest, tuple(pairs), row, _suffix_findings(checkpoint, dest))


def _target(checkpoint: Checkpoint, source: str, dest: str) -> str:
    path, file = os.path.normpath(checkpoint.path), os.path.normpath(source)
    if file == path:
        return dest
    if file.startswith(path + "."):
        return dest + file[len(path) :]
    if os.path.basename(dest) != os.path.basename(path):
        # Keras takes the first shard's name from the table's own name, and the others' from
        # what stands in it (ShardedH5IOStore in keras/src/saving/saving_lib.py).
        raise DestinationError(
            f"{checkpoint.path!r} cannot be copied under another name, {dest!r}:"
            " it names the other files that it consists of",
            hint="copy it into a folder: end the destination with a slash",
        )
    return os.path.join(os.path.dirname(dest), os.path.basename(source))


def _own_names(checkpoints: Sequence[Checkpoint]) -> tuple[list[str], list[Finding]]:
    """The name of each in a folder; with the folders that tell them apart, if need be."""
    paths = [os.path.abspath(checkpoint.path) for checkpoint in checkpoints]
    names = [os.path.basename(path) for path in paths]
    twice = [name for name, amount in Counter(names).items() if amount > 1]
    if not twice:
        return names, []
    if len(set(paths)) < len(paths):
        same = next(path for path in paths if paths.count(path) > 1)
        raise DestinationError(f"{same!r} is in the ranking twice", hint="name it only once")
    common = os.path.commonpath([os.path.dirname(path) for path in paths])
    message = f"several checkpoints are called {twice[0]!r}, so they keep their folders"
    return [os.path.relpath(path, common) for path in paths], [Finding("same-names", message)]


def _suffix_findings(checkpoint: Checkpoint, dest: str) -> tuple[Finding, ...]:
    old, new = suffix(checkpoint.path), suffix(dest)
    if checkpoint.files != (checkpoint.path,) or os.path.isdir(checkpoint.path):
        # Prefixes and folders are called anything, but not what a loader takes for one file.
        old, new = (old if old in _KNOWN else ""), (new if new in _KNOWN else "")
        if not new:
            return ()
    if old == new:
        return ()
    was, now = (f"ends in {old}" if old else "has no suffix"), (new or "no suffix")
    why = "a loader that goes by the suffix will not know it"
    if old in _KERAS or new in _KERAS:
        why = "Keras chooses how to read a file by its suffix alone, and will fail to load it"
    message = f"{checkpoint.path!r} {was}, and the copy {dest!r} has {now}: {why}"
    if not new:
        message += "; to copy into a folder, end it with /"
    return (Finding("suffix-changed", message, dest, strict=True),)


def suffix(path: str) -> str:
    """The suffix that loaders go by, whole: `.weights.h5`, `.pth.tar`; "" if there is none."""
    name = os.path.basename(path)
    known = next((each for each in _KNOWN if name.endswith(each)), None)
    if known is not None:
        return known
    match = _SUFFIX.search(name)
    return match.group() if match else ""
