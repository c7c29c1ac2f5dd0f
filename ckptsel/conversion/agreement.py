"""What has to agree among checkpoints whose mean is taken: format, weights, and their layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.conversion.mean import is_averaged, weights_of
from ckptsel.errors import ConversionError
from ckptsel.inspection.layer_names import class_stems, given, is_made_up, without_counters

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ckptsel.formats.contents import Contents, Tensor
    from ckptsel.inspection.layer_names import Names

_NAMED = 5  # So many tensors that disagree are named, and the others counted.
_HINT = "`ckptsel diff` shows how two checkpoints differ"


def check_agreement(members: Mapping[str, Contents]) -> list[Finding]:
    """The members must have the same weights, of the same shapes and types, in the same format.

    Args:
        members: path → contents; the first is what the others are compared with.

    Returns:
        What cannot be told: layers that are called otherwise.

    Raises:
        ConversionError: if they do not agree; with the tensors in which they do not.
    """
    (lead, first), *others = members.items()
    if not first.lists_tensors:
        raise ConversionError(f"the tensors of {lead!r} cannot be listed: {first.unlisted}")
    for path, contents in others:
        if contents.kind != first.kind:
            raise ConversionError(
                f"{path!r} is a {contents.kind} and {lead!r} a {first.kind}",
                hint="a mean has the format of its members; export them to one format first",
            )
    weights = weights_of(first)
    theirs = {path: weights_of(contents) for path, contents in others}
    _check_shapes(lead, weights, theirs)
    narrow = [name for name, tensor in weights.items() if tensor.dtype.startswith("float8")]
    if narrow:
        raise ConversionError(
            f"{narrow[0]} of {lead!r} is a {weights[narrow[0]].dtype}: what it stands for depends"
            " on a scale, so that its mean is not that of the weights",
            hint="average the checkpoints from before they were quantized",
        )
    if not any(map(is_averaged, weights.values())):
        raise ConversionError(f"{lead!r} has no weights that are floats: there is no mean")
    findings = (_names(lead, weights, path, other) for path, other in theirs.items())
    return [finding for finding in findings if finding is not None]


def _check_shapes(
    lead: str, weights: Mapping[str, Tensor], members: Mapping[str, Mapping[str, Tensor]]
) -> None:
    unlike: list[str] = []
    for path, theirs in members.items():
        for name in dict.fromkeys((*weights, *theirs)):
            one, other = weights.get(name), theirs.get(name)
            if one is None or other is None:
                where = path if one is None else lead
                unlike.append(f"{name} is only in {where}")
            elif (one.shape, one.dtype) != (other.shape, other.dtype):
                unlike.append(f"{name}: {_said(one)} in {lead}, {_said(other)} in {path}")
    if unlike:
        rest = len(unlike) - _NAMED
        more = (f"and {rest} more",) if rest > 0 else ()
        raise ConversionError(
            f"{len(unlike)} weights are not the same in all members",
            details=(*unlike[:_NAMED], *more),
            hint=_HINT,
        )


def _said(tensor: Tensor) -> str:
    return f"{tensor.dtype} {list(tensor.shape)}"


def _names(
    lead: str, weights: Mapping[str, Tensor], path: str, theirs: Mapping[str, Tensor]
) -> Finding | None:
    """Whether tensors of one path are of one layer, by the names that the files tell.

    Keras 3 and TensorFlow call layers by class and counter, or by position: the second dense of
    one model may be the first of another.

    Raises:
        ConversionError: if layers of the same names stand elsewhere.
    """
    pairs = [
        (tensor, theirs[name])
        for name, tensor in weights.items()
        if _name(tensor) and _name(theirs[name])
    ]
    mine, its = ([_name(pair[side]) for pair in pairs] for side in (0, 1))
    here, there = without_counters(mine), without_counters(its)
    unlike = [at for at, (one, other) in enumerate(zip(here, there, strict=True)) if one != other]
    if not unlike:
        return None
    classes = class_stems(weights)
    known = {_given(name, classes) for name in its} - {()}
    moved = [at for at in unlike if _given(mine[at], classes) in known]
    at = (moved or unlike)[0]
    tensor, one, other = pairs[at][0], _shown(mine[at]), _shown(its[at])
    if moved or sorted(here) == sorted(there):
        raise ConversionError(
            f"layers of the same names stand in another order: {tensor.path} is {one} in {lead!r},"
            f" and {other} in {path!r}",
            hint="a mean would mix them: load them into one model, and save them from there",
        )
    message = f"{tensor.path} is called {other}, and {one} in {lead!r}: it may be another layer"
    return Finding("layers-renamed", message, path, strict=True)


def _name(tensor: Tensor) -> Names:
    owners = tensor.owners or ((tensor.layer,) if tensor.layer else ())
    return (*owners, tensor.variable) if owners or tensor.variable else ()


def _given(name: Names, classes: Collection[str]) -> Names:
    """A name without what Keras made up; () if that is the layer's own."""
    *owners, variable = name
    if not owners or is_made_up(owners[-1], classes):
        return ()
    return (*given(owners, classes), variable)


def _shown(name: Names) -> str:
    return repr("/".join(part for part in name if part))
