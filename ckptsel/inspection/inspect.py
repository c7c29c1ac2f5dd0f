"""What is in a checkpoint, as a person wants to see it: facts, layers, sizes, statistics."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ckptsel import storage
from ckptsel.formats import open_contents
from ckptsel.inspection.loading import how_to_load
from ckptsel.inspection.model_layers import layers_in
from ckptsel.search.scan import Scan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckptsel.formats.contents import Contents, Facts, Tensor
    from ckptsel.inspection.loading import Loading

# What stands behind the layer in a tensor's path: Keras 3 writes `…/vars/0`, TensorFlow
# `…/kernel/.ATTRIBUTES/VARIABLE_VALUE`, PyTorch `….weight`, legacy Keras `…/kernel:0`.
_LEAF = re.compile(r"/vars/[^/]*$|(?:/[^/]*)?/\.ATTRIBUTES/VARIABLE_VALUE$|/[^/]*$|\.[^./]*$")
# Beyond this, a float64 cannot hold the square.
_SQUARE_OVERFLOWS = 1e150


@dataclass(frozen=True, slots=True)
class Layer:
    """The tensors of one layer.

    Attributes:
        path: where it stands in the file.
        name: what the user called it, "" where the file does not tell.
        tensors: its weights.
    """

    path: str
    name: str
    tensors: tuple[Tensor, ...]

    @property
    def parameters(self) -> int:
        """How many numbers it holds."""
        return count_parameters(self.tensors)


@dataclass(frozen=True, slots=True)
class Statistics:
    """One tensor's values, summed up. Over the finite ones, but for the shares.

    Attributes:
        minimum: the smallest; NaN if none is finite. So are the next three.
        maximum: the largest.
        mean: the mean.
        deviation: the standard deviation of all values, not of a sample.
        nan: the share of NaN, from 0 to 1.
        infinite: the share of infinities.
        zero: the share of zeros.
    """

    minimum: float
    maximum: float
    mean: float
    deviation: float
    nan: float
    infinite: float
    zero: float

    def by_name(self) -> dict[str, float]:
        """The values under the names that outputs have for them."""
        return {
            "min": self.minimum,
            "max": self.maximum,
            "mean": self.mean,
            "std": self.deviation,
            "nan": self.nan,
            "infinite": self.infinite,
            "zero": self.zero,
        }


@dataclass(frozen=True, slots=True)
class Inspection:
    """One checkpoint.

    Attributes:
        path: the checkpoint.
        kind: its format.
        version: the format's version, "" if it has none.
        size_bytes: of all its files together.
        facts: what the file says of its training.
        layers: its weights by layer, in the order of the model where the file tells it.
        optimizer: the optimizer's tensors.
        other: further tensors.
        lists_tensors: whether its tensors can be known at all.
        loading: how to load it, and when that fails.
        statistics: tensor's path → its statistics, where they were asked for.
    """

    path: str
    kind: str
    version: str
    size_bytes: int
    facts: Facts
    layers: tuple[Layer, ...]
    optimizer: tuple[Tensor, ...]
    other: tuple[Tensor, ...]
    lists_tensors: bool
    loading: Loading
    statistics: dict[str, Statistics]

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All tensors: weights, optimizer, other."""
        weights = (tensor for layer in self.layers for tensor in layer.tensors)
        return (*weights, *self.optimizer, *self.other)

    @property
    def parameters(self) -> int:
        """How many numbers the weights hold."""
        return sum(layer.parameters for layer in self.layers)


def inspect(path: str, *, statistics: bool = False) -> Inspection:
    """Look into a checkpoint.

    Args:
        path: a file, a folder or a TensorFlow prefix.
        statistics: whether to read every value and sum them up.

    Raises:
        LocationNotFoundError: if there is nothing at `path`.
        UnknownFormatError: if its content is of no known format.
        DamagedError: if it cannot be read.
        MissingExtraError: if statistics are asked for, and reading values needs a package
            that is not installed.
    """
    with open_contents(path) as contents:
        tensors = contents.tensors
        return Inspection(
            path=path,
            kind=contents.kind,
            version=contents.version,
            size_bytes=_size_bytes(path),
            facts=contents.facts,
            layers=_in_order(
                layers_of(tensor for tensor in tensors if tensor.role == "weight"),
                [layer.path for layer in layers_in(contents.config)],
            ),
            optimizer=tuple(tensor for tensor in tensors if tensor.role == "optimizer"),
            other=tuple(tensor for tensor in tensors if tensor.role == "other"),
            lists_tensors=contents.lists_tensors,
            loading=how_to_load(contents, path),
            statistics={
                tensor.path: statistics_of(contents, tensor)
                for tensor in tensors
                # Objects are pickled, or of a type that nobody knows: they are not read.
                if statistics and tensor.dtype != "object"
            },
        )


def layers_of(weights: Iterable[Tensor]) -> tuple[Layer, ...]:
    """The weights by layer, each layer where its first weight stands."""
    found: dict[tuple[str, str], list[Tensor]] = {}
    for tensor in weights:
        path = _LEAF.sub("", tensor.path, count=1) or tensor.path
        # The name, too: TensorFlow may keep the weights of all layers in one list.
        found.setdefault((path, tensor.layer), []).append(tensor)
    return tuple(Layer(path, name, tuple(group)) for (path, name), group in found.items())


def _in_order(layers: tuple[Layer, ...], order: list[str]) -> tuple[Layer, ...]:
    """HDF5 sorts groups by name; the model's config knows better. What it has not, comes last."""
    places = {path: number for number, path in enumerate(order)}

    def place(layer: Layer) -> int:
        above = layer.path
        while above and above not in places:
            above = above.rpartition("/")[0]
        return places.get(above, len(order))

    return tuple(sorted(layers, key=place)) if order else layers


def _size_bytes(path: str) -> int:
    """The size of all files of a checkpoint, as a search would find them."""
    files = [
        file
        for folder in Scan().files([path])
        for name in (*folder.names, *folder.weak, *folder.others)
        for file in folder.files_of(name)
    ]
    try:
        return sum(storage.stat(file).size_bytes for file in files or [path])
    except OSError:
        return 0  # gone since it was opened


def count_parameters(tensors: Iterable[Tensor]) -> int:
    """How many numbers the tensors hold."""
    return sum(math.prod(tensor.shape) for tensor in tensors)


def statistics_of(contents: Contents, tensor: Tensor) -> Statistics:
    """Sum up a tensor piece by piece; memory does not grow with its size.

    Strings count as neither number nor NaN; of complex numbers only the shares are known.
    Mean and deviation are merged from those of the pieces, as in Chan, Golub and LeVeque,
    "Updating formulae and a pairwise algorithm for computing sample variances" (1979).
    """
    import numpy as np  # noqa: PLC0415 - with the first values that are read

    size = finite = nan = infinite = zero = 0
    low, high = math.inf, -math.inf
    mean: Any = 0.0
    squares: Any = 0.0
    for piece in contents.pieces(tensor):
        size += piece.size
        if piece.dtype.kind not in "biufc":
            continue  # strings
        nans = np.isnan(piece)
        if piece.dtype.kind == "c":
            # Complex numbers have no order; but they may be no numbers, or zero.
            nan += int(nans.sum())
            infinite += int((np.isinf(piece) & ~nans).sum())
            zero += int((piece == 0).sum())
            continue
        values = piece.astype(np.float64)
        good = values[np.isfinite(values)]
        nan += int(nans.sum())
        infinite += values.size - good.size - int(nans.sum())
        zero += int(good.size - np.count_nonzero(good))
        if good.size:
            low, high = min(low, float(good.min())), max(high, float(good.max()))
            if max(-low, high) > _SQUARE_OVERFLOWS:
                good = good.astype(np.longdouble)
            step = good.mean() - mean
            total = finite + good.size
            squares += ((good - good.mean()) ** 2).sum()
            squares += step**2 * finite * good.size / total
            mean += step * good.size / total
            finite = total
    share = 1 / size if size else 0.0
    if not finite:
        low = high = mean = squares = math.nan
    return Statistics(
        minimum=low,
        maximum=high,
        mean=float(mean),
        deviation=float(np.sqrt(squares / finite)) if finite else math.nan,
        nan=nan * share,
        infinite=infinite * share,
        zero=zero * share,
    )
