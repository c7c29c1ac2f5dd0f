"""Writes the mean of checkpoints: members that agree, one format, the rest as in the first."""

from __future__ import annotations

import math
import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.comparison.config_differences import gravest_difference
from ckptsel.conversion.agreement import check_agreement
from ckptsel.conversion.left_alone import check_left_alone
from ckptsel.conversion.mean import batch_norms, is_averaged, mean
from ckptsel.conversion.rewrite import check_can_rewrite, rewrite
from ckptsel.errors import CopyError, DamagedError, DestinationError, StrictError, UsageError
from ckptsel.formats import open_contents
from ckptsel.record import finite
from ckptsel.transfer.disk import remove, temporary_name
from ckptsel.transfer.evaluation import measure
from ckptsel.transfer.failures import reading, writing
from ckptsel.transfer.plan import suffix
from ckptsel.transfer.produce import Produced, check_destination, produce
from ckptsel.transfer.record import relative
from ckptsel.transfer.soup import Trial, greedy_soup
from ckptsel.verification.severity import severity_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ckptsel.checkpoint import Ranked
    from ckptsel.formats.contents import Contents
    from ckptsel.transfer.evaluation import Greedy
    from ckptsel.transfer.members import Members

    OnBytes = Callable[[int], None] | None

# Formats with checksums: a changed value in a member would get a new checksum in the mean, and
# look sound from then on. So these are compared before anything is written.
_WITH_CHECKSUMS = frozenset(("keras", "npz", "torch", "tf-checkpoint"))
# Sums of weights beyond these lose digits of the values, or all of them.
_LEAST_TOTAL = 1e-100
# Loaders take these for the same.
_ALIKE = (frozenset((".h5", ".hdf5")), frozenset((".pt", ".pth", ".ckpt", ".bin", ".pth.tar")))


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
    shares = _shares(weights, rows)
    if greedy is not None:
        if weights is not None:
            raise UsageError("--weights and --greedy: a greedy soup is a plain mean")
        greedy.arguments(dest)
    before = _stamps(rows)
    dest = dest.rstrip("/" + os.sep) if os.path.isdir(rows[0].checkpoint.path) else dest
    with _opened(rows) as contents:
        lead = next(iter(contents.values()))
        kind, tensors = lead.kind, lead.tensors
        is_prefix = kind == "tf-checkpoint"
        check_can_rewrite(rows[0].checkpoint.path, kind)
        _check_suffix(dest, rows[0].checkpoint.path, kind)
        size_bytes = max(0, rows[0].checkpoint.size_bytes)
        files = [file for row in rows for file in row.checkpoint.files]
        check_destination(dest, files, size_bytes, force=force, is_prefix=is_prefix)
        for path, each in contents.items():
            if members.verdicts is None or path not in members.verdicts:
                _check_sound(path, each)
        findings = [
            *members.findings,
            *check_agreement(contents),
            *check_left_alone(contents),
            *_configs(contents),
            *_statistics(lead, dest),
        ]
        if lead.unlisted:
            message = f"not averaged, but as it is in the first member: {lead.unlisted}"
            findings.append(Finding("not-averaged", message, dest, strict=True))
        _refuse(findings, strict=strict)
    averaged = sum(map(is_averaged, tensors))
    done = Averaged(
        dest, kind, tuple(zip(rows, shares, strict=True)), averaged, len(tensors) - averaged,
        size_bytes, findings=tuple(findings),
    )  # fmt: skip
    if dry_run:
        return done
    trials: tuple[Trial, ...] = ()
    if greedy is not None:
        rows, trials = _soup(rows, dest, greedy, on_bytes, on_trial)
        shares = [1 / len(rows)] * len(rows)
    plain = [1.0] * len(rows) if weights is None else list(weights)
    pairs = tuple(zip(rows, shares, strict=True))
    produced = produce(
        dest,
        lambda made: _write(rows, plain, made, dest, on_bytes),
        command="average",
        told=lambda folder: _told(members, pairs, trials, greedy, folder),
        force=force,
        is_prefix=is_prefix,
        check=lambda _: _unchanged(members.rows, before),
    )
    return Averaged(
        dest, kind, pairs, averaged, len(tensors) - averaged,
        sum(size for _, size in produced.files), produced, trials,
        (*findings, *produced.findings),
    )  # fmt: skip


def _stamps(rows: Sequence[Ranked]) -> list[tuple[int, int, int]]:
    """What changes if somebody writes to the members: inode, size and time."""
    found = []
    for row in rows:
        for part in row.checkpoint.files:
            with reading(part):
                status = os.stat(part)
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return found


def _unchanged(rows: Sequence[Ranked], before: list[tuple[int, int, int]]) -> None:
    """A training that goes on may have written over a member while it was read.

    Raises:
        CopyError: if so; half of the mean would be of the old one.
    """
    if _stamps(rows) != before:
        raise CopyError(
            "a member changed while it was averaged",
            hint="wait until it is saved, and try again",
        )


def _shares(weights: Sequence[float] | None, rows: Sequence[Ranked]) -> list[float]:
    """The weights as parts of 1.

    Raises:
        UsageError: if they are not one a member, or no weights.
    """
    if weights is None:
        return [1 / len(rows)] * len(rows)
    if len(weights) != len(rows):
        raise UsageError(
            f"--weights has {len(weights)} numbers, and there are {len(rows)} members",
            hint="give one a member, best first; those that are the same count once",
        )
    total = sum(weights)
    if not all(math.isfinite(one) and one >= 0 for one in weights):
        raise UsageError("--weights: they have to be numbers of 0 or more")
    if not _LEAST_TOTAL <= total <= 1 / _LEAST_TOTAL:
        raise UsageError(
            f"--weights: their sum is {total}, by which nothing can be divided exactly",
            hint="only their proportions matter: 3,2,1 is as good as 0.5,0.33,0.17",
        )
    return [one / total for one in weights]


@contextmanager
def _opened(rows: Sequence[Ranked]) -> Iterator[dict[str, Contents]]:
    with ExitStack() as stack:
        yield {
            row.checkpoint.path: stack.enter_context(open_contents(row.checkpoint.path))
            for row in rows
        }


def _check_suffix(dest: str, lead: str, kind: str) -> None:
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
    level = "full" if contents.kind in _WITH_CHECKSUMS else "quick"
    for finding in contents.damage(level):  # type: ignore[arg-type]
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


def _refuse(findings: Sequence[Finding], *, strict: bool) -> None:
    for finding in findings if strict else ():
        if finding.strict:
            raise StrictError(
                f"under --strict: {finding.said}", hint="without --strict this is only said"
            )


def _write(
    rows: Sequence[Ranked], weights: Sequence[float], made: str, dest: str, on_bytes: OnBytes
) -> None:
    with _opened(rows) as contents, writing(dest):
        rewrite(rows[0].checkpoint.path, made, mean(contents, weights, on_bytes=on_bytes))


def _soup(
    rows: Sequence[Ranked],
    dest: str,
    greedy: Greedy,
    on_bytes: OnBytes,
    on_trial: Callable[[Trial], None] | None,
) -> tuple[tuple[Ranked, ...], tuple[Trial, ...]]:
    by_path = {row.checkpoint.path: row for row in rows}

    def evaluate(paths: tuple[str, ...]) -> float:
        # Beside the destination, where there is room, and under its own name, because loaders
        # go by the suffix, and other files of a checkpoint by the whole name.
        work = temporary_name(dest)
        with writing(dest):
            os.mkdir(work)
        try:
            trial = os.path.join(work, os.path.basename(dest))
            chosen = [by_path[path] for path in paths]
            _write(chosen, [1.0] * len(chosen), trial, dest, on_bytes)
            return measure(greedy, trial)
        finally:
            remove(work)

    kept, trials = greedy_soup(list(by_path), greedy, evaluate, on_trial)
    return tuple(by_path[path] for path in kept), trials


def _told(
    members: Members,
    pairs: Sequence[tuple[Ranked, float]],
    trials: Sequence[Trial],
    greedy: Greedy | None,
    folder: str,
) -> Mapping[str, object]:
    """What the record says beyond the files: where the mean comes from."""
    monitor = members.ranking.monitor if members.ranking else None
    told: dict[str, object] = {
        "monitor": monitor and {"name": monitor.name, "mode": monitor.mode, "why": monitor.why},
        "members": [
            {"path": relative(row.checkpoint.path, folder), **member_record(row, share)}
            for row, share in pairs
        ],
    }
    if greedy is not None:
        told["greedy"] = {
            "command": greedy.command,
            "mode": greedy.mode,
            "trials": [
                {**trial_record(trial), "added": relative(trial.added, folder)} for trial in trials
            ],
        }
    return told


def member_record(row: Ranked, share: float) -> dict[str, object]:
    """A member but for its path, ready for JSON."""
    return {
        "weight": share,
        "rank": row.rank,
        "value": row.metric and finite(row.metric.value),
        "text": row.metric and row.metric.text,
        "epoch": row.checkpoint.epoch,
        "step": row.checkpoint.step,
    }


def trial_record(trial: Trial) -> dict[str, object]:
    """A trial, ready for JSON."""
    return {
        "added": trial.added,
        "value": finite(trial.value),
        "kept": trial.kept,
        "members": trial.members,
    }
