"""Numbers of one byte, and bfloat16, as float32: numpy has none of them, float32 holds them all.

And the way back, for bfloat16.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


def widen(raw: NDArray[Any], dtype: str) -> NDArray[Any]:
    """Bytes (uint8), or for bfloat16 uint16 → float32, exactly.

    Args:
        raw: flat, in this machine's byte order.
        dtype: `bfloat16`, `float8_e5m2`, `float8_e4m3fn` or `float8_e8m0fnu`. Source of the last
            two: the OCP 8-bit floating point and microscaling (MX) specifications.
    """
    import numpy as np  # noqa: PLC0415

    if dtype == "bfloat16":  # The upper half of a float32.
        return (raw.astype(np.uint32) << 16).view(np.float32)
    if dtype == "float8_e5m2":  # The upper half of a float16.
        return (raw.astype(np.uint16) << 8).view(np.float16).astype(np.float32)
    value = _e8m0 if dtype == "float8_e8m0fnu" else _e4m3
    return np.array([value(code) for code in range(256)], np.float32).take(raw)


def narrow(values: NDArray[Any]) -> NDArray[Any]:
    """Floats → the uint16 of the nearest bfloat16; of two as near, the even one.

    Rounded once: a float64 does not become a float32 on the way, which could round it to the
    middle between two, and then to the wrong one.
    """
    import numpy as np  # noqa: PLC0415

    with np.errstate(over="ignore"):
        single = np.ascontiguousarray(values, np.float32)
    bits = single.view(np.uint32)
    if values.dtype.itemsize > 4:
        # Where rounding to float32 led to the very middle, one bit tells where it came from.
        middle = (bits & 0xFFFF) == 0x8000
        if middle.any():
            lost = np.abs(values[middle]) - np.abs(single[middle].astype(values.dtype))
            bits = bits.copy()
            bits[middle] = (bits[middle].astype(np.int64) + np.sign(lost).astype(np.int64)).astype(
                np.uint32
            )
    rounded = (bits + (0x7FFF + ((bits >> 16) & 1)).astype(np.uint32)) >> 16
    # Rounding up could carry a NaN over into the sign.
    nan = np.isnan(single)
    if nan.any():
        upper = bits[nan] >> 16
        # Cut off so, it might be an infinity; where it is none, its bits are kept.
        rounded[nan] = np.where(upper & 0x7F, upper, upper | 0x40)
    return rounded.astype(np.uint16)


def _e8m0(code: int) -> float:
    """A power of two; the last code is NaN."""
    return float("nan") if code == 0xFF else 2.0 ** (code - 127)


def _e4m3(code: int) -> float:
    """Four bits of exponent, biased by 7, and three of mantissa; no infinity, and one NaN."""
    sign = -1.0 if code & 0x80 else 1.0
    exponent, mantissa = code >> 3 & 0xF, code & 7
    if exponent == 0xF and mantissa == 7:
        return float("nan")
    if exponent == 0:
        return sign * mantissa * 2.0**-9
    return sign * (8 + mantissa) * 2.0 ** (exponent - 10)
