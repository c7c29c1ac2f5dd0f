"""Rewrites for tests: with all floats changed, and read back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ckptsel.conversion.rewrite import rewrite
from ckptsel.formats import open_contents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from ckptsel.formats.contents import Tensor


def rewritten(
    path: str,
    dest: Path | str,
    change: Callable[[NDArray[Any]], NDArray[Any]] = lambda piece: piece,
    **options: Any,
) -> dict[str, NDArray[Any]]:
    """Rewrite with all floats changed, and read what came of it."""
    with open_contents(path) as contents:

        def values(tensor: Tensor) -> Iterator[NDArray[Any]] | None:
            if "float" not in tensor.dtype:
                return None
            return (change(piece) for piece in contents.pieces(tensor))

        rewrite(path, str(dest), values, **options)
    return read(str(dest))


def read(path: str) -> dict[str, NDArray[Any]]:
    """Every tensor of a sound checkpoint."""
    with open_contents(path) as contents:
        assert not list(contents.damage("full"))
        return {tensor.path: contents.read(tensor) for tensor in contents.tensors}
