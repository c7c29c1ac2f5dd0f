"""Do the config of a whole model and the weights beside it belong together?"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.errors import DamagedError
from ckptsel.inspection.against import Model
from ckptsel.inspection.model_layers import layers_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.formats.contents import Contents
    from ckptsel.inspection.fit import Fit, Match
    from ckptsel.inspection.places import Place

_WRONG = ("count", "shape", "missing")


def inconsistencies(contents: Contents, path: str) -> Iterator[Finding]:
    """One finding if the layers of the config want other weights than the file holds.

    Only what is certain counts: layers of Keras's own whose shapes the config tells. Weights that
    no layer takes are none, because a class of somebody's own may hold some.

    Raises:
        DamagedError: if the config or the weights cannot be read.
    """
    config = contents.config
    if contents.kind not in ("keras", "h5") or not any(layers_in(config)):
        return  # such as a subclassed model, whose config tells nothing of its layers
    found = Model(path, config).fit(contents)
    wrong = [match for match in found.matches if _is_wrong(match, found)]
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        message = f"config and weights disagree: {_said(wrong[0])}{more}"
        yield Finding("config-mismatch", message, path)


def is_weightless(contents: Contents) -> bool:
    """Whether the config says that there is nothing to train, as in a model that only rescales."""
    try:
        layers = list(layers_in(contents.config))
    except DamagedError:
        return False  # which is told elsewhere
    return bool(layers) and all(layer.weights is not None and not layer.weights for layer in layers)


def _is_wrong(match: Match, fit: Fit) -> bool:
    place = match.layer
    if place is None or match.state not in _WRONG:
        return False
    if match.state != "missing":
        return True
    # A model that was never built has no weights.
    if fit.way == "order":
        return any(each.source for each in fit.matches)
    # Nor has its config shapes; and a layer that stands in two models is saved once.
    names = Counter(each.layer.names[-1:] for each in fit.matches if each.layer)
    return names[place.names[-1:]] == 1 and _is_certain(place)


def _is_certain(place: Place) -> bool:
    shapes = place.shapes or ()
    return bool(shapes) and all(size is not None for shape in shapes for size in shape)


def _said(match: Match) -> str:
    layer = match.layer
    assert layer is not None
    said = f"{layer.name or layer.path!r} ({layer.class_name or 'layer'}) wants "
    said += _shapes(layer)
    return said + (f", and got {_shapes(match.source)}" if match.source else ", and got nothing")


def _shapes(place: Place) -> str:
    shapes = [str(shape).replace("None", "?") for shape in place.shapes or ()]
    return " ".join(shapes) or "no weights"
