"""Is this checkpoint whole, finite, not empty, consistent, and safe to load?"""

from __future__ import annotations

from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.errors import CkptselError, MissingExtraError, UnreadValuesError
from ckptsel.formats import open_contents
from ckptsel.inspection.loading import misnamed
from ckptsel.verification.consistency import inconsistencies, is_weightless
from ckptsel.verification.finite import not_finite
from ckptsel.verification.severity import gravest, severity_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Executor, Future

    from ckptsel.formats.contents import Contents, Level
    from ckptsel.verification.severity import Severity

_BOMBS = frozenset({"compression-bomb", "zip-bomb"})


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
        return not self.of("damage")

    @property
    def is_safe(self) -> bool:
        """Whether nothing was found that makes loading it unsafe."""
        return not self.of("danger")

    def of(self, severity: Severity) -> tuple[Finding, ...]:
        """The findings of one severity."""
        return tuple(each for each in self.findings if severity_of(each.code) == severity)


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
            _gather(findings, path, lambda: contents.damage(level, on_bytes))
            _gather(findings, path, contents.dangers)
            if is_weightless(contents):
                findings[:] = (each for each in findings if each.code != "no-weights")
            else:
                _gather(findings, path, lambda: _empty(contents, path, findings))
            _gather(findings, path, lambda: inconsistencies(contents, path))
            _gather(findings, path, lambda: _misnamed(contents, path))
            if level == "full":
                _gather(findings, path, lambda: _unlisted(contents, path))
            if level == "full" and not any(each.code in _BOMBS for each in findings):
                _gather(findings, path, lambda: not_finite(contents, path, allowed=allow_nonfinite))
            tensors = _count(contents)
    except (CkptselError, OSError) as error:
        findings.append(_unopened(error, path))
    return Verdict(path, kind, gravest(findings), tensors, level)


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

    Raises:
        CkptselError: if a process of the executor died, as for want of memory.
    """
    if executor is None:
        for path in paths:
            yield verify(path, level=level, allow_nonfinite=allow_nonfinite, on_bytes=on_bytes)
        return
    waiting = [
        (path, executor.submit(verify, path, level=level, allow_nonfinite=allow_nonfinite))
        for path in paths
    ]
    for path, future in waiting:
        yield _result(path, future)


def _result(path: str, future: Future[Verdict]) -> Verdict:
    try:
        return future.result()
    except BrokenExecutor as error:
        raise CkptselError(
            f"a process that verified {path!r}, or another checkpoint beside it, died",
            hint="fewer jobs need less memory: --jobs 1",
        ) from error


def _gather(findings: list[Finding], path: str, look: Callable[[], Iterable[Finding]]) -> None:
    """Add what one check finds; what ends it is a finding, unless a graver one has said it."""
    try:
        findings += look()
    except (MissingExtraError, UnreadValuesError) as error:
        hint = f" ({error.hint})" if error.hint else ""
        findings.append(Finding("values-not-read", f"{error.message}{hint}", path))
    except (CkptselError, OSError) as error:
        # What cannot be read has mostly been told of as damage, or leads out of the file.
        if all(severity_of(each.code) == "note" for each in findings):
            findings.append(_unopened(error, path))


def _unopened(error: CkptselError | OSError, path: str) -> Finding:
    if isinstance(error, OSError):
        return Finding("unreadable", f"cannot be read: {error.strerror or error}", path)
    return Finding(error.code, error.message, path)


def _count(contents: Contents) -> int:
    try:
        return len(contents.tensors)
    except CkptselError:
        return 0  # which has been told


def _empty(contents: Contents, path: str, findings: list[Finding]) -> Iterator[Finding]:
    """A checkpoint without a weight is what a failed overwrite leaves behind."""
    if not contents.lists_tensors or any(each.code == "no-weights" for each in findings):
        return
    if not contents.tensors:
        yield Finding("no-weights", "it holds no tensor at all", path)
    elif all(tensor.role != "weight" for tensor in contents.tensors):
        # As one shard of several does, or a file beside the one with the weights.
        has_state = any(tensor.role == "optimizer" for tensor in contents.tensors)
        says = "it holds the optimizer's state, and no weights"
        yield Finding("only-state", says if has_state else "it holds no weights", path)


def _unlisted(contents: Contents, path: str) -> Iterator[Finding]:
    """Tensors of which nothing is known cannot be called finite."""
    if contents.unlisted:
        yield Finding("values-not-read", f"not all values were read: {contents.unlisted}", path)


def _misnamed(contents: Contents, path: str) -> Iterator[Finding]:
    """Keras goes by the suffix, and does not load a sound file under another format's."""
    if problem := misnamed(contents, path):
        yield Finding("wrong-suffix", problem, path)
