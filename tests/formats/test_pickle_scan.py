"""What a pickle would call, read without calling it."""

from __future__ import annotations

import io
import os
import pickle
from collections import OrderedDict, defaultdict
from typing import Any

import numpy as np
import pytest

from ckptsel.formats.pickle_scan import (
    COMPUTED,
    foreign_globals,
    leading_numbers,
    pickle_findings,
    pickle_globals,
)


class Calls:
    """Pickles as a call."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        """The function, and its arguments."""
        return self.call


def scan(pickled: bytes) -> list[str]:
    """The globals of one pickle."""
    return pickle_globals(io.BytesIO(pickled))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "value, foreign",
    [
        ({"a": [1, 2.5, None, "os\nsystem", b"x", (1,), {3}]}, []),
        (OrderedDict(a=1), []),
        (defaultdict(list, a=[1]), []),
        (np.arange(3.0), []),
        (np.float32(1), []),
        (np.dtype("f4"), []),
        (np.array([1, "a"], object), []),
        (Calls(os.system, ("id",)), [f"{os.name}.system"]),
        ([Calls(os.system, ("id",)), Calls(os.system, ("ls",))], [f"{os.name}.system"]),
        (Calls(eval, ("1",)), ["eval"]),
        (Calls(getattr, ("a", "b")), ["getattr"]),
    ],
)
def test_globals_of_real_pickles(protocol: int, value: object, foreign: list[str]) -> None:
    """In every protocol, what is no array or container is named; names in texts are not."""
    found = foreign_globals(scan(pickle.dumps(value, protocol)))
    # Where a set or bytes are written as calls, they are built-in and harmless.
    assert [
        name.removeprefix("builtins.").removeprefix("__builtin__.") for name in found
    ] == foreign


@pytest.mark.parametrize(
    "pickled, expected",
    [
        (b"cos\nsystem\n.", ["os.system"]),
        (b"(ios\nsystem\n.", ["os.system"]),
        (b"\x8c\x02os\x8c\x06system\x93.", ["os.system"]),
        (b"\x8c\x02os\x94\x8c\x06system\x94h\x00h\x01\x93.", ["os.system"]),
        (b"\x8c\x02osq\x07\x8c\x06systemq\x08h\x07h\x08\x93.", ["os.system"]),
        # The texts right before are not those on the stack.
        (b"\x8c\x02os\x8c\x06system\x8c\x05torch\x8c\x04Size00\x93.", [COMPUTED]),
        (b"\x8c\x02os\x8c\x06system(\x8c\x05torch\x8c\x04Size1\x93.", [COMPUTED]),
        (b"\x8c\x02os2\x93.", [COMPUTED]),
        (b"h\x05h\x06\x93.", [COMPUTED]),
        # Taken from the memo, where it was put under a harmless name before.
        (b"\x8c\x05torchq\x00\x8c\x02osq\x00\x8c\x04Sizeh\x00h\x00\x93.", ["os.os"]),
        (b"\x82\x01.", [f"{COMPUTED} (copyreg extension 1)"]),
        (b"ctorch.storage\n_load_from_bytes\n.", ["torch.storage._load_from_bytes"]),
        (b"cbuiltins\ndict.get\n.", ["builtins.dict.get"]),
        (b"ctorch\nSize.x\n.", ["torch.Size.x"]),
    ],
)
def test_hidden_globals(pickled: bytes, expected: list[str]) -> None:
    """However a name is brought to the stack, it is told, or said to be computed; none is safe."""
    assert scan(pickled) == expected
    assert foreign_globals(expected) == expected


@pytest.mark.parametrize("pickled", [b"", b"}", b"\xff", b"cos\nsystem", b"\x8c\xffa."])
def test_broken_pickles(pickled: bytes) -> None:
    """What is cut off or no pickle is a ValueError."""
    with pytest.raises(ValueError, match=r"."):
        scan(pickled)


def test_odd_escapes_are_no_warning() -> None:
    """Python warns of escapes in old texts; that would go to the user's terminal."""
    assert scan(b"S'\\d'\n.") == []


def test_several_pickles() -> None:
    """Pickles behind each other are read up to the number given."""
    file = io.BytesIO(b"cos\nsystem\n." + b"cos\nremove\n." + b"no pickle")
    assert pickle_globals(file, 2) == ["os.system", "os.remove"]


def test_findings() -> None:
    """Foreign names are a danger, and a long list of them is cut."""
    (safe,) = pickle_findings(["collections.OrderedDict"], "it", "p")
    (danger,) = pickle_findings([f"m.f{number}" for number in range(8)], "it", "p")
    assert (safe.code, safe.path, danger.code) == ("pickle", "p", "pickle-code")
    assert danger.message.endswith("m.f0, m.f1, m.f2, m.f3, m.f4 and 3 more")


@pytest.mark.parametrize("protocol", range(1, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "value, numbers",
    [
        ({"epoch": 4, "global_step": 250, "version": "2.6", "state": {"step": 9}},
         {"epoch": 4, "global_step": 250}),
        ({"ok": True, "lr": 0.1, "none": None, "step": 2**40}, {"step": 2**40}),
        # What stands deeper is of something else.
        ({"state": {"step": 9}, "step": 3}, {}),
        ({"a": "b", "c": {"step": 9}}, {}),
        ({"a": [1, 2], "step": 3}, {}),
        ([1, 2], {}),
        ("step", {}),
        ({}, {}),
    ],
)  # fmt: skip
def test_leading_numbers(value: Any, numbers: dict[str, int], protocol: int) -> None:
    """Of a dict's begin, as far as it is plain."""
    assert leading_numbers(io.BytesIO(pickle.dumps(value, protocol))) == numbers


@pytest.mark.parametrize("data", [b"", b"no pickle", pickle.dumps({"step": 3})[:-4]])
def test_leading_numbers_of_none(data: bytes) -> None:
    """What is no pickle, or is cut off, has none."""
    assert leading_numbers(io.BytesIO(data)) == {}
