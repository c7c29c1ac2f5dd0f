"""Refuses a source that is damaged, or leads out of itself: what is passed over would be missing.

A reader lists what it can read, and tells of the rest as findings. A conversion may not go by the
list alone: what it wrote would look whole.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ckptsel.errors import DamagedError
from ckptsel.verification.consistency import inconsistencies
from ckptsel.verification.severity import severity_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckptsel.checkpoint import Finding
    from ckptsel.formats.contents import Contents, Level

_SHOWN = 5  # So many faults are shown.
# Damage to what stands beside the tensors; and what is refused elsewhere, in other words.
_BESIDE = frozenset({"bad-json", "missing-asset", "missing-member", "no-weights", "trainer-state"})
# Of the dangers those by which values are elsewhere, or not what they seem. Code is none of
# them: nothing here runs it.
_ELSEWHERE = frozenset(
    (
        "compression-bomb", "external-link", "external-storage", "shard-elsewhere", "soft-link",
        "virtual-dataset", "zip-bomb", "zip-duplicate-name", "zip-overlap", "zip-sizes-differ",
    )
)  # fmt: skip


def refuse_gaps(contents: Contents, path: str, level: Level = "quick") -> None:
    """See that all tensors of a checkpoint are in it.

    Args:
        contents: the checkpoint, open.
        path: its path.
        level: `quick` goes by the structure, and no values are read; `full` compares checksums.

    Raises:
        DamagedError: if there is more than the list of its tensors says, or less.
    """
    found = [
        each
        for each in contents.damage(level)
        if severity_of(each.code) == "damage" and each.code not in _BESIDE
    ]
    found += (each for each in contents.dangers() if each.code in _ELSEWHERE)
    _refuse(found, path)


def refuse_mismatch(contents: Contents, path: str) -> None:
    """See that a whole model's weights are those of its config.

    Raises:
        DamagedError: if not.
    """
    found: list[Finding] = []
    with suppress(DamagedError):  # A config that cannot be read is told of where it is needed.
        found += inconsistencies(contents, path)
    _refuse(found, path)


def _refuse(found: Sequence[Finding], path: str) -> None:
    if found:
        details = tuple(each.message for each in found[1:_SHOWN])
        raise DamagedError(
            f"{path!r} is not sound: {found[0].message}",
            hint="ckptsel verify shows all that is wrong with it",
            details=details,
        )
