"""Where two model configs differ, key by key."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Addresses in the memory of the process that wrote the file; training, not the model.
_NEVER = frozenset({"shared_object_id", "compile_config"})
# What Keras 3 writes into its own files but not into HDF5.
_IF_BOTH = frozenset({"build_config", "module", "registered_name"})


def config_differences(a: object, b: object) -> Iterator[tuple[str, tuple[object, object]]]:
    """Where two model configs differ.

    Whatever depends on when and where a file was written, and how Keras spells a config in
    which format, is left out.

    Yields:
        The dotted key of a value, and the value in A and in B; None where it is missing.
    """
    # A stack of our own: a file may nest deeper than Python calls.
    waiting = [("", a, b)]
    while waiting:
        key, x, y = waiting.pop()
        if isinstance(x, dict) and isinstance(y, dict):
            names = dict.fromkeys([*x, *y])
            inner = [
                (f"{key}.{name}" if key else name, x.get(name), y.get(name))
                for name in names
                if name not in _NEVER
                and not (name in _IF_BOTH and (name not in x or name not in y))
            ]
        elif isinstance(x, list) and isinstance(y, list):
            both = enumerate(zip_longest(x, y))
            inner = [(f"{key}[{index}]", *items) for index, items in both]
        else:
            inner = []
            is_nan = x != x and y != y  # noqa: PLR0124 - only NaN does
            if x != y and not is_nan:
                yield key, (x, y)
        waiting += reversed(inner)
