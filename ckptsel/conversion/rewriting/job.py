"""What is asked of a rewrite: which tensors stay, of which type, and with which values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ckptsel.conversion.encoding import Order, encoded
from ckptsel.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from ckptsel.formats.contents import Tensor

Values: TypeAlias = "Callable[[Tensor], Iterator[NDArray[Any]] | None]"
"""A tensor → its new values, flat and in order, in pieces of any size; None: as they are."""

FLOATS = frozenset(("float16", "bfloat16", "float32", "float64"))


@dataclass(frozen=True)
class Job:
    """One rewrite.

    Attributes:
        source: the checkpoint that is read.
        dest: where it is written; nothing is there yet.
        tensors: path → tensor, of the source.
        values: see `Values`.
        drop_optimizer: whether the optimizer's state is left out.
        dtype: what the weights become; None: what they are.
    """

    source: str
    dest: str
    tensors: Mapping[str, Tensor]
    values: Values
    drop_optimizer: bool = False
    dtype: str | None = None

    def is_dropped(self, path: str) -> bool:
        """Whether a tensor is left out."""
        tensor = self.tensors.get(path)
        return self.drop_optimizer and tensor is not None and tensor.role == "optimizer"

    def dtype_of(self, path: str) -> str:
        """The type that a tensor is written in: another one only for weights that are floats."""
        tensor = self.tensors[path]
        is_weight = tensor.role == "weight" and tensor.dtype in FLOATS
        return self.dtype if self.dtype and is_weight else tensor.dtype

    @property
    def moves(self) -> bool:
        """Whether tensors go, or change their size, so that others move in the file."""
        return any(
            self.is_dropped(path) or self.dtype_of(path) != tensor.dtype
            for path, tensor in self.tensors.items()
        )

    def blocks(self, path: str, order: Order = "<") -> Iterator[memoryview] | None:
        """The bytes of a tensor's new values; None if they stay as they are.

        Args:
            path: the tensor's.
            order: the byte order.

        Raises:
            ConversionError: while it is iterated, if a value does not fit into the type.
        """
        tensor = self.tensors.get(path)
        found = self.values(tensor) if tensor is not None else None
        return None if found is None else self.encoded(path, found, order)

    def encoded(
        self, path: str, values: Iterator[NDArray[Any]], order: Order = "<"
    ) -> Iterator[memoryview]:
        """The bytes of values of a tensor. Raises, while it is iterated, as `encoded` does."""
        count = math.prod(self.tensors[path].shape)
        return encoded(values, self.dtype_of(path), order, count, f"{path} of {self.source!r}")

    def refuse_moves(self, kind: str, why: str) -> None:
        """Say that this format cannot lose tensors, or change their types.

        Raises:
            ConversionError: if that is asked for.
        """
        if self.moves:
            raise ConversionError(
                f"{self.source!r}: a {kind} is not written without its optimizer, or with other"
                f" types: {why}",
                hint="export it to .npz or .safetensors, or keep it as it is",
            )


def order_of(dtype: np.dtype[Any]) -> Order:
    """The byte order in which a type is stored."""
    return ">" if dtype.byteorder == ">" else "<"


def numpy_name(dtype: str) -> np.dtype[Any]:
    """The numpy type of a tensor's stored bytes: two bytes for a bfloat16."""
    return np.dtype("V2" if dtype == "bfloat16" else dtype)
