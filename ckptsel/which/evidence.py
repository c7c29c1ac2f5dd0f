"""What tells which epoch a file is, and what follows from all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from ckptsel.checkpoint import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckptsel.checkpoint import Checkpoint, Metric

How: TypeAlias = Literal["name", "log", "same file", "same bytes", "same weights", "step", "inside"]
Sure: TypeAlias = Literal["certain", "likely", "unknown"]

# That something was assumed of a log, so that its rows may be others.
_ASSUMED = frozenset({"log-base-assumed", "log-restarted"})


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that tells which epoch a file is.

    Attributes:
        how: `name`: its own name; `log`: a log that tells of it; `same file`, `same bytes`,
            `same weights`: another checkpoint that is or holds the same; `inside`: the file itself
            says so; `step`: another one with the same optimizer step, or as many steps an epoch.
        sure: `certain`, or `likely` where two trainings could look alike.
        epoch: counted as names count it where a name or a log tells, or where all others differ by
            the same from what stands inside of them; None if it is not told.
        step: the same; inside a file, the optimizer's iterations.
        metrics: the values that come with it.
        path: the other checkpoint, "" if none.
    """

    how: How
    sure: Sure
    epoch: float | None
    step: float | None
    metrics: tuple[Metric, ...] = ()
    path: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of a file.

    Attributes:
        path: the file.
        sure: how sure the epoch or the step is: `unknown` where there is no evidence, or where
            evidence of the same weight contradicts itself.
        epoch: None if it is not known.
        step: None if it is not known.
        metrics: the values of that epoch.
        values_sure: how sure these are: no surer than the epoch, and `likely` where they are from a
            log of which something was assumed.
        evidence: all of it, the strongest first.
        findings: what was noticed on the way.
    """

    path: str
    sure: Sure
    epoch: float | None
    step: float | None
    metrics: tuple[Metric, ...]
    evidence: tuple[Evidence, ...]
    findings: tuple[Finding, ...] = ()
    values_sure: Sure = "unknown"


def evidence_of(other: Checkpoint, how: How, sure: Sure) -> Evidence:
    """What another checkpoint that is the same tells."""
    return Evidence(how, sure, other.epoch, other.step, other.metrics, other.path)


def answer_of(path: str, evidence: Sequence[Evidence], findings: list[Finding]) -> Answer:
    """The strongest evidence; nothing, if evidence of the same weight contradicts it."""
    telling = [each for each in evidence if each.epoch is not None] or evidence
    if not telling:
        return Answer(path, "unknown", None, None, (), (), tuple(findings))
    first = telling[0]
    alike = [each for each in telling if each.how == first.how]
    epochs = {each.epoch for each in telling if each.sure == first.sure}
    said = ""
    if len({(each.epoch, each.step) for each in alike}) > 1:
        listed = ", ".join(each.path or path for each in alike)
        said = f"{len(alike)} checkpoints could be meant: {listed}"
    elif len(epochs) > 1:
        listed = ", ".join(f"{each.epoch:g} by {_name_of(each)}" for each in telling)
        said = f"the evidence contradicts itself: epoch {listed}"
    if said:
        findings = [*findings, Finding("several-epochs", said, path, strict=True)]
        return Answer(path, "unknown", None, None, (), tuple(evidence), tuple(findings))
    is_assumed = any(each.code in _ASSUMED for each in findings)
    from_log = any(metric.source != "name" for metric in first.metrics)
    return Answer(
        path,
        first.sure,
        first.epoch,
        first.step,
        first.metrics,
        tuple(evidence),
        tuple(findings),
        "likely" if is_assumed and from_log else first.sure,
    )


def _name_of(evidence: Evidence) -> str:
    """A piece of evidence, in words."""
    if evidence.how == "inside":
        return "what stands in the file"
    return f"the step of {evidence.path}" if evidence.path else "the steps of an epoch"
