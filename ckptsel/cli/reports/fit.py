"""How weights fit into a model, for people and as data."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from ckptsel.cli.reports import text
from ckptsel.cli.reports.table import Column

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ckptsel.inspection.fit import Fit, Match
    from ckptsel.inspection.layer_shapes import Shape
    from ckptsel.inspection.places import Place

_SHAPES_SHOWN = 6
FIT_HEADING = (
    *("layer", "path", "class_name", "shapes"),
    *("source", "source_path", "source_shapes", "state", "silent", "problem"),
)


def fit_record(fit: Fit, model: str) -> dict[str, Any]:
    """All of it, ready for JSON."""
    return {
        "model": model,
        "fits": fit.fits,
        "verdict": fit.verdict,
        "way": fit.way,
        "layers": [_record(match) for match in fit.matches],
        "notes": [*fit.doubts, *fit.caveats, *fit.notes],
    }


def fit_cells(fit: Fit) -> Iterator[Sequence[str]]:
    """One row a layer; shapes as `4x16 16`, with `?` for what cannot be known."""
    for match in fit.matches:
        record = _record(match)
        yield [_cell(record[name]) for name in FIT_HEADING]


def fit_columns(fit: Fit) -> list[Column]:
    """The layers of the model, and what each would get."""
    matches = fit.matches
    return [
        Column("layer", [_name(match.layer) for match in matches]),
        Column("class", [match.layer.class_name if match.layer else "" for match in matches]),
        Column("expects", [_shapes(match.layer) for match in matches]),
        Column("gets", [_name(match.source) for match in matches]),
        Column("found", [_shapes(match.source) for match in matches]),
        Column("state", [match.state for match in matches]),
        Column("problem", [match.problem for match in matches]),
    ]


def fit_footer(fit: Fit, model: str) -> Iterator[str]:
    """The verdict, and what the table does not say."""
    if fit.verdict == "fits":
        caveats = "; ".join(fit.caveats)
        yield f"fits {model}" + (f", as far as it can be told: {caveats}" if caveats else "")
    elif fit.verdict == "cannot be told":
        unsure = sum(match.state == "unsure" for match in fit.matches)
        reasons = [*fit.doubts, *([f"{text.count(unsure, 'layer')} unsure"] if unsure else [])]
        yield f"cannot be told whether it fits {model}: {'; '.join(reasons)}"
    else:
        wrong = sum(not match.is_good for match in fit.matches)
        silent = sum(match.silent for match in fit.matches)
        said = f", {silent} of them without a word" if silent else ""
        yield f"does not fit {model}: {text.count(wrong, 'layer')}{said}"
    yield {
        "path": "matched as Keras 3 does: by class and order",
        "order": "matched by order, as Keras 3 does with Keras 2's files, and TensorFlow",
        "name": "matched by name, and by order where names do not tell",
    }[fit.way]
    if fit.verdict != "fits":
        yield from fit.caveats
    yield from fit.notes


def shapes_text(shapes: Iterable[Shape]) -> str:
    """`(4, 16) (16,)`; those of one shape, which follow each other, as `4 x (16,)`."""
    runs = [(str(shape).replace("None", "?"), len([*run])) for shape, run in groupby(shapes)]
    texts = [shape if times == 1 else f"{times} x {shape}" for shape, times in runs]
    more = [f"and {len(texts) - _SHAPES_SHOWN} more"] if len(texts) > _SHAPES_SHOWN else []
    return " ".join(texts[:_SHAPES_SHOWN] + more)


def _record(match: Match) -> dict[str, Any]:
    layer, source = match.layer, match.source
    return {
        "layer": (layer and layer.name) or None,
        "path": layer and layer.path,
        "class_name": (layer and layer.class_name) or None,
        "shapes": layer and _lists(layer),
        "source": (source and source.name) or None,
        "source_path": source and source.path,
        "source_shapes": source and _lists(source),
        "state": match.state,
        "silent": match.silent,
        "problem": match.problem or None,
    }


def _lists(place: Place) -> list[list[int | None]] | None:
    return None if place.shapes is None else [list(shape) for shape in place.shapes]


def _cell(value: object) -> str:
    if isinstance(value, list):
        return " ".join("x".join("?" if n is None else str(n) for n in shape) for shape in value)
    return "" if value is None else str(value)


def _name(place: Place | None) -> str:
    return (place.name or place.path) if place else "-"


def _shapes(place: Place | None) -> str:
    if place is None:
        return "-"
    if place.shapes is None:
        return "?"
    return shapes_text(place.shapes)
