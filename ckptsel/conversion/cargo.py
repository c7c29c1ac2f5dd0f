"""What is written: each tensor of a source, under its new path and in its new type."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ckptsel.checkpoint import Finding
from ckptsel.conversion.converter import Outlook
from ckptsel.conversion.encoding import encoded
from ckptsel.conversion.gaps import refuse_gaps, refuse_mismatch
from ckptsel.conversion.read_back import compare
from ckptsel.conversion.rewriting.job import FLOATS
from ckptsel.errors import ConversionError, MissingExtraError
from ckptsel.formats import open_contents
from ckptsel.formats.contents import numpy_dtype
from ckptsel.formats.tensorflow.graph import GRAPH_KEY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ckptsel.conversion.converter import Options
    from ckptsel.formats.contents import Contents, Tensor

_NAMED = 3  # So many tensors are named one by one, and the others counted.
_NUMBERS = "biufc"


@dataclass(frozen=True, slots=True)
class Item:
    """One tensor on its way.

    Attributes:
        path: in the new checkpoint.
        tensor: of the source.
        dtype: in the new checkpoint, as in `Tensor.dtype`.
    """

    path: str
    tensor: Tensor
    dtype: str

    @property
    def size_bytes(self) -> int:
        """The size of its values in the new checkpoint."""
        width = 2 if self.dtype == "bfloat16" else np.dtype(self.dtype).itemsize
        return width * math.prod(self.tensor.shape)


@dataclass(frozen=True, slots=True)
class Cargo:
    """What a writer is given.

    Attributes:
        path: of the source.
        contents: the source, open.
        items: what is written, in this order.
        optimizer_bytes: of the optimizer's state that is left out.
        attributes: group → attributes, for HDF5.
        findings: what there is to say about it.
    """

    path: str
    contents: Contents
    items: tuple[Item, ...]
    optimizer_bytes: int = 0
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    def blocks(self, item: Item) -> Iterator[memoryview]:
        """The bytes of a tensor as they are written, little-endian.

        Raises:
            ConversionError: if a value does not fit into the type.
            DamagedError: if the values cannot be read.
        """
        what = f"{item.tensor.path} of {self.path!r}"
        pieces = self.contents.pieces(item.tensor)
        return encoded(pieces, item.dtype, "<", math.prod(item.tensor.shape), what)


class Loader(Protocol):
    """What decides which tensors go where."""

    def __call__(self, contents: Contents, path: str, options: Options) -> Cargo:
        """The cargo. Raises ConversionError if it cannot be done."""


class Putter(Protocol):
    """What writes a format."""

    def __call__(self, cargo: Cargo, dest: str, options: Options) -> None:
        """Write it. Raises OSError if the disk fails."""


class Confirmer(Protocol):
    """What looks at all but the tensors of what was written."""

    def __call__(self, cargo: Cargo, made: Contents, options: Options) -> None:
        """Compare. Raises ConversionError if names, orders or configs are not those wanted."""


class Streamed:
    """A converter that reads one tensor after another, and holds none of them.

    Args:
        load: decides what goes where.
        put: writes it.
        confirm: compares what is more than tensors; None if there is nothing.
    """

    def __init__(self, load: Loader, put: Putter, confirm: Confirmer | None = None) -> None:
        self._load = load
        self._put = put
        self._confirm = confirm

    def look(self, source: str, options: Options) -> Outlook:
        """See `Converter.look`."""
        with open_contents(source) as contents:
            refuse_gaps(contents, source)
            refuse_mismatch(contents, source)
            cargo = self._load(contents, source, options)
            size_bytes = sum(item.size_bytes for item in cargo.items)
            return Outlook(size_bytes, cargo.optimizer_bytes, cargo.findings)

    def write(self, source: str, dest: str, options: Options) -> None:
        """See `Converter.write`."""
        with open_contents(source) as contents:
            self._put(self._load(contents, source, options), dest, options)

    def check(self, source: str, dest: str, options: Options) -> None:
        """See `Converter.check`."""
        with open_contents(source) as contents:
            cargo = self._load(contents, source, options)
            pairs = [(item.tensor, item.path, item.dtype) for item in cargo.items]

            def confirm(made: Contents) -> None:
                if self._confirm is not None:
                    self._confirm(cargo, made, options)

            compare(contents, pairs, dest, confirm)


def listed(contents: Contents, path: str) -> list[Tensor]:
    """Every tensor of a source.

    Raises:
        ConversionError: if it holds none.
        DamagedError: if they cannot be read.
        MissingExtraError: if only a package that is not installed could list them.
    """
    if not contents.lists_tensors:
        raise MissingExtraError(
            f"what {path!r} holds cannot be listed",
            hint="a package that reads this format is not installed",
        )
    tensors = [tensor for tensor in contents.tensors if tensor.path != GRAPH_KEY]
    if not any(tensor.role == "weight" for tensor in tensors):
        raise ConversionError(f"{path!r} holds no weights", hint="look at it with ckptsel inspect")
    return tensors


def plain_cargo(
    contents: Contents,
    path: str,
    options: Options,
    *,
    keeps: frozenset[str] = frozenset(),
    attributes: Mapping[str, Mapping[str, Any]] | None = None,
) -> Cargo:
    """Every tensor under its own path.

    Args:
        contents: the source, open.
        path: its path.
        options: how to convert.
        keeps: the types that the new format can hold, and numpy cannot.
        attributes: see `Cargo`.

    Raises:
        ConversionError, DamagedError, MissingExtraError: if it cannot be done.
    """
    tensors = listed(contents, path)
    kept: list[Tensor] = []
    dropped: list[Tensor] = []
    for tensor in tensors:
        is_dropped = options.drop_optimizer and tensor.role == "optimizer"
        (dropped if is_dropped else kept).append(tensor)
    items, findings = itemized(((t.path, t) for t in kept), path, options, keeps=keeps)
    optimizer_bytes = sum(tensor.size_bytes for tensor in dropped)
    return Cargo(path, contents, items, optimizer_bytes, attributes or {}, findings)


def itemized(
    named: Iterable[tuple[str, Tensor]],
    source: str,
    options: Options,
    *,
    keeps: frozenset[str] = frozenset(),
) -> tuple[tuple[Item, ...], tuple[Finding, ...]]:
    """Tensors with their new paths, in the types that they will have.

    Args:
        named: new path and tensor.
        source: the path of the source, for messages.
        options: how to convert.
        keeps: see `plain_cargo`.

    Returns:
        The items, and what there is to say: what became wider, and what is no number.

    Raises:
        ConversionError: if a weight is no number, or the new format cannot hold `dtype`.
    """
    if options.dtype == "bfloat16" and "bfloat16" not in keeps:
        raise ConversionError(
            "this format cannot hold bfloat16",
            hint="--dtype float16, or write .safetensors, .weights.h5 or .keras",
        )
    items: list[Item] = []
    wider: list[str] = []
    left: list[str] = []
    for path, tensor in named:
        if not _is_number(tensor):
            if tensor.role == "weight":
                raise ConversionError(f"{tensor.path} of {source!r} holds {tensor.dtype}")
            left.append(tensor.path)
            continue
        dtype = tensor.dtype if tensor.dtype in keeps else numpy_dtype(tensor.dtype).name
        if options.dtype and tensor.role == "weight" and _is_float(tensor):
            dtype = options.dtype
        elif dtype != tensor.dtype:
            wider.append(tensor.path)
        items.append(Item(path, tensor, dtype))
    return tuple(items), tuple(_findings(wider, left, source))


def _findings(wider: list[str], left: list[str], source: str) -> Iterator[Finding]:
    if wider:
        message = f"kept as float32, which holds every value of them exactly: {_some(wider)}"
        yield Finding("widened", message, source)
    if left:
        yield Finding("left-out", f"left out, because it is no number: {_some(left)}", source)


def _some(paths: list[str]) -> str:
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(paths[:_NAMED]) + more


def _is_number(tensor: Tensor) -> bool:
    try:
        return numpy_dtype(tensor.dtype).kind in _NUMBERS
    except TypeError:
        return False  # a type that numpy has not


def _is_float(tensor: Tensor) -> bool:
    return tensor.dtype in FLOATS or tensor.dtype.startswith("float8")
