"""Where two model configs differ, key by key."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from ckptsel.inspection.layer_names import without_counters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# Addresses in the memory of the process that wrote the file; training, not the model.
_NEVER = frozenset({"shared_object_id", "compile_config"})
# What Keras 3 writes into its own files but not into HDF5.
_IF_BOTH = frozenset({"build_config", "module", "registered_name"})


def config_differences(
    a: object, b: object, *, same: Callable[[object, object], bool] = lambda x, y: bool(x == y)
) -> Iterator[tuple[str, tuple[object, object]]]:
    """Where two model configs differ.

    Whatever depends on when and where a file was written, and how Keras spells a config in
    which format, is left out.

    Args:
        a: one config.
        b: the other.
        same: whether a value of A, and one of B, are the same; neither is a dict or a list of both.

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
            if not is_nan and not same(x, y):
                yield key, (x, y)
        waiting += reversed(inner)


def gravest_difference(a: Mapping[str, object], b: Mapping[str, object]) -> str:
    """The key of the first value in which two models differ; "" if they are alike.

    Names come last, and Keras's counters do not matter: the second model of a session is
    `sequential_1`, with `dense_2` where the first has `dense`.
    """
    here, there = _names(a), _names(b)

    def same(x: object, y: object) -> bool:
        if isinstance(x, str) and isinstance(y, str):
            return here.get(x, x) == there.get(y, y)
        return x == y

    named = ""
    for key, (x, y) in config_differences(a, b, same=same):
        if not (isinstance(x, str) and isinstance(y, str) and x in here and y in there):
            return key
        named = named or key
    return named


def _names(config: object) -> dict[str, str]:
    """The names that things have, each as its stem and its rank among those of one stem."""
    found: dict[str, None] = {}
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            name = value.get("name")
            if isinstance(name, str):
                found[name] = None
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return {
        name: called
        for name, (called, _) in zip(found, without_counters([(n, "") for n in found]), strict=True)
    }
