"""Writes the mean of checkpoints: members that agree, one format, the rest as in the first."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptsel.conversion.mean import is_averaged
from ckptsel.conversion.rewrite import check_can_rewrite
from ckptsel.errors import StrictError, UsageError
from ckptsel.transfer.mean_file import opened, write_mean
from ckptsel.transfer.mean_record import provenance
from ckptsel.transfer.member_checks import check_members, check_suffix
from ckptsel.transfer.produce import Produced, check_destination, produce
from ckptsel.transfer.shares import shares_of
from ckptsel.transfer.soup import Trial, soup_of
from ckptsel.transfer.unchanged import check_unchanged, stamps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ckptsel.checkpoint import Finding, Ranked
    from ckptsel.transfer.evaluation import Greedy
    from ckptsel.transfer.members import Members

    OnBytes = Callable[[int], None] | None


@dataclass(frozen=True, slots=True)
class Averaged:
    """A mean that was written, or would be.

    Attributes:
        dest: what a loader takes.
        kind: its format.
        members: those of the mean, and their weights, which make up 1; the first gave what is
            not averaged.
        averaged: how many tensors are means.
        taken: how many are the first member's.
        size_bytes: of all files; about so, if nothing was written.
        produced: where it is now; None if nothing was written.
        trials: of a greedy soup.
        findings: what there is to say about it.
    """

    dest: str
    kind: str
    members: tuple[tuple[Ranked, float], ...]
    averaged: int
    taken: int
    size_bytes: int
    produced: Produced | None = None
    trials: tuple[Trial, ...] = ()
    findings: tuple[Finding, ...] = ()


def average(
    members: Members,
    dest: str,
    *,
    weights: Sequence[float] | None = None,
    greedy: Greedy | None = None,
    force: bool = False,
    strict: bool = False,
    dry_run: bool = False,
    on_bytes: OnBytes = None,
    on_trial: Callable[[Trial], None] | None = None,
) -> Averaged:
    """Write the mean of checkpoints, in their own format.

    Args:
        members: what is averaged; see `ckptsel.transfer.members`.
        dest: the new path, with the members' suffix.
        weights: one a member, in their order; None for the same of each.
        greedy: try the members one by one, and keep those that do not make it worse.
        force: replace what is there.
        strict: make an error of what is otherwise only said, before anything is written.
        dry_run: check everything, and write nothing; of a greedy soup nothing is tried.
        on_bytes: is told how many more bytes of members have been read.
        on_trial: is told of each trial of a greedy soup.

    Raises:
        ConversionError: if the members do not agree, or their format cannot be written.
        CopyError: if a member is gone, or changed meanwhile.
        DamagedError: if a member is damaged, or holds a NaN or an infinity.
        DestinationError: if the destination exists, cannot be written, or has no room.
        EvaluationError: if the command of a greedy soup fails.
        MissingExtraError: if a package is not installed.
        StrictError: see `strict`.
        UsageError: if the weights or the command make no sense.
    """
    rows = members.rows
    shares = shares_of(weights, len(rows))
    if greedy is not None:
        if weights is not None:
            raise UsageError("--weights and --greedy: a greedy soup is a plain mean")
        greedy.arguments(dest)
    files = [file for row in rows for file in row.checkpoint.files]
    before = stamps(files)
    dest = dest.rstrip("/" + os.sep) if os.path.isdir(rows[0].checkpoint.path) else dest
    with opened(rows) as contents:
        lead = next(iter(contents.values()))
        kind, tensors = lead.kind, lead.tensors
        is_prefix = kind == "tf-checkpoint"
        check_can_rewrite(rows[0].checkpoint.path, kind)
        check_suffix(dest, rows[0].checkpoint.path, kind)
        size_bytes = max(0, rows[0].checkpoint.size_bytes)
        of_dest = check_destination(dest, files, size_bytes, force=force, is_prefix=is_prefix)
        found = check_members(contents, dest, members.verdicts or ())
        findings = [*members.findings, *found]
        _refuse([*findings, *of_dest], strict=strict)
    averaged = sum(map(is_averaged, tensors))
    done = Averaged(
        dest, kind, tuple(zip(rows, shares, strict=True)), averaged, len(tensors) - averaged,
        size_bytes, findings=tuple(findings),
    )  # fmt: skip
    if dry_run:
        return done
    trials: tuple[Trial, ...] = ()
    if greedy is not None:
        rows, trials = soup_of(rows, dest, greedy, on_bytes, on_trial)
        shares = shares_of(None, len(rows))
    plain = [1.0] * len(rows) if weights is None else list(weights)
    pairs = tuple(zip(rows, shares, strict=True))
    produced = produce(
        dest,
        lambda made: write_mean(rows, plain, made, dest, on_bytes),
        command="average",
        told=lambda folder: provenance(members, pairs, trials, greedy, folder),
        force=force,
        is_prefix=is_prefix,
        check=lambda _: check_unchanged(files, before, "a member changed while it was averaged"),
    )
    return Averaged(
        dest, kind, pairs, averaged, len(tensors) - averaged,
        sum(size for _, size in produced.files), produced, trials,
        (*findings, *produced.findings),
    )  # fmt: skip


def _refuse(findings: Sequence[Finding], *, strict: bool) -> None:
    for finding in findings if strict else ():
        if finding.strict:
            raise StrictError(
                f"under --strict: {finding.said}", hint="without --strict this is only said"
            )
