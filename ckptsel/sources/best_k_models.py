"""`best_k_models.yaml`, which Lightning's `ModelCheckpoint.to_yaml` writes: it names the files.

Source: lightning/pytorch/callbacks/model_checkpoint.py: absolute paths → the monitor's values,
which are not rounded. The monitor is not named; it is known where the names of the files say it.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.naming.decimals import printed_unit
from ckptsel.naming.vocabulary import role_of
from ckptsel.sources.log import LogKind, LogRow, names_of, number
from ckptsel.sources.yaml_text import mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

UNNAMED = "best_model_score"
"""What the callback calls the monitor's value."""

_LABELLED = re.compile(r"([A-Za-z_][\w/ .@]*?)=(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?!\.?\d)")


def _recognise(head: bytes) -> bool:
    return bool(head.strip())


def _read(path: str, findings: list[Finding]) -> Iterator[LogRow]:
    folder = os.path.dirname(path)
    scores = {
        name: text for name, text in mapping(path, findings).items() if number(text) is not None
    }
    files: dict[str, list[str]] = {}
    for name in scores:
        files.setdefault(_here(folder, name), []).append(name)
    monitor = _monitor(folder, scores)
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
    for start in range(len(parts)):
        inner = "/".join(parts[start:])
        if os.path.lexists(os.path.join(folder, inner)):
            return inner
    return parts[-1] if parts else path


def _monitor(folder: str, scores: dict[str, str]) -> str:
    """The one label that has in all names what the file says, as far as it is printed."""
    possible: set[str] | None = None
    for path, text in scores.items():
        score = number(text)
        agreeing = {
            label
            for label, printed in _LABELLED.findall(_here(folder, path))
            if role_of(label) == "metric"
            and score is not None
            and abs(float(printed) - score) <= printed_unit(printed) * 0.5000001
        }
        possible = agreeing if possible is None else possible & agreeing
    return possible.pop() if possible and len(possible) == 1 else UNNAMED


KIND = LogKind("best_k_models", _recognise, _read, {"file": None}, unit="entry")
