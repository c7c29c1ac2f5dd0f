"""Asks which epoch a file is, and the answer in short."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.search.query import Query
from ckptsel.which.ask import which

if TYPE_CHECKING:
    from pathlib import Path

    from ckptsel.which.evidence import Answer


def ask(file: Path, *locations: Path) -> Answer:
    """Which epoch a file is."""
    return which(str(file), Query(tuple(map(str, locations))))


def said(answer: Answer) -> tuple[str, str, float | None]:
    """How it is known, how sure that is, and the epoch."""
    return answer.evidence[0].how if answer.evidence else "", answer.sure, answer.epoch


def value(answer: Answer, name: str) -> object:
    """The first value of a metric."""
    return next(metric.value for metric in answer.metrics if metric.name == name)


def codes(answer: Answer) -> list[str]:
    """What was noticed."""
    return [finding.code for finding in answer.findings]
