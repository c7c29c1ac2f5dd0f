"""Are the values finite? NaN and infinities are found wherever values can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.errors import CkptselError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckptsel.formats.contents import Contents, Tensor

# So many tensors are named one by one; a model full of NaN is one story, not a thousand.
_NAMED = 3
# The types that can hold a NaN; of the others no value is read.
_FLOATING = ("float", "bfloat", "complex")


def not_finite(
    contents: Contents, path: str, *, allowed: bool = False, weights_only: bool = False
) -> Iterator[Finding]:
    """NaN and infinities: among the weights damage, in the optimizer's state a note.

    Args:
        contents: the checkpoint, open.
        path: its path.
        allowed: whether they are accepted among the weights.
        weights_only: whether nothing else is read.

    Raises:
        CkptselError: why some of the values could not be read, after all others were.
    """
    tensors = [t for t in contents.tensors if t.role == "weight" or not weights_only]
    opaque = [tensor.path for tensor in tensors if tensor.dtype.startswith("void")]
    if opaque:
        yield Finding("values-not-read", f"of no known type: {_listed(opaque)}", path)
    code = "non-finite-allowed" if allowed else "non-finite-weights"
    found: dict[str, list[str]] = {}
    unread: CkptselError | None = None
    for tensor in tensors:
        if not tensor.dtype.startswith(_FLOATING):
            continue
        try:
            is_finite = _is_finite(contents, tensor)
        except CkptselError as error:
            unread = unread or error  # and the other tensors are read still
            continue
        if not is_finite:
            what = code if tensor.role == "weight" else "non-finite-state"
            found.setdefault(what, []).append(tensor.path)
    for what, paths in found.items():
        yield Finding(what, f"NaN or infinity in {_listed(paths)}", path)
    if unread:
        raise unread


def _listed(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(paths[:_NAMED]) + more


def _is_finite(contents: Contents, tensor: Tensor) -> bool:
    import numpy as np  # noqa: PLC0415 - with the first file that is opened

    for piece in contents.pieces(tensor):
        with np.errstate(all="ignore"):
            # A sum is quick, and not finite if one of the terms is not. It may also
            # overflow where all are; then each is looked at.
            total = np.add.reduce(piece)
        if not np.isfinite(total) and not np.isfinite(piece).all():
            return False
    return True
