"""What a pickle would import and call, without doing so."""

from __future__ import annotations

import pickletools
import re
import warnings
from typing import IO, TYPE_CHECKING, Protocol, cast

from ckptsel.checkpoint import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

COMPUTED = "a name that is computed"
"""Stands for a global whose name does not stand in the pickle as a text."""

# What state dicts are made of; to call these with any arguments makes arrays and containers.
# Not `torch.storage._load_from_bytes`: it unpickles its argument, without restrictions.
# Source: torch/_weights_only_unpickler.py, numpy's __reduce__ methods.
_HARMLESS = re.compile(
    r"""
      (builtins|__builtin__)\.(set|frozenset|complex|slice|bytearray|dict|list|tuple|bytes)
    | collections\.(OrderedDict|defaultdict|Counter)
    | _codecs\.encode
    | torch\.(\w+Storage|Size|device|Tensor)
    | torch\.(b?float\w*|complex\w+|u?int\d+|bool|half|double|long|short)
    | torch\._utils\._rebuild_\w+ | torch\._tensor\._rebuild_from_type_v2
    | torch\.nn\.parameter\.(Parameter|Buffer)
    | torch\.serialization\._get_layout
    | torch\.storage\.(UntypedStorage|TypedStorage)
    | numpy\.(dtype|ndarray|dtypes\.\w+DType)
    | numpy\.(core|_core)\.(multiarray|numeric)\.(_reconstruct|scalar|_frombuffer)
    """,
    re.VERBOSE,
)

_TEXTS = {
    *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING"),
}
_SINGLE = {
    *("BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1"),
    *("BINFLOAT", "NONE", "NEWTRUE", "NEWFALSE"),
}
_GETS = {"GET", "BINGET", "LONG_BINGET"}
_PUTS = {"PUT", "BINPUT", "LONG_BINPUT"}
# What stands before the first key of a dict, and between its texts and numbers.
_BEFORE_KEYS = {"PROTO", "FRAME", "EMPTY_DICT"}
_BETWEEN = {"MARK", "MEMOIZE", *_PUTS}
# A state dict of 10,000 tensors takes 300,000 operations.
_MOST_OPERATIONS = 1_000_000
_PART_BYTES = 16 * 2**20
_LINE_BYTES = 2**16  # Longer than any name in a pickle.
_EXTENSIONS = {"EXT1", "EXT2", "EXT4"}


class TooLongError(ValueError):
    """A pickle that may be sound, and is too long to be looked into."""


class Readable(Protocol):
    """What pickletools needs of a file."""

    def read(self, size: int, /) -> bytes:
        """So many bytes, fewer at the end."""

    def readline(self, size: int = -1, /) -> bytes:
        """A line with its end, or so many bytes of it."""


def pickle_globals(
    file: Readable, count: int = 1, operations: Iterator[int] | None = None
) -> list[str]:
    """The dotted names that pickles, one behind the other, would import; each once.

    Args:
        file: at the first pickle. Nothing of it is executed.
        count: how many pickles there are.
        operations: as many items as operations may be looked at; for several pickles of a file,
            the same.

    Raises:
        TooLongError: if it is too long to be looked into.
        ValueError: if it is no pickle, or is cut off.
    """
    operations = few_operations() if operations is None else operations
    found: dict[str, None] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of odd escapes in texts, which are the file's business.
        for _ in range(count):
            found.update(dict.fromkeys(_globals(_Bounded(file), operations)))
    return list(found)


def leading_numbers(file: Readable) -> dict[str, int]:
    """The whole numbers at the begin of a pickled dict, as far as all is numbers and texts.

    Args:
        file: at the pickle. Nothing of it is executed; what is none has no numbers.
    """
    found: dict[str, int] = {}
    said: list[object] = []
    try:
        for operation, argument, _ in pickletools.genops(cast("IO[bytes]", _Bounded(file))):
            if operation.name in _TEXTS or operation.name in _SINGLE:
                said.append(argument)
            elif operation.name not in _BETWEEN and (said or operation.name not in _BEFORE_KEYS):
                break
    except ValueError:
        return {}
    for key, value in zip(said[::2], said[1::2], strict=False):
        if isinstance(key, str) and isinstance(value, int) and not isinstance(value, bool):
            found.setdefault(key, value)
    return found


def foreign_globals(names: Sequence[str]) -> list[str]:
    """Those that are not on the short list of what makes up tensors and containers."""
    return [name for name in names if not _HARMLESS.fullmatch(name)]


def pickle_findings(names: Sequence[str], what: str, path: str) -> Iterator[Finding]:
    """A finding for a pickle with these globals: what it would call, or that it is one.

    Args:
        names: what `pickle_globals` found.
        what: the pickle's name in the file.
        path: the file.
    """
    foreign = foreign_globals(names)
    if foreign:
        named = ", ".join(foreign[:5]) + (f" and {len(foreign) - 5} more" if foreign[5:] else "")
        yield Finding("pickle-code", f"loading {what} calls code that it names: {named}", path)
    else:
        safe = "it names nothing but tensors and containers"
        yield Finding("pickle", f"{what} is a pickle; {safe}", path)


def few_operations() -> Iterator[int]:
    """As many items as operations are looked at, which takes seconds: no honest file has more."""
    return iter(range(_MOST_OPERATIONS))


class _Bounded:
    """A pickle of which no part is larger than any name: packed bytes may be of any size."""

    def __init__(self, file: Readable) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        """So many bytes.

        Raises:
            TooLongError: if these are too many.
        """
        data = self._file.read(min(size, _PART_BYTES + 1))
        if len(data) > _PART_BYTES:
            raise TooLongError(f"a part of it has {size:,} bytes")
        return data

    def readline(self, size: int = _LINE_BYTES) -> bytes:
        """A line, or as much of it as any name has."""
        return self._file.readline(size)


def _globals(file: Readable, operations: Iterator[int]) -> Iterator[str]:
    """The globals of one pickle.

    STACK_GLOBAL takes module and name from the stack. Only texts that stand right before it, or
    were put into the memo, are followed; anything more artful counts as a computed name.
    """
    memo: dict[int, str | None] = {}
    top: list[str | None] = [None, None]
    for operation, argument, _ in pickletools.genops(cast("IO[bytes]", file)):
        name = operation.name
        if next(operations, None) is None:
            raise TooLongError(f"it has more than {_MOST_OPERATIONS:,} operations")
        if name == "MEMOIZE":
            memo[len(memo)] = top[-1]
        elif name in _PUTS:
            memo[int(argument)] = top[-1]  # type: ignore[arg-type]
        elif name in _TEXTS:
            top = [top[-1], str(argument)]
        elif name in _GETS:
            top = [top[-1], memo.get(int(argument))]  # type: ignore[arg-type]
        else:
            if name in ("GLOBAL", "INST"):
                yield str(argument).replace(" ", ".")
            elif name == "STACK_GLOBAL":
                module, attribute = top
                yield f"{module}.{attribute}" if module and attribute else COMPUTED
            elif name in _EXTENSIONS:
                yield f"{COMPUTED} (copyreg extension {argument})"
            top = [None, None]
