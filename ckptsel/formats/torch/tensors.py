"""Tensors in what `torch.load` gave: their paths, and their values in pieces.

The only module here that imports torch, and only inside of functions.
"""

from __future__ import annotations

import errno
import math
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from ckptsel.errors import DamagedError, MissingExtraError
from ckptsel.formats.contents import PIECE_BYTES, Tensor
from ckptsel.formats.state_dict import layer_of, names_of, role_of
from ckptsel.formats.torch.mapped import owned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# What numpy lacks, and float32 holds exactly.
_WIDENED = ("bfloat16", "float8")


class RefusedError(Exception):
    """PyTorch does not load this with `weights_only=True`: it is no damage."""


def load_mapped(path: str) -> Any:
    """What `torch.save` saved, with its tensors mapped from the file and not read.

    Loaded with `weights_only=True`: PyTorch's restricted unpickler calls nothing but what makes
    tensors and containers. What is mapped must be read by `owned` only: the file may shrink.

    Raises:
        RefusedError: if it holds other objects.
        DamagedError: if it cannot be loaded.
    """
    import pickle  # noqa: PLC0415 - for the name of the error only

    import torch  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Old kinds of storage are none of the user's business.
        try:
            return torch.load(path, map_location="cpu", mmap=True, weights_only=True)
        except pickle.UnpicklingError as error:
            reason = str(error).partition("WeightsUnpickler error: ")[2].partition("\n")[0]
            raise RefusedError(reason or "it holds more than tensors and containers") from None
        # Content that makes no sense ends anywhere in PyTorch, with whatever error is raised there.
        except Exception as error:  # noqa: BLE001
            text = f"{type(error).__name__}: {error}"
            raise DamagedError(f"PyTorch cannot load {path!r}: {text}") from None


class Flat(NamedTuple):
    """The tensors in nested dicts, lists and tuples.

    Attributes:
        values: path → tensor.
        states: the paths of those that are in an optimizer's state, whatever it is called: below
            a dict with `state` and `param_groups`, which is what `Optimizer.state_dict` gives.
        odd: which are left out; "" if there are none.
    """

    values: dict[str, Any]
    states: frozenset[str]
    odd: str


def flatten(saved: object) -> Flat:
    """Find the tensors.

    Each container is looked into once: shared ones would unfold without end. Tensors without
    plain values (sparse, quantized, nested, on the meta device) are left out.
    """
    import torch  # noqa: PLC0415

    found: dict[str, Any] = {}
    states: set[str] = set()
    odd: list[str] = []
    seen: set[int] = set()
    stack: list[tuple[str, object, bool]] = [("", saved, False)]
    while stack:
        path, value, is_state = stack.pop()
        if isinstance(value, torch.Tensor):
            is_plain = value.layout == torch.strided and value.device.type == "cpu"
            if is_plain and not value.is_quantized and not value.is_nested:
                found.setdefault(path, value.detach())
                if is_state:
                    states.add(path)
            else:
                odd.append(path)
            continue
        if isinstance(value, dict):
            children = list(value.items())
            is_state = is_state or ("state" in value and "param_groups" in value)
        elif isinstance(value, list | tuple):
            children = list(enumerate(value))
        else:
            continue
        if id(value) not in seen:
            seen.add(id(value))
            prefix = f"{path}/" if path else ""
            stack += [(f"{prefix}{key}", child, is_state) for key, child in reversed(children)]
    what = f"{len(odd)} of its tensors are sparse, quantized or odd in another way: {odd[:1]}"
    return Flat(found, frozenset(states), what if odd else "")


def describe(flat: Flat) -> list[Tensor]:
    """The tensors without their values.

    A number beside state dicts, such as the best score, is nobody's weight.
    """
    is_nested = any("/" in path for path in flat.values)
    found = []
    for path, value in flat.values.items():
        role = "optimizer" if path in flat.states else role_of(path)
        if role == "weight" and is_nested and "/" not in path and not value.shape:
            role = "other"
        shape = tuple(value.shape)
        size_bytes = math.prod(shape) * value.element_size()
        dtype = str(value.dtype).removeprefix("torch.")
        layer = layer_of(path) if role == "weight" else ""
        found.append(Tensor(path, shape, dtype, size_bytes, role, layer, *names_of(path)))
    return found


def value_pieces(tensor: Tensor, value: Any) -> Iterator[NDArray[Any]]:
    """A tensor's values. See `Contents.pieces`.

    Raises:
        DamagedError: if PyTorch cannot read them.
        MissingExtraError: if neither numpy nor float32 holds them.
    """
    if tensor.dtype.startswith(_WIDENED):
        itemsize = 4
    elif hasattr(_numpy(), tensor.dtype) or tensor.dtype == "bool":
        itemsize = value.element_size()
    else:
        raise MissingExtraError(
            f"{tensor.path!r} is of type {tensor.dtype}, whose values are not read",
            hint="PyTorch can read it",
        )
    is_contiguous = value.is_contiguous()
    try:
        # The parts of a strided tensor lie between each other: they are copied once, as a whole.
        for part in _parts(value if is_contiguous else owned(value), PIECE_BYTES // itemsize):
            flat = (owned(part) if is_contiguous else part).resolve_conj().resolve_neg().reshape(-1)
            yield (flat.float() if itemsize > value.element_size() else flat).numpy()
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        if getattr(error, "errno", None) == errno.EFAULT:
            raise DamagedError(f"the file ends within the values of {tensor.path!r}") from None
        raise DamagedError(f"the values of {tensor.path!r} cannot be read: {error}") from None


def _parts(value: Any, limit: int) -> Iterator[Any]:
    """Parts of so many elements at most, in order."""
    if value.numel() <= limit:
        if value.numel():
            yield value
    elif value.is_contiguous():
        yield from value.reshape(-1).split(limit)
    else:
        rows = limit // (value.numel() // len(value))
        for part in value.split(max(1, rows)):
            yield from _parts(part if rows else part[0], limit)


def _numpy() -> Any:
    import numpy as np  # noqa: PLC0415

    return np
