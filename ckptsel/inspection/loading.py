"""How a checkpoint is loaded, and when that fails: Keras goes by a file's suffix alone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ckptsel.formats.keras.config import config_dangers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckptsel.checkpoint import Finding
    from ckptsel.formats.contents import Contents


@dataclass(frozen=True, slots=True)
class Loading:
    """How to load one checkpoint.

    Attributes:
        call: the line of Python, with the path in it.
        problem: why it will fail as the file is named, "" if it will not.
        note: what else is to be known, "" if nothing.
    """

    call: str
    problem: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Way:
    """How a kind is loaded.

    Attributes:
        call: a template with {path}.
        suffixes: those that Keras takes for this kind; empty where any will do.
        otherwise: what happens with the suffixes of other formats.
        note: see `Loading`.
    """

    call: str
    suffixes: tuple[str, ...] = ()
    otherwise: tuple[tuple[str, str], ...] = ()
    note: str = ""


_WEIGHTS = "model.load_weights({path})"
_NOT_KERAS = "Keras 3 itself does not load it: 'File format not supported'"
_NOT_HDF5 = "'Unable to synchronously open file'"
# Types that safetensors only knows of through other packages than numpy.
_NOT_NUMPY = ("bfloat16", "float8", "float4", "float6")
_EMPTY = "load_weights finds none of its weights: 'expected 2 variables, but received 0'"

# What Keras 3 does with each kind, by suffix. Source: `load_model` and `load_weights` in
# keras/src/saving/saving_api.py; tests rename real files, and load them with Keras.
_WAYS = {
    "keras": _Way(
        "keras.models.load_model({path})",
        (".keras",),
        ((".h5", f"it is taken for HDF5: {_NOT_HDF5}"), (".hdf5", f"as HDF5: {_NOT_HDF5}")),
    ),
    "keras folder": _Way("keras.models.load_model({path})"),
    "weights.h5": _Way(
        _WEIGHTS,
        (".weights.h5",),
        (
            (".h5", "it is taken for Keras 2's format: 'Layer count mismatch'"),
            (".hdf5", "it is taken for Keras 2's format: 'Layer count mismatch'"),
            (".keras", "it is taken for a zip: 'File is not a zip file'"),
        ),
    ),
    "sharded weights": _Way(
        _WEIGHTS,
        (".weights.json",),
        ((".h5", f"it is taken for HDF5: {_NOT_HDF5}"),),
    ),
    "h5 model": _Way(
        "keras.models.load_model({path}, compile=False)",
        # load_model looks at the end of the name only, and so takes `.weights.h5`, too.
        (".h5", ".hdf5"),
        ((".keras", "it is taken for a zip: 'File not found'"),),
        note="with compile=True Keras 3 does not read back a loss or metric called 'mse' or 'mae'",
    ),
    "h5": _Way(
        _WEIGHTS,
        (".h5", ".hdf5"),
        ((".weights.h5", _EMPTY), (".keras", "it is taken for a zip: 'File is not a zip file'")),
    ),
    "tf-checkpoint": _Way("tf.train.Checkpoint({root}).read({path})", note=_NOT_KERAS),
    "tf-checkpoint-v1": _Way("tf.compat.v1.train.load_checkpoint({path})", note=_NOT_KERAS),
    "savedmodel": _Way("keras.layers.TFSMLayer({path}, call_endpoint={endpoint})"),
    "safetensors": _Way("safetensors.numpy.load_file({path})", note=_NOT_KERAS),
    "torch": _Way("torch.load({path}, weights_only=True)", note=_NOT_KERAS),
    "torch-legacy": _Way("torch.load({path}, weights_only=True)", note=_NOT_KERAS),
    "npz": _Way("numpy.load({path})", note=_NOT_KERAS),
    "orbax": _Way("orbax.checkpoint.StandardCheckpointer().restore({path})"),
    "huggingface": _Way("transformers.AutoModel.from_pretrained({path})", note=_NOT_KERAS),
}


def how_to_load(contents: Contents, path: str) -> Loading:
    """The call that loads a checkpoint, and why it would fail under its name.

    Raises:
        DamagedError: if what decides it cannot be read.
    """
    kind = _kind(contents, path)
    way = _WAYS[kind]
    endpoints = _endpoints(contents) if kind == "savedmodel" else []
    call = way.call.format(
        # The path is Python's own literal: names may hold quotes and control characters.
        path=repr(_as_loaded(kind, path)),
        root=_root(contents) if kind == "tf-checkpoint" else "",
        endpoint=repr((endpoints or ["serving_default"])[0]),
    )
    if kind == "safetensors" and any(t.dtype.startswith(_NOT_NUMPY) for t in contents.tensors):
        call = call.replace("safetensors.numpy", "safetensors.torch")
    problem = _problem(way, path) or _refusal(contents, kind, path)
    if kind == "savedmodel" and not endpoints:
        problem = "it has no signature that could be called"
    own = [found.message for found in _config_findings(contents) if found.code == "custom-object"]
    return Loading(call, problem, way.note or next(iter(own), ""))


def _refusal(contents: Contents, kind: str, path: str) -> str:
    """Why what is in it, under whatever name, is not loaded."""
    if any(found.code == "lambda-layer" for found in _config_findings(contents)):
        return "its config carries Python code, which safe_mode refuses to run"
    if kind in ("keras", "keras folder"):
        return _unreadable_layers(contents.config)
    if kind in ("h5", "h5 model") and any(t.dtype == "bfloat16" for t in contents.tensors):
        return "HDF5 has no bfloat16, and Keras 3 does not read back what it wrote of it"
    if kind == "sharded weights":
        return _lost_shards(path)
    return contents.load_problem


def _config_findings(contents: Contents) -> Iterator[Finding]:
    # What the weights load into is not in the file.
    return config_dangers(contents.config, "") if contents.kind in ("keras", "h5") else iter(())


def misnamed(contents: Contents, path: str) -> str:
    """Why Keras would fail to load a checkpoint under its name, "" if it would not.

    Raises:
        DamagedError: if what decides it cannot be read.
    """
    way = _WAYS.get(_kind(contents, path))
    return _problem(way, path) if way else ""


def _kind(contents: Contents, path: str) -> str:
    if contents.kind == "keras" and os.path.isdir(path):
        return "keras folder"
    if contents.kind == "h5" and contents.config is not None:
        return "h5 model"
    return contents.kind


def _problem(way: _Way, path: str) -> str:
    # Keras tells upper case from lower case here. The longest suffix counts: `.weights.h5`
    # also ends in `.h5`, and means another format.
    known = {**dict.fromkeys(way.suffixes, ""), **dict(way.otherwise)}
    suffix = max((suffix for suffix in known if path.endswith(suffix)), key=len, default=None)
    if not way.suffixes or suffix in way.suffixes:
        return ""
    why = known[suffix] if suffix else "'File format not supported'"
    return f"the name has to end in {' or '.join(way.suffixes)}; as it is, {why}"


def _unreadable_layers(config: Mapping[str, Any] | None) -> str:
    """Keras 3 reads the archives of Keras 2, but for one layer: its axis is a list there."""
    todo: list[Any] = [config]
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            fields = node.get("config")
            axis = fields.get("axis") if isinstance(fields, dict) else None
            if node.get("class_name") == "BatchNormalization" and isinstance(axis, list):
                return "Keras 3 does not read the BatchNormalization of Keras 2; tf_keras does"
            todo.extend(node.values())
        elif isinstance(node, list):
            todo.extend(node)
    return ""


def _lost_shards(path: str) -> str:
    # Keras goes by the name of the index, not by what stands in it.
    first = path.removesuffix(".weights.json") + "_00000.weights.h5"
    return "" if os.path.exists(first) else f"Keras looks for its shards from {first!r} on"


def _as_loaded(kind: str, path: str) -> str:
    if kind == "savedmodel" and os.path.basename(path) == "saved_model.pb":
        return os.path.dirname(path) or "."
    return path.removesuffix(".index") if kind == "tf-checkpoint" else path


def _root(contents: Contents) -> str:
    """What was saved: Keras 2's save_weights saves the model, others an object that has it."""
    roots = {tensor.path.partition("/")[0] for tensor in contents.tensors}
    return "model=model" if "model" in roots else "model"


def _endpoints(contents: Contents) -> list[str]:
    """The signatures, the usual ones first."""
    mark = "signature "
    found = [name.removeprefix(mark) for name in contents.facts.more if name.startswith(mark)]
    return sorted(found, key=lambda name: (name != "serving_default", name != "serve", name))
