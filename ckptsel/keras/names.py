"""The names that the callback gives: the pattern, and what is added to a name that is taken."""

from __future__ import annotations

import difflib
import os
import re
from itertools import count
from string import Formatter
from typing import TYPE_CHECKING

from ckptsel.errors import PatternError, UsageError
from ckptsel.naming.pattern import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WEIGHTS, MODEL = ".weights.h5", ".keras"
SUFFIXES = (WEIGHTS, MODEL)

# What str.format takes for a part of a field's name.
_NOT_IN_FIELDS = re.compile(r"[.\[\]{}!:]")


def default_pattern(monitor: str, *, weights_only: bool, by_batch: bool) -> str:
    """Epoch, batch where there is one, and the monitor with its label."""
    parts = ["epoch={epoch:03d}", *(["batch={batch:05d}"] if by_batch else [])]
    if not _NOT_IN_FIELDS.search(monitor):
        # A slash would begin a folder.
        parts.append(f"{monitor.replace('/', '_')}={{{monitor}:.4f}}")
    return "-".join(parts) + (WEIGHTS if weights_only else MODEL)


def checked_pattern(text: str, *, weights_only: bool, by_batch: bool) -> str:
    """The pattern, if files can be told apart by it and Keras saves under such names.

    Raises:
        PatternError: if it is malformed, has no counter, or leads out of the folder.
    """
    suffix = WEIGHTS if weights_only else MODEL
    whole = (0, len(text))
    if not text.endswith(suffix):
        other = "True" if text.endswith(WEIGHTS) else "False"
        says = f"with save_weights_only={weights_only} the names have to end in {suffix}"
        hint = f"save_weights_only={other} goes with this one" if text.endswith(SUFFIXES) else ""
        raise PatternError(says, text, whole, hint=hint)
    Pattern(text)  # what cannot be read back is malformed
    fields = {re.split(r"[.\[]", name)[0] for _, name, _, _ in Formatter().parse(text) if name}
    if "batch" in fields and not by_batch:
        raise PatternError(
            "there is a {batch} only where save_freq is a number of batches",
            text,
            whole,
            hint="use {epoch}, or save_freq=100",
        )
    if not fields & {"epoch", "batch"}:
        counters = "{epoch} or {batch}" if by_batch else "{epoch}"
        raise PatternError(
            f"the pattern holds no {counters}: two saves could get the same name",
            text,
            whole,
            hint="for example 'epoch={epoch:03d}" + suffix + "'",
        )
    if os.path.isabs(text) or ".." in re.split(r"[/\\]", text):
        raise PatternError("the pattern leads out of the folder", text, whole)
    return text


def formatted(pattern: str, epoch: int, batch: int | None, metrics: Mapping[str, float]) -> str:
    """The name of one save, relative to the folder.

    Args:
        pattern: see `checked_pattern`.
        epoch: from 1.
        batch: from 1; None at the end of an epoch.
        metrics: the values that were logged.

    Raises:
        UsageError: if the pattern asks for what was not logged.
    """
    counters = {"epoch": epoch} if batch is None else {"epoch": epoch, "batch": batch}
    try:
        return pattern.format(**{**metrics, **counters})
    except KeyError as error:
        raise UsageError(
            f"the pattern asks for {error.args[0]!r}, which was not logged;"
            f" there are {listed(metrics)}",
            hint=similar(str(error.args[0]), metrics),
        ) from error
    except (ValueError, IndexError, AttributeError, TypeError) as error:
        raise UsageError(f"the pattern {pattern!r} cannot be filled in: {error}") from error


def free_name(folder: str, name: str) -> str:
    """The name, or the first of `…-v1`, `…-v2`, … that is not taken. So does Lightning."""
    suffix = next(suffix for suffix in SUFFIXES if name.endswith(suffix))
    stem = name.removesuffix(suffix)
    names = (f"{stem}-v{number}{suffix}" if number else name for number in count())
    return next(each for each in names if not os.path.lexists(os.path.join(folder, each)))


def listed(names: Iterable[str]) -> str:
    """The names in a row, for a message."""
    return ", ".join(map(repr, sorted(names))) or "none at all"


def similar(asked: str, names: Iterable[str]) -> str:
    """A hint, if one of the names is nearly the one that was asked for."""
    close = difflib.get_close_matches(asked, [*names], 1, 0.6)
    return f"did you mean {close[0]!r}?" if close else ""
