"""The formats of checkpoints, one file each, recognised by content."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

from ckptsel.errors import LocationNotFoundError, UnknownFormatError

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
        LocationNotFoundError: if there is nothing at `path`, or it cannot be read.
    """
    head = b""
    try:
        if os.path.isfile(path):
            with open(path, "rb") as file:
                head = file.read(_HEAD_BYTES)
        elif not os.path.exists(path) and not os.path.exists(path + ".index"):
            raise LocationNotFoundError(f"no such file or folder: {path!r}", hint="check the path")
    except OSError as error:
        raise LocationNotFoundError(f"cannot read {path!r}: {error.strerror}") from None
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
        raise UnknownFormatError(
            f"{path!r} is in no known format of checkpoints",
            hint="an empty or overwritten file looks like that, too",
        )
    return found.open(path)
