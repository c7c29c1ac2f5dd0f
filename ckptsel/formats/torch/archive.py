"""PyTorch's zip archives (`.pt`, `.pth`, `.ckpt`, `.bin`): a pickle, and a member per storage.

Nothing is ever unpickled here. What the pickle would call is read from its opcodes; names and
shapes of tensors come from PyTorch itself, the extra `torch`, with `weights_only=True`.

Source: the section "Serialized file format for torch.save" in PyTorch's notes on serialization.
"""

from __future__ import annotations

import io
import math
import re
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ckptsel.checkpoint import Finding
from ckptsel.errors import DamagedError, MissingExtraError
from ckptsel.formats.contents import Contents, Facts, Format, Level, Tensor, is_too_much
from ckptsel.formats.pickle_scan import (
    TooLongError,
    few_operations,
    leading_numbers,
    pickle_findings,
    pickle_globals,
)
from ckptsel.formats.torch.mapped import owned
from ckptsel.formats.torch.tensors import (
    Flat,
    RefusedError,
    describe,
    flatten,
    load_mapped,
    value_pieces,
)
from ckptsel.formats.zip_checks import (
    is_bomb,
    member_names,
    open_zip,
    read_member,
    size_bytes,
    zip_damage,
    zip_dangers,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

HINT = "pip install 'ckptsel[torch]'"

_ZIP_MAGIC = b"PK\x03\x04"
_PICKLE = "/data.pkl"
_STORAGE = re.compile(r"/data/\d+$")
_SCRIPT = re.compile(r"^[^/]*/(code/|constants\.pkl$)")
_VERSION_BYTES = 100
_STEPS = ("global_step", "step", "iteration")


class TorchContents(Contents):
    """An open PyTorch archive."""

    kind = "torch"
    has_checksums = True

    def __init__(self, path: str) -> None:
        self.path = path
        self._archive = open_zip(path)
        try:
            self._names = self._archive.namelist()
            # Without a root the member is missing, and that is the error.
            root = _root(self._names) or ""
            version = read_member(self._archive, f"{root}/version", _VERSION_BYTES)
            self.version = version.decode("ascii", "replace").strip()
            self._pickle = root + _PICKLE
        except BaseException:
            self._archive.close()
            raise

    @cached_property
    def _refused(self) -> str:
        """Why tensors cannot be listed, "" if they can."""
        if find_spec("torch") is None:
            return f"only PyTorch can list them: {HINT}"
        return self.load_problem

    @cached_property
    def load_problem(self) -> str:
        """What PyTorch says with `weights_only=True`, where it is installed."""
        if find_spec("torch") is None:
            return ""
        if any(_SCRIPT.search(name) for name in self._names):
            return "it is a TorchScript program"
        try:
            names = pickle_globals(io.BytesIO(self._read_pickle(self._pickle)))
        except TooLongError as error:
            return f"its pickle is too long to be looked into: {error}"
        except ValueError as error:
            raise DamagedError(f"the pickle in {self.path!r} is broken: {error}") from None
        if any(name.endswith(".bytearray") for name in names):
            # PyTorch would make it, of any size, and fill it with zeros.
            return "it calls bytearray, which may need any amount of memory"
        try:
            _ = self._saved
        except RefusedError as error:
            # What follows tells how to trust it all the same.
            reason = str(error).partition(" Please use")[0]
            return f"PyTorch refuses to load it with weights_only=True: {reason}"
        return ""

    @cached_property
    def _saved(self) -> Any:
        if is_bomb(self._archive):
            raise DamagedError(f"{self.path!r} unpacks to far more than it holds: it is not read")
        return load_mapped(self.path)

    @cached_property
    def _flat(self) -> Flat:
        return Flat({}, frozenset(), "") if self._refused else flatten(self._saved)

    @property
    def values(self) -> dict[str, Any]:
        """Path → PyTorch's tensor, mapped from the file; none where `lists_tensors` is false."""
        return self._flat.values

    @property
    def unlisted(self) -> str:
        """Why PyTorch cannot list them, or which kinds of tensors are left out."""
        return self._refused or self._flat.odd

    @property
    def lists_tensors(self) -> bool:  # type: ignore[override]
        """Whether PyTorch is there, and reads this archive."""
        return not self._refused

    @cached_property
    def tensors(self) -> Sequence[Tensor]:
        """Every tensor by its keys, joined by `/`; none where `lists_tensors` is false."""
        return describe(self._flat)

    @property
    def facts(self) -> Facts:
        """The counters that training loops put beside the state dicts.

        Source of the keys: Lightning's `dump_checkpoint`, PyTorch's tutorial on checkpoints.
        """
        infos = [info for info in self._archive.infolist() if _STORAGE.search(info.filename)]
        more = {
            "storages": str(len(infos)),
            "storages' bytes": str(sum(info.file_size for info in infos)),
        }
        if self._refused:
            return Facts(framework="torch", more={**more, "tensors": self._refused})
        saved = self._saved if isinstance(self._saved, dict) else {}
        lightning = saved.get("pytorch-lightning_version")
        return Facts(
            step=_first(saved, *_STEPS),
            epoch=_first(saved, "epoch"),
            learning_rate=_learning_rate(saved),
            framework=f"lightning {lightning}" if isinstance(lightning, str) else "torch",
            more={**more, **_best_scores(saved)},
        )

    @property
    def step(self) -> int | None:
        """The step that loops put before the state dicts: without PyTorch's import of seconds."""
        return _first(self._leading, *_STEPS)

    @property
    def epoch(self) -> int | None:
        """The epoch that stands there as well."""
        return _first(self._leading, "epoch")

    @cached_property
    def _leading(self) -> Mapping[str, int]:
        return leading_numbers(io.BytesIO(self._read_pickle(self._pickle)))

    def pieces(self, tensor: Tensor) -> Iterator[NDArray[Any]]:
        """A tensor's values. See `Contents.pieces`.

        Raises:
            DamagedError: if PyTorch cannot read them.
            MissingExtraError: without PyTorch.
        """
        if self._refused:
            raise MissingExtraError(f"{self.path!r} cannot be read: {self._refused}", hint=HINT)
        # A tensor that repeats its bytes may claim any shape.
        if tensor.size_bytes > size_bytes(self._archive):
            raise DamagedError(f"{tensor.path!r} claims more values than the file has bytes")
        if self._bomb:
            raise DamagedError(f"{self.path!r}: {self._bomb}; they are not read")
        yield from value_pieces(tensor, self.values[tensor.path])

    def damage(
        self, level: Level, on_bytes: Callable[[int], None] | None = None
    ) -> Iterator[Finding]:
        """Broken members, and at `full` wrong checksums. See `Contents.damage`."""
        return zip_damage(self._archive, self.path, level, on_bytes)

    def dangers(self) -> Iterator[Finding]:
        """What is wrong with the archive, and what its pickles and programs would run."""
        yield from zip_dangers(self._archive, self.path)
        scripts = [name for name in self._names if _SCRIPT.search(name)]
        if scripts:
            says = f"it is a TorchScript program, which is run when it is used: {scripts[0]!r}"
            yield Finding("torchscript-code", says, self.path)
        operations = few_operations()
        for name in self._names:
            if name.endswith(".pkl"):
                try:
                    pickled = io.BytesIO(self._read_pickle(name))
                    names = pickle_globals(pickled, operations=operations)
                    yield from pickle_findings(names, repr(name), self.path)
                except (DamagedError, ValueError) as error:
                    says = f"{name!r} is a pickle that cannot be looked into: {error}"
                    yield Finding("pickle-code", says, self.path)
        if self._bomb:
            yield Finding("compression-bomb", self._bomb, self.path)

    @cached_property
    def _bomb(self) -> str:
        """Tensors may share their bytes, as tied weights do; but not thousands of them."""
        try:
            claimed = sum(tensor.size_bytes for tensor in self.tensors)
        except DamagedError:
            return ""  # which whoever asks for tensors is told
        stored = size_bytes(self._archive)
        too_much = is_too_much(claimed, stored)
        return f"{claimed:,} bytes of values in a file of {stored:,}" if too_much else ""

    def _read_pickle(self, name: str) -> bytes:
        # PyTorch stores it as it is: one that is larger than its file is compressed, and a bomb.
        return read_member(self._archive, name, size_bytes(self._archive))

    def close(self) -> None:
        """Let go of the file."""
        self.__dict__.pop("_saved", None)
        self.__dict__.pop("_flat", None)
        self._archive.close()


def _root(names: Sequence[str]) -> str | None:
    """The folder in the archive that holds everything: its name is the file's own, once."""
    present = set(names)
    for name in names:
        root = name.removesuffix(_PICKLE)
        if root != name and f"{root}/version" in present:
            return root
    return None


def _first(saved: Mapping[Any, object], *keys: str) -> int | None:
    values = [saved.get(key) for key in keys]
    return next((v for v in values if isinstance(v, int) and not isinstance(v, bool)), None)


def _learning_rate(saved: Mapping[object, object]) -> float | None:
    """Of the first group of parameters of the first optimizer."""
    found: object = saved.get("optimizer_states") or saved.get("optimizer_state_dict")
    found = found or saved.get("optimizer")
    match found[0] if isinstance(found, list) and found else found:
        case {"param_groups": [{"lr": float(rate)}, *_]} if math.isfinite(rate):
            return rate
    return None


def _best_scores(saved: Mapping[object, object]) -> dict[str, str]:
    """The best score so far of each callback: not necessarily this checkpoint's."""
    callbacks = saved.get("callbacks")
    found = {}
    for name, state in callbacks.items() if isinstance(callbacks, dict) else ():
        score = state.get("best_model_score") if isinstance(state, dict) else None
        # Of tensors only those of one value: others may claim any size.
        if score is not None and getattr(score, "shape", ()) == ():
            try:
                score = owned(score) if hasattr(score, "untyped_storage") else score
                found[f"best_model_score of {name}"] = str(float(score))
            except (OSError, TypeError, ValueError, RuntimeError):
                continue
    return found


def _recognise(path: str, head: bytes) -> bool:
    return head.startswith(_ZIP_MAGIC) and _root(member_names(path)) is not None


FORMAT = Format(TorchContents.kind, _recognise, TorchContents)
