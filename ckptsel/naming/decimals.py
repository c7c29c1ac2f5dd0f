"""How exactly a printed number tells its value, and a number as it is printed for people."""

from __future__ import annotations

import re

_WHOLE = 10**15  # from here on a float does not tell every whole number
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


def in_short(value: float) -> str:
    """A number for people: a whole one, as steps are, with all its digits, any other with six.

    >>> in_short(12345678), in_short(0.26094281), in_short(1.5e300)
    ('12345678', '0.260943', '1.5e+300')
    """
    is_whole = -_WHOLE < value < _WHOLE and value == int(value)
    return f"{value:.0f}" if is_whole else f"{value:.6g}"
