"""The same weights under whatever names, in whatever order and format."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from ckptsel.formats.contents import Contents, Tensor

Fingerprint: TypeAlias = "Counter[tuple[tuple[int, ...], bytes]]"
"""Shape and SHA-256 of the values, of every weight, with how often there is such a one."""

Likeness: TypeAlias = Literal["same weights", "other weights", "not comparable"]
"""Other weights are of the same shapes: they are no other form of the same ones."""


def fingerprint(contents: Contents) -> Fingerprint:
    """What the weights of a checkpoint are, whatever they are called; empty if it has none.

    Raises:
        DamagedError, MissingExtraError: if they cannot be read.
    """
    return Counter((tensor.shape, _digest(contents, tensor)) for tensor in _weights(contents))


def likeness(contents: Contents, wanted: Fingerprint) -> Likeness:
    """Whether a checkpoint has just these weights. It is read up to the first other one.

    Raises:
        DamagedError, MissingExtraError: if its weights cannot be read.
    """
    weights = _weights(contents)
    shapes: Counter[tuple[int, ...]] = Counter()
    for (shape, _), times in wanted.items():
        shapes[shape] += times
    if not weights or Counter(tensor.shape for tensor in weights) != shapes:
        return "not comparable"
    left = wanted.copy()
    for tensor in weights:
        key = (tensor.shape, _digest(contents, tensor))
        if not left[key]:
            return "other weights"
        left[key] -= 1
    return "same weights"


def _weights(contents: Contents) -> list[Tensor]:
    return [tensor for tensor in contents.tensors if tensor.role == "weight"]


def _digest(contents: Contents, tensor: Tensor) -> bytes:
    digest = hashlib.sha256()
    for piece in contents.pieces(tensor):
        # Text and objects have no bytes of their own.
        digest.update(piece.tobytes() if piece.dtype != object else repr(piece.tolist()).encode())
    return digest.digest()
