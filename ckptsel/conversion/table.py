"""Which format can be made of which, and what does it: every pair, as data."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from ckptsel.conversion.targets import TARGETS
from ckptsel.errors import ConversionError, MissingExtraError

if TYPE_CHECKING:
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
        why: why it is impossible; or what to know about it, "" if nothing.
    """

    source: str
    target: str
    module: str = ""
    extras: tuple[str, ...] = ()
    needs_model: bool = False
    why: str = ""

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
        module = import_module(f"ckptsel.conversion.{self.module}")
        return cast("Converter", module.CONVERTER)


# Extra → the package that shows that it is installed.
PACKAGES = {"tensorflow": "tensorflow", "torch": "torch", "orbax": "tensorstore", "onnx": "onnx"}


def _hint(source: str) -> str:
    able = [t for t in TARGETS if TABLE[source, t].module]
    return f"it can become {', '.join(able)}; docs/conversions.md has the whole table"


def _table() -> dict[tuple[str, str], Conversion]:
    found = {}
    for source in SOURCES:
        for target in TARGETS:
            found[source, target] = _conversion(source, target)
    return found


def _conversion(source: str, target: str) -> Conversion:
    if (source, target) == ("keras", "weights.h5"):
        return Conversion(source, target, "archive_weights")
    return Conversion(source, target, why="no writer for it is there")


TABLE = _table()
