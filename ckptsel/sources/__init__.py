"""Exact values from the logs beside the checkpoints, one file a kind of log.

A new kind is a module here with a KIND, and a line in the tuple below.
"""

from __future__ import annotations

import os
import re
from fnmatch import translate
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ckptsel.sources.log import LogKind

# The module of a kind, and the names (globs) by which its files are known. The first one that
# recognises a file's content reads it, and where two logs tell the same value, the kind that
# stands first counts. The modules are loaded only where such a file is met.
_KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ckptsel_jsonl", ("ckptsel.jsonl",)),
    ("keras_csv", ("*.csv",)),
    ("history_json", ("*history*.json",)),
)

_HEAD_BYTES = 4096


@cache
def _names() -> re.Pattern[str]:
    return re.compile("|".join(translate(glob) for _, globs in _KINDS for glob in globs))


def is_log_name(name: str) -> bool:
    """Whether a file of that name may be a log."""
    return _names().match(name) is not None


def kind_of(path: str, name: str) -> tuple[int, LogKind] | None:
    """The kind of a log, with its place among the kinds; None if it is of none, or no file.

    Args:
        path: where it is.
        name: its name.

    Raises:
        OSError: if it cannot be read.
    """
    if not os.path.isfile(path):
        return None  # a link to a pipe, which nobody may ever write to
    with open(path, "rb") as file:
        head = file.read(_HEAD_BYTES)
    for place, (module, globs) in enumerate(_KINDS):
        if any(re.match(translate(glob), name) for glob in globs):
            kind: LogKind = import_module(f"ckptsel.sources.{module}").KIND
            if kind.recognise(head):
                return place, kind
    return None
