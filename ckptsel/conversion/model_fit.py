"""Whether weights fit the model that `--model` names, as `inspect --against` finds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.errors import ConversionError
from ckptsel.inspection.against import Model

if TYPE_CHECKING:
    from ckptsel.conversion.converter import Options
    from ckptsel.formats.contents import Contents
    from ckptsel.inspection.fit import Match

_SHOWN = 5  # So many layers that do not fit are shown.


def doubts(contents: Contents, path: str, options: Options) -> tuple[Finding, ...]:
    """What is doubtful about loading the weights into the model.

    Args:
        contents: an open checkpoint in a layout of Keras 3.
        path: its path.
        options: with `model`.

    Raises:
        ConversionError: if Keras would fail to, or do it wrongly.
    """
    fit = Model(options.model).fit(contents)
    bad = [match for match in fit.matches if not match.is_good]
    if bad:
        details = [f"{_name(match)}: {match.problem}" for match in bad]
        raise ConversionError(
            f"the weights of {path!r} do not fit the model {options.model!r}",
            hint="ckptsel inspect --against shows every layer",
            details=tuple(details[:_SHOWN]),
        )
    said = (*fit.doubts, *fit.caveats, *fit.notes)
    return tuple(Finding("doubtful-fit", note, path, strict=True) for note in said)


def _name(match: Match) -> str:
    place = match.layer or match.source
    return (place.name or place.path) if place else ""
