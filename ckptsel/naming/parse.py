"""Reads names alone, without any file: what `ckptsel parse` shows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding, Metric
from ckptsel.naming.form import Form, Reading
from ckptsel.naming.pattern import Pattern
from ckptsel.naming.read import Reader, Table
from ckptsel.naming.search import MAX_NAME_LENGTH
from ckptsel.naming.tokens import tokenize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckptsel.naming.form import Status


# `--0.9999` is a value or its opposite, unless two dashes separate elsewhere, too: `--acc--0.9`.
_DOUBTFUL_SIGN = re.compile(r"(?<!-)--\d+\.\d")
_DASHES = re.compile(r"--+[A-Za-z]|---")


@dataclass(frozen=True, slots=True)
class NameReading:
    """What was read from one name.

    Attributes:
        name: the name.
        status: `ok`, `ambiguous` or `no-match`.
        pattern: the pattern that read it, "" if none did.
        metrics: the values; those without a label have `labelled=False`.
        findings: what was noticed.
    """

    name: str
    status: Status
    pattern: str = ""
    metrics: tuple[Metric, ...] = ()
    findings: tuple[Finding, ...] = ()


def read_names(
    names: Sequence[str], patterns: Sequence[str] = (), *, single: bool = False
) -> list[NameReading]:
    """Read names alone, without any file.

    Args:
        names: names or paths.
        patterns: patterns to read them by; none to learn them from the names.
        single: learn from each name on its own, by its labels, and list its other numbers.

    Returns:
        One reading for each name, in their order.

    Raises:
        PatternError: if a pattern is malformed.
    """
    given = tuple(map(Pattern, patterns))
    groups = [[name] for name in names] if single else [[*dict.fromkeys(names)]]
    found: dict[str, NameReading] = {}
    for group in groups:
        reader = Reader(given)
        unread = dict.fromkeys(group, Reading("no-match"))
        tables = reader.apply("", unread)
        if not given:
            tables += reader.learn("", unread, alone=True)
        for table in tables:
            for row, name in enumerate(table.names):
                found[name] = _named(name, table, row, single=single and not given)
        for name, why in unread.items():
            found[name] = _unread(name, why, single=single, learned=not given)
    return [found[name] for name in names]


def _named(name: str, table: Table, row: int, *, single: bool) -> NameReading:
    metrics = table.metrics(row)
    if single:
        metrics += unlabelled_numbers(name, table.form)
    trap = table.pattern.trap
    findings = (Finding(trap.code, trap.says, name),) if trap else ()
    return NameReading(name, "ok", table.pattern.text, metrics, findings)


def _unread(name: str, reading: Reading, *, single: bool, learned: bool) -> NameReading:
    findings: list[Finding] = []
    if reading.status == "ambiguous":
        why = reading.reason or f"{dict(reading.values)} or {dict(reading.other)}"
        findings.append(
            Finding("ambiguous-name", f"more than one reading: {why}", name, strict=True)
        )
    elif reading.reason:
        findings.append(Finding("no-match", reading.reason, name))
    metrics = unlabelled_numbers(name, None) if single else ()
    doubtful = _DOUBTFUL_SIGN.search(name) and not _DASHES.search(name)
    if learned and doubtful and reading.status == "no-match":
        said = "'--' before the value: a minus, or a separator?"
        findings.append(Finding("ambiguous-name", said, name, strict=True))
        return NameReading(name, "ambiguous", metrics=metrics, findings=tuple(findings))
    status = "ok" if metrics and reading.status == "no-match" else reading.status
    return NameReading(name, status, metrics=metrics, findings=tuple(findings))


def unlabelled_numbers(name: str, form: Form | None) -> tuple[Metric, ...]:
    """The numbers of a name that stand free, and that the form takes for literals."""
    if len(name) > MAX_NAME_LENGTH:
        return ()
    text = "".join(p if isinstance(p, str) else "\0" for p in form.parts) if form else name
    free = [
        token
        for token in tokenize(text)
        if token.kind != "opaque" and not text[: token.start][-1:].isalpha()
    ]
    return tuple(
        Metric(str(index), _number(token.text), token.text, "metric", labelled=False)
        for index, token in enumerate(free)
    )


def _number(text: str) -> int | float:
    if text.endswith("%"):
        return float(text[:-1] + "e-2")
    return int(text) if text.lstrip("-").isdecimal() else float(text)
