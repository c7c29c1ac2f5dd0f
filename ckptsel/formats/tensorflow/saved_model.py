"""TensorFlow's SavedModel: a folder with `saved_model.pb`, and variables beside it.

From TensorFlow's core/protobuf/saved_model.proto and meta_graph.proto. The graph is only
listed; what it would do if it were run is a danger, not something that is tried.
"""

from __future__ import annotations

import contextlib
import functools
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ckptsel.checkpoint import Finding
from ckptsel.errors import DamagedError
from ckptsel.formats.contents import Contents, Facts, Format
from ckptsel.formats.keras.metadata import KerasMetadata, read_metadata
from ckptsel.formats.keras.state import mean_of
from ckptsel.formats.tensorflow.ops import dangerous_ops
from ckptsel.formats.tensorflow.protobuf_wire import MalformedError, Message, naming
from ckptsel.formats.tensorflow.types import dtype_of
from ckptsel.formats.tensorflow.v2 import TensorFlowV2
from ckptsel.storage import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from ckptsel.formats.contents import Level, Tensor

_NAME = "saved_model.pb"
_OF = "/.ATTRIBUTES/VARIABLE_VALUE"
_MOST_BYTES = 2**31  # no protocol buffer is larger
# fields of SavedModel, MetaGraphDef and MetaInfoDef
_META_GRAPHS = 2
_INFO, _SAVER, _SIGNATURES, _ASSETS, _OBJECTS = 1, 3, 5, 6, 7
_TAGS, _VERSION = 4, 5
# a signature that TensorFlow keeps for itself
_INTERNAL = "__saved_model_init_op"


class SavedModel(Contents):
    """An open SavedModel.

    Raises:
        DamagedError: if its graph or the index of its variables is damaged.
    """

    kind = "savedmodel"
    has_checksums = True

    def __init__(self, path: str) -> None:
        self._folder = _folder_of(path)
        self._path = os.path.join(self._folder, _NAME)
        with naming(self._path):
            with open_regular(self._path) as file:
                if os.fstat(file.fileno()).st_size >= _MOST_BYTES:
                    raise MalformedError("it is larger than TensorFlow could read")
                proto = Message(file.read())
            self._graphs = list(proto.messages(_META_GRAPHS))
            if not self._graphs:
                raise MalformedError("there is no graph in it")
            self.version = str(proto.number(1))
            self._about = self._described()
            self._assets = [
                asset.text(2) for graph in self._graphs for asset in graph.messages(_ASSETS)
            ]
        prefix = os.path.join(self._folder, "variables", "variables")
        has_variables = os.path.isfile(prefix + ".index")
        self._variables = TensorFlowV2(prefix) if has_variables else None
        self._lost = "" if has_variables or not self._needs_variables() else prefix + ".index"

    def _needs_variables(self) -> bool:
        return any(_SAVER in graph for graph in self._graphs)

    def _described(self) -> dict[str, str]:
        found: dict[str, str] = {}
        tags: list[str] = []
        for graph in self._graphs:
            info = graph.message(_INFO)
            tags += info.texts(_TAGS)
            if info.text(_VERSION):
                found["tensorflow"] = info.text(_VERSION)
            for entry in graph.messages(_SIGNATURES):
                if entry.text(1) != _INTERNAL:
                    found[f"signature {entry.text(1)}"] = _signature(entry.message(2))
        return {"tags": ", ".join(tags), **found}

    @property
    def tensors(self) -> Sequence[Tensor]:
        """The variables."""
        return self._variables.tensors if self._variables else ()

    @property
    def facts(self) -> Facts:
        """What the variables tell, tags and signatures, and the TensorFlow that wrote it."""
        known = self._variables.facts if self._variables else Facts()
        about, means = dict(self._about), self._means()
        framework = f"tensorflow {about.pop('tensorflow', '')}".strip()
        if known.framework.startswith("keras"):
            about["model"] = known.framework
        name = (self._keras.part("config") or {}).get("name", "")
        return replace(
            known,
            model_name=name if isinstance(name, str) else "",
            framework=framework,
            metrics={name: value for name, (value, _) in means.items()},
            samples={name: count for name, (_, count) in means.items()},
            more={**about, **known.more},
        )

    def _means(self) -> dict[str, tuple[float, float]]:
        """Metric → value and number of samples, of those of the kind Mean."""
        found: dict[str, tuple[float, float]] = {}
        if self._variables is None:
            return found
        for number, name in self._keras.metrics.items():
            keys = (f"keras_api/metrics/{number}/{part}{_OF}" for part in ("total", "count"))
            total, count = map(self._variables.scalar, keys)
            if not name or total is None or count is None:
                continue
            if (value := mean_of(total, count, "float32")) is not None:
                found[name] = value, count
        return found

    @property
    def config(self) -> Mapping[str, Any] | None:
        """The Keras model's, which Keras 2 wrote into keras_metadata.pb."""
        model = self._keras.model
        wanted = {key: model[key] for key in ("class_name", "config") if key in model}
        return wanted if len(wanted) == 2 else None

    @property
    def optimizer_config(self) -> Mapping[str, Any] | None:
        """The optimizer's, which Keras 2 wrote into keras_metadata.pb."""
        return self._keras.part("training_config", "optimizer_config")

    @functools.cached_property
    def _keras(self) -> KerasMetadata:
        # that it is damaged, damage() tells
        with contextlib.suppress(DamagedError):
            return read_metadata(self._folder)
        return KerasMetadata()

    def pieces(self, tensor: Tensor) -> Iterator[NDArray[Any]]:
        """A variable's values; see Contents.pieces."""
        if self._variables is None:
            raise DamagedError(f"{self._folder!r} has no variables")
        yield from self._variables.pieces(tensor)

    def damage(
        self, level: Level, on_bytes: Callable[[int], None] | None = None
    ) -> Iterator[Finding]:
        """Variables and assets that are missing or broken, and a graph that cannot be read."""
        if self._lost:
            yield Finding("missing-shard", f"{self._lost!r} is missing", self._lost)
        for name in self._assets:
            path = os.path.join(self._folder, "assets", name)
            if not _is_outside(name) and not os.path.isfile(path):
                yield Finding("missing-asset", f"{path!r} is missing", path)
        try:
            _ = self._ops
        except MalformedError as error:
            yield Finding("bad-graph", f"the graph cannot be read: {error}", self._path)
        try:
            read_metadata(self._folder)
        except DamagedError as error:
            yield Finding("bad-json", error.message, self._folder)
        if self._variables:
            yield from self._variables.damage(level, on_bytes)

    def dangers(self) -> Iterator[Finding]:
        """Operations that reach outside of the graph, and assets that stand elsewhere."""
        try:
            for op, count, what in self._ops:
                message = f"the graph has {count} of the operation {op}, which {what}"
                yield Finding("dangerous-op", message, self._path)
        except MalformedError as error:
            yield Finding("bad-graph", f"the graph cannot be read: {error}", self._path)
        for name in self._assets:
            if _is_outside(name):
                message = f"the asset {name!r} is outside of the model's folder"
                yield Finding("outside-asset", message, self._path)

    @functools.cached_property
    def _ops(self) -> list[tuple[str, int, str]]:
        return [
            found
            for graph in self._graphs
            for found in dangerous_ops(graph, graph.message(_OBJECTS))
        ]

    def close(self) -> None:
        """Let go of the files."""
        if self._variables:
            self._variables.close()


def _signature(proto: Message) -> str:
    """A SignatureDef as people write it: `(x: float32[?, 4]) -> (y: float32[?, 1])`."""
    sides = []
    for field in (1, 2):
        tensors = [(entry.text(1), entry.message(2)) for entry in proto.messages(field)]
        sides.append(", ".join(f"{name}: {_tensor(info)}" for name, info in sorted(tensors)))
    return f"({sides[0]}) -> ({sides[1]})"


def _tensor(info: Message) -> str:
    shape = info.message(3)
    name = dtype_of(info.number(2)).name
    if shape.number(3):
        return name
    sizes = (dim.signed(1) for dim in shape.messages(2))
    return f"{name}[{', '.join('?' if size < 0 else str(size) for size in sizes)}]"


def _is_outside(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or os.path.isabs(name) or parts[0] == "" or parts[0].endswith(":")


def _folder_of(path: str) -> str:
    folder, name = os.path.split(path)
    return folder or "." if name == _NAME else path


def _recognise(path: str, _head: bytes) -> bool:
    return os.path.isfile(os.path.join(_folder_of(path), _NAME))


FORMAT = Format(SavedModel.kind, _recognise, SavedModel)
