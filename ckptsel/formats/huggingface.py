"""Hugging Face folders (`checkpoint-500/`): weights in one file or in shards, and their history.

Source: `WEIGHTS_NAME` and its kin in transformers/utils, `TrainerState` in
transformers/trainer_callback.py; adapters are PEFT's, `diffusion_…` is diffusers'.
"""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ckptsel.checkpoint import Finding
from ckptsel.errors import DamagedError
from ckptsel.formats import safetensors
from ckptsel.formats.contents import Contents, Facts, Format, Level, Tensor
from ckptsel.formats.strict_json import read_object
from ckptsel.formats.torch import archive as torch_archive
from ckptsel.formats.torch import legacy as torch_legacy
from ckptsel.storage import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

# In the order in which transformers looks for them.
_WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "adapter_model.safetensors",
    "adapter_model.bin",
    "diffusion_pytorch_model.safetensors",
    "diffusion_pytorch_model.safetensors.index.json",
    "diffusion_pytorch_model.bin",
)
_INDEX_SUFFIX = ".index.json"
_STATE = "trainer_state.json"
# What the Trainer writes beside the weights, and unpickles when it resumes. Not what it never
# loads: training_args.bin names classes of transformers in every checkpoint, and a warning that
# is always there is not read.
_PICKLED_SUFFIXES = (".bin", ".pt", ".pth")
_NEVER_LOADED = "training_args.bin"
_SHARD_FORMATS = (safetensors.FORMAT, torch_archive.FORMAT, torch_legacy.FORMAT)


class HuggingFaceContents(Contents):
    """An open folder. Its files are opened when they are first needed."""

    kind = "huggingface"

    def __init__(self, path: str) -> None:
        self.path = path
        weights = _weights_in(path)
        if weights is None:
            raise DamagedError(f"{path!r} holds no weights of Hugging Face")
        self._opened: dict[str, Contents] = {}
        # Shard → the tensors that the index says are in it; a single file has no index.
        self._shards: dict[str, set[str] | None] = {weights: None}
        if weights.endswith(_INDEX_SUFFIX):
            self._shards = _read_index(os.path.join(path, weights))

    def _open(self, name: str) -> Contents:
        if name not in self._opened:
            self._opened[name] = _open_shard(os.path.join(self.path, name))
        return self._opened[name]

    @cached_property
    def _by_path(self) -> dict[str, tuple[Contents, Tensor]]:
        shards = [self._open(name) for name in self._shards]
        return {tensor.path: (shard, tensor) for shard in shards for tensor in shard.tensors}

    @property
    def lists_tensors(self) -> bool:  # type: ignore[override]
        """Whether every shard's tensors can be listed."""
        return all(self._open(name).lists_tensors for name in self._shards)

    @property
    def unlisted(self) -> str:
        """See `Contents.unlisted`, of the first shard that leaves some out."""
        return next((why for why in (self._open(n).unlisted for n in self._shards) if why), "")

    @property
    def tensors(self) -> Sequence[Tensor]:
        """Every tensor, shard by shard; the optimizer's file is to be opened by itself."""
        return [tensor for _, tensor in self._by_path.values()]

    @cached_property
    def facts(self) -> Facts:
        """What `trainer_state.json` says; of the metrics, those of this very step."""
        more = {"weights": ", ".join(sorted(self._shards))}
        for name in ("optimizer.pt", "optimizer.bin"):
            if os.path.exists(os.path.join(self.path, name)):
                more["optimizer"] = name
        file = os.path.join(self.path, _STATE)
        if not os.path.exists(file):
            return Facts(framework="transformers", more=more)
        state = read_object(file)
        step, epoch = _number(state.get("global_step")), _number(state.get("epoch"))
        if epoch is not None:
            more["epoch"] = str(epoch)
        for name in ("best_metric", "best_model_checkpoint", "best_global_step"):
            if state.get(name) is not None:
                more[name] = str(state[name])
        history = state.get("log_history")
        rows = (
            [row for row in history if isinstance(row, dict)] if isinstance(history, list) else []
        )
        rates = [_number(row.get("learning_rate")) for row in rows]
        return Facts(
            step=int(step) if step is not None and step == int(step) else None,
            epoch=int(epoch) if epoch is not None and epoch == int(epoch) else None,
            learning_rate=next((rate for rate in reversed(rates) if rate is not None), None),
            framework="transformers",
            metrics=_metrics(row for row in rows if row.get("step") == state.get("global_step")),
            more=more,
        )

    def pieces(self, tensor: Tensor) -> Iterator[NDArray[Any]]:
        """A tensor's values, from its shard. Raises as the shard's format does."""
        shard, inside = self._by_path[tensor.path]
        return shard.pieces(inside)

    def damage(
        self, level: Level, on_bytes: Callable[[int], None] | None = None
    ) -> Iterator[Finding]:
        """Missing shards, shards without their tensors, damage in any shard, a broken history."""
        for name, expected in self._shards.items():
            file = os.path.join(self.path, name)
            if not os.path.isfile(file):
                yield Finding(
                    "missing-shard", f"the index names {name!r}, which is not there", file
                )
                continue
            try:
                shard = self._open(name)
                yield from shard.damage(level, on_bytes)
                present = {tensor.path for tensor in shard.tensors}
                lacks = sorted(expected - present) if expected and shard.lists_tensors else []
            except DamagedError as error:
                yield Finding(error.code, error.message, file)
                continue
            if lacks:
                says = (
                    f"{len(lacks)} tensors that the index names are not in {name!r}: {lacks[0]!r}"
                )
                yield Finding("missing-tensor", says, file)
        try:
            _ = self.facts
        except DamagedError as error:
            yield Finding("trainer-state", error.message, os.path.join(self.path, _STATE))

    def dangers(self) -> Iterator[Finding]:
        """Dangers in any shard, and in the pickles that the Trainer leaves beside them."""
        pickled = {name for name in _listdir(self.path) if name.endswith(_PICKLED_SUFFIXES)}
        pickled.discard(_NEVER_LOADED)
        for name in sorted(pickled | set(self._shards)):
            file = os.path.join(self.path, name)
            if not os.path.isfile(file):
                continue
            try:
                if name in self._shards:
                    yield from self._open(name).dangers()
                else:
                    with _open_shard(file) as contents:
                        yield from contents.dangers()
            except DamagedError as error:
                says = f"{name!r} cannot be looked into: {error.message}"
                yield Finding("not-looked-into", says, file)

    def close(self) -> None:
        """Let go of the files."""
        for contents in self._opened.values():
            contents.close()
        self._opened.clear()
        self.__dict__.pop("_by_path", None)


def _weights_in(path: str) -> str | None:
    present = set(_listdir(path))
    return next((name for name in _WEIGHTS if name in present), None)


def _listdir(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []


def _read_index(file: str) -> dict[str, set[str] | None]:
    """Shard → its tensors, in the order of the index.

    Raises:
        DamagedError: if it makes no sense, or names a file outside of the folder.
    """
    index = read_object(file).get("weight_map")
    if not isinstance(index, dict) or not index:
        raise DamagedError(f"{file!r} has no weight_map")
    found: dict[str, set[str]] = {}
    for tensor, name in index.items():
        if not isinstance(name, str) or name != os.path.basename(name) or name in ("", ".", ".."):
            raise DamagedError(f"{file!r} names a shard outside of its folder: {name!r}")
        found.setdefault(name, set()).add(tensor)
    return dict(found)


def _open_shard(file: str) -> Contents:
    try:
        if not os.path.isfile(file):  # Opening a pipe would wait for its writer.
            raise DamagedError(f"{file!r} is not there, or no file")
        with open_regular(file) as opened:
            head = opened.read(4096)
    except (OSError, ValueError) as error:
        raise DamagedError(f"{file!r} cannot be read: {error}") from None
    for found in _SHARD_FORMATS:
        if found.recognise(file, head):
            return found.open(file)
    raise DamagedError(f"{file!r} is neither safetensors nor PyTorch's")


def _number(value: object) -> float | None:
    """A finite number; JSON readers also take NaN."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < 2**63 else None


def _metrics(rows: Iterator[Mapping[str, object]]) -> dict[str, float]:
    """`eval_loss` and its kin; what the evaluation cost is none of them."""
    costs = ("_runtime", "_per_second")
    pairs = [(name, _number(value)) for row in rows for name, value in row.items()]
    return {
        name: value
        for name, value in pairs
        if value is not None and name.startswith("eval_") and not name.endswith(costs)
    }


def _recognise(path: str, head: bytes) -> bool:
    del head
    return os.path.isdir(path) and _weights_in(path) is not None


FORMAT = Format(HuggingFaceContents.kind, _recognise, HuggingFaceContents)
