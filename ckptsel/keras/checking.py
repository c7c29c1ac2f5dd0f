"""Does a checkpoint fit into a live model, and has the model got its values?"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from ckptsel.errors import ModelMismatchError
from ckptsel.formats.narrow_floats import narrow, widen
from ckptsel.inspection.fitting import fit_by_order, fit_by_path
from ckptsel.inspection.layout import layout_of
from ckptsel.inspection.model_layers import layers_in
from ckptsel.keras.live import unbuilt
from ckptsel.keras.weight_order import misplaced, paired

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ckptsel.formats.contents import Contents, Tensor
    from ckptsel.inspection.fit import Match
    from ckptsel.keras.live import Live
    from ckptsel.keras.weight_order import Name

_BY_ORDER = "h5"
_NAMED = 8


def check_fit(live: Live, contents: Contents, path: str) -> str:
    """Compare a checkpoint with a model, before it is loaded.

    Returns:
        What cannot be told of the two, as a sentence; "" if nothing.

    Raises:
        ModelMismatchError: if it does not fit, or Keras would load it into the wrong layers.
        DamagedError: if its tensors cannot be listed.
    """
    file = layout_of(contents, list(layers_in(contents.config)))
    if contents.kind == _BY_ORDER:
        found = fit_by_order(live.by_order(), file.tops)
    else:
        found = fit_by_path(live.by_path(), (*file.leaves, *file.own))
    bad = [match for match in found.matches if not match.is_good]
    details = [_told(match) for match in bad]
    if not bad and contents.kind == _BY_ORDER:
        details = [*_misplaced(live, contents)]
    if not details:
        # As in files of tf_keras. Where names were made up, nobody called the layers anything.
        said = (*found.doubts, *found.caveats, *found.notes)
        is_doubtful = said and not any(place.name for place in (*file.leaves, *file.own))
        return f"{path!r} has no names of layers: {said[0]}" if is_doubtful else ""
    if len(details) > _NAMED:
        details[_NAMED:] = [f"and {len(details) - _NAMED} more"]
    missing = unbuilt(live.model)
    if missing:
        details.append(f"not built, and so without weights: {', '.join(missing[:_NAMED])}")
    silent = all(match.silent for match in bad)
    raise ModelMismatchError(
        f"{path!r} does not fit into {live.model.name!r}",
        details=tuple(details),
        hint="Keras would have loaded it without a word" if silent else "",
    )


def other_optimizer(model: Any, contents: Contents, path: str) -> str:
    """What to say if Keras would load the state of another kind of optimizer; "" if it would not.

    `.keras` says which one it is of; `.weights.h5` does not, and others' is not loaded.

    Raises:
        DamagedError: if the config or the list of tensors cannot be read.
    """
    optimizer = getattr(model, "optimizer", None)
    its = _kinds(contents.optimizer_config) if contents.kind == "keras" else []
    if optimizer is None or not its or not optimizer.built:
        return ""
    mine = _kinds({"class_name": type(optimizer).__name__, "config": optimizer.get_config()})
    if mine == its or not any(tensor.role == "optimizer" for tensor in contents.tensors):
        return ""
    return (
        f"{path!r} holds the state of {' of '.join(its)}, and the model is compiled with"
        f" {' of '.join(mine)}: the state means something else there; compile the model anew"
    )


def _kinds(config: object) -> list[str]:
    """The class of an optimizer, and of the one in it."""
    found: list[str] = []
    while isinstance(config, Mapping) and isinstance(config.get("class_name"), str):
        found.append(config["class_name"])
        inner = config.get("config")
        config = inner.get("inner_optimizer") if isinstance(inner, Mapping) else None
    return found


def _told(match: Match) -> str:
    place = match.layer or match.source
    assert place is not None, "a match has one of the two"
    whose = "layer" if match.layer else "weights in the file"
    shapes = ""
    if match.state == "shape" and match.layer and match.source:
        # The first that differs; the others may follow from it.
        pairs = zip(match.layer.shapes or (), match.source.shapes or (), strict=False)
        here, there = next(pair for pair in pairs if pair[0] != pair[1])
        shapes = f": {here} here, {there} in the file"
    return f"{whose} {place.name or place.path!r}: {match.problem}{shapes}"


def check_same(live: Live, contents: Contents, path: str) -> None:
    """Compare every weight with the file's, after it was loaded.

    Raises:
        ModelMismatchError: if one has another value.
        DamagedError: if a value cannot be read.
    """
    found = _by_order(live, contents) if contents.kind == _BY_ORDER else _by_path(live, contents)
    wrong = list(dict.fromkeys(found))
    if wrong:
        raise ModelMismatchError(
            f"after loading {path!r}, {live.model.name!r} does not have its values",
            details=tuple(wrong[:_NAMED]),
            hint="the model is as it was before",
        )


def _by_path(live: Live, contents: Contents) -> Iterator[str]:
    wanted = {tensor.path: tensor for tensor in contents.tensors}
    for tensor in live.saved.tensors:
        if tensor.role != "weight":
            continue
        layer = tensor.layer or tensor.path.rpartition("/vars/")[0]
        if tensor.path not in wanted:
            yield f"layer {layer!r}: the file has nothing for it"
            continue
        mine, its = live.saved.read(tensor), contents.read(wanted[tensor.path])
        if not _is_same(mine, its, tensor.dtype):
            yield f"layer {layer!r}: {tensor.path} does not have the file's values"


def _by_order(live: Live, contents: Contents) -> Iterator[str]:
    layers = zip_longest(live.values_by_order(), _stored(contents).values(), fillvalue=())
    for mine, stored in layers:
        if len(mine) != len(stored):
            yield "the file and the model do not have the same number of weights"
            return
        order = paired([name for _, name, _ in mine], [_name(tensor) for tensor in stored])
        for (layer, _, value), place in zip(mine, order, strict=True):
            tensor = stored[place]
            if not _is_same(value, contents.read(tensor), str(value.dtype)):
                yield f"layer {layer!r}: it does not have the values of {tensor.path} in the file"


def _misplaced(live: Live, contents: Contents) -> Iterator[str]:
    """Layers whose weights have other names than those which would be loaded into them."""
    for mine, stored in zip(live.values_by_order(), _stored(contents).values(), strict=False):
        if len(mine) == len(stored):
            problem = misplaced([name for _, name, _ in mine], [_name(each) for each in stored])
            if problem:
                yield f"layer {mine[0][0]!r}: {problem}"


def _stored(contents: Contents) -> dict[str, list[Tensor]]:
    """The weights in an HDF5 of Keras 2 by their layers, both in their order."""
    found: dict[str, list[Tensor]] = {}
    for tensor in contents.tensors:
        if tensor.role == "weight" and tensor.layer:
            found.setdefault(tensor.layer, []).append(tensor)
    return found


def _name(tensor: Tensor) -> Name:
    return (*tensor.owners[1:], tensor.variable)


def _is_same(mine: NDArray[Any], its: NDArray[Any], dtype: str) -> bool:
    """Whether a weight has a value of the file, as far as its own type can hold that."""
    if mine.shape != its.shape:
        return False
    with np.errstate(all="ignore"):
        # Both come as float32, which holds bfloat16 exactly.
        expected = widen(narrow(its), dtype) if dtype == "bfloat16" else its.astype(mine.dtype)
    return bool(np.array_equal(mine, expected, equal_nan=mine.dtype.kind in "fc"))
