"""Finds the label of a number in the text beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ckptsel.naming import vocabulary as words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckptsel.checkpoint import Role

_SEP = r"[_\-/. ]?"
_EQUALS = re.compile(r"(?:=|%3D)$", re.IGNORECASE)
_SEPARATORS = re.compile(r"[\s_\-.:@~\[(]+$")
_IDENTIFIER = re.compile(r"(?<![A-Za-z0-9])[A-Za-z][\w/@.]*(?:(?<=\d)[.:]\d+)*$")
_COUNTER_AFTER = re.compile(r"(epoch|ep|e|iters?|steps?)(?![A-Za-z0-9])", re.IGNORECASE)


@dataclass(frozen=True)
class Label:
    """What the text beside a number calls it.

    Attributes:
        name: the label; counters are called by their usual names (`ep056` → epoch).
        role: what kind of number it names.
        known: whether the word is in the vocabulary, or stands before an `=`.
    """

    name: str
    role: Role
    known: bool


def label_of(before: str, after: str, *, first: bool, decimal: bool) -> Label | None:
    """The label of the number between `before` and `after`.

    Args:
        before: the text from the previous number (or the name's beginning) up to this one.
        after: the text behind it, up to the next number.
        first: whether no number stands before it in the name.
        decimal: whether it is written as a decimal rather than as an integer.
    """
    if equals := _EQUALS.search(before):
        return _before_equals(before[: equals.start()])
    text = _SEPARATORS.sub("", before)
    separated = len(text) < len(before)
    if not decimal and (found := _counter(text, before, glued=not separated)):
        return found
    if not decimal and (match := _COUNTER_AFTER.match(after)):
        return _counter_label(match[1])
    if found := _known(text):
        return found
    word = re.search(r"[A-Za-z]+$", text)
    if word is None or word.group().lower() in words.STOPWORDS:
        return None
    if first and separated:
        return None  # `mymodel_0.45`: a model's name rather than a metric's
    return Label(word.group(), words.role_of(word.group()), known=False)


def _counter(text: str, before: str, *, glued: bool) -> Label | None:
    if before.endswith(".ckpt-") or before == "_s":
        # tf.train.Saver writes model.ckpt-1234; `_e30_s3930` is an epoch and a step.
        return Label("step", "step", known=True)
    match = _phrases().counter.search(text.lower())
    if match is None:
        return None
    word = match.group()
    if word in ("ckpt", "it", "batch") and not glued:
        return None
    if word == "e" and (not glued or text[-1] == "E"):
        return None  # only `e30`; `E=20` and `-E-` are anybody's
    return _counter_label(word)


def _counter_label(word: str) -> Label:
    role = words.role_of(word)
    return Label("epoch" if role == "epoch" else word.lower(), role, known=True)


def _known(text: str) -> Label | None:
    low = text.lower()
    phrases = _phrases()
    metric = phrases.metric.search(low)
    setting = phrases.setting.search(low)
    # `val` alone, glued or not, is how some write "the validation value".
    metric = metric or phrases.qualifier.search(low)
    if setting and (metric is None or setting.start() <= metric.start()):
        return Label(text[setting.start() :], "setting", known=True)
    return Label(text[metric.start() :], "metric", known=True) if metric else None


def _before_equals(text: str) -> Label | None:
    """`key=`: the whole identifier, without the words of the file's own name before it."""
    match = _IDENTIFIER.search(text)
    known = _known(text)
    if match is None:
        return known
    name = match.group()
    if known and len(known.name) >= len(name):
        return known
    parts = name.split("_")
    for start in range(len(parts)):
        if parts[start].lower() in words.QUALIFIERS and start + 1 < len(parts):
            parts = parts[start:]
            break
    while len(parts) > 1 and (parts[0].lower() in words.STOPWORDS or not parts[0]):
        parts = parts[1:]
    name = "_".join(parts)
    role = words.role_of(name)
    if role in ("epoch", "step"):
        return _counter_label(name)
    tail = parts[-1].lower()
    if tail in words.COUNTERS and tail not in ("e", "it"):
        return _counter_label(tail)  # `sample_epoch=3`
    return Label(name, role, known=True)


@dataclass(frozen=True)
class _Phrases:
    metric: re.Pattern[str]
    qualifier: re.Pattern[str]
    counter: re.Pattern[str]
    setting: re.Pattern[str]


@cache
def _phrases() -> _Phrases:
    """Known words at the end of a lower-cased text; compiled once, and only when needed."""
    qualifiers = _any_of(words.QUALIFIERS)
    tails = _any_of(words.TAILS)
    return _Phrases(
        metric=re.compile(
            rf"""
            (?<![a-z])                               # the phrase begins a word
            (?:(?:{qualifiers}|v(?=loss|acc)){_SEP})*
            (?:(?:{_any_of(words.HEADS)}){_SEP})*
            (?:{_any_of(words.DIRECTIONS)}|top[_-]?\d+{_SEP}acc(?:uracy)?)
            (?:{_SEP}(?:{tails}))*
            (?:{_SEP}(?:{qualifiers}))?              # acc_val
            (?:@[\d.:]+|_\d+)?$                      # mAP@0.50, ndcg_10
            """,
            re.VERBOSE,
        ),
        qualifier=re.compile(rf"(?<![a-z])(?:{qualifiers})$"),
        counter=re.compile(rf"(?<![a-z])(?:{_any_of(words.COUNTERS)})$"),
        setting=re.compile(rf"(?<![a-z])(?:{_any_of(words.SETTINGS)})$"),
    )


def _any_of(phrases: Iterable[str]) -> str:
    longest_first = sorted(phrases, key=lambda phrase: (-len(phrase), phrase))
    return "|".join(re.escape(phrase).replace("_", _SEP) for phrase in longest_first)
