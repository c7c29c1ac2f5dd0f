"""A checkpoint against a model: both are opened, and matched in the way that it is loaded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ckptsel.errors import UnknownFormatError, UnreadableError, UsageError
from ckptsel.formats import format_of, open_contents
from ckptsel.formats.strict_json import read_object
from ckptsel.inspection import fitting
from ckptsel.inspection.layout import BY_ORDER, BY_PATH, Layout, layout_of
from ckptsel.inspection.model_layers import layers_in
from ckptsel.inspection.model_layout import layout_of_model
from ckptsel.inspection.pairing import Group, pair
from ckptsel.inspection.places import KnownNames, Place
from ckptsel.storage import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ckptsel.formats.contents import Contents
    from ckptsel.inspection.fit import Fit
    from ckptsel.inspection.layer_shapes import Shape


class Model:
    """What weights are to be loaded into: a checkpoint, or a config from `model.to_json()`.

    Args:
        path: its file.
        config: what it describes the model with, if that alone counts.

    Attributes:
        path: its file.
        kind: its format; "" for a config.

    Raises:
        LocationNotFoundError, UnknownFormatError, DamagedError: if it cannot be read.
        UsageError: if it tells nothing of layers.
    """

    def __init__(self, path: str, config: Mapping[str, Any] | None = None) -> None:
        self.path = path
        self.kind = ""
        self._is_listed = False
        self._layout = self._read(config)
        if not (self._layout.leaves or self._layout.tops or self._is_listed):
            raise UsageError(
                f"{path!r} tells nothing of the layers",
                hint="the config of a subclassed model does not; give a saved model",
            )

    def _read(self, config: Mapping[str, Any] | None) -> Layout:
        found = format_of(self.path) if config is None else None
        if found is None:
            listed = list(layers_in(_config_of(self.path) if config is None else config))
            self._is_listed = bool(listed)
            return layout_of_model(listed, None, {})
        self.kind = found.name
        with found.open(self.path) as contents:
            listed = list(layers_in(contents.config))
            self._is_listed = bool(listed)
            file = layout_of(contents, listed)
            if not listed:
                return file
            # Configs of Keras 2 do not tell what a layer was built on, the weights do.
            return layout_of_model(listed, file, _shapes_by_name(contents))

    def fit(self, contents: Contents) -> Fit:
        """Whether the weights of an open checkpoint fit. Raises as `Contents.tensors` does."""
        file = layout_of(contents, list(layers_in(contents.config)))
        found = self._fit(file)
        if found is None:
            found = _by_name(self._layout, file)
            if not found.notes:
                found = replace(found, notes=(_no_rule(file.kind, self.path),))
        return found

    def _fit(self, file: Layout) -> Fit | None:
        """As the weights are loaded; None if that is not known."""
        model = self._layout
        doubt = f"{self.path!r} does not tell how layers of different classes follow each other"
        if file.kind in BY_PATH:
            if self.kind in BY_PATH or self._is_listed:
                return fitting.fit_by_path((*model.leaves, *model.own), (*file.leaves, *file.own))
            if self.kind == BY_ORDER:
                says = f"{self.path!r} does not tell the classes of the layers"
                return fitting.fit_in_rows(model.tops, file.tops, says)
        elif file.kind == BY_ORDER:
            if self.kind == BY_ORDER or self._is_listed:
                return _in_order(model, file)
            if self.kind in BY_PATH:
                return fitting.fit_in_rows(model.tops, file.tops, doubt)
        elif file.kind == self.kind == "tf-checkpoint":
            return fitting.fit_by_path(model.leaves, file.leaves)
        elif file.is_numbered:
            return self._fit_numbered(file, doubt)
        return None

    def _fit_numbered(self, file: Layout, doubt: str) -> Fit | None:
        """TensorFlow loads by the numbers in the graph of objects."""
        model = self._layout
        has_positions = all(place.position >= 0 for place in file.tops)
        if self._is_listed and self.kind != BY_ORDER and has_positions:
            return fitting.fit_by_position(model.tops, file.tops)
        if self._is_listed or self.kind == BY_ORDER:
            return fitting.fit_by_order(model.tops, file.tops, is_keras=False)
        if self.kind in BY_PATH:
            return fitting.fit_in_rows(model.tops, file.tops, doubt)
        return None


def _in_order(model: Layout, file: Layout) -> Fit:
    found = fitting.fit_by_order(model.tops, file.tops)
    if not (model.own or file.own):
        return found
    own = fitting.fit_by_order(model.own, file.own)
    return replace(found, matches=(*found.matches, *own.matches))


def _no_rule(kind: str, model: str) -> str:
    if kind in BY_PATH or kind == BY_ORDER:
        return f"{model!r} does not tell the layers' classes and order: compared by name"
    return f"Keras 3 does not load {kind} itself: compared by name and shape"


def _by_name(model: Layout, file: Layout) -> Fit:
    known = KnownNames(model.leaves, file.leaves)
    if not any(place.names for place in file.leaves):
        says = "the file names no layers, and nothing but shapes could tell which is which"
        nothing = [(place, None, True) for place in model.leaves]
        return replace(fitting.compare_by_name(nothing, known), doubts=(says,))
    pairs = tuple(_pairs(model.leaves, file.leaves, known))
    return fitting.compare_by_name(pairs, known)


def _pairs(
    model: Sequence[Place], file: Sequence[Place], known: KnownNames
) -> Iterator[tuple[Place | None, Place | None, bool]]:
    taken: set[int] = set()
    found: dict[int, tuple[Place | None, bool]] = {}
    given = [known.given(place.names) for place in file]
    for number, place in enumerate(model):
        if place.weights is None and (chain := known.given(place.names)):
            # What is in it, the model does not tell; the file may have several layers of it.
            inner = [n for n, names in enumerate(given) if names[: len(chain)] == chain]
            found[number] = (file[inner[0]] if inner else None, False)
            taken |= set(inner)
    for by_shape in (False, True):
        one = [n for n in range(len(model)) if n not in found]
        other = [n for n in range(len(file)) if n not in taken]
        is_known = _is_known(model[n] for n in one)
        paired = pair(
            [_group(model[n], by_shape=by_shape, is_known=is_known) for n in one],
            [_group(file[n], by_shape=by_shape, is_known=is_known) for n in other],
        )
        for a, b, by in paired.pairs:
            if by_shape or by == "layer":
                found[one[a]] = (file[other[b]], a in paired.alike)
                taken.add(other[b])
        if by_shape:
            found.update({one[a]: (None, True) for a in paired.unsure})
            unsure = bool(paired.unsure)
    for number, place in enumerate(model):
        source, is_unsure = found.get(number, (None, False))
        yield place, source, is_unsure
    if not unsure:
        yield from ((None, place, False) for n, place in enumerate(file) if n not in taken)


def _is_known(places: Iterator[Place]) -> bool:
    return all(None not in shape for place in places for shape in place.shapes or ())


def _group(place: Place, *, by_shape: bool, is_known: bool) -> Group:
    shapes = place.shapes or ()
    signature: object = None
    if by_shape:
        signature = tuple(sorted(shapes if is_known else map(len, shapes)))
    return Group(place.path, place.names, signature)


def _shapes_by_name(contents: Contents) -> dict[str, tuple[Shape, ...]]:
    """The shapes of the innermost layers, by their names, where Keras 2's HDF5 tells them."""
    found: dict[str, dict[str, tuple[Shape, ...]]] = {}
    for tensor in contents.tensors if contents.kind == BY_ORDER else ():
        if tensor.role == "weight" and tensor.owners:
            group = tensor.path.rpartition("/")[0]
            groups = found.setdefault(tensor.owners[-1], {})
            groups[group] = (*groups.get(group, ()), tensor.shape)
    # Two nested models may each have a layer of that name.
    return {name: next(iter(groups.values())) for name, groups in found.items() if len(groups) == 1}


def against(model: Model, path: str) -> Fit:
    """Whether a checkpoint's weights fit into a model.

    Raises:
        LocationNotFoundError, UnknownFormatError, DamagedError: if it cannot be read.
    """
    with open_contents(path) as contents:
        return model.fit(contents)


def _config_of(path: str) -> Mapping[str, Any]:
    try:
        with open_regular(path) as file:
            is_json = file.read(64).lstrip().startswith(b"{")
    except OSError as error:
        raise UnreadableError(f"cannot read {path!r}: {error.strerror}") from None
    config = read_object(path) if is_json else {}
    if not isinstance(config.get("class_name"), str):
        raise UnknownFormatError(
            f"{path!r} is neither a checkpoint nor a model's config",
            hint="a config is what model.to_json() gives",
        )
    return config
