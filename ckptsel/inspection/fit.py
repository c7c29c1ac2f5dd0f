"""What is said of how weights fit into a model: layer by layer, and of all together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from ckptsel.inspection.layer_names import stem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckptsel.inspection.places import Place


Way: TypeAlias = Literal["path", "order", "name"]
State: TypeAlias = Literal[
    "fits",
    "renamed",
    "unknown",
    "unsure",
    "missing",
    "count",
    "shape",
    "other-layer",
    "extra",
]
Verdict: TypeAlias = Literal["fits", "does not fit", "cannot be told"]
_GOOD = ("fits", "renamed", "unknown")
PAIR = {"gamma", "beta"}
# How many weights a normalization has that is without one of the two.
_HALVES = {"batch_normalization": 3, "layer_normalization": 1, "group_normalization": 1}


@dataclass(frozen=True, slots=True)
class Match:
    """A layer of the model, and what it would get.

    Attributes:
        layer: of the model; None for weights that no layer takes.
        source: of the file; None if there is nothing for the layer.
        state: `fits`; `renamed`: fits, under another name; `unknown`: the layer's weights are not
            known; `unsure`: nothing is wrong, and it cannot be told that it is right; `missing`:
            nothing for it in the file; `count`: another number of weights; `shape`: another
            shape; `other-layer`: fits, and is another layer's; `extra`: no layer takes it.
        silent: whether it would be loaded wrongly without a word.
        problem: what is wrong, in a sentence; "" if nothing.
        is_told: whether names confirm that the two belong together.
    """

    layer: Place | None
    source: Place | None
    state: State
    silent: bool = False
    problem: str = ""
    is_told: bool = False

    @property
    def is_good(self) -> bool:
        """Whether nothing is known to be wrong."""
        return self.state in _GOOD


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether weights fit into a model.

    Attributes:
        way: how layers were matched: by `path` (class and counter, Keras 3), by `order` (the
            HDF5 of Keras 2, TensorFlow), or by `name`, where Keras has no rule.
        matches: the layers in the model's order, then what is left in the file.
        doubts: why it cannot be told whether it fits, though nothing is wrong.
        caveats: how far it can be told that it fits.
        notes: what the table does not say, in sentences.
    """

    way: Way
    matches: tuple[Match, ...]
    doubts: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The answer: what is wrong counts before what is in doubt."""
        if not all(match.is_good or match.state == "unsure" for match in self.matches):
            return "does not fit"
        is_sure = not self.doubts and all(match.is_good for match in self.matches)
        return "fits" if is_sure else "cannot be told"

    @property
    def fits(self) -> bool:
        """Whether all weights load, each into its own layer, as far as it can be told."""
        return self.verdict == "fits"


def fit_of(way: Way, matches: Sequence[Match]) -> Fit:
    """What the layers, matched in some way, come to together."""
    found = tuple(matches)
    return Fit(way, found, (), tuple(_caveats(way, found)), tuple(_notes(way, found)))


def _notes(way: Way, matches: Sequence[Match]) -> Iterator[str]:
    kept = sum(match.state in ("missing", "count", "shape") for match in matches)
    if kept and way == "path":
        layers = "1 layer" if kept == 1 else f"{kept} layers"
        yield f"load_weights fails; with skip_mismatch=True {layers} would stay as they are"


def _caveats(way: Way, matches: Sequence[Match]) -> Iterator[str]:
    if way == "name":
        yield "matched by name only, the order was not checked"
    unknown = sum(match.state == "unknown" for match in matches)
    if unknown:
        yield f"{unknown} of the layers cannot be compared: the model's weights would tell"
    alike = Counter(
        (match.layer.class_name or stem(match.layer.path), match.layer.shapes)
        for match in matches
        if match.layer and match.source and match.state in ("fits", "renamed")
        if not match.is_told
    )
    doubtful = sum(count for count in alike.values() if count > 1)
    if doubtful and way != "name":
        yield (
            f"{doubtful} layers are alike in class and shape, and no name that was given to"
            " them tells whether their order is the same"
        )
    halves = sum(_is_half(match) for match in matches)
    if halves:
        yield (
            f"{halves} of the normalizations have a gamma or a beta, not both, and not both"
            " model and file say which"
        )


def _is_half(match: Match) -> bool:
    """Whether a normalization has one of two weights that look the same, and which is not told."""
    if match.layer is None or match.source is None or match.state not in ("fits", "renamed"):
        return False
    mine, its = ({w.variable for w in p.weights or ()} for p in (match.layer, match.source))
    if "" not in mine | its:
        return False
    usual = _HALVES.get(stem(match.layer.path.rpartition("/")[2]))
    is_half = len(match.layer.weights or ()) == usual and mine == its
    return is_half or len(mine & PAIR) == 1 or len(its & PAIR) == 1
