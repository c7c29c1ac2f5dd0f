"""SpeechBrain's `CKPT.yaml`, in the folder of each checkpoint: what was given to `meta`.

Source: speechbrain/utils/checkpoints.py: beside it, `unixtime` and `end-of-epoch` are written.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from ckptsel.sources.log import LogKind, LogRow, names_of, number, whole
from ckptsel.sources.reading.together import alone, each_file
from ckptsel.sources.reading.yaml_text import mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckptsel.checkpoint import Finding

_NO_METRICS = frozenset({"unixtime", "end-of-epoch", "epoch"})
# One checkpoint's metrics; there may be thousands of such files.
_MAX_BYTES = 2**16


def _recognise(head: bytes) -> bool:
    return bool(head.strip())


def _read_together(run: str, paths: Sequence[str], findings: list[Finding]) -> Iterator[LogRow]:
    return chain.from_iterable(each_file(run, paths, findings, _row))


def _row(path: str, inner: str, findings: list[Finding]) -> Iterator[LogRow]:
    found = mapping(path, findings, _MAX_BYTES)
    values = {
        name: scalar
        for name, scalar in found.items()
        if name not in _NO_METRICS and _may_be_metric(scalar.text)
    }
    yield LogRow(
        1,
        names_of(*values),
        [scalar.text for scalar in values.values()],
        whole(found["epoch"].text) if "epoch" in found else None,
        file=inner.rpartition("/")[0],
        places=[f"{inner}:{scalar.line}" for scalar in values.values()],
    )


def _may_be_metric(text: str) -> bool:
    """Whether it is a number, or one that was spoilt; not a note."""
    return number(text) is not None or any(character.isdigit() for character in text)


KIND = LogKind(
    "speechbrain",
    _recognise,
    alone(_read_together, 2),
    {"file": None},
    read_together=_read_together,
)
