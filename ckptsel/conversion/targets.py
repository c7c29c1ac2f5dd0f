"""What a destination's suffix says is to be written."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptsel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of checkpoint that can be written.

    Attributes:
        name: as `--as` takes it.
        suffixes: what its name has to end in; empty where any name will do.
        what: in a few words.
        shape: a file, a folder, or a TensorFlow prefix.
    """

    name: str
    suffixes: tuple[str, ...]
    what: str
    shape: str = "file"


TARGETS = {
    target.name: target
    for target in (
        Target("keras", (".keras",), "a whole model of Keras 3"),
        Target("weights.h5", (".weights.h5",), "weights of Keras 3"),
        Target("weights.json", (".weights.json",), "weights of Keras 3 in shards"),
        Target("h5", (".h5", ".hdf5"), "weights in the HDF5 of Keras 2"),
        Target("h5-model", (".h5", ".hdf5"), "a whole model in the HDF5 of Keras 2"),
        Target("npz", (".npz",), "arrays of numpy"),
        Target("safetensors", (".safetensors",), "tensors of safetensors"),
        Target("savedmodel", (), "TensorFlow's SavedModel, a folder", "folder"),
        Target("tf-checkpoint", (), "a checkpoint of TensorFlow, named by its prefix", "prefix"),
        Target("tflite", (".tflite",), "a model for TensorFlow Lite"),
        Target("onnx", (".onnx",), "a model in ONNX"),
    )
}
# Kinds of sources that hold a model, not its weights alone.
WHOLE_MODELS = ("keras", "h5 model", "savedmodel")


def target_of(dest: str, chosen: str | None, source: str) -> Target:
    """What is to be written.

    Args:
        dest: the destination.
        chosen: the name of a target, None to go by the suffix.
        source: the kind of the source.

    Raises:
        UsageError: if the suffix does not decide, or does not go with what was chosen.
    """
    if chosen is not None:
        return _chosen(dest, chosen)
    if dest.endswith(("/", os.sep)):
        return TARGETS["savedmodel"]
    by_suffix = dict(_by_suffix())
    suffix = max((one for one in by_suffix if dest.endswith(one)), key=len, default="")
    found = by_suffix.get(suffix, [])
    if dest.endswith(".ckpt"):
        return TARGETS["tf-checkpoint"]
    # Keras saves both under this suffix; of weights alone there is only one reading.
    if len(found) > 1 and source not in WHOLE_MODELS:
        return TARGETS["h5"]
    if len(found) == 1:
        return TARGETS[found[0]]
    if found:
        either = ", or ".join(f"--as {name} for {TARGETS[name].what}" for name in found)
        raise UsageError(f"{dest!r} can be one of two things", hint=f"give {either}")
    raise UsageError(
        f"the suffix of {dest!r} does not say what to write",
        hint=f"end it in {', '.join(by_suffix)}; for SavedModel end it with a slash or give"
        " --as savedmodel; for a TensorFlow checkpoint end it in .ckpt or give --as tf-checkpoint",
    )


def _by_suffix() -> Iterator[tuple[str, list[str]]]:
    for suffix in dict.fromkeys(one for target in TARGETS.values() for one in target.suffixes):
        yield suffix, [name for name, target in TARGETS.items() if suffix in target.suffixes]


def _chosen(dest: str, name: str) -> Target:
    target = TARGETS.get(name)
    if target is None:
        raise UsageError(f"--as {name}: unknown", hint=f"one of {', '.join(TARGETS)}")
    # `.weights.h5` also ends in `.h5`, and is read as another format.
    longer = {suffix for suffix, names in _by_suffix() if name not in names}
    if target.suffixes:
        fits = dest.endswith(target.suffixes)
        longer = {one for one in longer if one.endswith(target.suffixes)}
    else:
        fits = True
    if not fits or dest.endswith(tuple(longer)):
        wanted = " or ".join(target.suffixes) or "no suffix of another format"
        raise UsageError(
            f"{dest!r} is not the name of {target.what}: loaders go by the suffix",
            hint=f"it has to have {wanted}",
        )
    return target
