"""TensorFlow's state file `checkpoint`, where `tf.train.latest_checkpoint` looks."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckptsel.transfer.placed import Placed

_NAME = "checkpoint"
_LATEST = re.compile(r'^\s*model_checkpoint_path\s*:\s*"((?:[^"\\]|\\.)*)"', re.MULTILINE)
# latest_checkpoint takes the path for a glob, in which these two do not stand for themselves
# (tensorflow/python/checkpoint/checkpoint_management.py, get_matching_files).
_NOT_FOUND = re.compile(r"[\[\\]")


def plan_state(
    plans: Sequence[Placed], *, force: bool
) -> tuple[dict[str, bytes], tuple[Finding, ...]]:
    """The state files to write, and what there is to say about those not written.

    A folder gets one. It names all of the call's TensorFlow checkpoints in it, and the best
    of them as the latest.

    Args:
        plans: what is placed, best first.
        force: whether a state file that names another checkpoint is replaced.

    Returns:
        Path and content of each.
    """
    folders: dict[str, list[Placed]] = {}
    for plan in plans:
        if plan.is_tensorflow:
            folders.setdefault(plan.folder, []).append(plan)
    files: dict[str, bytes] = {}
    findings = []
    for folder, group in folders.items():
        path = os.path.join(folder, _NAME)
        names = [os.path.basename(plan.dest) for plan in group]
        if not _can_name(group):
            message = "tf.train.latest_checkpoint cannot find it by this name: give its path itself"
            findings.append(Finding("no-state-file", message, group[0].dest))
        elif os.path.lexists(path) and not (force and os.path.isfile(path)):
            if _latest(path) not in _spellings(group[0].dest):
                findings.append(Finding("state-file-kept", _kept(path), path))
        else:
            files[path] = _content(names)
    return files, tuple(findings)


def _kept(path: str) -> str:
    if not os.path.isfile(path):
        return f"{path!r} is no regular file and stays, so tf.train.latest_checkpoint finds nothing"
    return (
        f"{path!r} names another checkpoint, and tf.train.latest_checkpoint"
        " will return that one; --force replaces it"
    )


def _can_name(group: Sequence[Placed]) -> bool:
    # TensorFlow 1 wrote checkpoints of one file, which can have the state file's own name.
    state = os.path.join(group[0].folder, _NAME)
    if any(target == state for plan in group for _, target in plan.files):
        return False
    if _NOT_FOUND.search(group[0].dest):
        return False
    try:
        for plan in group:
            os.path.basename(plan.dest).encode()
    except UnicodeEncodeError:
        return False  # A protocol buffer's string is UTF-8.
    return True


def _content(names: Sequence[str]) -> bytes:
    # The reader wants the latest at the end of the list.
    lines = [f'model_checkpoint_path: "{_quoted(names[0])}"']
    lines += [f'all_model_checkpoint_paths: "{_quoted(name)}"' for name in reversed(names)]
    return "".join(f"{line}\n" for line in lines).encode()


def _quoted(name: str) -> str:
    """A name between the quotes of a text proto, where every byte may be written in octal."""
    return "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\{byte:03o}"
        for byte in name.encode()
    )


def _latest(path: str) -> str:
    if not os.path.isfile(path):
        return ""  # Opening a pipe would wait for ever.
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            match = _LATEST.search(file.read(1 << 20))
    except OSError:
        return ""
    return match[1] if match else ""


def _spellings(dest: str) -> set[str]:
    name = os.path.basename(dest)
    paths = (name, os.path.join(os.curdir, name), os.path.abspath(dest), os.path.realpath(dest))
    return {spelling for path in paths for spelling in (path, _quoted(path))}
