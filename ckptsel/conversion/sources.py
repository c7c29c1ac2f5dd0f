"""The kind of what is converted, as the table of conversions has it."""

from __future__ import annotations

from ckptsel.formats import open_contents


def kind_of(path: str) -> str:
    """The kind of a checkpoint, by its content.

    Raises:
        LocationNotFoundError, UnknownFormatError, DamagedError: if it cannot be opened.
    """
    with open_contents(path) as contents:
        if contents.kind == "h5" and contents.config is not None:
            return "h5 model"
        return contents.kind
