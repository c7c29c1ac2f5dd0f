"""How grave each finding inside a file is: one table, so that no two places disagree."""

from __future__ import annotations

from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["damage", "danger", "note"]

# The file cannot be trusted to hold what training wrote.
_DAMAGE: frozenset[str] = frozenset(
    {"damaged", "unknown-format", "location-not-found", "no-weights", "non-finite-weights"}
)
# The file holds what it should, and loading it may run code or reach outside it.
_DANGER: frozenset[str] = frozenset()


def severity_of(code: str) -> Severity:
    """`damage` breaks the promise of the file, `danger` that of loading it; the rest are notes."""
    if code in _DAMAGE:
        return "damage"
    return "danger" if code in _DANGER else "note"
