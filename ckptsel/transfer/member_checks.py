"""What must hold of the members of a mean before anything is written, and what is said of them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.comparison.config_differences import gravest_difference
from ckptsel.conversion.agreement import check_agreement
from ckptsel.conversion.left_alone import check_left_alone
from ckptsel.conversion.mean import batch_norms
from ckptsel.errors import DamagedError, DestinationError
from ckptsel.transfer.plan import suffix
from ckptsel.verification.consistency import inconsistencies
from ckptsel.verification.severity import severity_of

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from ckptsel.formats.contents import Contents

# Loaders take these for the same.
_ALIKE = (frozenset((".h5", ".hdf5")), frozenset((".pt", ".pth", ".ckpt", ".bin", ".pth.tar")))


def check_members(
    contents: Mapping[str, Contents], dest: str, verified: Container[str]
) -> list[Finding]:
    """The members must be whole, and have the same weights.

    Args:
        contents: path → contents; the first gives what is not averaged.
        dest: the mean's path, for messages.
        verified: the paths of those that have been read through already.

    Returns:
        What is said of them.

    Raises:
        ConversionError: if they do not agree.
        DamagedError: if one is damaged.
    """
    for path, each in contents.items():
        if path not in verified:
            _check_sound(path, each)
    lead = next(iter(contents.values()))
    findings = [
        *check_agreement(contents),
        *check_left_alone(contents),
        *_configs(contents),
        *_statistics(lead, dest),
    ]
    if lead.unlisted:
        message = f"not averaged, but as it is in the first member: {lead.unlisted}"
        findings.append(Finding("not-averaged", message, dest, strict=True))
    return findings


def check_suffix(dest: str, lead: str, kind: str) -> None:
    """Loaders go by the suffix, so the mean has that of its members.

    Raises:
        DestinationError: if the destination has another.
    """
    old, new = suffix(lead), suffix(dest)
    if kind == "tf-checkpoint":
        # A prefix is called anything, but not what a loader takes for one file.
        fits = new in ("", old, ".ckpt") or not new.startswith(
            (".h5", ".hdf5", ".keras", ".weights", ".npz", ".index", ".safetensors")
        )
    else:
        fits = old == new or any({old, new} <= alike for alike in _ALIKE)
    if not fits:
        raise DestinationError(
            f"{dest!r} ends in {new or 'no suffix'}, and the mean is a {kind}, as its members are",
            hint=f"end it in {old}" if old else "give it no suffix, as the members have none",
        )


def _check_sound(path: str, contents: Contents) -> None:
    """A member must be whole, and have the checksums that its format knows.

    Raises:
        DamagedError: if not.
    """
    # A changed value would get a new checksum in the mean, and look sound from then on.
    found = [*contents.damage("full" if contents.has_checksums else "quick")]
    with suppress(DamagedError):  # A config that cannot be read is left as it is.
        found += inconsistencies(contents, path)
    for finding in found:
        if severity_of(finding.code) == "damage":
            raise DamagedError(
                f"{path!r} is damaged: {finding.message} ({finding.code})",
                hint="--verify passes damaged members over, and takes the next best",
            )


def _configs(contents: Mapping[str, Contents]) -> list[Finding]:
    """Whole models that have the same weights may still be two models."""
    (lead, first), *others = contents.items()
    for path, each in others:
        if first.config is None or each.config is None:
            continue
        key = gravest_difference(first.config, each.config)
        if key:
            message = f"its model config is not that of {lead!r}, which the mean has: {key} differs"
            return [Finding("configs-differ", message, path, strict=True)]
    return []


def _statistics(lead: Contents, dest: str) -> list[Finding]:
    norms = batch_norms(lead.tensors)
    if not norms:
        return []
    message = (
        f"the statistics of batch normalization ({norms[0].path}, …) are means, too, and not those"
        " of the averaged weights: recompute them by a pass over training data"
    )
    return [Finding("batch-norm-averaged", message, dest)]
