"""A layer with its weights, as Keras 2 and TensorFlow tell of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ckptsel.formats.contents import Tensor


@dataclass(frozen=True, slots=True)
class Weight:
    """One weight of a layer.

    Attributes:
        name: as Keras 2 writes it, `dense/kernel:0`.
        owner: the name of the innermost layer that it belongs to.
        tensor: of the source.
    """

    name: str
    owner: str
    tensor: Tensor

    @property
    def variable(self) -> str:
        """Its own name, `kernel`."""
        return self.name.rpartition("/")[2].partition(":")[0]


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of the model; a model within the model is one.

    Attributes:
        name: as the user or Keras called it, "" where it is not known.
        weights: in the order of Keras 2: what is trained before what is not.
        doubt: why their order is not known, "" if it is.
    """

    name: str
    weights: tuple[Weight, ...]
    doubt: str = ""
