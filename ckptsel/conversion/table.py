"""Which format can be made of which, and what does it: every pair, as data."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from ckptsel.conversion.targets import TARGETS
from ckptsel.errors import ConversionError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.conversion.converter import Converter, Options

Outcome: TypeAlias = Literal["exact", "extra", "impossible"]

# Kind of a source → in a few words. `h5 model` is what formats call `h5` where it has a config.
SOURCES = {
    "keras": "`.keras`, zip or folder",
    "weights.h5": "`.weights.h5`",
    "sharded weights": "`.weights.json` with its shards",
    "h5 model": "whole model in Keras 2's HDF5",
    "h5": "weights in Keras 2's HDF5",
    "tf-checkpoint": "TensorFlow checkpoint",
    "tf-checkpoint-v1": "TensorFlow checkpoint, version 1",
    "savedmodel": "SavedModel",
    "safetensors": "`.safetensors`",
    "npz": "`.npz`",
    "torch": "PyTorch archive",
    "torch-legacy": "PyTorch file before 1.6",
    "huggingface": "Hugging Face folder",
    "orbax": "Orbax step",
}


@dataclass(frozen=True, slots=True)
class Conversion:
    """One pair of formats.

    Attributes:
        source: the kind of the source.
        target: the name of the target.
        module: what does it, within this room; "" if nothing can.
        extras: the extras of ckptsel that it needs, each by the package that it brings.
        needs_model: whether `--model` has to say which model the weights belong to.
        takes_model: whether `--model` counts where it is given, instead of the source's own config.
        with_model: the module that does it then; "" for the same.
        why: why it is impossible; or what to know about it, "" if nothing.
    """

    source: str
    target: str
    module: str = ""
    extras: tuple[str, ...] = ()
    needs_model: bool = False
    why: str = ""
    takes_model: bool = False
    with_model: str = ""

    @property
    def looks_at_model(self) -> bool:
        """Whether `--model` has any meaning."""
        return self.needs_model or self.takes_model

    @property
    def outcome(self) -> Outcome:
        """What comes of it."""
        if not self.module:
            return "impossible"
        return "extra" if self.extras else "exact"

    def converter(self, options: Options) -> Converter:
        """What does it, once all that it needs is there.

        Raises:
            ConversionError: if it cannot be done at all, or `--model` is missing.
            MissingExtraError: if a package is not installed.
        """
        what = f"a {self.source} file cannot become {TARGETS[self.target].what}"
        if not self.module:
            raise ConversionError(f"{what}: {self.why}", hint=_hint(self.source))
        if self.needs_model and not options.model:
            raise ConversionError(
                f"{what} without the model's config, which it does not hold",
                hint="give --model with a saved .keras, or with the JSON of model.to_json()",
            )
        missing = [name for name in self.extras if find_spec(PACKAGES[name]) is None]
        if missing:
            raise MissingExtraError(
                f"{what}: {' and '.join(missing)} is not installed",
                hint=f"pip install 'ckptsel[{','.join(missing)}]'",
            )
        name = self.with_model if options.model and self.with_model else self.module
        module = import_module(f"ckptsel.conversion.{name}")
        return cast("Converter", module.CONVERTER)


# Extra → the package that shows that it is installed.
PACKAGES = {"tensorflow": "tensorflow", "torch": "torch", "orbax": "tensorstore", "onnx": "tf2onnx"}


def _hint(source: str) -> str:
    able = [t for t in TARGETS if TABLE[source, t].module]
    if not able:
        return "PyTorch 1.6 or newer saves it again in its newer format: torch.save"
    return f"it can become {', '.join(able)}; docs/conversions.md has the whole table"


def _rows() -> Iterator[Conversion]:
    """Every pair that something can be made of; of several for one pair the first counts."""
    # The same again: a copy, without the optimizer or in another type.
    yield Conversion("keras", "keras", "same", takes_model=True, with_model="keras_archive")
    yield Conversion("h5 model", "h5-model", "same")
    for source in SOURCES:
        if source == _UNLISTED:
            continue
        extras = _READERS.get(source, ())
        yield Conversion(source, "npz", "npz", extras)
        yield Conversion(source, "safetensors", "safetensors", extras)
    yield Conversion("keras", "weights.h5", "archive_weights")
    for source in ("keras", "weights.h5", "sharded weights"):
        yield Conversion(source, "weights.h5", "keras_weights")
        yield Conversion(source, "weights.json", "sharded")
    sound = "where the layers' classes are known; the optimizer's state stays behind"
    yield Conversion("h5 model", "weights.h5", "keras_weights", why=sound, takes_model=True)
    yield Conversion("h5 model", "weights.json", "sharded", why=sound, takes_model=True)
    for source in ("h5", "tf-checkpoint"):
        yield Conversion(source, "weights.h5", "keras_weights", needs_model=True, why=sound)
        yield Conversion(source, "weights.json", "sharded", needs_model=True, why=sound)
        yield Conversion(source, "keras", "keras_archive", needs_model=True, why=sound)
    for source in ("weights.h5", "sharded weights"):
        yield Conversion(source, "keras", "keras_archive", needs_model=True, why="if it fits")
        yield Conversion(source, "h5", "legacy_weights", needs_model=True, why=sound)
    yield Conversion("keras", "h5", "legacy_weights", why=sound, takes_model=True)
    yield Conversion("tf-checkpoint", "h5", "legacy_weights", why=sound, takes_model=True)
    for source in ("h5 model", "h5"):
        yield Conversion(source, "h5", "legacy_weights", why=sound)
    yield from _rebuilt_rows()


def _rebuilt_rows() -> Iterator[Conversion]:
    """What Keras does: models are built, and saved in another way."""
    for target, (module, extras, why) in _REBUILT.items():
        for source in ("keras", "h5 model"):
            takes = source == "h5 model"
            yield Conversion(source, target, module, extras, why=why, takes_model=takes)
        for source in ("weights.h5", "sharded weights", "h5", "tf-checkpoint"):
            yield Conversion(source, target, module, extras, needs_model=True, why=why)
    for target in ("tflite", "onnx"):
        module, extras, why = _REBUILT[target]
        yield Conversion("savedmodel", target, module, extras, why=why)


# Kind of a source → the extras without which its values cannot be read.
_READERS = {"torch": ("torch",), "orbax": ("orbax",)}
# One pickle after another: what is in it shows only when it is run.
_UNLISTED = "torch-legacy"
_WITHOUT_STATE = "without what compile() was given, and without the optimizer's state"
_PREDICTS = "the tensors cannot be compared one by one: predictions are"
# Target → what builds the model for it, the extras for that, and what to know about it.
_REBUILT = {
    "savedmodel": ("rebuild.savedmodel", ("tensorflow",), ""),
    "tf-checkpoint": (
        "rebuild.prefix",
        ("tensorflow",),
        "to be restored by tf.train.Checkpoint(model=…), with optimizer=… where there is one",
    ),
    "tflite": ("rebuild.lite", ("tensorflow",), _PREDICTS),
    "onnx": ("rebuild.onnx_graph", ("tensorflow", "onnx"), _PREDICTS),
    "keras": ("rebuild.whole", ("tensorflow",), _WITHOUT_STATE),
    "h5-model": ("rebuild.whole", ("tensorflow",), _WITHOUT_STATE),
}
# Target → why nothing else becomes one.
_NEVER = {
    "keras": "nothing in it tells the model",
    "weights.h5": "its names do not tell which layer of a Keras model a tensor belongs to",
    "weights.json": "its names do not tell which layer of a Keras model a tensor belongs to",
    "h5": "its names do not tell which layer of a Keras model a tensor belongs to",
    "h5-model": "only Keras itself writes whole models so: model.save('model.h5')",
    "savedmodel": "a SavedModel holds the functions of a model, which weights do not tell",
    "tf-checkpoint": "its objects are those of a model that has to be built first",
    "tflite": "it holds the functions of a model, which weights do not tell",
    "onnx": "it holds the functions of a model, which weights do not tell",
}
# The same for SavedModel, which holds a model, though not one that Keras can build anew.
_OF_SAVEDMODEL = {
    "keras": "it holds functions, not layers: keras.layers.TFSMLayer calls it",
    "h5-model": "it holds functions, not layers: keras.layers.TFSMLayer calls it",
    "savedmodel": "it is one already: ckptsel copy",
    "tf-checkpoint": "its variables are those of its functions, not of a model",
}


def _why(source: str, target: str) -> str:
    if source == _UNLISTED:
        return "only unpickling it tells what is in it, and that would run its code"
    return _OF_SAVEDMODEL.get(target, _NEVER[target]) if source == "savedmodel" else _NEVER[target]


def _table() -> dict[tuple[str, str], Conversion]:
    found = {(row.source, row.target): row for row in reversed([*_rows()])}
    return {
        pair: found.get(pair) or Conversion(*pair, why=_why(*pair))
        for pair in ((source, target) for source in SOURCES for target in TARGETS)
    }


TABLE = _table()
