"""What names say, laid out to be compared with a log."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from ckptsel.naming.decimals import may_mean_missing, printed_unit
from ckptsel.naming.vocabulary import canonical
from ckptsel.sources.joining.agreement import Names, Printed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ckptsel.checkpoint import Metric
    from ckptsel.naming.read import Table
    from ckptsel.search.places import TableIn
    from ckptsel.sources.joining.agreement import Within


# What counts the batches of an epoch: Keras's `{batch}`, Lightning's `batch_idx`.
_BATCHES = frozenset(map(canonical, ("batch", "batch_idx")))


class Side(NamedTuple):
    """The names' side of a join.

    Attributes:
        named: the checkpoints, in the order of the names.
        labels: metric in the form of `canonical` → how the names call it.
        fields: how the names' pattern calls what stands in `named.printed`.
    """

    named: Names
    labels: dict[str, str]
    fields: Sequence[str]


def side_of(place: TableIn) -> Side:
    """Epoch, step and printed values of all names of a table."""
    table = place.table
    first = table.metrics(0)
    epoch = next((m for m in first if m.role == "epoch"), None)
    step = next((m for m in first if m.role == "step"), None)
    is_batch = epoch is not None and step is not None and canonical(step.name) in _BATCHES
    unsaid = [None] * len(table.names)
    epochs = _whole(table, epoch.name) if epoch else unsaid
    within = _within(table, epoch, epochs, step) if epoch is not None else []
    # One number without a label may be either: `checkpoint-500`.
    if epoch is not None and not epoch.labelled and (step is None or is_batch):
        step = epoch
    elif is_batch:
        step = None  # of training, which a log may count
    metrics = [m for m in first if m.role == "metric"]
    named = Names(
        table.names,
        epochs,
        _whole(table, step.name) if step else unsaid,
        [_printed(table, m) for m in metrics],
        within,
    )
    labels = {canonical(m.name): m.name for m in metrics if m.labelled}
    return Side(named, labels, [m.name for m in metrics])


def _within(
    table: Table, epoch: Metric, epochs: Sequence[int | None], step: Metric | None
) -> Sequence[Within]:
    """What the further numbers of all names tell of a moment within their epochs."""
    total = len(table.names)
    numbers: list[Sequence[float | None]] = [
        _whole(table, m.name)
        for m in table.metrics(0)
        if m.role in ("step", "setting") and m is not epoch and isinstance(m.value, int)
    ]
    if len({*epochs}) < total:
        # As a metric that was saved every few batches.
        numbers += [table.numbers(m.name) for m in table.metrics(0) if m.role == "metric"]
    if not numbers:
        return ()
    if step is not None and canonical(step.name) in _BATCHES:
        return ["batch"] * total
    if len({*zip(epochs, *numbers, strict=True)}) > len({*epochs}):
        return ["shared"] * total
    if step is None:
        return ()
    pairs = {*zip(epochs, _whole(table, step.name), strict=True)}
    paces = [_pace(pairs, base) for base in (0, 1)]
    return ["paced" if any(paces) else "step"] * total


def _pace(pairs: Iterable[tuple[int | None, int | None]], base: int) -> bool:
    """Whether steps are the same number for each epoch, if epochs count from `1 - base`."""
    found = set()
    for epoch, step in pairs:
        if epoch is None or step is None:
            continue
        epochs = epoch + base
        if not epochs and not step:
            continue  # before the training
        if not epochs or step % epochs:
            return False
        found.add(step // epochs)
    return len(found) == 1


def all_of(sides: Sequence[Side]) -> Names:
    """The names of several tables as one; a metric without a label is one of its table only."""
    if len(sides) == 1:
        return sides[0].named
    names: list[str] = []
    epochs: list[int | None] = []
    steps: list[int | None] = []
    printed: list[Printed] = []
    within: list[Within] = []
    total = sum(len(side.named.names) for side in sides)
    for side in sides:
        before, behind = len(names), total - len(names) - len(side.named.names)
        for label, values, half_units, texts in side.named.printed:
            printed.append(
                Printed(
                    label,
                    [*[None] * before, *values, *[None] * behind],
                    [*[0.0] * before, *half_units, *[0.0] * behind],
                    [*[""] * before, *texts, *[""] * behind],
                )
            )
        names += side.named.names
        epochs += side.named.epochs
        steps += side.named.steps
        within += side.named.within or [""] * len(side.named.names)
    return Names(names, epochs, steps, printed, within if any(within) else ())


def _whole(table: Table, name: str) -> list[int | None]:
    if not table.readings:
        index = next(i for i, f in enumerate(table.form.fields) if f.name == name)
        with suppress(ValueError):
            return [*map(int, table.columns[index])]
    return [int(value) if value.is_integer() else None for value in table.numbers(name)]


def _printed(table: Table, metric: Metric) -> Printed:
    """One metric of all names."""
    name = metric.name
    label = canonical(name) if metric.labelled else ""
    index = next(i for i, f in enumerate(table.form.fields) if f.name == name)
    exact = table.form.fields[index].is_exact
    numbers = table.numbers(name)
    values: list[float | None] = [*numbers]
    if 0.0 in numbers:
        # A zero that Lightning writes for "missing" says nothing that a log could contradict.
        for place, each in enumerate(table.names):
            if may_mean_missing(each, numbers[place]):
                values[place] = None
    if table.readings:
        texts: Sequence[str] = [reading.texts[name] for reading in table.readings]
        half_units = [0.0 if exact else printed_unit(text) / 2 for text in texts]
    else:
        # What the quick way read has the one number of decimals that the format says.
        texts = table.columns[index]
        half_units = [0.0 if exact else printed_unit(texts[0]) / 2] * len(texts)
    return Printed(label, values, half_units, texts)
