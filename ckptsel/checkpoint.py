"""The nouns: Checkpoint, Metric, Finding, Monitor, Ranking."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, TypeAlias

Value: TypeAlias = "int | float | str"
Mode: TypeAlias = Literal["min", "max"]
Role: TypeAlias = Literal["metric", "epoch", "step", "setting", "text"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One value and its evidence.

    Attributes:
        name: its label, or a number ("0", "1", …: the position) if it has none.
        value: what was read; text where it is no number.
        text: the characters it was read from, as they stand in the source.
        role: a metric can be ranked by; an epoch or a step counts; a setting was chosen
            before training (lr, seed, fold); text is no number.
        source: where it stands: `name` for the file's name; for a log its kind, its path from the
            run's folder and its line: `csv:training.csv:12`; for what the file itself keeps,
            `totals:` and the metric's name in it.
        labelled: whether its name stands beside it, or was only its position.
    """

    name: str
    value: Value
    text: str
    role: Role = "metric"
    source: str = "name"
    labelled: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is said, and is no reason to stop.

    Attributes:
        code: stable and kebab-case, an anchor in docs/errors.md.
        message: a sentence for a person.
        path: the file or folder it is about, if any.
        strict: whether `--strict` makes it an error.
    """

    code: str
    message: str
    path: str = ""
    strict: bool = False

    @property
    def said(self) -> str:
        """The message, with the path it is about if that is not in it."""
        return self.message if self.path in self.message else f"{self.path}: {self.message}"


class SavedLine(NamedTuple):
    """The line of `ckptsel.jsonl` that says that a checkpoint was saved.

    Attributes:
        log: which log it is: the run's folder, and its path from there.
        number: the line's, from 1. Lines are only ever added: a later one is of a later save.
        sha256: of the file, as hexadecimal digits; "" if the line does not tell.
    """

    log: tuple[str, str]
    number: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One checkpoint, of one file or of several.

    Attributes:
        path: what a loader takes: the file, the folder, or the TensorFlow prefix. It begins
            with the location as the user wrote it.
        files: every file (or the one folder) it consists of.
        kind: how it was recognised by name: `keras`, `weights.h5`, `tf-checkpoint`, ….
        run: the folder of the training run it belongs to.
        metrics: everything read about it.
        pattern: the pattern that read its name, "" if none did.
        size_bytes: all of its files together; -1 where it could not be read.
        modified: seconds since 1970, the newest of its files; 0.0 where it could not be read.
        saved: the line of `ckptsel.jsonl` about it; None if there is none.
    """

    path: str
    files: tuple[str, ...]
    kind: str
    run: str
    metrics: tuple[Metric, ...] = ()
    pattern: str = ""
    size_bytes: int = -1
    modified: float = 0.0
    saved: SavedLine | None = None

    @property
    def name(self) -> str:
        """The path's last part."""
        return os.path.basename(self.path)

    def metric(self, name: str) -> Metric | None:
        """The metric of that name, if it was read."""
        return next((metric for metric in self.metrics if metric.name == name), None)

    @property
    def epoch(self) -> float | None:
        """The epoch in the name, counted as the name counts it; an int, unless it is partial."""
        return self._counter("epoch")

    @property
    def step(self) -> float | None:
        """The step (iteration, update) in the name."""
        return self._counter("step")

    def _counter(self, role: Role) -> float | None:
        for metric in self.metrics:
            value = metric.value
            if metric.role == role and not isinstance(value, str) and math.isfinite(value):
                return int(value) if value == int(value) else value
        return None

    def with_stat(self, size_bytes: int, modified: float) -> Checkpoint:
        """The same checkpoint, with what the disk says of it."""
        return replace(self, size_bytes=size_bytes, modified=modified)


@dataclass(frozen=True, slots=True)
class Log:
    """A log that was read, and how it was joined to the checkpoints.

    Attributes:
        path: where it is.
        kind: `csv`, `history`, `ckptsel`, …; the source of its values begins with it.
        joined: how many checkpoints have a row in it; 0 where it could not be used.
        by: what its rows were joined by: `file`, `epoch` or `step`.
        offset: what the names count beyond the log: 0, 1, or -1 of ultralytics.
        why: how that is known, for people; "" where nothing was joined.
        unit: what the number at the end of a value's source counts: `line`, or `entry` of a list.
        files: of a log of several files these; `path` is the run's folder then.
    """

    path: str
    kind: str
    joined: int
    by: str
    offset: int = 0
    why: str = ""
    unit: str = "line"
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Monitor:
    """What is ranked by, which way, and why.

    Attributes:
        name: as it was asked for, or the only metric in reach.
        mode: `min` or `max`.
        why: a short reason for the mode, for people.
    """

    name: str
    mode: Mode
    why: str


@dataclass(frozen=True, slots=True)
class Ranked:
    """A checkpoint in its place.

    Attributes:
        rank: from 1; None where it has no place.
        checkpoint: the checkpoint.
        metric: the monitor's value; None where it has none.
        reason: why it has no place, "" if it has one.
        tied: whether another has the same printed value.
        smoothed: what it was ranked by in place of its value, None where nothing was smoothed.
        further: the values of the further monitors, in their order; None for one that
            it has not, or that cannot be ranked by.
    """

    rank: int | None
    checkpoint: Checkpoint
    metric: Metric | None = None
    reason: str = ""
    tied: bool = False
    smoothed: float | None = None
    further: tuple[Metric | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Ranking:
    """The end of the road: checkpoints in order, and all that was noticed on the way.

    Attributes:
        monitor: None where nothing was ranked.
        rows: the ranked first, best first; then those without a place.
        patterns: the patterns that read the names, with how many names each read.
        learned: whether the patterns were learned from the names.
        findings: what was noticed.
        seen: how many checkpoints the scan found.
        passed_over: reason → how many entries were no candidates.
        logs: the logs that were read, and how they were joined.
        per_run: whether each row is the best of a run of its own.
        further: the monitors that decide among those equal in the first, or that a front is of.
        pareto: whether the ranked rows are a front: none is better than another in all monitors.
        smooth: of how many values the medians are that were ranked by; None for no medians.
        competing: how many checkpoints have a value to rank by; more than the ranked rows, where
            fewer were asked for.
    """

    monitor: Monitor | None
    rows: tuple[Ranked, ...]
    patterns: tuple[tuple[str, int], ...] = ()
    learned: bool = False
    findings: tuple[Finding, ...] = ()
    seen: int = 0
    passed_over: dict[str, int] = field(default_factory=dict)
    logs: tuple[Log, ...] = ()
    per_run: bool = False
    further: tuple[Monitor, ...] = ()
    pareto: bool = False
    smooth: int | None = None
    competing: int = 0

    @property
    def best(self) -> Ranked | None:
        """The first row, if it has a place."""
        return self.rows[0] if self.rows and self.rows[0].rank == 1 else None

    @property
    def runner_up(self) -> Ranked | None:
        """The second row, if it has a place; None where it is the best of another run."""
        if self.per_run:
            return None
        return self.rows[1] if len(self.rows) > 1 and self.rows[1].rank else None
