"""Keras 2's HDF5 files: whole models (`.h5`, `.hdf5`) and weights with a list of layers.

Source: keras/src/legacy/saving/legacy_h5_format.py.
"""

from __future__ import annotations

from contextlib import closing
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ckptsel.checkpoint import Finding
from ckptsel.errors import DamagedError
from ckptsel.formats.contents import Contents, Facts, Format, Level, Tensor
from ckptsel.formats.hdf5.file import Hdf5, open_hdf5
from ckptsel.formats.hdf5.superblock import is_hdf5
from ckptsel.formats.keras import config as keras_config
from ckptsel.formats.keras.weights import is_legacy
from ckptsel.formats.strict_json import parse_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

_OPTIMIZER = "optimizer_weights"
TOP_LEVEL = "top_level_model_weights"
"""The group of weights that belong to the model itself, and to no layer."""

# Keras 3, tf_keras, and the optimizers before 2.11, in this order.
_STEPS = frozenset(("iteration", "iteration:0", "iter:0", "iterations", "iterations:0"))
_RATES = frozenset(("learning_rate", "learning_rate:0"))


class KerasLegacy(Contents):
    """An open HDF5 file of Keras 2: a whole model, or weights only."""

    kind = "h5"

    def __init__(self, path: str, hdf5: Hdf5, close: Callable[[], None]) -> None:
        self._path = path
        self._hdf5 = hdf5
        self._close = close
        # The attributes of weights stand on the root of a weights file, and on a group of a model.
        self._root = "" if hdf5.attribute("", "model_config") is None else "model_weights"

    def _json(self, name: str) -> Mapping[str, Any] | None:
        text = self._hdf5.text("", name)
        # What was no UTF-8 in the file is to be none here.
        data = text.encode("utf-8", "surrogateescape")
        return parse_object(data, f"{name} in {self._path!r}") if data else None

    @cached_property
    def config(self) -> Mapping[str, Any] | None:
        """The model config; weights have none. Raises DamagedError if it cannot be read."""
        return self._json("model_config")

    @property
    def optimizer_config(self) -> Mapping[str, Any] | None:
        """The optimizer's entry of the training config. Raises as `config` does."""
        return keras_config.optimizer_of(self._json("training_config"), "optimizer_config")

    @property
    def layout(self) -> dict[str, tuple[str, ...]]:
        """Layer → the names of its weights, both in the model's order; also layers without any.

        What belongs to no layer stands under `TOP_LEVEL`.

        Raises:
            DamagedError: if the lists cannot be read.
        """
        _ = self._hdf5.datasets
        prefix = self.prefix
        layers = (*self._names(self._root, "layer_names"), TOP_LEVEL)
        return {layer: tuple(self._names(prefix + layer, "weight_names")) for layer in layers}

    @property
    def prefix(self) -> str:
        """What the paths of all weights begin with, up to the layer's name."""
        return f"{self._root}/" if self._root else ""

    @property
    def written_by(self) -> dict[str, str]:
        """The attributes `keras_version` and `backend`, where the file has them."""
        found = {name: self._hdf5.text(self._root, name) for name in ("keras_version", "backend")}
        return {name: text for name, text in found.items() if text}

    @cached_property
    def _listed(self) -> dict[str, str]:
        """Path → layer, of the weights that the file says it has, in the order of the model."""
        found: dict[str, str] = {}
        for layer, weights in self.layout.items():
            for weight in weights:
                found[f"{self.prefix}{layer}/{weight}"] = "" if layer == TOP_LEVEL else layer
        return found

    def _names(self, group: str, name: str) -> list[str]:
        """A list of names; long ones are cut into `name0`, `name1`, …."""
        if group and group not in self._hdf5.groups:
            return []
        whole = self._hdf5.attribute(group, name)
        parts = [whole] if whole is not None else self._chunks(group, name)
        lists = [part.tolist() for part in parts if getattr(part, "ndim", 0) == 1]
        return [_text(item) for items in lists for item in items]

    def _chunks(self, group: str, name: str) -> Iterator[Any]:
        number = 0
        while (part := self._hdf5.attribute(group, f"{name}{number}")) is not None:
            yield part
            number += 1

    @cached_property
    def _tensors(self) -> tuple[Tensor, ...]:
        stored = self._hdf5.datasets
        state = (f"{_OPTIMIZER}/{name}" for name in self._names(_OPTIMIZER, "weight_names"))
        order = [path for path in dict.fromkeys((*self._listed, *state)) if path in stored]
        known = set(order)
        order += [path for path in stored if path not in known]
        return tuple(
            Tensor(
                path,
                stored[path].shape,
                stored[path].dtype_name,
                0 if stored[path].dtype_name == "object" else stored[path].size_bytes,
                "optimizer" if path.startswith(f"{_OPTIMIZER}/") else "weight",
                self._listed.get(path, ""),
                *self._names_of(path),
            )
            for path in order
        )

    def _names_of(self, path: str) -> tuple[tuple[str, ...], str]:
        """A weight's owners and its own name; `e/sequential_2/e/a/kernel:0` is that of a in e."""
        layer = self._listed.get(path)
        if layer is None:
            return (), ""
        group = f"{self._root}/{layer}/" if self._root else f"{layer}/"
        return names_in(layer, path.removeprefix(group))

    @property
    def tensors(self) -> Sequence[Tensor]:
        """See `Contents.tensors`: the layers in the model's order, then the optimizer."""
        return self._tensors

    @property
    def facts(self) -> Facts:
        """See `Contents.facts`."""
        step = rate = None
        for tensor in self.tensors:
            owner, _, name = tensor.path.rpartition("/")
            if tensor.role != "optimizer" or tensor.shape:
                continue
            if name in _STEPS and "int" in tensor.dtype:
                # A LossScaleOptimizer has a counter, too, which stays at 0.
                step = max(step or 0, int(self._scalar(tensor)))
            elif name in _RATES and "float" in tensor.dtype and "loss_scale" not in owner:
                rate = float(self._scalar(tensor))
        version = self._hdf5.text(self._root, "keras_version")
        backend = self._hdf5.text(self._root, "backend")
        return Facts(
            step=step,
            skips_steps=_is_scaled(self.optimizer_config),
            learning_rate=keras_config.learning_rate(self.optimizer_config, rate),
            model_name=keras_config.model_name(self.config),
            framework=f"keras {version}".rstrip(),
            more={"backend": backend} if backend else {},
        )

    def _scalar(self, tensor: Tensor) -> Any:
        return next(self.pieces(tensor))[0]

    def pieces(self, tensor: Tensor) -> Iterator[NDArray[Any]]:
        """See `Contents.pieces`."""
        return self._hdf5.pieces(tensor.path)

    def damage(
        self, level: Level, on_bytes: Callable[[int], None] | None = None
    ) -> Iterator[Finding]:
        """See `Contents.damage`. Plain HDF5 has no checksums: a changed value is not found."""
        yield from self._hdf5.damage(level, on_bytes)
        try:
            missing = [path for path in self._listed if path not in self._hdf5.datasets]
        except DamagedError as error:
            yield Finding("unreadable-object", error.message, self._path)
            missing = []
        lost = self._lost_layers()
        if lost:
            message = f"{len(lost)} layers are named and not there, the first is {lost[0]}"
            yield Finding("missing-tensor", message, self._path)
        if missing:
            message = f"{len(missing)} weights are named and not there, the first is {missing[0]}"
            yield Finding("missing-tensor", message, self._path)
        if all(path.startswith(f"{_OPTIMIZER}/") for path in self._hdf5.datasets):
            yield Finding("no-weights", "holds no weights", self._path)
        for name in ("model_config", "training_config"):
            yield from self._json_damage(name)

    def _lost_layers(self) -> list[str]:
        """Layers without their groups: Keras writes one also for a layer without weights."""
        prefix = f"{self._root}/" if self._root else ""
        try:
            layers = self._names(self._root, "layer_names")
        except DamagedError:
            return []  # which has been told
        return [layer for layer in layers if prefix + layer not in self._hdf5.groups]

    def _json_damage(self, name: str) -> Iterator[Finding]:
        try:
            self._json(name)
        except DamagedError as error:
            yield Finding("bad-json", error.message, self._path)

    def dangers(self) -> Iterator[Finding]:
        """See `Contents.dangers`."""
        try:
            configs = {"model": self.config, "training": self._json("training_config")}
            yield from keras_config.config_dangers(configs, self._path)
        except DamagedError:
            pass  # damage() tells of it
        _ = self._hdf5.datasets
        yield from self._hdf5.dangers

    def close(self) -> None:
        """See `Contents.close`."""
        self._hdf5.close()
        self._close()


def names_in(layer: str, path: str) -> tuple[tuple[str, ...], str]:
    """The owners of a variable and its own name.

    Args:
        layer: the model's layer that has it, "" for the model itself.
        path: Keras's path of the variable, `model/layer/sublayer/kernel:0`; what stands before
            the layer is left out.
    """
    *scopes, variable = path.split("/")
    if layer in scopes:
        scopes = scopes[scopes.index(layer) + 1 :]
    return (layer, *scopes) if layer else (), variable.partition(":")[0]


def _text(name: object) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def _recognise(path: str, head: bytes) -> bool:
    if not is_hdf5(path, head):
        return False
    try:
        file, hdf5 = open_hdf5(path)
    except DamagedError:
        # It cannot be looked into; the name is the only hint as to what it was.
        return path.endswith((".h5", ".hdf5")) and not path.endswith(".weights.h5")
    with closing(file), closing(hdf5):
        try:
            return is_legacy(hdf5)
        except DamagedError:
            return False


def _open(path: str) -> Contents:
    file, hdf5 = open_hdf5(path)
    try:
        return KerasLegacy(path, hdf5, file.close)
    except DamagedError:
        hdf5.close()
        file.close()
        raise


FORMAT = Format("h5", _recognise, _open)


def _is_scaled(optimizer: Mapping[str, Any] | None) -> bool:
    """Whether it is a LossScaleOptimizer; tf_keras's has a `V3` behind its name."""
    return str((optimizer or {}).get("class_name")).startswith("LossScaleOptimizer")
