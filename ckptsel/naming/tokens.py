"""Cuts a name into literals and the numbers that could be values."""

from __future__ import annotations

import re
from functools import cache
from typing import Literal, NamedTuple, TypeAlias

from ckptsel.naming.conventions import GENERAL_SUFFIXES, SUFFIXES
from ckptsel.naming.labels import label_after
from ckptsel.naming.vocabulary import LAYER, STOPWORDS

Kind: TypeAlias = Literal["integer", "decimal", "opaque"]


class Token(NamedTuple):
    """A stretch of a name that is no literal.

    Attributes:
        start: index of its first character.
        end: index behind its last one.
        text: its characters.
        kind: `integer` and `decimal` could be values; `opaque` is a date, a hash, a size.
    """

    start: int
    end: int
    text: str
    kind: Kind


# What looks like numbers and is none of training's values, longest first.
_OPAQUE = r"""
    [0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}                      # UUID
  | (?<![\d=.])(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]) # 20210927, with a time
        (?:[-_T]?\d{6}|[-_T]?\d{4})?(?![\d.])
  | (?<![\d=.])(?:19|20)\d\d[-_.]\d\d[-_.]\d\d                       # 2024-01-21_15-48-32
        (?:[-_T~ ]+\d\d[-_:.h]\d\d(?:[-_:.m]\d\d)?)?(?![\d])
  | (?<![\d=.])\d\d[.\-_]\d\d[.\-_](?:19|20)\d\d                     # 27.04.2017_21:07:34
        (?:[-_T~ ]+\d\d[-_:.h]\d\d(?:[-_:.m]\d\d)?)?(?![\d])
  | (?<!\d)\d\d:\d\d(?::\d\d)?(?!\d)                                 # 21:07:34
  | (?<![\d.])\d\d(?:_\d\d){3,}(?![\d.])                             # 05_30_16_05_23
  | (?<![\d=.])1[4-9]\d{8}(?:\d{3})?(?![\d.])                        # seconds since 1970
  | (?<![\d.,])(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+,\d+)(?![\d.,])       # 1,234.5 and 93,25
  | (?<![0-9A-Za-z.])(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{7,}(?![0-9A-Za-z])  # hash
"""
# Every match of it holds one of these; most names hold none, and save compiling it.
_MAYBE_OPAQUE = re.compile(r"\d\d\D?\d\d\D?\d\d|[0-9a-f]{7}|\d[,:]\d")

# Digits that belong to a label. A number right before an `=` is always its label's.
_IN_LABEL = r"""
    (?<![A-Za-z0-9])(?:f1|f2|r2|l1|l2|hd95|m?ap(?:50(?:-95)?|75)|rouge[-_]?[12]|acc[15])
        (?=[-_ =:(]|$)
  | (?<![A-Za-z0-9])(?:f1|r2)(?=score|0\.\d)                          # f1score, f10.62
  | (?<![A-Za-z0-9])(?:m?ap50|top[15])(?=0\.\d)                      # map500.512
  | (?<![A-Za-z])m?ap[-_](?:50|75)(?=[-_](?:epoch|iter|0\.\d))       # bbox_mAP_50_epoch_24
  | (?<![A-Za-z])(?:top|prec|bleu)\d(?=[-_])
  | @\[[^\]]*\]                                                      # AP@[IoU=0.50:0.95]
  | (?<![A-Za-z])top[-_]?\d+(?=[-_]?acc|[-_=])
  | @[\d.]+(?:[:\-][\d.]+)?(?==|%3D|[-_]+\d)                         # mAP@0.50=
  | _\d+(?==|%3D)                                                    # ndcg_10=
  | (?<=bleu)[-_]?\d(?=[-_=]\d+\.)
  | (?<=ndcg)[-_]?\d+(?=[-_=]\d+\.)
  | %[0-9A-F]{2}                                                     # an encoded `=` or `@`
"""
_MAYBE_IN_LABEL = re.compile(
    r"[@%]|\d=|(?:f|r|l|hd|ap|rouge|acc|top|prec|bleu|ndcg)[-_]?\d", re.IGNORECASE
)
_IN_LAYER = (
    rf"(?<![A-Za-z0-9])(?:(?:val|valid|validation|train|test)_[a-z]+|{LAYER})_\d{{1,2}}(?=_[a-z])"
)
_MAYBE_IN_LAYER = re.compile(r"_\d\d?_[a-z]", re.IGNORECASE)

# An exponent needs its sign: `7.995e-05` has one, `68e-step` and `e15` have none.
_NUMBER = re.compile(
    r"\d+(?:\.\d+)*(?:e[+-]\d{1,3}(?!\d)|%)?|(?<![a-z])(?:nan|inf)(?![a-z])", re.IGNORECASE
)
_COUNTER_BEHIND = re.compile(r"(?:epoch|ep|e|iters?|steps?)(?![A-Za-z0-9])", re.IGNORECASE)
_UNIT = re.compile(r"dB(?![A-Za-z])", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z]+\Z")
_VERSION = re.compile(r"[a-z]+v")  # the `v` of inceptionv3
_PADDED = re.compile(r"0\d\d")  # `0012.345`: where does the epoch end?
_ANY_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,11}$")
_LONGEST_FIRST = sorted((*SUFFIXES, *GENERAL_SUFFIXES), key=len, reverse=True)
_KNOWN_SUFFIX = re.compile("(?:" + "|".join(map(re.escape, _LONGEST_FIRST)) + ")$")


def stem_length(name: str) -> int:
    """How much of a name is not its suffix; `.5611` is no suffix."""
    last = name.rfind("/") + 1
    match = _KNOWN_SUFFIX.search(name, last) or _ANY_SUFFIX.search(name, last)
    return match.start() if match else len(name)


@cache
def _compiled(pattern: str, flags: int) -> re.Pattern[str]:
    return re.compile(pattern, flags)


def tokenize(name: str) -> list[Token]:
    """The tokens of a name, in order, without its suffix."""
    stem = name[: stem_length(name)]
    taken: list[tuple[int, int, str]] = []
    if _MAYBE_OPAQUE.search(stem):
        taken += [(*m.span(), "opaque") for m in _compiled(_OPAQUE, re.VERBOSE).finditer(stem)]
    if _MAYBE_IN_LABEL.search(stem):
        encoded = "%3D" in stem or "%3d" in stem
        labels = _compiled(_IN_LABEL, re.VERBOSE | re.IGNORECASE).finditer(stem)
        taken += [(*m.span(), "label") for m in labels if encoded or m.group()[0] != "%"]
    if _MAYBE_IN_LAYER.search(stem):
        layers = _compiled(_IN_LAYER, re.IGNORECASE).finditer(stem)
        taken += [(*m.span(), "label") for m in layers]
    tokens = [Token(s, e, stem[s:e], "opaque") for s, e, kind in taken if kind == "opaque"]
    position = 0
    while match := _NUMBER.search(stem, position):
        start, end = match.span()
        covering = next((e for s, e, _ in taken if s < end and start < e), None)
        if covering is not None:
            position = max(covering, start + 1)
            continue
        position = end
        tokens += _number_tokens(stem, start, end)
    return sorted(tokens, key=lambda token: token.start)


def _number_tokens(stem: str, start: int, end: int) -> list[Token]:
    text = stem[start:end]
    pieces = text.split(".")
    word = _WORD.search(stem, 0, start)
    label = word.group().lower() if word else ""
    cut = 0
    if len(pieces) == 3 and stem[start - 1 : start].lower() != "v":
        cut = _cut_of_three(pieces)
    elif len(pieces) == 2 and (label in STOPWORDS or _VERSION.fullmatch(label)):
        # `weights1.05-0.31`: the second set of weights, at epoch 5. `resnetv2.05-0.31`: likewise.
        cut = len(pieces[0])
    if cut:
        return [_token(stem, start, start + cut), _token(stem, start + cut + 1, end)]
    if len(pieces) > 2 or (len(pieces) == 2 and _PADDED.match(text)):
        return [Token(start, end, text, "opaque")]
    return [_token(stem, start, end)]


def _cut_of_three(pieces: list[str]) -> int:
    """Where `003.0.1234` (an integer and a decimal) or `0.1234.03` is cut; 0 where unclear."""
    first, second, third = pieces
    decimal_last = second == "0" or (len(second) <= 2 and second[0] != "0")
    decimal_first = len(first) <= 2 and (first == "0" or first[0] != "0") and len(second) > 1
    if decimal_last and not (decimal_first and third.isdigit()):
        return len(first)
    return len(first) + 1 + len(second) if decimal_first and not decimal_last else 0


def _token(stem: str, start: int, end: int) -> Token:
    text = stem[start:end]
    decimal = not text.isdigit()
    before, after = stem[max(0, start - 2) : start], stem[end:]
    # A minus is a sign after `=`, and before a decimal after `_`, `:` and a space; after a
    # letter it separates.
    signed = before[:1] == "=" or stem[: start - 1].lower().endswith("%3d")
    minus = before.endswith("-") and (signed or (decimal and before[0] in "_: "))
    if minus or before.endswith("+"):
        start -= 1
    unit = _UNIT if decimal else _COUNTER_BEHIND
    if after[:1].isalpha() and not unit.match(after):
        # `224x`, `25hz`, `0.5B`; but `acc=0.93valid_loss=0.57` is a value and the next label.
        next_label = stem[:start].endswith("=") and re.match(r"[A-Za-z_/]+=", after)
        if not next_label and label_after(after) is None:
            return Token(start, end, stem[start:end], "opaque")
    return Token(start, end, stem[start:end], "decimal" if decimal else "integer")
