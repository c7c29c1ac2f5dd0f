"""Will each weight of a layer get its own value, where Keras goes by their order? By names. Pure.

In the HDF5 of Keras 2 a nested model is one layer, and its weights stand in the order that
`trainable` gave them when they were saved: the same layers, frozen then and not now, have the
same shapes in another order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from ckptsel.inspection.layer_names import without_counters

if TYPE_CHECKING:
    from collections.abc import Sequence

Name: TypeAlias = tuple[str, ...]
"""The layers and scopes that a weight stands in, below its layer, and its own name at last."""

# Of one shape, and of one meaning wherever Keras uses them: no other name is given to these.
_ALIKE = frozenset({"gamma", "beta", "bias", "moving_mean", "moving_variance"})


def name_in(layer: str, path: str) -> Name:
    """The name of a variable from its path in the model: `inner/bn/gamma` is bn's gamma in inner.

    Args:
        layer: the one it is saved under.
        path: as in `Variable.path`.
    """
    *scopes, variable = path.split("/")
    if layer in scopes:
        scopes = scopes[scopes.index(layer) + 1 :]
    return (*scopes, variable.partition(":")[0])


def misplaced(mine: Sequence[Name], its: Sequence[Name]) -> str:
    """What is wrong if the weights of a file are loaded in their order; "" if nothing is known.

    Args:
        mine: the weights of a layer of the model, in the order in which they are loaded.
        its: those of the file, in theirs, and as many.
    """
    here, there = without_counters(mine), without_counters(its)
    # Scopes may have other names, or be fewer: what is in them tells as much.
    for depth in range(1, max(map(len, (*mine, *its)), default=0) + 1):
        one, other = ([name[-depth:] for name in names] for names in (here, there))
        if one != other and sorted(one) == sorted(other):
            place = next(
                n for n, pair in enumerate(zip(one, other, strict=True)) if len({*pair}) > 1
            )
            return (
                "it would silently get its weights in another order:"
                f" {_shown(its[place])} of the file as its {_shown(mine[place])}"
            )
    for name, found in zip(mine, its, strict=True):
        if name[-1] != found[-1] and {name[-1], found[-1]} <= _ALIKE:
            return f"it would silently get {_shown(found)} of the file as its {_shown(name)}"
    return ""


def paired(mine: Sequence[Name], its: Sequence[Name]) -> list[int]:
    """For each weight of the model, which of the file's has its name; else its own position."""
    here, there = without_counters(mine), without_counters(its)
    is_told = len({*here}) == len(here) and sorted(here) == sorted(there)
    return [there.index(name) for name in here] if is_told else [*range(len(mine))]


def _shown(name: Name) -> str:
    return repr("/".join(name[-2:]))
