"""What is converted, loaded: something with inputs that predicts. Runs in the worker."""

from __future__ import annotations

import re
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from ckptsel.conversion.rebuild.rebuilt import SIGNATURE
from ckptsel.conversion.rebuild.safety import needs_code
from ckptsel.conversion.rebuild.same_tensors import INNER
from ckptsel.conversion.rebuild.worker import shortened
from ckptsel.errors import ConversionError
from ckptsel.formats import open_contents

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ckptsel.conversion.rebuild.worker import Job

_UNKNOWN = re.compile(r"(?:Could not locate (?:class|function)|Unknown [\w ]+:) '?([\w.>]+)'?")


@dataclass(frozen=True, slots=True)
class Input:
    """An input of a model.

    Attributes:
        name: as a signature has it.
        shape: with None where any size will do; the first is the batch.
        dtype: numpy's name, or `string`.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str


class Subject(Protocol):
    """A model of Keras, or a SavedModel."""

    @property
    def inputs(self) -> list[Input]:
        """Its inputs."""

    @property
    def largest_id(self) -> int:
        """Whole numbers below this are sound inputs; 0 if nothing looks any up."""

    @property
    def words(self) -> Sequence[bytes | int]:
        """What its layers look up, as far as it shows them."""

    @property
    def is_half(self) -> bool:
        """Whether it computes in 16 bits."""

    def predict(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Its outputs by name, for inputs by name."""

    def save(self, folder: str, batch: int | None) -> str:
        """The path of a SavedModel of it, for batches of this size, None for any."""


def load(job: Job) -> Subject:
    """The source of a job.

    Raises:
        ConversionError: if it cannot be loaded.
    """
    if job["kind"] == "savedmodel":
        return Saved(job["source"])
    return load_keras(job)


def load_keras(job: Job) -> Model:
    """The source of a job that is a model of Keras. Raises as `load` does."""
    return Model(load_model(job["source"], job, compiled=False))


def load_model(path: str, job: Job, *, compiled: bool) -> Any:
    """A model of Keras.

    Raises:
        ConversionError: if Keras cannot build it.
    """
    try:
        with _policy(path) if compiled else nullcontext():
            return keras.models.load_model(path, compile=compiled, safe_mode=not job["unsafe"])
    except Exception as error:
        if unknown := _UNKNOWN.search(str(error)):
            raise needs_code(f"it needs your own code for {unknown[1]!r}", job["source"]) from error
        hint = "Keras itself cannot load this file either"
        raise ConversionError(f"Keras cannot build the model: {shortened(error)}", hint=hint) from (
            error
        )


@contextmanager
def _policy(path: str) -> Iterator[None]:
    """With the policy of the training, where Keras would forget that it scaled the loss.

    `compile` wraps the optimizer if the model's policy is mixed_float16, and a model that is
    loaded has the policy of now: then its optimizer has fewer variables than the file, and Keras
    skips them all. The layers' own policies stand in the config.
    """
    with open_contents(path) as contents:
        is_wrapped = any(INNER in tensor.path for tensor in contents.tensors)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16" if is_wrapped else policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)


class Model:
    """A model of Keras."""

    def __init__(self, model: Any) -> None:
        self.model = model
        if not model.built or not getattr(model, "inputs", None):
            raise ConversionError(
                "the model does not say the shape of its inputs",
                hint="call it once on data before it is saved, or begin it with keras.Input",
            )

    @property
    def _tensors(self) -> list[Any]:
        return list(keras.tree.flatten(self._structure))

    @property
    def _structure(self) -> Any:
        found = getattr(self.model, "_inputs_struct", None)
        return self.model.inputs if found is None else found

    @property
    def inputs(self) -> list[Input]:
        """See `Subject.inputs`."""
        return [
            Input(plain(x.name), tuple(x.shape), keras.backend.standardize_dtype(x.dtype))
            for x in self._tensors
        ]

    @property
    def largest_id(self) -> int:
        """See `Subject.largest_id`."""
        sizes = [getattr(layer, "input_dim", None) for layer in layers_in(self.model)]
        return min((size for size in sizes if isinstance(size, int)), default=0)

    @property
    def words(self) -> list[bytes | int]:
        """See `Subject.words`."""
        found: dict[bytes | int, None] = {}
        for layer in layers_in(self.model):
            if callable(getattr(layer, "get_vocabulary", None)):
                found |= dict.fromkeys(map(_word, layer.get_vocabulary()))
        return [*found]

    @property
    def is_half(self) -> bool:
        """See `Subject.is_half`."""
        types = {getattr(layer, "compute_dtype", None) for layer in layers_in(self.model)}
        return bool(types & {"float16", "bfloat16"})

    def given(self, values: Mapping[str, Any]) -> Any:
        """Inputs by name, as the model takes them: a tensor, a list, a dict."""
        flat = [tf.constant(values[each.name]) for each in self.inputs]
        given = keras.tree.pack_sequence_as(self._structure, flat)
        # A Sequential has one input, and takes it as it is.
        if isinstance(given, list) and isinstance(self.model, keras.Sequential):
            (given,) = given
        return given

    def predict(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """See `Subject.predict`."""
        return named(self.model(self.given(values), training=False))

    def save(self, folder: str, batch: int | None) -> str:
        """See `Subject.save`."""
        # Keras's own names for inputs may be none that TensorFlow takes.
        if batch is None and all(plain(x.name) == x.name for x in self._tensors):
            self.model.export(folder, verbose=False)
            return folder
        specs = [
            keras.InputSpec(shape=(batch, *x.shape[1:]), dtype=x.dtype, name=plain(x.name))
            for x in self._tensors
        ]
        given = keras.tree.pack_sequence_as(self._structure, specs)
        signature = given if isinstance(self.model, keras.Sequential) else [given]
        self.model.export(folder, verbose=False, input_signature=signature)
        return folder


class Saved:
    """A SavedModel, as its default signature shows it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._loaded = tf.saved_model.load(path)
        self.call = signature_of(self._loaded, path)

    @property
    def inputs(self) -> list[Input]:
        """See `Subject.inputs`."""
        _, named_specs = self.call.structured_input_signature
        return [
            Input(name, tuple(spec.shape), spec.dtype.name) for name, spec in named_specs.items()
        ]

    largest_id = 0
    words: Sequence[bytes | int] = ()
    is_half = False

    def predict(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """See `Subject.predict`."""
        given = {name: tf.constant(value) for name, value in values.items()}
        return named(self.call(**given))

    def save(self, folder: str, batch: int | None) -> str:
        """See `Subject.save`: it is one."""
        del folder
        if batch is not None:
            raise ConversionError("a SavedModel's batch is what it is")
        return self.path


def signature_of(loaded: Any, path: str) -> Any:
    """The default signature of a SavedModel.

    Raises:
        ConversionError: if it has none.
    """
    if SIGNATURE not in loaded.signatures:
        raise ConversionError(
            f"{path!r} has no signature {SIGNATURE!r}", hint="save it with signatures="
        )
    return loaded.signatures[SIGNATURE]


def layers_in(model: Any) -> Iterator[Any]:
    """A model or layer, and all within it, as far as it shows them."""
    yield model
    for inner in (*getattr(model, "layers", ()), getattr(model, "layer", None)):
        if inner is not None:
            yield from layers_in(inner)


def _word(word: Any) -> bytes | int:
    return str(word).encode() if isinstance(word, (str, np.str_)) else int(word)


def plain(name: str) -> str:
    """A tensor's name as TensorFlow writes it into a signature."""
    return re.sub(r"\W", "_", name)


def named(outputs: Any) -> dict[str, Any]:
    """Outputs by name, as a SavedModel of Keras calls them: by their keys, or by number."""
    if isinstance(outputs, dict):
        return {name: np.asarray(value) for name, value in outputs.items()}
    flat = keras.tree.flatten(outputs)
    return {f"output_{number}": np.asarray(value) for number, value in enumerate(flat)}
