"""Is every tensor of one checkpoint also in another, bit by bit, wherever it stands there?"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

from ckptsel.errors import CkptselError, ConversionError
from ckptsel.formats import open_contents

if TYPE_CHECKING:
    from collections.abc import Callable

    from ckptsel.formats.contents import Contents, Tensor


INNER = "/inner_optimizer/"

_Print: TypeAlias = tuple[str, tuple[int, ...], bytes]


def require_same(source: str, dest: str, counts: Callable[[Tensor], bool]) -> None:
    """See that no tensor was lost or changed; this reads both files without Keras.

    Args:
        source: the path of the source.
        dest: that of the new checkpoint.
        counts: which tensors of the source have to be there.

    Raises:
        ConversionError: naming a tensor that is not there.
    """
    try:
        with open_contents(dest) as made:
            there = Counter(_print(made, tensor) for tensor in made.tensors if tensor.size_bytes)
    except CkptselError as error:
        raise ConversionError(f"what was written cannot be read: {error.message}") from error
    with open_contents(source) as contents:
        met: Counter[_Print] = Counter()
        for tensor in sorted(contents.tensors, key=_is_repeated):
            if not counts(tensor):
                continue
            key = _print(contents, tensor)
            if _is_repeated(tensor) and met[key]:
                met[key] -= 1
                continue
            if not there[key]:
                raise ConversionError(
                    f"{tensor.path} of {source!r} is not in what Keras wrote, or has other values",
                    hint="--drop-optimizer leaves the optimizer's state out"
                    if tensor.role == "optimizer"
                    else "nothing was put in place; --no-check would have let it pass",
                )
            there[key] -= 1
            met[key] += 1


def _is_repeated(tensor: Tensor) -> bool:
    """Whether the value stands in the file a second time: the outer optimizer has all of it, too.

    Source: `variables` of LossScaleOptimizer, which mixed_float16 wraps around another.
    """
    return tensor.role == "optimizer" and INNER in tensor.path


def _print(contents: Contents, tensor: Tensor) -> _Print:
    """Type, shape, and a hash of the values."""
    digest = hashlib.sha256()
    for piece in contents.pieces(tensor):
        digest.update(piece.tobytes())
    return tensor.dtype, tensor.shape, digest.digest()
