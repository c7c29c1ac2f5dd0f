"""How long a file of PyTorch's old format has to be, told by its pickles without unpickling."""

from __future__ import annotations

import pickletools
from typing import IO, TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from ckptsel.formats.pickle_scan import Readable

_ELEMENT_BYTES = {
    "torch.DoubleStorage": 8,
    "torch.FloatStorage": 4,
    "torch.HalfStorage": 2,
    "torch.BFloat16Storage": 2,
    "torch.LongStorage": 8,
    "torch.IntStorage": 4,
    "torch.ShortStorage": 2,
    "torch.CharStorage": 1,
    "torch.ByteStorage": 1,
    "torch.BoolStorage": 1,
    "torch.ComplexFloatStorage": 8,
    "torch.ComplexDoubleStorage": 16,
}
# Before its values each storage says how many there are.
_COUNT_BYTES = 8


def storage_bytes(file: Readable, count: int) -> int | None:
    """How many bytes of storages stand behind the pickles.

    A tensor names its storage by a persistent id: ("storage", type, key, location, elements,
    view). Source: `persistent_id` in `_legacy_save`, torch/serialization.py.

    Args:
        file: at the first pickle. Nothing of it is executed.
        count: how many pickles there are.

    Returns:
        The bytes; None if an id is not of this form.

    Raises:
        ValueError: if it is no pickle, or is cut off.
    """
    sizes: dict[object, int] = {}
    for _ in range(count):
        memo: dict[int, Any] = {}
        since_mark: list[Any] = [None]
        for operation, argument, _place in pickletools.genops(cast("IO[bytes]", file)):
            name = operation.name
            if name == "MARK":
                since_mark = [None]
            elif name == "MEMOIZE":
                memo[len(memo)] = since_mark[-1]
            elif name.endswith("PUT"):
                memo[int(cast("int", argument))] = since_mark[-1]
            elif name.endswith("GET"):
                since_mark.append(memo.get(int(cast("int", argument))))
            elif name == "GLOBAL":
                since_mark.append(str(argument).replace(" ", "."))
            elif name == "STACK_GLOBAL":
                since_mark[-2:] = [".".join(map(str, since_mark[-2:]))]
            elif name == "BINPERSID":
                match since_mark[1:]:
                    case ["storage", str(kind), str(key), _, int(elements), *_] if (
                        kind in _ELEMENT_BYTES
                    ):
                        sizes[key] = _COUNT_BYTES + elements * _ELEMENT_BYTES[kind]
                    case _:
                        return None
            elif argument is not None or name == "NONE":
                since_mark.append(argument)
    return sum(sizes.values())
