"""Is this checkpoint whole, finite, not empty, consistent, and safe to load?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.errors import CkptselError, MissingExtraError
from ckptsel.formats import open_contents
from ckptsel.severity import severity_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Executor

    from ckptsel.formats.contents import Contents, Level, Tensor

# So many tensors are named one by one; a model full of NaN is one story, not a thousand.
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verifying one checkpoint found.

    Attributes:
        path: the checkpoint.
        kind: its format, "" if it is not known.
        findings: what was noticed, the gravest first.
        tensors: how many tensors it holds.
        level: `quick` if only the structure was looked at, `full` if every byte was.
    """

    path: str
    kind: str
    findings: tuple[Finding, ...]
    tensors: int
    level: Level

    @property
    def is_sound(self) -> bool:
        """Whether no damage was found."""
        return not any(severity_of(finding.code) == "damage" for finding in self.findings)

    @property
    def is_safe(self) -> bool:
        """Whether nothing was found that makes loading it unsafe."""
        return not any(severity_of(finding.code) == "danger" for finding in self.findings)


def verify(
    path: str,
    *,
    level: Level = "full",
    allow_nonfinite: bool = False,
    on_bytes: Callable[[int], None] | None = None,
) -> Verdict:
    """Verify one checkpoint.

    Args:
        path: a file, a folder or a TensorFlow prefix.
        level: `quick` looks at the structure, `full` reads all bytes and all values.
        allow_nonfinite: whether NaN and infinities among the weights are accepted.
        on_bytes: is told now and then how many more bytes have been read.

    Returns:
        The verdict. What is wrong with the file is a finding, never an exception.
    """
    findings: list[Finding] = []
    kind, tensors = "", 0
    try:
        with open_contents(path) as contents:
            kind = contents.kind
            findings += contents.damage(level, on_bytes)
            findings += contents.dangers()
            tensors = len(contents.tensors)
            findings += _empty(contents, path)
            if level == "full":
                findings += _not_finite(contents, path, allow_nonfinite=allow_nonfinite)
    except MissingExtraError as error:
        findings.append(Finding("values-not-read", f"{error.message} ({error.hint})", path))
    except CkptselError as error:
        findings.append(Finding(error.code, error.message, path))
    order = ("damage", "danger", "note")
    findings.sort(key=lambda finding: order.index(severity_of(finding.code)))
    return Verdict(path, kind, tuple(dict.fromkeys(findings)), tensors, level)


def verify_all(
    paths: Iterable[str],
    *,
    level: Level = "full",
    allow_nonfinite: bool = False,
    on_bytes: Callable[[int], None] | None = None,
    executor: Executor | None = None,
) -> Iterator[Verdict]:
    """Verify many checkpoints, in their order.

    Args:
        paths: the checkpoints.
        level: as for `verify`.
        allow_nonfinite: as for `verify`.
        on_bytes: as for `verify`; without an executor only.
        executor: where the work is done: threads, processes, or a cluster.
    """
    if executor is None:
        for path in paths:
            yield verify(path, level=level, allow_nonfinite=allow_nonfinite, on_bytes=on_bytes)
        return
    waiting = [
        executor.submit(verify, path, level=level, allow_nonfinite=allow_nonfinite)
        for path in paths
    ]
    for future in waiting:
        yield future.result()


def _empty(contents: Contents, path: str) -> Iterator[Finding]:
    """A checkpoint without a weight is what a failed overwrite leaves behind."""
    if not contents.lists_tensors:
        return
    if not any(tensor.role == "weight" for tensor in contents.tensors):
        what = "only optimizer state" if contents.tensors else "no tensor at all"
        yield Finding("no-weights", f"it holds {what}", path)


def _not_finite(contents: Contents, path: str, *, allow_nonfinite: bool) -> Iterator[Finding]:
    """NaN and infinities: among the weights damage, in the optimizer's state a note."""
    found: dict[bool, list[Tensor]] = {True: [], False: []}
    for tensor in contents.tensors:
        if not _is_finite(contents, tensor):
            found[tensor.role == "weight"].append(tensor)
    for is_weight, tensors in found.items():
        if not tensors:
            continue
        named = ", ".join(tensor.path for tensor in tensors[:_NAMED])
        more = f" and {len(tensors) - _NAMED} more" if len(tensors) > _NAMED else ""
        code = "non-finite-weights" if is_weight and not allow_nonfinite else "non-finite-state"
        if is_weight and allow_nonfinite:
            code = "non-finite-allowed"
        yield Finding(code, f"NaN or infinity in {named}{more}", path)


def _is_finite(contents: Contents, tensor: Tensor) -> bool:
    import numpy as np  # noqa: PLC0415 - with the first file that is opened

    for piece in contents.pieces(tensor):
        if piece.dtype.kind not in "fc":
            return True
        with np.errstate(all="ignore"):
            # A sum is quick, and not finite if one of the terms is not. It may also overflow
            # where all are; then each is looked at.
            total = np.add.reduce(piece)
        if not np.isfinite(total) and not np.isfinite(piece).all():
            return False
    return True
