"""What is found out about the values of a source: what it becomes gets checksums of its own.

A changed value would look sound from then on. So the old checksums are compared first, wherever
a format has them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.errors import MissingExtraError, UnreadValuesError
from ckptsel.formats import open_contents

if TYPE_CHECKING:
    from collections.abc import Iterator


def compare_checksums(path: str) -> None:
    """Read a checkpoint through, if its format has checksums.

    Raises:
        DamagedError: if one is another.
    """
    from ckptsel.conversion.gaps import refuse_gaps  # noqa: PLC0415 - not needed by most

    with open_contents(path) as contents:
        if contents.has_checksums:
            refuse_gaps(contents, path, "full")


def not_finite_weights(path: str) -> Iterator[Finding]:
    """NaN and infinities among the weights: what is made of them is of no use.

    Raises:
        DamagedError: if values cannot be read.
    """
    from ckptsel.verification.finite import not_finite  # noqa: PLC0415 - loads h5py, numpy

    try:
        with open_contents(path) as contents:
            for finding in not_finite(contents, path, weights_only=True):
                yield replace(finding, strict=True)
    except (MissingExtraError, UnreadValuesError) as error:
        yield Finding("values-not-read", error.message, path, strict=True)
