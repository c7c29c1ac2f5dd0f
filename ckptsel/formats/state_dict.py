"""What the keys of a PyTorch state dict say: the layer, and whether it is a weight."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ckptsel.formats.contents import TensorRole

# The names that training code gives its parts: Lightning `optimizer_states`, `lr_schedulers`,
# `callbacks`, `loops`; fairseq `last_optimizer_state`; `optimizer`, `optim`, `opt_state`; GANs
# `optimizerG`, `optG`, `d_opt`. An `opt_block` may be a layer.
_OPTIMIZER = re.compile(
    r"(\w+[_-])?(optimi[sz]ers?([^a-z].*|states?\w*)?|optim([^a-z].*)?"
    r"|opts?|opt([A-Z\d]|_[a-z\d]|_?states?))"
)
_OTHER = re.compile(
    r"(\w*_)?(callbacks?|loops|lr_\w+|schedulers?|scaler|rng\w*|hyper_parameters|args|config)"
)
# What PyTorch's optimizers call what they keep for each parameter, and nobody else does.
_SLOT = re.compile(
    r"(?:^|[/.])(?:exp_avg|exp_avg_sq|max_exp_avg_sq|exp_inf|momentum_buffer|square_avg|acc_delta"
    r"|state[/.]\d{1,9}[/.]step)$"
)

# `a/kernel:0` in TensorFlow and Keras, `encoder.0.weight` in PyTorch.
_SEPARATORS = re.compile(r"[/.]")
_ENDING = re.compile(r":\d+$|/\.ATTRIBUTES/VARIABLE_VALUE$")
_NAME_LENGTH = 200
_DEPTH = 20
_NUMBERED = re.compile(r"(arr_)?\d+")


def role_of(path: str) -> TensorRole:
    """A tensor's role, by the parts of its path; at the top level all are weights.

    Whoever knows more than the path, such as the containers around a tensor, knows better.
    """
    if _SLOT.search(path[-_NAME_LENGTH:]):
        return "optimizer"
    # Of longer names the end tells nothing, and the patterns would take a time with its square.
    parts = [part[:_NAME_LENGTH] for part in path.split("/", _DEPTH)[:_DEPTH]]
    if len(parts) == 1:
        # Names of modules: an `opt` may be one that is called so.
        module = parts[0].partition(".")[0]
        return "optimizer" if module != "opt" and _OPTIMIZER.fullmatch(module) else "weight"
    if any(map(_OPTIMIZER.fullmatch, parts[:-1])):
        return "optimizer"
    return "other" if _OTHER.fullmatch(parts[0]) else "weight"


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
