"""Learns patterns from names that stand together."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from ckptsel.naming.conventions import FAIRSEQ_DIGITS, FAIRSEQ_NAME, FAIRSEQ_TAIL
from ckptsel.naming.disputes import Column, settle
from ckptsel.naming.fields import Field
from ckptsel.naming.form import Form
from ckptsel.naming.pattern import Pattern
from ckptsel.naming.tokens import Token, stem_length, tokenize
from ckptsel.naming.vocabulary import is_never_negative, role_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ckptsel.naming.labels import Label
    from ckptsel.naming.template import Part
    from ckptsel.naming.tokens import Kind

# More names than this are learned from by sampling; what the sample misses is learned after.
_SAMPLE = 2_000
# A column's number format is chosen by as many of its texts.
_SPEC_SAMPLE = 200


class AmbiguousSignError(Exception):
    """`--0.9999`: a separator and a minus, or a separator of two dashes? Nothing tells."""


def learn(names: Sequence[str], *, alone: bool = True) -> tuple[list[Pattern], dict[str, str]]:
    """Learn the patterns of sibling names.

    What is the same in all names of one shape is a literal; a number that varies is a field; so
    is one with a known label. A name that is alone in its shape is read by its labels only.

    Args:
        names: names that stand together, such as those of one folder.
        alone: whether names that are alone in their shape are read, too.

    Returns:
        The patterns, in the order in which they are to be tried; and for each name that could
        not be read without guessing, the reason.
    """
    sample = names if len(names) <= _SAMPLE else names[:: len(names) // _SAMPLE]
    patterns, refused = _learn(sample, alone=alone)
    if sample is not names and not all(is_read(name, patterns) for name in names):
        return _learn(names, alone=alone)
    return patterns, refused


def is_read(name: str, patterns: Iterable[Pattern]) -> bool:
    """Whether one of the patterns reads the name."""
    return any(p.could_read(name) and p.parse(name).status == "ok" for p in patterns)


def _learn(names: Sequence[str], *, alone: bool) -> tuple[list[Pattern], dict[str, str]]:
    shapes: dict[str, list[tuple[str, list[Token]]]] = defaultdict(list)
    for name in names:
        tokens = tokenize(name)
        shapes[_shape(name, tokens)].append((name, tokens))
    patterns: list[Pattern] = _fairseq(names)
    refused: dict[str, str] = _join_signs(shapes)
    # Fewer dashes first: `loss0.5` beside `loss-0.5` shows that the dash is a minus; but in
    # `acc-0.5` it cannot be one, and must not be read so. Then the larger group first, since its
    # pattern may read the names of the smaller ones.
    separators = {shape: _separating_dashes(shape) for shape in shapes}
    order = sorted(
        shapes,
        key=lambda s: (s.count("-\0") - separators[s], -separators[s], -len(shapes[s]), s),
    )
    dashless = Counter(shape.replace("-\0", "\0") for shape in shapes)
    several = [
        shape
        for shape in order
        if len(shapes[shape]) > 1
        or (separators[shape] and dashless[shape.replace("-\0", "\0")] > 1)
    ]
    for shape in several + [shape for shape in order if alone and len(shapes[shape]) == 1]:
        group = [entry for entry in shapes[shape] if not is_read(entry[0], patterns)]
        while group:
            try:
                pattern = _build(group)
            except AmbiguousSignError:
                reason = "'--' before the value: a minus, or a separator?"
                refused.update((name, reason) for name, _ in group)
                break
            rest = [] if pattern is None else [e for e in group if not is_read(e[0], [pattern])]
            if pattern is None or len(rest) == len(group):
                break
            patterns.append(pattern)
            group = rest
    return patterns, refused


def _separating_dashes(shape: str) -> int:
    """How many dashes before numbers cannot be a minus, by the word that they follow."""
    words = re.findall(r"([A-Za-z][A-Za-z_]*)-\0", shape)
    return sum(is_never_negative(word) or role_of(word) in ("epoch", "step") for word in words)


def _join_signs(shapes: dict[str, list[tuple[str, list[Token]]]]) -> dict[str, str]:
    """Put `loss--0.5` with `loss-0.3`, and `loss-0.5` with `loss0.3`: the last dash is a minus.

    Returns:
        The names of which that is not sure, and why: where fewer are without the dash.
    """
    refused: dict[str, str] = {}
    for shape in [shape for shape in shapes if "-\0" in shape]:
        signed = [(name, _with_signs(name, tokens)) for name, tokens in shapes[shape]]
        plain = {_shape(name, tokens) for name, tokens in signed}
        if len(plain) != 1 or plain == {shape} or not plain <= shapes.keys():
            continue
        (other,) = plain
        if len(shapes[other]) < len(signed) and "--\0" not in shape:
            reason = "'-' before the value, and in some names none: a minus, or a separator?"
            refused.update((name, reason) for name, _ in signed)
        else:
            shapes[other] += signed
        del shapes[shape]
    return refused


# A dash behind another one, or behind a word that a negative number may follow.
_BEFORE_SIGN = re.compile(r"-(?=-$)|([A-Za-z][A-Za-z_]*)(?=-$)")


def _with_signs(name: str, tokens: list[Token]) -> list[Token]:
    """The tokens, with the minus that could stand before decimals."""
    return [
        token._replace(start=token.start - 1, text="-" + token.text)
        if token.kind == "decimal"
        and (before := _BEFORE_SIGN.search(name[: token.start]))
        and not (before[1] and is_never_negative(before[1]))
        else token
        for token in tokens
    ]


def _fairseq(names: Sequence[str]) -> list[Pattern]:
    """Patterns for fairseq's names, whose values end in random digits."""
    starts = {match[1] for match in map(FAIRSEQ_NAME.match, names) if match}
    forms = [
        Form((start, Field(start.split("best_")[1].rstrip("_"), ".3f", numeric=True)), FAIRSEQ_TAIL)
        for start in sorted(starts)
    ]
    return [Pattern.of(form, trap=FAIRSEQ_DIGITS) for form in forms]


def _shape(name: str, tokens: list[Token]) -> str:
    shape = ""
    position = 0
    for token in tokens:
        shape += name[position : token.start] + ("\1" if token.kind == "opaque" else "\0")
        position = token.end
    return shape + name[position:]


def _build(group: list[tuple[str, list[Token]]]) -> Pattern | None:
    """One pattern for names of one shape, None if it would have no field."""
    name, tokens = group[0]
    literals = _literals(name, tokens)
    parts: list[Part] = []
    used: Counter[str] = Counter()
    positions = 0
    columns = [_column([row[index] for _, row in group]) for index in range(len(tokens))]
    tail = literals[-1][: len(literals[-1]) - len(name) + stem_length(name)]
    labels = settle(literals, columns, tail)
    for token, column, label, before in zip(tokens, columns, labels, literals, strict=False):
        parts.append(before)
        if column.kind == "opaque":
            parts.append(_named(Field("text", "s"), used) if column.varies else token.text)
            continue
        decimal = column.kind == "decimal"
        told = label if label and (label.known or decimal) else None
        certain = told is not None and told.known and told.role != "setting"
        if not (column.varies or certain):
            parts.append(token.text)
            continue
        if before.endswith("--") and decimal:
            _check_sign(before, told, literals, tokens)
        if told is None:
            parts.append(_field(str(positions), column.texts))
            positions += 1
        else:
            parts.append(_named(_field(told.name, column.texts), used))
    parts.append(literals[-1])
    form = Form(_joined(parts))
    return Pattern.of(form) if form.fields else None


def _column(tokens: Sequence[Token]) -> Column:
    kinds = {token.kind for token in tokens}
    kind: Kind = "opaque" if "opaque" in kinds else "decimal" if "decimal" in kinds else "integer"
    return Column(kind, [token.text for token in tokens])


def _check_sign(before: str, label: Label | None, literals: list[str], tokens: list[Token]) -> None:
    """Whether `--` can only be a separator.

    Raises:
        AmbiguousSignError: if nothing in the name says so.
    """
    if before.endswith("---") or (label and is_never_negative(label.name)):
        return
    for index, literal in enumerate(literals):
        if re.search(r"--[^-\d]|--$", literal) and literal is not before:
            return  # `--acc--0.9`: two dashes separate elsewhere, too
        if re.search(r"--+[A-Za-z]", literal):
            return
        if literal.endswith("--") and index < len(tokens) and tokens[index].kind == "integer":
            return
    raise AmbiguousSignError


def _literals(name: str, tokens: list[Token]) -> list[str]:
    edges = [0, *(edge for token in tokens for edge in (token.start, token.end)), len(name)]
    return [name[edges[i] : edges[i + 1]] for i in range(0, len(edges), 2)]


def _joined(parts: list[Part]) -> tuple[Part, ...]:
    joined: list[Part] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part:
            joined.append(part)
    return tuple(joined)


def _named(field: Field, used: Counter[str]) -> Field:
    """The field under a name that no other field of the pattern has."""
    used[field.name] += 1
    count = used[field.name]
    # What stands in the name of a field must not end it: `mAP@0.5:0.95` would.
    name = re.sub(r"[:!{}\[\]]", "-", field.name)
    name = name if count == 1 else f"{name}_{count}"
    return Field(name, field.spec, numeric=field.numeric)


def _field(name: str, texts: Sequence[str]) -> Field:
    """The field with the format that prints most of the texts as they stand."""
    sample = sorted(set(texts))
    sample = sample[:: len(sample) // _SPEC_SAMPLE + 1]
    fields = [Field(name, spec, numeric=True) for spec in _specs(sample)]
    count = {field: sum(bool(field.readings(text)) for text in sample) for field in fields}
    best = max(fields, key=count.__getitem__)
    # What no format prints, such as `1e-4`, was written by hand, and stays a text.
    return best if count[best] else Field(name, "s")


def _specs(texts: list[str]) -> list[str]:
    """Format specifications that could have printed the texts, the likeliest first."""
    if any(text.startswith("+") for text in texts):
        return ["+" + spec for spec in _specs([text.lstrip("+") for text in texts])]
    widths = [len(text) for text in texts if text.startswith("0") and text.isdigit()]
    if all(text.lstrip("-").isdigit() for text in texts):
        return [f"0{min(widths)}d", "d"] if widths and min(widths) > 1 else ["d"]
    decimals: Counter[str] = Counter()
    for text in texts:
        match = re.fullmatch(r"-?\d+(?:\.(\d+))?(?:([eE])[+-]\d+)?(%?)", text)
        if match:
            kind = match[3] or match[2] or "f"
            decimals[f".{len(match[1] or '')}{kind}"] += 1
    specs = [spec for spec, _ in decimals.most_common()]
    return [*specs, "", "g"] if len(specs) != 1 else [*specs, ""]
