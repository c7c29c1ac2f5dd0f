"""What the keys of a PyTorch state dict say: the layer, and whether it is a weight."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ckptsel.formats.contents import TensorRole

# The names that training code gives its parts: Lightning `optimizer_states`, `lr_schedulers`,
# `callbacks`, `loops`; fairseq `last_optimizer_state`; `optimizer`, `optim`, `opt_state`.
_OPTIMIZER = re.compile(r"(\w+_)?(optimizers?|optim|opt|opt_state|optimizer_states?\w*)([_.].*)?")
_OTHER = re.compile(
    r"(\w*_)?(callbacks?|loops|lr_\w+|schedulers?|scaler|rng\w*|hyper_parameters|args|config)"
)

# `a/kernel:0` in TensorFlow and Keras, `encoder.0.weight` in PyTorch.
_SEPARATORS = re.compile(r"[/.]")
_ENDING = re.compile(r":\d+$|/\.ATTRIBUTES/VARIABLE_VALUE$")
_NAME_LENGTH = 200
_NUMBERED = re.compile(r"(arr_)?\d+")


def role_of(path: str) -> TensorRole:
    """A tensor's role, by the first part of its path; at the top level all are weights."""
    first, slash, _ = path.partition("/")
    # Of a longer name the end tells nothing, and the patterns would take a time with its square.
    first = first[:_NAME_LENGTH]
    if _OPTIMIZER.fullmatch(first):
        return "optimizer"
    return "other" if slash and _OTHER.fullmatch(first) else "weight"


def names_of(path: str) -> tuple[tuple[str, ...], str]:
    """The owners of a tensor and its own name, as its path tells them.

    Both are empty for what is only numbered: `arr_3`, `0`.
    """
    *owners, variable = _SEPARATORS.split(_ENDING.sub("", path))
    is_number = _NUMBERED.fullmatch(variable) is not None
    return tuple(owners), "" if is_number else variable


def layer_of(path: str) -> str:
    """The module a parameter belongs to: `encoder.0` of `state_dict/encoder.0.weight`."""
    return path.rpartition("/")[2].rpartition(".")[0] if role_of(path) == "weight" else ""
