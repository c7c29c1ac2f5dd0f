"""What ends a call: one root error, its kinds, and the exit codes they map to."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every command: part of the contract with scripts."""

    OK = 0
    ERROR = 1
    USAGE = 2
    NOTHING_FOUND = 3
    CONDITION_NOT_MET = 4
    DAMAGE = 5
    INTERRUPTED = 130
    TERMINATED = 143


class CkptselError(Exception):
    """A call that cannot go on.

    Args:
        message: names the thing and what is wrong with it.
        hint: what to do next.
        details: further lines, shown indented below the message.

    Attributes:
        code: a stable kebab-case name, and an anchor in docs/errors.md.
        exit_code: what a command ends with when it meets this error.
    """

    code = "error"
    exit_code = ExitCode.ERROR

    def __init__(self, message: str, *, hint: str = "", details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details
        # From Python 3.11 on, a traceback shows these too.
        add_note = getattr(self, "add_note", None)
        if add_note is not None:
            for line in (*details, *filter(None, [hint])):
                add_note(line)


class CkptselWarning(UserWarning):
    """Something doubtful about a result of the Python API."""


class LocationNotFoundError(CkptselError):
    """A location that does not exist, or cannot be read at all."""

    code = "location-not-found"


class UsageError(CkptselError):
    """Options that make no sense, alone or together."""

    code = "usage"
    exit_code = ExitCode.USAGE


class PatternError(UsageError):
    """A pattern that str.format would not accept, or that can hold no value.

    Attributes:
        text: the pattern as it was given.
        span: start and end of the fault in `text`, in characters.
    """

    code = "bad-pattern"

    def __init__(self, message: str, text: str, span: tuple[int, int], *, hint: str = "") -> None:
        start, end = span
        # Tabs and the like would move the caret away from what it points at.
        shown = "".join(c if c.isprintable() else "?" for c in text)
        caret = " " * start + "^" * max(1, end - start)
        super().__init__(message, hint=hint, details=(shown, caret))
        self.text = text
        self.span = span


class DirectionError(UsageError):
    """`--mode auto` cannot know whether high or low is good for this metric."""

    code = "unknown-direction"


class AmbiguousMonitorError(UsageError):
    """Several metrics could be meant, and choosing one would be a guess."""

    code = "ambiguous-monitor"


class NothingFoundError(CkptselError):
    """No checkpoint is there to select."""

    code = "nothing-found"
    exit_code = ExitCode.NOTHING_FOUND


class PatternMismatchError(NothingFoundError):
    """Checkpoints are there, but the given patterns match none of their names."""

    code = "no-match"


class MonitorNotFoundError(NothingFoundError):
    """No checkpoint carries a usable value of the monitor."""

    code = "monitor-not-found"


class StrictError(CkptselError):
    """Under `--strict`, something that is otherwise only said."""

    code = "strict"


class ConditionNotMetError(CkptselError):
    """The best checkpoint does not meet a `--require` condition."""

    code = "condition-not-met"
    exit_code = ExitCode.CONDITION_NOT_MET


class ModelMismatchError(ConditionNotMetError):
    """Weights that do not fit into the model, or would get into the wrong layers."""

    code = "model-mismatch"


class TieError(ConditionNotMetError):
    """Under `--tie error`, several checkpoints have the best printed value."""

    code = "tie"


class UnreadableError(CkptselError):
    """A file that is there, and that the system does not let us read."""

    code = "unreadable"


class UnknownFormatError(CkptselError):
    """A file whose content is of no known format."""

    code = "unknown-format"


class DamagedError(CkptselError):
    """A checkpoint that is broken so far that it cannot be opened or read."""

    code = "damaged"
    exit_code = ExitCode.DAMAGE


class UnreadValuesError(CkptselError):
    """Values that are there and are not read here: of odd types, or stored too oddly."""

    code = "values-not-read"


class MissingExtraError(CkptselError):
    """Something that needs a package which is not installed."""

    code = "missing-extra"


class DestinationError(CkptselError):
    """The destination exists, is the wrong kind of thing, or has no room."""

    code = "destination"


class CopyError(CkptselError):
    """The source vanished or changed, or the disk failed, while copying."""

    code = "copy-failed"


class ConversionError(CkptselError):
    """A conversion that is impossible, would load wrongly, or did not come out."""

    code = "cannot-convert"


class EvaluationError(CkptselError):
    """The command that evaluates a mean cannot be started, failed, or printed no number."""

    code = "evaluation-failed"
