"""docs/keras.md says what the callback and the loader take."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "keras.md").read_text("utf-8")


def test_every_argument_is_in_the_table() -> None:
    """The table has the callback's arguments in their order, with their defaults."""
    pytest.importorskip("keras")
    kind = importlib.import_module("ckptsel.keras").BestCheckpoint
    taken = list(inspect.signature(kind).parameters.values())
    table = PAGE.partition("## The log")[0]
    rows = re.findall(r"^\| `(\w+)` \|\s*`?([^`|]*?)`?\s*\|", table, re.MULTILINE)
    assert [name for name, _ in rows] == [parameter.name for parameter in taken]
    for (name, default), parameter in zip(rows, taken, strict=True):
        if name not in ("directory", "pattern"):
            assert default == repr(parameter.default).replace("'", '"')


def test_the_loader_is_shown_as_it_is() -> None:
    """The signature on the page is the function's own."""
    pytest.importorskip("keras")
    function = importlib.import_module("ckptsel.keras").load_best_weights
    names = ", ".join(
        re.sub(r": [^=,]+?(?= =|$)", "", str(parameter)).replace(" = ", "=").replace("'", '"')
        for parameter in inspect.signature(function).parameters.values()
    )
    shown = re.search(r"`load_best_weights\((.*?)\)`", PAGE)
    assert shown is not None
    assert shown[1].replace("*, ", "") == names
