"""How exactly a printed number tells its value."""

from __future__ import annotations

import re

_DECIMAL = re.compile(r"[+-]?\d+(?:\.(\d+))?(?:[eE]([+-]\d+))?(%?)")


def printed_unit(text: str) -> float:
    """One unit of the last printed digit: 0.01 for `0.32`; 0.0 if the text is no number."""
    match = _DECIMAL.fullmatch(text.strip())
    if match is None:
        return 0.0
    decimals = len(match[1] or "") + (2 if match[3] else 0)
    return 10.0 ** (int(match[2] or 0) - decimals)


def may_mean_missing(name: str, value: float) -> bool:
    """Whether Lightning may have written this zero because the metric was not logged."""
    return value == 0 and name.endswith(".ckpt")
