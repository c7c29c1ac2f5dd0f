"""Weights that a mean leaves as they are in the first member: do the others have the same?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.conversion.mean import aligned, is_averaged, weights_of
from ckptsel.errors import ConversionError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ckptsel.formats.contents import Contents, Tensor

_BYTE = frozenset(("int8", "uint8"))
_LAYER = re.compile(r".*[/.]", re.DOTALL)


def check_left_alone(members: Mapping[str, Contents]) -> list[Finding]:
    """Integers, truth values and texts must be the same in all members, or that is said.

    Scalars are passed over: they count, as batches that were seen.

    Args:
        members: path → contents, of members that agree.

    Raises:
        ConversionError: if integers differ that stand for numbers by a scale, which is averaged.
        DamagedError: if values cannot be read.
    """
    lead = next(iter(members))
    weights = [weights_of(contents) for contents in members.values()]
    floats = [path for path, tensor in weights[0].items() if is_averaged(tensor)]
    unlike = []
    for path, tensor in weights[0].items():
        if is_averaged(tensor) or not tensor.shape:
            continue
        if _are_the_same(members.values(), [theirs[path] for theirs in weights]):
            continue
        if scale := _scale(tensor, floats):
            raise ConversionError(
                f"{path} of {lead!r} is {tensor.dtype}, and not the same in all members: what it"
                f" stands for depends on {scale}, so that a mean of that alone makes no sense",
                hint="average the checkpoints from before they were quantized",
            )
        unlike.append(tensor)
    if not unlike:
        return []
    what = f"{unlike[0].path} ({unlike[0].dtype})"
    if len(unlike) > 1:
        what += f" and {len(unlike) - 1} more"
    message = f"differs between the members, and is not averaged, but as it is in {lead!r}: {what}"
    return [Finding("not-averaged", message, lead, strict=True)]


def _are_the_same(members: Iterable[Contents], tensors: Sequence[Tensor]) -> bool:
    pieces = [contents.pieces(tensor) for contents, tensor in zip(members, tensors, strict=True)]
    try:
        for first, *others in aligned(pieces):
            if any((other != first).any() for other in others):
                return False
    except MissingExtraError:
        return False  # Of a type that is not read: it may be anything.
    return True


def _scale(tensor: Tensor, floats: Iterable[str]) -> str:
    """A float of the same layer that may be the tensor's scale; "" if there is none.

    Keras numbers the weights of a layer; the kernels that it quantizes have one byte, or hold
    two numbers in it. GPTQ packs eight numbers in an int32, and calls scales so.
    """
    match = _LAYER.match(tensor.path)
    layer = match[0] if match else ""
    for path in floats if layer else ():
        if path.startswith(layer) and (tensor.dtype in _BYTE or "scale" in path[len(layer) :]):
            return path
    return ""
