"""The checkpoints of one folder and form of name, with all that names and logs say of them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ckptsel.checkpoint import Checkpoint, Metric, SavedLine
from ckptsel.search.grouping import run_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from ckptsel.naming.read import Table
    from ckptsel.search.grouping import Folder
    from ckptsel.search.mismatch import Unread
    from ckptsel.sources.log import Key, LogRow


class Logged(NamedTuple):
    """What one log says of the names of a table.

    Attributes:
        source: the kind of log, and its path from the run's folder, with what separates it from
            the line: `csv:training.csv:`. A log of several files has its path at the line.
        rows: for each name its row, or None.
        labels: column → the metric's name, which is that of the names where they have it; without
            a column whose name means another one in the names.
        key: by what the log was joined; one that names the files tells their epochs, too.
        span: from which epoch or step to which the log goes, as the names count; None if it names
            files.
    """

    source: str
    rows: Sequence[LogRow | None]
    labels: Mapping[str, str]
    key: Key = "epoch"
    span: tuple[int, int] | None = None

    def metrics(self, row: int) -> Iterator[Metric]:
        """The values that the log has for one of the names, but for what counts its rows."""
        # Without logs, none of this is needed.
        from ckptsel.naming.vocabulary import role_of  # noqa: PLC0415
        from ckptsel.sources.log import number  # noqa: PLC0415

        found = self.rows[row]
        if found is None:
            return
        source = f"{self.source}{found.place}"
        if self.key == "file":
            if found.epoch is not None:
                yield Metric("epoch", found.epoch, str(found.epoch), "epoch", source)
            if found.step is not None:
                yield Metric("step", found.step, str(found.step), "step", source)
        for column, text in found.values.items():
            value, role = number(text), role_of(column)
            if value is not None and role not in ("epoch", "step") and column in self.labels:
                if found.places:
                    source = self.source + found.places[found.names.index(column)]
                yield Metric(self.labels[column], value, text.strip(), role, source)

    def spoilt(self, name: str) -> Iterator[tuple[int, str, str]]:
        """What stands in a metric's place and is neither a number nor said to be none.

        Yields:
            The index of the checkpoint's name, the text, and its source.
        """
        from ckptsel.sources.log import is_absent, number  # noqa: PLC0415

        for index, row in enumerate(self.rows):
            for place, column in enumerate(row.names if row is not None else ()):
                if row is None or self.labels.get(column) != name:
                    continue
                text = row.texts[place]
                if number(text) is None and not is_absent(text):
                    where = row.places[place] if row.places else str(row.place)
                    yield index, text.strip(), self.source + where

    def numbers(self, column: str) -> Iterator[tuple[int, float]]:
        """The values in one column, each with the index of the name."""
        from ckptsel.sources.joining.joined import Rows  # noqa: PLC0415
        from ckptsel.sources.log import number  # noqa: PLC0415

        if isinstance(self.rows, Rows) and column in self.rows.numbers:
            yield from enumerate(self.rows.numbers[column])
            return
        names, place = None, None
        for index, row in enumerate(self.rows):
            if row is None:
                continue
            if row.names is not names:
                names = row.names
                place = names.index(column) if column in names else None
            if place is not None and (value := number(row.texts[place])) is not None:
                yield index, value


class TableIn(NamedTuple):
    """A table, and the folder its names stand in.

    Attributes:
        folder: the folder.
        table: the names, and what they say.
        logs: what logs say of the same names; the first that has a value counts.
        trusts_names: whether metrics in the names count.
    """

    folder: Folder
    table: Table
    logs: tuple[Logged, ...] = ()
    trusts_names: bool = True

    @property
    def run(self) -> str:
        """The folder of the training run."""
        levels = self.table.form.counting_folders - self.table.names[0].count("/")
        return run_of(self.folder.path, self.folder.root, levels=max(0, levels))

    @property
    def logged(self) -> Collection[str]:
        """The metrics that logs have for some of the names."""
        return {label for log in self.logs for label in log.labels.values()}

    def metrics(self, row: int) -> tuple[Metric, ...]:
        """Everything that is known of one checkpoint.

        Of two with the same name the first one counts: an exact value from a log stands before
        the rounded one in the name.
        """
        read = self.table.metrics(row)
        if not self.trusts_names:
            read = tuple(metric for metric in read if metric.role != "metric")
        if not self.logs:
            return read
        exact: dict[str, Metric] = {}
        for log in self.logs:
            for metric in log.metrics(row):
                exact.setdefault(metric.name, metric)
        for role in ("epoch", "step"):
            if any(metric.role == role for metric in read):
                exact.pop(role, None)
        found: list[Metric] = []
        for metric in read:
            found += [exact.pop(metric.name)] if metric.name in exact else []
            found.append(metric)
        return (*found, *exact.values())

    def in_names(self, field: str) -> bool:
        """Whether the names have such a field, and it counts."""
        return self.trusts_names and any(f.name == field for f in self.table.form.fields)

    def numbers(self, field: str) -> tuple[list[float], AbstractSet[int]]:
        """One metric's values, in the order of the names; NaN where there is no number.

        Returns:
            The values, and the rows that have theirs from a log.
        """
        total = len(self.table.names)
        logged: dict[int, float] = {}
        # The log that counts comes last.
        for log in reversed(self.logs):
            for column in (column for column, label in log.labels.items() if label == field):
                logged.update(log.numbers(column))
        if len(logged) == total:
            return [*map(logged.__getitem__, range(total))], logged.keys()
        values = self.table.numbers(field) if self.in_names(field) else [math.nan] * total
        for row, value in logged.items():
            values[row] = value
        return values, logged.keys()


def checkpoint_of(place: TableIn, row: int) -> Checkpoint:
    """The checkpoint behind one name that was read."""
    found = _checkpoint(
        place.folder, place.table.names[row], place.metrics(row), place.table.pattern.text,
        levels=place.table.form.counting_folders,
    )  # fmt: skip
    for log in place.logs:
        if (said := log.rows[row]) is not None and said.mark is not None:
            line = SavedLine((place.run, log.source), said.place, said.mark.sha256)
            return replace(found, saved=line)
    return found


def bare_checkpoint(unread: Unread) -> Checkpoint:
    """The checkpoint behind a name that was not read."""
    return _checkpoint(unread.folder, unread.name, (), "")


def _checkpoint(
    folder: Folder, name: str, metrics: tuple[Metric, ...], pattern: str, *, levels: int = 0
) -> Checkpoint:
    levels = max(0, levels - name.count("/"))
    return Checkpoint(
        path=folder.join(name),
        files=folder.files_of(name),
        kind=folder.kind_of(name),
        run=run_of(folder.path, folder.root, levels=levels),
        metrics=metrics,
        pattern=pattern,
    )
