"""How grave each finding inside a file is: one table, so that no two places disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckptsel.checkpoint import Finding

Severity: TypeAlias = Literal["damage", "danger", "note"]

ORDER: tuple[Severity, ...] = ("damage", "danger", "note")
"""The gravest first."""

SEVERITIES: dict[str, Severity] = {
    # The file cannot be trusted to hold what training wrote.
    "bad-graph": "damage",
    "bad-index": "damage",
    "bad-json": "damage",
    "checksum-mismatch": "damage",
    "config-mismatch": "damage",
    "damaged": "damage",
    "dangling-link": "damage",
    "hdf5-no-superblock": "damage",
    "hdf5-not-closed": "damage",
    "hdf5-truncated": "damage",
    "location-not-found": "damage",
    "missing-asset": "damage",
    "missing-item": "damage",
    "missing-member": "damage",
    "missing-shard": "damage",
    "missing-tensor": "damage",
    "no-weights": "damage",
    "non-finite-weights": "damage",
    "not-as-saved": "damage",
    "npy-header": "damage",
    "ocdbt-manifest": "damage",
    "ocdbt-part": "damage",
    "orbax-tree": "damage",
    "orbax-values": "damage",
    "safetensors-header": "damage",
    "safetensors-offsets": "damage",
    "shard-truncated": "damage",
    "torch-pickle": "damage",
    "trailing-bytes": "damage",
    "trainer-state": "damage",
    "truncated": "damage",
    "unfinished": "damage",
    "unknown-format": "damage",
    "unreadable": "damage",
    "unreadable-dataset": "damage",
    "unreadable-object": "damage",
    "unreadable-weights": "damage",
    "unwritten-dataset": "damage",
    "zip-crc": "damage",
    "zip-header": "damage",
    # It may hold what it should, and loading it may run code, reach outside it, or never end.
    "acting-function": "danger",
    "compression-bomb": "danger",
    "dangerous-op": "danger",
    "external-link": "danger",
    "external-storage": "danger",
    "foreign-module": "danger",
    "lambda-layer": "danger",
    "not-looked-into": "danger",
    "outside-asset": "danger",
    "pickle-code": "danger",
    "reads-file": "danger",
    "saved-model-layer": "danger",
    "soft-link": "danger",
    "shard-elsewhere": "danger",
    "torchscript-code": "danger",
    "virtual-dataset": "danger",
    "zip-bomb": "danger",
    "zip-duplicate-name": "danger",
    "zip-overlap": "danger",
    "zip-sizes-differ": "danger",
    "zip-unsafe-name": "danger",
    # Worth knowing before it is loaded, and no reason not to.
    "custom-object": "note",
    "lost-optimizer": "note",
    "wrong-suffix": "note",
    "non-finite-allowed": "note",
    "non-finite-state": "note",
    "odd-dataset": "note",
    "only-state": "note",
    "pickle": "note",
    "values-not-read": "note",
}


def severity_of(code: str) -> Severity:
    """`damage` breaks the promise of the file, `danger` that of loading it; the rest are notes.

    A code that has no place in the table is damage: what nobody has judged is not called sound.
    """
    return SEVERITIES.get(code, "damage")


def gravest(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings, each once, the gravest first and otherwise in their order."""
    return tuple(
        sorted(dict.fromkeys(findings), key=lambda finding: ORDER.index(severity_of(finding.code)))
    )
