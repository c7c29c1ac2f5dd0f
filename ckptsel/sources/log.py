"""What a log says, whatever its kind: rows, each about one epoch, one step or one file."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from ckptsel.sources import HEAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ckptsel.checkpoint import Finding
    from ckptsel.training_log.identity import Mark

Key: TypeAlias = Literal["file", "epoch", "step"]

KERAS_KINDS = frozenset({"keras", "h5", "weights.h5", "sharded weights", "keras folder"})
"""The checkpoints that Keras's ModelCheckpoint writes, and TensorFlow's."""
KERAS_KINDS |= {"tf-checkpoint", "savedmodel"}


class LogRow(NamedTuple):
    """One row of a log.

    Attributes:
        place: where it stands: the line, or the position in a list, counted from 1.
        names: the columns; the same tuple for all rows that have the same, since that is quick.
        texts: what stands in them, as it stands there.
        epoch: as the log counts it; None if the row tells none.
        step: as the log counts it; None if the row tells none.
        file: the checkpoint that the row is about, relative to the log's folder, with `/`;
            "" where the log names none.
        mark: by what that checkpoint's file can be told from others; None if the log is not one
            that has a line for each save, in their order.
        is_gone: whether the row says that this checkpoint was removed.
        places: where each of the texts stands, if the row was put together from several lines: the
            line, and before it the file's path from the run's folder, if it is one of several
            (`validation/events.out.tfevents.1:7`). Empty if all stand at `place`.
        at_step: the step at which a row about an epoch was written, if it tells one.
        shift: what was taken from the epoch that stands there, to count as the kind's names do.
    """

    place: int
    names: tuple[str, ...]
    texts: Sequence[str]
    epoch: int | None = None
    step: int | None = None
    file: str = ""
    mark: Mark | None = None
    is_gone: bool = False
    places: Sequence[str] = ()
    at_step: int | None = None
    shift: int = 0

    @property
    def values(self) -> dict[str, str]:
        """Column → what stands there."""
        return dict(zip(self.names, self.texts, strict=True))


@dataclass(frozen=True, slots=True)
class LogKind:
    """A kind of log.

    Attributes:
        name: short, shown as a value's source: `csv` in `csv:training.csv:12`.
        recognise: the log's first bytes → whether it is of this kind. Must not raise on any
            content, and must be quick.
        read: path, a list that takes findings → its rows, in the order of the file. Must hold
            one row at a time in memory where the format allows it, leave out a last row that
            is only half written, and turn what is malformed into findings. Raises OSError if
            the file cannot be read.
        offsets: by what the rows are joined, the best first; each with what the framework's
            names count beyond its log: 1 if a row of epoch 4 belongs to a name that says 5;
            None where no habit is known.
        habit: where these offsets come from, in words for people.
        unit: what a row's place counts: `line`, or `entry` of a list.
        read_together: for a log of several files: the run's folder, their paths, a list that takes
            findings → the rows of all of them. Rows that name files do so from the run's folder.
            `read` is not used then.
        epochs_alike: whether names count epochs as the log's column `epoch` does, so that it tells
            whether rows that are joined by step are the right ones.
        begins: the epoch with which the framework's own logs begin, if no training went on there;
            one that begins otherwise may be that of another writer. None if that is not known.
        by_position: whether rows without a column `epoch` are counted by where they stand, so that
            nothing tells which of several trainings they are of.
        writes: the kinds of checkpoints whose names have this habit; empty for all. Others have
            none that is known.
        head_bytes: by how many of its first bytes a log of the kind is known.
        is_told: whether the user has named it. Where an offset is known as well, the user has said
            what it counts, which only values contradict.
        only_by_values: the keys that count only where values in the names agree with the log,
            because the log may count something else by them.
    """

    name: str
    recognise: Callable[[bytes], bool]
    read: Callable[[str, list[Finding]], Iterator[LogRow]]
    offsets: Mapping[Key, int | None]
    habit: str = ""
    unit: str = "line"
    read_together: Callable[[str, Sequence[str], list[Finding]], Iterator[LogRow]] | None = None
    epochs_alike: bool = False
    only_by_values: frozenset[Key] = frozenset()
    begins: int | None = None
    by_position: bool = False
    writes: frozenset[str] = frozenset()
    head_bytes: int = HEAD_BYTES
    is_told: bool = False


def place_of(row: LogRow, unit: str, column: str = "") -> str:
    """Where a row stands, or its value in one column, in the words of its log: `line 12`."""
    if not row.places or (row.place and not column):
        return f"{unit} {row.place}"
    place = row.places[row.names.index(column) if column else 0]
    file, _, number = place.rpartition(":")
    return f"{unit} {number} of {file}" if file else f"{unit} {number}"


@lru_cache(256)
def names_of(*columns: str) -> tuple[str, ...]:
    """The columns of a row: the same object for the same columns, as the join is quick with."""
    return columns


# How writers say that there is no value: Keras `NA`, pandas `<NA>`, Excel `#N/A`; and the rest.
_ABSENT = frozenset({"", "na", "n/a", "<na>", "#n/a", "#na", "none", "null", "nil", "-", "--", "?"})
# How others write what Python's float does not read: Microsoft's C runtime as `1.#QNAN0`, glibc as
# `nan(0x1)`, YAML as `.inf`, JavaScript as `∞`; and what Excel says of a calculation that failed.
_NOT_FINITE = re.compile(
    r"""(?P<sign> [+-]?) (?:
        (?P<inf> 1\.\#inf0* | \.inf | ∞ )
        | 1\.\#(?:qnan|snan|ind)0* | nan\([^()]*\) | \.nan | \#num! | \#div/0! | \#value!
    )""",
    re.VERBOSE,
)


def number(text: str) -> float | None:
    """The number that a log's text stands for, None if it has none; NaN in every spelling.

    >>> number(" 0.25"), number("NA"), number("-1.#INF"), number("today")
    (0.25, None, -inf, None)
    """
    try:
        return float(text)
    except ValueError:
        pass
    low = text.strip().lower()
    if low in _ABSENT or not (found := _NOT_FINITE.fullmatch(low)):
        return None
    return float(f"{found['sign']}inf") if found["inf"] else math.nan


def is_absent(text: str) -> bool:
    """Whether a log's text says that there is no value, in one of the known spellings.

    >>> is_absent(" NA"), is_absent("5%")
    (True, False)
    """
    return text.strip().lower() in _ABSENT


MOST = 10**18
"""No training counts so far, and what is computed of an epoch must stay a number."""


def whole(text: str | None) -> int | None:
    """An epoch or a step: `3`, or `3.0` as pandas writes it; None for anything else.

    So it is for a number of more than 18 digits.
    """
    found: int | None = None
    try:
        found = int(text) if text else None
    except ValueError:
        value = number(text or "")
        found = int(value) if value is not None and value.is_integer() else None
    return found if found is not None and -MOST < found < MOST else None
