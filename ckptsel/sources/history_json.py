"""A dict of lists, as `json.dump(history.history, file)` writes it: one value an epoch.

Or of dicts, as pandas's `DataFrame(history.history).to_json(file)` does. Where no list `epoch`
tells the epochs, the first value is taken for the epoch 0, as Keras counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ckptsel.checkpoint import Finding
from ckptsel.sources.log import KERAS_KINDS, LogKind, LogRow, whole
from ckptsel.sources.reading.json_text import document, is_object
from ckptsel.sources.reading.width import is_too_wide

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_EPOCH = "epoch"
# A million values: each becomes a row, or part of one.
_MOST_PARSED_BYTES = 64 * 2**20


def _read(path: str, findings: list[Finding]) -> Iterator[LogRow]:
    columns = _columns(path, findings)
    if is_too_wide(len(columns), path, findings):
        return
    length = max(map(len, columns.values()), default=0)
    epochs = _epochs(columns, length)
    if epochs is None:
        said = f"its {_EPOCH!r} does not tell a whole number for each value: nothing was taken"
        findings.append(Finding("log-malformed", said, path, strict=True))
        return
    short = sorted(name for name, column in columns.items() if len(column) < length)
    if short:
        # validation_freq leaves epochs out, and does not say which.
        said = f"too few values to tell their epochs, and not used: {', '.join(short[:5])}"
        # What is not used can give no wrong value.
        findings.append(Finding("log-malformed", said, path))
    full = {name: column for name, column in columns.items() if len(column) == length}
    names = tuple(full)
    for place, (epoch, *values) in enumerate(zip(epochs, *full.values(), strict=True), 1):
        texts = {n: text for n, text in zip(names, values, strict=True) if isinstance(text, str)}
        # The same tuple for all rows, since the join is quick with that.
        of_row = names if len(texts) == len(names) else tuple(texts)
        yield LogRow(place, of_row, [*texts.values()], epoch)


def _epochs(columns: Mapping[str, Sequence[Any]], length: int) -> Sequence[int] | None:
    """What is told of the epochs, else the positions; None if it is told of some only.

    Keras's `History` has them beside its values, and many put them into the same file: after
    `initial_epoch=10` the first value is of the epoch 10.
    """
    told = [column for name, column in columns.items() if name.lower() == _EPOCH]
    if not told:
        return range(length)
    if len(told) > 1 or len(told[0]) < length:
        return None
    found = [whole(text) if isinstance(text, str) else None for text in told[0]]
    epochs = [epoch for epoch in found if epoch is not None]
    return epochs if len(epochs) == length else None


def _columns(path: str, findings: list[Finding]) -> dict[str, list[Any]]:
    """The lists in the file, their numbers as the texts that stand there."""
    found = document(path, findings, _MOST_PARSED_BYTES)
    if not isinstance(found, dict):
        return {}
    columns = {name: _listed(column) for name, column in found.items()}
    return {name: column for name, column in columns.items() if column is not None}


def _listed(column: Any) -> list[Any] | None:
    """The values of a list, or of an object whose keys count them: pandas's own index."""
    if isinstance(column, dict) and [*column] == [str(number) for number in range(len(column))]:
        return [*column.values()]
    return column if isinstance(column, list) else None


HABIT = "Keras counts epochs from 1 in names and from 0 in a history"
"""Of all writers of a history."""

KIND = LogKind(
    "history",
    is_object,
    _read,
    {"epoch": 1},
    HABIT,
    unit="entry",
    writes=KERAS_KINDS,
    begins=0,
    by_position=True,
)
