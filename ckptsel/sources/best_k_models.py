"""`best_k_models.yaml`, which Lightning's `ModelCheckpoint.to_yaml` writes: it names the files.

Source: lightning/pytorch/callbacks/model_checkpoint.py: absolute paths → the monitor's values,
which are not rounded. The monitor is not named; it is known where the names of the files say it.
"""

from __future__ import annotations

import math
import os
import re
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.naming.decimals import printed_unit
from ckptsel.naming.vocabulary import role_of
from ckptsel.sources.log import LogKind, LogRow, is_absent, names_of, number
from ckptsel.sources.reading.yaml_text import mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

UNNAMED = "best_model_score"
"""What the callback calls the monitor's value."""

# Linux takes no longer path, and Windows hardly.
_LONGEST_PATH = 4096
# A slash in a metric's name makes a folder, and hardly more than two or three of them.
_MOST_FOLDERS = 16
# What may stand in a label, read from its end; and what a value begins with.
_IN_LABEL = re.compile(r"[\w/ .@]*")
_LABEL = re.compile(r"[A-Za-z_].*", re.DOTALL)
_PRINTED = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?!\.?\d)")


def _recognise(head: bytes) -> bool:
    return bool(head.strip())


def _read(path: str, findings: list[Finding]) -> Iterator[LogRow]:
    folder = os.path.dirname(path)
    found = mapping(path, findings)
    scores = {name: text for name, (text, _) in found.items() if not is_absent(text)}
    if too_long := [name for name in scores if len(name) > _LONGEST_PATH]:
        said = f"{len(too_long)} keys are longer than any path, the first is in line"
        said += f" {found[too_long[0]].line}"
        findings.append(Finding("log-malformed", said, path, strict=True))
    files: dict[str, list[str]] = {}
    for name in scores:
        if len(name) <= _LONGEST_PATH:
            files.setdefault(_here(folder, name), []).append(name)
    monitor = _monitor({file: scores[names[0]] for file, names in files.items()})
    for place, (file, names) in enumerate(files.items(), 1):
        if len(names) == 1:
            yield LogRow(place, names_of(monitor), [scores[names[0]]], file=file)
        else:
            said = f"{len(names)} entries could be about {file!r}: none was used"
            findings.append(Finding("log-malformed", said, path, strict=True))


def _here(folder: str, path: str) -> str:
    """Where a file stands from the log's folder, which may have been moved since.

    A metric with a slash in its name has made folders of the file's name. The most of the path
    that leads somewhere counts.
    """
    parts = [part for part in re.split(r"[/\\]", path) if part not in ("", ".", "..")]
    for start in range(max(0, len(parts) - _MOST_FOLDERS), len(parts)):
        inner = "/".join(parts[start:])
        if os.path.lexists(os.path.join(folder, inner)):
            return inner
    return parts[-1] if parts else path


def _monitor(scores: dict[str, str]) -> str:
    """The one label that has in all names what the file says, as far as it is printed."""
    possible: set[str] | None = None
    for name, text in scores.items():
        score = number(text)
        if score is None or not math.isfinite(score):
            continue
        agreeing = {
            label
            for label, printed in _labelled(name)
            if role_of(label) == "metric"
            and abs(float(printed) - score) <= printed_unit(printed) * 0.5000001
        }
        possible = agreeing if possible is None else possible & agreeing
    return possible.pop() if possible and len(possible) == 1 else UNNAMED


def _labelled(name: str) -> Iterator[tuple[str, str]]:
    """The labels in a name with their values: `val_loss=0.25`."""
    before, *behind = name.split("=")
    for part in behind:
        # From the end: a search for the first letter of each would start over at every letter.
        mirrored = _IN_LABEL.match(before[::-1])
        label = _LABEL.search(mirrored[0][::-1]) if mirrored else None
        printed = _PRINTED.match(part)
        if label and printed:
            yield label[0], printed[0]
        before = part[printed.end() :] if printed else part


KIND = LogKind("best_k_models", _recognise, _read, {"file": None}, unit="entry")
