"""What tells which epoch a file is, and what follows from all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from ckptsel.checkpoint import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ckptsel.checkpoint import Metric

How: TypeAlias = Literal["name", "log", "same file", "same bytes", "same weights", "step", "inside"]
Sure: TypeAlias = Literal["certain", "likely", "unknown"]

# That it was assumed how names count, which is not grave where it is a framework's habit.
_ASSUMED = "log-base-assumed"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that tells which epoch a file is.

    Attributes:
        how: `name`: its own name; `log`: a log that tells of it; `same file`, `same bytes`,
            `same weights`: another checkpoint that is or holds the same; `inside`: the file itself
            says so; `step`: another one with the same optimizer step, or as many steps an epoch.
        sure: `certain`, or `likely` where two trainings could look alike, where a number without
            a label may be none that counts, or where a log may tell of another file.
        epoch: counted as names count it where a name or a log tells, or where all others differ by
            the same from what stands inside of them; None if it is not told.
        step: the same; inside a file, the optimizer's iterations.
        metrics: the values that come with it.
        path: the other checkpoint, "" if none.
        doubts: what is to be said of it, if it is the answer.
    """

    how: How
    sure: Sure
    epoch: float | None
    step: float | None
    metrics: tuple[Metric, ...] = ()
    path: str = ""
    doubts: tuple[Finding, ...] = ()


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
        evidence: all of it, the surest first.
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


def strongest(evidence: Sequence[Evidence]) -> Evidence | None:
    """The surest that tells an epoch; of several that are the same, the one that tells most."""
    alike = _alike(_telling(evidence))
    alike = [each for each in alike if each.epoch == alike[0].epoch]
    return max(alike, key=lambda each: (bool(each.metrics), each.step is not None), default=None)


def answer_of(path: str, evidence: Sequence[Evidence], findings: Iterable[Finding]) -> Answer:
    """The strongest evidence; nothing, if evidence of the same weight contradicts it."""
    evidence = _in_order(evidence)
    first = strongest(evidence)
    if first is None:
        return Answer(path, "unknown", None, None, (), tuple(evidence), tuple(findings))
    findings = (*findings, *first.doubts)
    telling = [each for each in _telling(evidence) if each.sure == first.sure]
    alike = _alike(telling)
    paths = ", ".join(each.path or path for each in alike)
    steps = {each.step for each in alike if each.step is not None}
    epochs = {each.epoch for each in telling}
    said = ""
    if len({each.epoch for each in alike}) > 1 or (first.epoch is None and len(steps) > 1):
        said = f"{len(alike)} checkpoints could be meant: {paths}"
    elif len(epochs) > 1:
        listed = ", ".join(f"{each.epoch:g} by {_name_of(each)}" for each in telling)
        said = f"the evidence contradicts itself: epoch {listed}"
    if said:
        findings = (*findings, Finding("several-epochs", said, path, strict=True))
        return Answer(path, "unknown", None, None, (), tuple(evidence), findings)
    step, metrics = next(iter(steps)) if len(steps) == 1 else None, first.metrics
    if len(steps) > 1 or not _is_one_moment(alike):
        said = f"{len(alike)} checkpoints of it tell different steps or values: {paths}"
        findings = (*findings, Finding("several-epochs", said, path, strict=True))
        metrics = ()
    # Whatever is grave about a log, its rows may be others.
    is_assumed = any(
        each.code == _ASSUMED or (each.strict and each.code.startswith("log-")) for each in findings
    )
    from_log = any(metric.source != "name" for metric in metrics)
    values_sure: Sure = "likely" if is_assumed and from_log else first.sure
    return Answer(
        path, first.sure, first.epoch, step, metrics, tuple(evidence), findings, values_sure
    )


def _telling(evidence: Sequence[Evidence]) -> Sequence[Evidence]:
    ordered = _in_order(evidence)
    return [each for each in ordered if each.epoch is not None] or ordered


def _in_order(evidence: Sequence[Evidence]) -> list[Evidence]:
    return sorted(evidence, key=lambda each: each.sure != "certain")


def _alike(telling: Sequence[Evidence]) -> list[Evidence]:
    """Those that tell it as surely as the first of them, and in the same way."""
    return [e for e in telling if (e.how, e.sure) == (telling[0].how, telling[0].sure)]


def _is_one_moment(alike: Sequence[Evidence]) -> bool:
    """Whether no two of them tell different values, in names or exactly."""
    told: dict[tuple[str, bool], set[str]] = {}
    for each in alike:
        for metric in each.metrics:
            if metric.role == "metric" and metric.labelled:
                in_name = metric.source == "name"
                told.setdefault((metric.name, in_name), set()).add(repr(metric.value))
    return all(len(values) == 1 for values in told.values())


def _name_of(evidence: Evidence) -> str:
    """A piece of evidence, in words."""
    if evidence.how == "step":
        return f"the step of {evidence.path}" if evidence.path else "the steps of an epoch"
    if evidence.path:
        return f"the {evidence.how} as {evidence.path}"
    return "what stands in the file" if evidence.how == "inside" else f"its {evidence.how}"
