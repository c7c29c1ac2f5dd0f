"""What is asked for: the options that every selecting command shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ckptsel.errors import UsageError

MODES = ("min", "max", "auto")
TIES = ("later", "earlier", "error")
LOGS = ("use", "ignore", "only")
KEYS = ("epoch", "step", "file")
_NARROWEST = 3  # values, of which a median says anything


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for.

    Attributes:
        locations: folders, files, TensorFlow prefixes or globs.
        files: paths that are read instead of the locations; None to walk the locations.
        patterns: how names are built; empty to learn it from the names.
        monitor: the metric to rank by; None for the only one in reach.
        mode: `min`, `max` or `auto`.
        max_depth: 1 for the locations' own entries only; None without limit.
        include: globs, of which a name or path must match one.
        exclude: globs, none of which may match.
        tie: which of equal values is better: `later`, `earlier`, or `error`; None for `later` that
            nobody has decided, so that a tie is grave.
        per_run: rank only the best of each run.
        each_run: the best of each run is an answer, as with `per_run`; the others keep their
            places.
        strict: make an error of what is otherwise only said.
        allow_zero: let a printed zero win where Lightning could have written it for "missing".
        logs: `use` the logs beside the checkpoints, `ignore` them, or take metrics from them
            `only`, whatever the names say.
        metrics: tables with values of the checkpoints, read besides the logs and before them.
        key: by which column of these a checkpoint is found: `epoch`, `step` or `file`; None for
            the only one that they have.
        further: more monitors, as `val_accuracy` or `val_accuracy:max`: of those equal in the
            first, the second decides, and so on.
        pareto: take all those than which no other is better in every monitor.
        smooth: rank by the centred median of so many values of the monitor, an odd number; None
            for the values themselves.
        rejected: paths that do not compete, since they were found to be damaged; only with
            `pareto`, where what they stood before comes in again.
        about: a checkpoint that matters wherever it stands, "" for none: a log is not believed to
            be about it that may be about another file of its name.

    Raises:
        UsageError: for an unknown mode, tie rule or use of logs, an empty monitor, a depth below
            1, an even number of values to smooth, or a front of one monitor.
    """

    locations: tuple[str, ...] = (".",)
    files: tuple[str, ...] | None = None
    patterns: tuple[str, ...] = ()
    monitor: str | None = None
    mode: str = "auto"
    max_depth: int | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    tie: str | None = None
    per_run: bool = False
    each_run: bool = False
    strict: bool = False
    allow_zero: bool = False
    logs: str = "use"
    metrics: tuple[str, ...] = ()
    key: Literal["epoch", "step", "file"] | None = None
    further: tuple[str, ...] = ()
    pareto: bool = False
    smooth: int | None = None
    rejected: frozenset[str] = frozenset()
    about: str = ""

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UsageError(f"unknown mode {self.mode!r}", hint="the modes are min, max and auto")
        if self.tie not in (None, *TIES):
            raise UsageError(
                f"unknown tie rule {self.tie!r}", hint="the rules are later, earlier and error"
            )
        if self.logs not in LOGS:
            raise UsageError(
                f"unknown use of logs {self.logs!r}", hint="the uses are use, ignore and only"
            )
        if self.key not in (None, *KEYS):
            raise UsageError(f"unknown key {self.key!r}", hint="the keys are epoch, step and file")
        if self.key is not None and not self.metrics:
            raise UsageError("--key is about a table", hint="name it by --metrics FILE")
        if self.monitor == "":
            raise UsageError("the monitor is empty", hint="name it, such as --monitor val_loss")
        if self.smooth is not None and (self.smooth < _NARROWEST or self.smooth % 2 == 0):
            raise UsageError(
                f"--smooth {self.smooth}: a centred median needs an odd number of values",
                hint="such as --smooth 3 or --smooth 5",
            )
        if self.pareto and not self.further:
            raise UsageError(
                "--pareto needs several monitors",
                hint="such as --monitor val_loss --monitor val_accuracy:max",
            )
        if self.max_depth is not None and self.max_depth < 1:
            raise UsageError(
                "--max-depth must be at least 1", hint="1 looks at the location's own files only"
            )

    @property
    def takes_several(self) -> bool:
        """Whether the answer may be more than one checkpoint, though nobody said how many."""
        return self.per_run or self.pareto


def parse_monitor(text: str) -> tuple[str, str]:
    """`val_accuracy:max` → the name and the mode, which is `auto` if none is said.

    Raises:
        UsageError: if there is no name.
    """
    name, colon, mode = text.rpartition(":")
    mode = mode.strip().lower()
    if not colon or mode not in MODES:
        name, mode = text, "auto"
    if not text:
        raise UsageError("the monitor is empty", hint="name it, such as --monitor val_loss")
    if not name:
        raise UsageError(f"--monitor {text!r} names no metric", hint="such as val_accuracy:max")
    return name, mode
