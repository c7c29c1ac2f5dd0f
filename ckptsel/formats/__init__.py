"""The formats of checkpoints, one file each, recognised by content."""

from __future__ import annotations

import os
import shlex
import zipfile
from importlib import import_module
from typing import TYPE_CHECKING

from ckptsel.errors import (
    CkptselError,
    DamagedError,
    LocationNotFoundError,
    UnknownFormatError,
    UnreadableError,
)
from ckptsel.storage import open_regular

if TYPE_CHECKING:
    from ckptsel.formats.contents import Contents, Format

# Tried in this order; each module has a FORMAT. Loaded only when a file is opened.
_MODULES: tuple[str, ...] = (
    "keras.archive",
    "keras.legacy",
    "keras.weights",
    "keras.sharded",
    "tensorflow.saved_model",
    "tensorflow.v2",
    "tensorflow.v1",
    "safetensors",
    "npz",
    "torch.archive",
    "torch.legacy",
    "huggingface",
    "orbax.folder",
)

_HEAD_BYTES = 4096


def format_of(path: str) -> Format | None:
    """The format of a file, folder or TensorFlow prefix, by its content; None if unknown.

    Raises:
        LocationNotFoundError: if there is nothing at `path`.
        UnreadableError: if it cannot be read.
    """
    head = b""
    try:
        if os.path.isfile(path):
            with open_regular(path) as file:
                head = file.read(_HEAD_BYTES)
        elif not os.path.exists(path) and not os.path.exists(path + ".index"):
            raise LocationNotFoundError(f"no such file or folder: {path!r}", hint="check the path")
    except OSError as error:
        reason = f"cannot read {path!r}: {error.strerror}"
        raise UnreadableError(reason, hint="check its permissions") from None
    for module in _MODULES:
        found: Format = import_module(f"ckptsel.formats.{module}").FORMAT
        if found.recognise(path, head):
            return found
    return None


def open_contents(path: str) -> Contents:
    """Open a checkpoint, whatever its format.

    Raises:
        LocationNotFoundError: if there is nothing at `path`.
        UnknownFormatError: if the content is of no known format.
        DamagedError: if it is, but cannot be opened.
    """
    found = format_of(path)
    if found is None:
        raise _unknown(path)
    return found.open(path)


def _unknown(path: str) -> CkptselError:
    """Why nothing of what there is opens it, with what else it may be."""
    what = f"{path!r} is in no known format of checkpoints"
    if os.path.isdir(path):
        hint = f"it is a folder: `ckptsel list {shlex.quote(path)}` shows what checkpoints it holds"
        return UnknownFormatError(what, hint=hint)
    try:
        with open_regular(path) as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        return UnreadableError(f"cannot read {path!r}: {error.strerror}")
    if head.startswith(b"PK\x03\x04") and not _is_whole_zip(path):
        return DamagedError(f"{path!r} is a zip archive that was cut off, or never completed")
    hint = "an empty or overwritten file looks like that, too"
    if head.lstrip().startswith(b"{") and b'"class_name"' in head:
        hint = "it may be the config of a model: `ckptsel inspect WEIGHTS --against` takes one"
    return UnknownFormatError(what, hint=hint)


def _is_whole_zip(path: str) -> bool:
    try:
        return zipfile.is_zipfile(path)
    except zipfile.BadZipFile:  # it raises where the end says that there are further disks
        return False
