"""MMEngine's `<time>/vis_data/scalars.json`: a JSON object a line, a folder each time it starts.

Source: mmengine/hooks/logger_hook.py and vis_backend.py. A line of training has `epoch` and `iter`,
both counted from 1; one of validation has only `step`, which is the epoch or the iteration after
which was validated. Names (`epoch_12.pth`, `iter_5000.pth`) count as both do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ckptsel.checkpoint import Finding
from ckptsel.sources.log import LogKind, whole
from ckptsel.sources.reading.json_text import objects, texts
from ckptsel.sources.reading.lines import first_line
from ckptsel.sources.reading.moments import Part, moments
from ckptsel.sources.reading.together import alone, each_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ckptsel.sources.log import LogRow

_NO_METRICS = frozenset({"step", "iter", "epoch", "time", "data_time", "memory"})


def _recognise(head: bytes) -> bool:
    return first_line(head).startswith("{")


def _read_together(run: str, paths: Sequence[str], findings: list[Finding]) -> Iterator[LogRow]:
    """One start after the other: the folders' names are their times."""
    for path, parts in zip(paths, each_file(run, paths, findings, _parts), strict=True):
        for moment in moments(parts, path, findings):
            yield moment.row()


def _parts(path: str, inner: str, findings: list[Finding]) -> Iterator[Part]:
    trained: tuple[int | None, int | None] | None = None
    bad = first_bad = 0
    for line, found in objects(path, findings):
        values = {name: text for name, text in texts(found).items() if name not in _NO_METRICS}
        place, step = f"{inner}:{line}", whole(_text(found, "step"))
        if (iteration := whole(_text(found, "iter"))) is not None:
            trained = whole(_text(found, "epoch")), iteration
            yield Part(place, values, step=iteration)
        elif step is None:
            first_bad = first_bad or line
            bad += 1
        else:
            # What the training has come to tells which of them it is.
            unknown = trained is None or step not in trained
            if unknown or (trained is not None and step == trained[0]):
                yield Part(place, values, epoch=step)
            if unknown or (trained is not None and step == trained[1]):
                yield Part(place, values, step=step)
    if bad:
        said = f"{bad} lines tell neither step nor iteration, the first is line {first_bad}"
        findings.append(Finding("log-malformed", said, path, strict=True))


def _text(found: Mapping[str, Any], name: str) -> str | None:
    value = found.get(name)
    return value if isinstance(value, str) else None


KIND = LogKind(
    "mmengine",
    _recognise,
    alone(_read_together),
    {"step": 0, "epoch": 0},
    "MMEngine's names count epochs and iterations as its log does",
    read_together=_read_together,
)
