"""How a checkpoint is loaded, and when that fails: Keras goes by a file's suffix alone."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Loading:
    """How to load one checkpoint.

    Attributes:
        call: the line of Python, with the path in it.
        problem: why it will fail as the file is named, "" if it will not.
    """

    call: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Way:
    """How a kind is loaded.

    Attributes:
        call: a template with {path}.
        suffixes: those that Keras takes for this kind; empty where any will do.
        otherwise: what happens with another suffix.
    """

    call: str
    suffixes: tuple[str, ...] = ()
    otherwise: str = ""


# What Keras 3 does with each kind, by suffix. Source: saving_api.load_model and load_weights in
# keras/src/saving/saving_api.py; the failures were seen with keras 3.15.1.
_WAYS = {
    "keras": _Way(
        "keras.models.load_model({path})",
        (".keras",),
        "load_model takes a file with another suffix for a legacy HDF5 model",
    ),
    "weights.h5": _Way(
        "model.load_weights({path})",
        (".weights.h5",),
        "load_weights takes it for a legacy file: 'Layer count mismatch'",
    ),
    "sharded weights": _Way(
        "model.load_weights({path})",
        (".weights.json",),
        "load_weights does not know the suffix",
    ),
    "legacy model": _Way(
        "keras.models.load_model({path})",
        (".h5", ".hdf5"),
        "load_model does not know the suffix, or takes it for another format",
    ),
    "legacy weights": _Way(
        "model.load_weights({path})",
        (".h5", ".hdf5"),
        "load_weights takes `.weights.h5` for Keras 3's format: 'expected 2 variables, but"
        " received 0', and knows no other suffix",
    ),
    "tf-checkpoint": _Way("tf.train.Checkpoint(model=model).read({path})"),
    "tf-checkpoint-v1": _Way("tf.compat.v1.train.load_checkpoint({path})"),
    "savedmodel": _Way('keras.layers.TFSMLayer({path}, call_endpoint="serving_default")'),
    "safetensors": _Way("safetensors.numpy.load_file({path})"),
    "torch": _Way("torch.load({path}, weights_only=True)"),
    "npz": _Way("numpy.load({path})"),
    "orbax": _Way("orbax.checkpoint.StandardCheckpointer().restore({path})"),
    "huggingface": _Way("transformers.AutoModel.from_pretrained({path})"),
}


def how_to_load(kind: str, path: str) -> Loading:
    """The call that loads a checkpoint of this kind, and why it would fail under its name."""
    way = _WAYS[kind]
    # The path is Python's own literal: names may hold quotes and control characters.
    call = way.call.format(path=repr(path))
    name = os.path.basename(path).lower()
    fits = not way.suffixes or (
        name.endswith(way.suffixes)
        # `.weights.h5` also ends in `.h5`, and means another format.
        and not (name.endswith(".weights.h5") and ".weights.h5" not in way.suffixes)
    )
    if fits:
        return Loading(call)
    wanted = " or ".join(way.suffixes)
    return Loading(call, f"its suffix must be {wanted}; otherwise {way.otherwise}")
