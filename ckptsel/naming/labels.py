"""Finds the label of a number in the text beside it."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from ckptsel.naming import vocabulary as words

if TYPE_CHECKING:
    from collections.abc import Callable

    from ckptsel.checkpoint import Role

_EQUALS = re.compile(r"(?:=|%3D)$", re.IGNORECASE)
_SEPARATORS = re.compile(r"[\s_\-.:\uff1a@~\[(]+$")
_IDENTIFIER = re.compile(r"(?<![A-Za-z0-9])[A-Za-z][\w/@.]*(?:(?<=\d)[.:]\d+)*$")
_WORD_START = re.compile(r"(?<![^\W\d_])[^\W\d_]")  # letters of any alphabet
_SEPARATOR = re.compile(r"[_\-/.: ]")
# mAP@0.50, ndcg_10, top_1_accuracy: which of a family of metrics it is.
_PARAMETER = re.compile(r"@[\d.:]+$|@\[[^\]]*\]$|(?<=ndcg)\d+$|^top\d+(?=acc)")
# What stands behind a number up to the next number or mark.
_BEHIND = re.compile(r"[_\-. ]?([A-Za-z]+(?:[_\-/][A-Za-z]+)*)")
_COUNTER_AFTER = re.compile(r"(epoch|ep|e|iters?|steps?)(?![A-Za-z0-9])", re.IGNORECASE)


def is_equals(before: str) -> bool:
    """Whether the text before a number ends in `=`, plain or encoded."""
    return _EQUALS.search(before) is not None


def without_separators(before: str) -> str:
    """The text before a number without what separates the two."""
    return _SEPARATORS.sub("", before)


class Label(NamedTuple):
    """What the text beside a number calls it.

    Attributes:
        name: the label; counters are called by their usual names (`ep056` → epoch).
        role: what kind of number it names.
        known: whether the word is in the vocabulary, or stands before an `=`.
    """

    name: str
    role: Role
    known: bool


def label_of(
    before: str, after: str, *, first: bool, decimal: bool, previous: str = ""
) -> Label | None:
    """The label of the number between `before` and `after`.

    Args:
        before: the text from the previous number (or the name's beginning) up to this one.
        after: the text behind it, up to the next number.
        first: whether no number stands before it in the name.
        decimal: whether it is written as a decimal rather than as an integer.
        previous: the text before the previous number.
    """
    if before == "checkpoint-" and first and not after:
        return Label("step", "step", known=True)  # the Hugging Face Trainer's folders
    if before == "_s" and previous.endswith("_e"):
        return Label("step", "step", known=True)  # `_e30_s3930`
    if equals := _EQUALS.search(before):
        return _before_equals(before[: equals.start()])
    text = without_separators(before)
    separated = len(text) < len(before)
    if not decimal and (found := _counter(text, before, glued=not separated)):
        return found
    if not decimal and (match := _COUNTER_AFTER.match(after)):
        return _counter_label(match[1])
    if found := _known(text, first=first, decimal=decimal):
        return found
    word = re.search(r"[^\W\d_]+$", text)
    if word is None or word.group().lower() in words.STOPWORDS:
        return None
    role = words.role_of(word.group())
    if (first and separated) or (role == "epoch" and len(word.group()) == 1):
        return None  # `mymodel_0.45`: a model's name rather than a metric's; `E0.3`: an energy
    return Label(word.group(), role, known=False)


def label_after(after: str) -> Label | None:
    """The label that is all of the text behind a number, up to the next number."""
    match = _BEHIND.match(after)
    if match is None:
        return None
    if len(match[1]) > 1 and match[1].lower() in words.COUNTERS:
        return _counter_label(match[1])
    return Label(match[1], "metric", known=True) if _is_metric(_squeeze(match[1])) else None


def _counter(text: str, before: str, *, glued: bool) -> Label | None:
    if before.endswith(".ckpt-"):  # tf.train.Saver: model.ckpt-1234
        return Label("step", "step", known=True)
    start = _start_of(text, _squeezed().counters.__contains__)
    if start is None:
        return None
    word = text[start:].lower()
    if word in ("ckpt", "it", "batch") and not glued:
        return None
    if word == "e" and (not glued or text[-1] == "E"):
        return None  # only `e30`; `E=20` and `-E-` are anybody's
    return _counter_label(word)


def _counter_label(word: str) -> Label:
    role = words.role_of(word)
    return Label("epoch" if role == "epoch" else word.lower(), role, known=True)


def _known(text: str, *, first: bool = True, decimal: bool = True) -> Label | None:
    squeezed = _squeezed()
    metric = _start_of(text, _is_metric)
    setting = _start_of(text, squeezed.settings.__contains__)
    if metric is not None:
        metric = _with_layer(text, metric, first=first)
    elif decimal:
        # `val` alone, glued or not, is how some write "the validation value"; `test_3` is a test.
        metric = _start_of(text, words.SPLITS.__contains__)
    if setting is not None and (metric is None or setting <= metric):
        return Label(text[setting:], "setting", known=True)
    return None if metric is None else Label(text[metric:], "metric", known=True)


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
    tail = re.split(r"[/.@]", parts[-1])[-1].lower()
    if tail in words.COUNTERS and tail not in ("e", "it"):
        return _counter_label(tail)  # `sample_epoch=3`, `model.epoch=3`
    return Label(name, role, known=True)


def _start_of(text: str, is_known: Callable[[str], bool]) -> int | None:
    """Where the longest known phrase that ends the text begins, at the beginning of a word."""
    for match in _WORD_START.finditer(text):
        if is_known(_squeeze(text[match.start() :])):
            return match.start()
    return None


def _with_layer(text: str, metric: int, *, first: bool) -> int:
    """Where a metric's name begins with its layer: `val_seg_loss`, `dense_1_accuracy`, `D_loss`."""
    match = _squeezed().layer.search(text, 0, metric)
    if match is None or (match.end() == 2 and not first):
        return metric  # the `d` of `unet3d_loss` is not the loss's
    between = (match["between"] or "").lower().split("_")
    ordinary = any(word in words.STOPWORDS or word in words.SETTINGS for word in between)
    return metric if ordinary else match.start()


def _squeeze(text: str) -> str:
    """Lower case without separators: `Val_F1-score` → `valf1score`."""
    return _SEPARATOR.sub("", text.lower())


def _is_metric(squeezed: str) -> bool:
    """Whether a known metric is all there is, but for `val`, `mean`, `score` and numbers."""
    known = _squeezed()
    todo = {_PARAMETER.sub("", squeezed)}
    seen: set[str] = set()
    while todo:
        rest = todo.pop()
        if rest in known.metrics:
            return True
        seen.add(rest)
        shorter = {rest.removeprefix(word) for word in known.before}
        shorter |= {rest.removesuffix(word) for word in known.after}
        if rest.endswith(("loss", "error")):  # bce_dice_loss
            shorter |= {rest.removeprefix(word) for word in known.metrics}
        todo |= shorter - seen - {""}
    return False


class _Squeezed(NamedTuple):
    """The vocabulary without separators."""

    metrics: frozenset[str]
    counters: frozenset[str]
    settings: frozenset[str]
    before: tuple[str, ...]
    after: tuple[str, ...]
    layer: re.Pattern[str]


@cache
def _squeezed() -> _Squeezed:
    metrics = {*map(_squeeze, words.DIRECTIONS), "vloss", "vacc", "tloss", "tacc"}
    return _Squeezed(
        metrics=frozenset(metrics),
        counters=frozenset(map(_squeeze, words.COUNTERS)),
        settings=frozenset(map(_squeeze, words.SETTINGS)),
        before=(*words.QUALIFIERS, *words.HEADS),
        after=(*words.TAILS, *words.QUALIFIERS),
        layer=re.compile(
            rf"(?<![^\W\d_])(?:(?:{'|'.join(words.QUALIFIERS)})_(?P<between>[a-z]+(?:_[a-z]+)?)"
            rf"(?:_\d+)?|(?:{words.LAYER})_\d+|[a-z])_$",
            re.IGNORECASE,
        ),
    )
