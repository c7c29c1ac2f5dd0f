"""Settles which number a label belongs to, where the text beside it leaves that open."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ckptsel.naming.labels import Label, is_equals, label_after, label_of, without_separators
from ckptsel.naming.vocabulary import COUNTERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckptsel.naming.tokens import Kind

_THRESHOLDS = {"0.5", "0.50", "0.75"}


class Column(NamedTuple):
    """What stands at one place of sibling names.

    Attributes:
        kind: `opaque` or `decimal` if one of the texts is, `integer` otherwise.
        texts: the texts, name by name.
    """

    kind: Kind
    texts: Sequence[str]

    @property
    def varies(self) -> bool:
        """Whether the names differ here."""
        return any(text != self.texts[0] for text in self.texts)


def settle(literals: Sequence[str], columns: Sequence[Column], tail: str) -> list[Label | None]:
    """The label of each column; None where there is none, or where two numbers claim it.

    Args:
        literals: the text before each column, and the one behind the last.
        columns: the numbers, in the order in which they stand in the names.
        tail: the last literal without the file's suffix.
    """
    labels: list[Label | None] = []
    followed = _labels_follow(literals, columns, tail)
    for index, column in enumerate(columns):
        before, after = literals[index], literals[index + 1]
        label = None
        if column.kind != "opaque":
            # With the next number's first digit: in `s4ep12` the `ep` is not the 4's.
            behind = after + "".join(later.texts[0][:1] for later in columns[index + 1 : index + 2])
            label = label_of(
                before,
                behind,
                first=index == 0,
                decimal=column.kind == "decimal",
                previous=literals[index - 1] if index else "",
            )
        if label and not is_equals(before):
            claimed = index > 0 and _claims(columns[index - 1], labels[-1], before, column, label)
            cut = not _is_plain(label, after, columns[index : index + 2])
            doubtful = label.role == "metric" or column.kind == "decimal"
            if claimed or cut or (followed and doubtful):
                label = None
        elif label and _is_grouped(after, columns[index : index + 2]):
            label = None
        labels.append(label)
    if followed and all(map(label_after, (*literals[1:-1], tail))):
        # `0.31loss_0.93acc`; whereas `5_0.31_loss_0.93_acc` leaves too much open.
        labels = [
            label_after(after) if column.kind == "decimal" else label
            for after, column, label in zip((*literals[1:-1], tail), columns, labels, strict=True)
        ]
    return _told_apart(labels, literals)


def _labels_follow(literals: Sequence[str], columns: Sequence[Column], tail: str) -> bool:
    """Whether the labels could stand behind their numbers.

    One ends the name, and none stands before the first decimal: `ep_1_0.45_loss_0.93_acc`.
    """
    first = next((i for i, column in enumerate(columns) if column.kind == "decimal"), None)
    if first is None or label_after(tail) is None or any(map(is_equals, literals)):
        return False
    label = label_of(literals[first], "", first=first == 0, decimal=True)
    return label is None or label.role != "metric"


def _is_grouped(after: str, columns: Sequence[Column]) -> bool:
    """Whether an underscore groups thousands: `val_loss=1_000.5` is not 1."""
    column, *rest = columns
    return (
        after == "_"
        and bool(rest)
        and all(text.isdigit() for text in column.texts)
        and all(re.match(r"\d{3}(?!\d)", text) for text in rest[0].texts)
    )


def _is_plain(label: Label, after: str, columns: Sequence[Column]) -> bool:
    """Whether a labelled number is what it seems.

    `acc_69_52` and `loss_2153` lost a point, `loss_1_0.35` is the first of several losses, and
    `best_acc_007` is an epoch, as are those from `best_acc_1` to `best_acc_30`.
    """
    if label.role != "metric":
        return True
    column, *rest = columns
    followed = bool(rest) and rest[0].kind != "opaque" and after in ("_", "-", " ", ".")
    if all(text.isdigit() for text in column.texts):
        return not followed and all(re.fullmatch(r"[1-9]\d\d?", text) for text in column.texts)
    # `acc_0.5_0.93`, `map_0.50_0.42`: a threshold stands between a label and its value.
    threshold = rest and (rest[0].varies or column.texts[0] in _THRESHOLDS)
    return not (followed and threshold and not column.varies)


def _claims(
    previous: Column, its_label: Label | None, before: str, column: Column, label: Label
) -> bool:
    """Whether the number before a label may claim it: `0.93acc_12`, `12epochs_0.5`."""
    text = without_separators(before)
    if before[:1].isalpha() and (text == label.name or text.lower() in COUNTERS):
        if column.kind == "integer" and label.role != "metric" and before == text:
            return False  # `s4ep12`
        return its_label is None or its_label.role == label.role != "metric"
    unclaimed = its_label is None and previous.kind == "decimal" and column.kind == "integer"
    return unclaimed and label.role == "metric"  # `0.93_acc_12`


def _told_apart(labels: list[Label | None], literals: Sequence[str]) -> list[Label | None]:
    """With the word before a label that stands twice, where that tells: `tr_loss`, `vl_loss`."""
    longer = [
        _with_word_before(label.name, before) if label else ""
        for label, before in zip(labels, literals, strict=False)
    ]
    told = [*labels]
    for name in {label.name for label in labels if label}:
        places = [i for i, label in enumerate(labels) if label and label.name == name]
        names = {longer[i] for i in places}
        if len(places) > 1 and len(names) == len(places) and "" not in names:
            for i in places:
                told[i] = Label(longer[i], "metric", known=True)
    return told


def _with_word_before(name: str, before: str) -> str:
    """The label and the word to which it is tied, "" if there is none."""
    word = re.search(rf"[^\W_]+[_\-/.]{re.escape(name)}$", without_separators(before))
    return word.group() if word else ""
