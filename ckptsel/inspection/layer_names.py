"""The names that layers carry: which somebody gave, and which Keras made up. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

Names: TypeAlias = "tuple[str, ...]"
"""The names of a layer and of those that it stands in, the outermost first."""

_DIGITS = 18
_COUNTER = re.compile(r"_\d+$")
# A Bidirectional calls its two layers after the one that it was given.
_SIDES = ("forward_", "backward_")
# How Keras calls layers of itself: the classes that have weights, or hold layers that have.
_USUAL = frozenset(
    (
        "additive_attention", "attention", "batch_normalization", "bidirectional", "conv1d",
        "conv1d_transpose", "conv2d", "conv2d_transpose", "conv3d", "conv3d_transpose",
        "conv_lstm1d", "conv_lstm1d_cell", "conv_lstm2d", "conv_lstm2d_cell", "conv_lstm3d",
        "conv_lstm3d_cell", "dense", "depthwise_conv1d", "depthwise_conv2d", "discretization",
        "einsum_dense", "embedding", "functional", "group_normalization",
        "grouped_query_attention", "group_query_attention", "gru", "gru_cell",
        "integer_lookup", "layer_normalization", "lstm", "lstm_cell", "model",
        "multi_head_attention", "normalization", "p_re_lu", "reversible_embedding",
        "rms_normalization", "rnn", "separable_conv1d", "separable_conv2d", "sequential",
        "simple_rnn", "simple_rnn_cell", "spectral_normalization", "stacked_rnn_cells",
        "string_lookup", "text_vectorization", "time_distributed", "unit_normalization",
    )
)  # fmt: skip
# The groups of layers in a list are called by the class, in Keras 3's files.
_LISTED = re.compile(r"(?:^|/)(?:layers|cells)/([^/]+?)(?:_\d+)?(?=/|$)")


def stem(name: str) -> str:
    """A name without Keras's counter: `dense` of `dense_3`."""
    return _COUNTER.sub("", name)


def counter(name: str) -> int:
    """Keras's counter behind a name: 3 of `dense_3`, 0 of `dense`."""
    found = _COUNTER.search(name)
    return int(found[0][1:_DIGITS]) if found else 0


def without_counters(names: Sequence[Names]) -> list[Names]:
    """`dense_7` and `dense_9` as the first and the second dense: Keras counts on in a session.

    Args:
        names: of weights: the layers that each stands in, and its own name at last, which is kept.
    """
    owners = sorted({owner for name in names for owner in name[:-1]}, key=_counted)
    ranks: dict[str, int] = {}
    called: dict[str, str] = {}
    for owner in owners:
        of = stem(owner)
        ranks[of] = ranks.get(of, 0) + 1
        called[owner] = f"{of} {ranks[of]}"
    return [(*(called[owner] for owner in name[:-1]), name[-1]) for name in names]


def _counted(name: str) -> tuple[str, int]:
    return stem(name), counter(name) if stem(name) != name else -1


def class_stems(paths: Iterable[str]) -> frozenset[str]:
    """The classes that paths in Keras 3's files name: `my_dense` of `layers/my_dense_1`."""
    return frozenset(found for path in paths for found in _LISTED.findall(path))


def is_made_up(name: str, classes: Collection[str] = ()) -> bool:
    """Whether Keras may have made up a name, after a layer's class.

    Args:
        name: the name.
        classes: further classes in snake case, as those of the user's own layers.
    """
    for side in _SIDES:
        name = name.removeprefix(side)
    return stem(name) in _USUAL or stem(name) in classes


def given(
    names: Iterable[str], classes: Collection[str] = (), believed: Collection[str] = ()
) -> Names:
    """Those of the names that somebody gave; of what is made up, only the side is kept.

    Args:
        names: of a layer and of those that it stands in.
        classes: see `is_made_up`.
        believed: made-up names that count all the same.
    """
    found = []
    for name in names:
        if name in believed or not is_made_up(name, classes):
            found.append(name)
        elif side := next((side for side in _SIDES if name.startswith(side)), ""):
            found.append(side)
    return tuple(found)
