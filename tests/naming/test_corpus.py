"""Real patterns and names, collected from public code (data/README.md)."""

from __future__ import annotations

import json
import math
import random
import re
import string
from pathlib import Path
from typing import Any

import pytest

from ckptsel.errors import PatternError
from ckptsel.naming.parse import read_names
from ckptsel.naming.pattern import Pattern
from ckptsel.naming.vocabulary import canonical, role_of

DATA = Path(__file__).parent / "data"
EPOCHS = (1, 2, 3, 5, 7, 9, 10, 11, 37, 99, 100, 101, 120, 250)


def rows(kind: str) -> list[dict[str, Any]]:
    """The objects of one file."""
    with (DATA / f"{kind}.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


PATTERNS = rows("patterns")
NAMES = [row for row in rows("names") if "meaning" in row]


def fields(pattern: str) -> list[str]:
    """The names of a str.format template's fields, empty if it is none."""
    try:
        return [name for _, name, _, _ in string.Formatter().parse(pattern) if name is not None]
    except ValueError:
        return []


def folder(pattern: str) -> dict[str, dict[str, float]]:
    """Names that a training run makes from a pattern, each with its values."""
    rng = random.Random(pattern)
    made: dict[str, dict[str, float]] = {}
    for index, epoch in enumerate(EPOCHS):
        values: dict[str, float] = {}
        for name in fields(pattern):
            if re.search("epoch|^e$", name):
                values[name] = epoch
            elif re.search("step|iter|batch|idx", name):
                values[name] = epoch * 17
            elif re.search("acc|auc|f1|iou|dice|precision|recall|map", name, re.IGNORECASE):
                values[name] = 0.4 + 0.5 * (1 - math.exp(-index / 4)) + rng.uniform(-0.06, 0.06)
            else:
                values[name] = 2.5 * math.exp(-index / 5) + rng.uniform(0.01, 0.2)
        made[pattern.format(**values)] = values
    return made


def formatted() -> list[str]:
    """The patterns that str.format makes names from."""
    usable = []
    for row in PATTERNS:
        names = fields(row["pattern"])
        plain = names and all(re.fullmatch(r"[\w/ \-@]+", name) for name in names)
        if plain and row["style"] in ("callback", "docs", "str.format"):
            try:
                folder(row["pattern"])
            except (ValueError, KeyError, IndexError):
                continue
            usable.append(row["pattern"])
    return usable


FORMATTED = formatted()


def printed(pattern: str, values: dict[str, float]) -> dict[str, float]:
    """The values as they stand in the name, rounded by the format."""
    shown = {}
    for _, name, spec, _ in string.Formatter().parse(pattern):
        if name is not None:
            text = format(values[name], spec or "").replace(",", "").strip()
            shown[name] = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    return shown


def is_label(name: str, text: str) -> bool:
    """Whether a label stands in a name, as it is or with other separators."""
    return canonical(name) in canonical(text)


def test_the_corpus_is_used() -> None:
    """Most of the patterns and names take part in what follows."""
    assert len(FORMATTED) > 150
    assert len(NAMES) > 150


def fault(pattern: str) -> tuple[int, int] | None:
    """Where a pattern is wrong, None if it is not."""
    try:
        Pattern(pattern)
    except PatternError as error:
        return error.span
    return None


def test_any_text_may_be_a_pattern() -> None:
    """What is no pattern is told where; and of what real code holds, most is one."""
    faults = {row["pattern"]: fault(row["pattern"]) for row in PATTERNS}
    spans = [(pattern, span) for pattern, span in faults.items() if span]
    assert all(0 <= start < end <= len(pattern) for pattern, (start, end) in spans)
    assert len(spans) / len(faults) < 0.15


@pytest.mark.parametrize("pattern", FORMATTED)
def test_with_its_pattern(pattern: str) -> None:
    """Every name that str.format makes is read right, or is called ambiguous."""
    parsed = Pattern(pattern)
    for name, values in folder(pattern).items():
        reading = parsed.parse(name)
        assert reading.status in ("ok", "ambiguous")
        if reading.status == "ok":
            assert {key: float(value) for key, value in reading.values.items()} == pytest.approx(
                printed(pattern, values), rel=1e-12
            )


def test_few_names_are_ambiguous() -> None:
    """With the pattern, all but a few hundredths of the names have one reading."""
    statuses = [Pattern(p).parse(name).status for p in FORMATTED for name in folder(p)]
    assert statuses.count("ok") / len(statuses) > 0.99


@pytest.mark.parametrize("pattern", FORMATTED)
def test_without_its_pattern(pattern: str) -> None:
    """What is learned from the names puts no wrong value under a field's label."""
    made = folder(pattern)
    for reading in read_names([*made]):
        truth = {canonical(k): v for k, v in printed(pattern, made[reading.name]).items()}
        for metric in reading.metrics:
            if metric.labelled and canonical(metric.name) in truth:
                assert metric.value == pytest.approx(truth[canonical(metric.name)], rel=1e-9)


def test_labels_are_learned() -> None:
    """At least 95 % of the values whose label stands before them are read under it."""
    read, missed = 0, []
    for pattern in FORMATTED:
        literals = [(text, name) for text, name, _, _ in string.Formatter().parse(pattern)]
        labelled = [name for text, name in literals if name and re.search(_ends_with(name), text)]
        for reading in read_names([*folder(pattern)]):
            found = {canonical(m.name) for m in reading.metrics if m.labelled}
            for name in labelled:
                hit = canonical(name) in found or role_of(name) in {m.role for m in reading.metrics}
                read += hit
                missed += [] if hit else [(pattern, reading.name, name)]
    assert read / (read + len(missed)) >= 0.95, missed[:10]


def _ends_with(name: str) -> str:
    return rf"(?i)(?<![A-Za-z]){re.escape(name)}[=_\-:. ]?$"


@pytest.mark.parametrize("row", NAMES, ids=lambda row: row["name"])
def test_one_name(row: dict[str, Any]) -> None:
    """No label has another value than the one that the source tells."""
    (reading,) = read_names([row["name"]], single=True)
    truth = {canonical(k): v for k, v in row["meaning"].items() if not isinstance(v, str)}
    for metric in reading.metrics:
        if metric.labelled and canonical(metric.name) in truth:
            assert metric.value == pytest.approx(truth[canonical(metric.name)])


def test_labels_of_single_names_are_read() -> None:
    """At least 95 % of the values whose label stands in a real name are read under it."""
    read, missed = 0, []
    for row in NAMES:
        (reading,) = read_names([row["name"]], single=True)
        found = {canonical(m.name): m.value for m in reading.metrics if m.labelled}
        for label, value in row["meaning"].items():
            if isinstance(value, str) or role_of(label) == "setting":
                continue
            if is_label(label, row["name"]):
                hit = found.get(canonical(label)) == pytest.approx(value)
                read += hit
                missed += [] if hit else [(row["name"], label, found)]
    assert read / (read + len(missed)) >= 0.95, missed
