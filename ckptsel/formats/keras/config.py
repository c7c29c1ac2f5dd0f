"""Keras's configs: what they say of a model and its optimizer, and what loading them would run."""

from __future__ import annotations

import base64
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from ckptsel.checkpoint import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DUMPED = 3  # What Keras keeps of a function: code, defaults, closure.
_NAMED = 3  # So many are named one by one, and the others counted.

# Whoever wrote a config can name these; `load_model` looks them up without being asked.
_FAMILY = frozenset(("keras", "tf_keras", "keras_hub", "keras_cv", "keras_nlp", "builtins"))

# Functions of Keras that do something to the process or the disk when they are called.
# Source: NON_MODELING_APIS in keras/src/saving/serialization_lib.py; Keras before 3.12 obeys.
# Then others that write or download.
_ACTING = frozenset(
    (
        "clear_session", "enable_unsafe_deserialization", "load_model", "model_from_json",
        "save_model", "image_dataset_from_directory", "load_img", "save_img",
        "text_dataset_from_directory", "deserialize_keras_object", "load_weights",
        "register_keras_serializable", "save_weights", "serialize_keras_object",
        "audio_dataset_from_directory", "get_file",
        "load_data", "plot_model",
    )
)  # fmt: skip

# What tf_keras takes from Python itself, if a config names the module `builtins`.
_OF_PYTHON = frozenset(
    (
        "__import__", "breakpoint", "compile", "delattr", "eval", "exec", "exit", "getattr",
        "globals", "input", "locals", "open", "print", "quit", "setattr", "vars",
    )
)  # fmt: skip

# tf_keras registers its own optimizers as `Custom>Adam`, as if they were the user's.
_OPTIMIZERS = frozenset(
    (
        "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lion", "Nadam",
        "RMSprop", "SGD",
    )
)  # fmt: skip

_MESSAGES = {
    "lambda-layer": "the config carries Python code, which runs when it is loaded: {}",
    "foreign-module": "the config names modules outside of Keras, which loading may import: {}",
    "acting-function": "the config calls functions that are no part of a model: {}",
    "saved-model-layer": "the config loads a SavedModel from another place: {}",
    "reads-file": "the config reads a file beside it: {}",
    "custom-object": "loading needs your own code for {}",
}


def config_dangers(config: Mapping[str, Any] | None, path: str) -> Iterator[Finding]:
    """What makes a config unsafe to load, or needs code that is not in the file.

    Args:
        config: a model's config, of Keras 3 or older.
        path: what the findings are about.
    """
    found: dict[str, Counter[str]] = {code: Counter() for code in _MESSAGES}
    for node in _nodes(config):
        for code, name in _of_node(node) if isinstance(node, dict) else _of_list(node):
            found[code][name] += 1
    for code, names in found.items():
        if names:
            listed = ", ".join(map(repr, sorted(names)[:_NAMED]))
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            yield Finding(code, _MESSAGES[code].format(listed + more), path)


def _is_bytecode(node: object) -> bool:
    """Whether this is a function as Keras writes it: code in base64, defaults, closure.

    Source: `func_dump` in keras/src/utils/python_utils.py. What `marshal` writes of a code object
    begins with a `c`, whose highest bit may be set.
    """
    if not (isinstance(node, list) and len(node) == _DUMPED and isinstance(node[0], str)):
        return False
    try:
        head = base64.b64decode(node[0][:4], validate=True)
    except ValueError:
        return False
    return head[:1] in {b"c", b"\xe3"}


def _of_list(node: list[Any]) -> Iterator[tuple[str, str]]:
    if _is_bytecode(node):
        yield "lambda-layer", "lambda"


def _nodes(config: object) -> Iterator[Any]:
    """Every object and list in a config. A loop, not a recursion: configs may be nested deeply."""
    todo = [config]
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            yield node
            todo.extend(node.values())
        elif isinstance(node, list):
            yield node
            todo.extend(node)


def _of_node(node: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    name = node.get("class_name")
    inner = node.get("config")
    if not isinstance(name, str):
        return
    fields = inner if isinstance(inner, dict) else {}
    shown = str(fields.get("name", name))
    called = str(inner) if name == "function" else name
    names = _names(node, called)
    if names & {"Lambda", "__lambda__"}:
        # The layer is enough: what it holds is a lambda, or the name of a function.
        if "Lambda" in names or "code" in fields or "value" in fields:
            yield "lambda-layer", shown if "Lambda" in names else "lambda"
        return
    if "TFSMLayer" in names:
        yield "saved-model-layer", str(fields.get("filepath", shown))
    if isinstance(fields.get("vocabulary"), str):
        yield "reads-file", fields["vocabulary"]
    yield from _of_object(node, called, names)


def _names(node: Mapping[str, Any], name: str) -> set[str]:
    """What an entry may be called in the end.

    Keras joins module and name, wherever between them the dots stand; tf_keras also takes the
    registered name for one in the module, if there is none of the other.
    Source: `_retrieve_class_or_fn` in saving/serialization_lib.py of both.
    """
    return {str(each).rpartition(".")[2] for each in (name, node.get("registered_name"))}


def _of_object(node: Mapping[str, Any], name: str, names: set[str]) -> Iterator[tuple[str, str]]:
    """What an entry of Keras 3 says of where its class or function comes from."""
    module, registered = node.get("module"), node.get("registered_name")
    if name.rpartition(">")[2] in _OPTIMIZERS and module in (None, "keras.optimizers"):
        return
    if names & _ACTING:
        yield "acting-function", min(names & _ACTING)
    elif isinstance(module, str) and (
        module.partition(".")[0] not in _FAMILY or (module == "builtins" and names & _OF_PYTHON)
    ):
        yield "foreign-module", f"{module}.{name}"
    elif isinstance(registered, str) and ">" in registered:
        yield "custom-object", registered
    elif ">" in name or (isinstance(registered, str) and module in (None, "builtins")):
        yield "custom-object", name


def optimizer_of(config: Mapping[str, Any] | None, key: str) -> Mapping[str, Any] | None:
    """The optimizer's entry of a compile config, or of a legacy training config.

    Args:
        config: the compile config.
        key: `optimizer`, or `optimizer_config` in legacy files.
    """
    found = config.get(key) if isinstance(config, dict) else None
    if isinstance(found, str):
        return {"class_name": found, "config": {}}
    return found if isinstance(found, dict) else None


def learning_rate(optimizer: Mapping[str, Any] | None, stored: float | None) -> float | None:
    """The learning rate when the checkpoint was saved; None where a schedule gives it.

    Args:
        optimizer: the optimizer's entry; Keras writes the variable's value into it on saving.
        stored: what looks like the variable among the optimizer's.
    """
    fields: Any = optimizer
    while isinstance(fields, dict):
        fields = fields.get("config")
        if not isinstance(fields, dict) or not isinstance(fields.get("inner_optimizer"), dict):
            break
        fields = fields["inner_optimizer"]
    rate = fields.get("learning_rate") if isinstance(fields, dict) else None
    if isinstance(rate, dict):
        return None
    if stored is not None:
        return stored
    is_number = isinstance(rate, (int, float)) and not isinstance(rate, bool)
    return float(rate) if is_number and rate is not None else None


def model_name(config: Mapping[str, Any] | None) -> str:
    """The model's name; "" if the config has none."""
    fields = config.get("config") if isinstance(config, dict) else None
    name = fields.get("name") if isinstance(fields, dict) else None
    return name if isinstance(name, str) else ""


def layer_groups(config: Mapping[str, Any] | None) -> dict[str, str]:
    """Group in the weights file → layer's name, for files that carry no names (tf_keras).

    Groups are the snake_case class names with a counter, in the order of the layers.
    Source: `_save_container_state` in saving_lib.py and `to_snake_case` in utils/naming.py.
    """
    found: dict[str, str] = {}
    todo: list[tuple[str, Any]] = [("", config)]
    while todo:
        prefix, node = todo.pop()
        fields = node.get("config") if isinstance(node, dict) else None
        layers = fields.get("layers") if isinstance(fields, dict) else None
        used: Counter[str] = Counter()
        for layer in layers if isinstance(layers, list) else ():
            name = layer.get("class_name") if isinstance(layer, dict) else None
            if not isinstance(name, str):
                continue
            snake = snake_case(name.rpartition(">")[2])
            group = f"{prefix}layers/{snake}" + (f"_{used[snake]}" if used[snake] else "")
            used[snake] += 1
            found[group] = model_name(layer)
            todo.append((group + "/", layer))
    return found


def snake_case(name: str) -> str:
    """A class name as Keras writes it in paths: `batch_normalization`."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
