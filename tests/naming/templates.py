"""Random templates, and values that fit them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

NAMES = ("epoch", "val_loss", "run", "a-b", "val/f1", "x y", "2nd", "0")
INTEGERS = st.integers() | st.integers(0, 300)
# Above 1.79e308 a number is printed rounded up to one that is no double.
FLOATS = st.floats(-1e308, 1e308) | st.sampled_from([math.nan, math.inf, -math.inf])
FLOATS |= st.floats(0, 5) | st.sampled_from([1e-12, 0.5, -0.0, 1e22, 5e-324])
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="/"), max_size=8)
TEXTS |= st.text("ab01.-_", max_size=6)

LITERALS = st.sampled_from(["", "-", "_", ".", "e", "loss", "{", "}}", "/", "0.", "%", "="])
LITERALS |= st.text("ab01-_./{}=", max_size=4)


@dataclass(frozen=True)
class Printed:
    """A template, the values for its fields, and the name that the two make."""

    template: str
    values: dict[str, Any]
    name: str


def integer_specs() -> st.SearchStrategy[str]:
    """Specifications that print integers."""
    return _specs("dxobXn", grouping=False) | _specs("d", grouping=True) | st.just("")


def float_specs() -> st.SearchStrategy[str]:
    """Specifications that print floats."""
    precision = st.sampled_from(["", ".0", ".1", ".2", ".4", ".10"])
    return (
        st.tuples(_specs([""], grouping=False), precision, st.sampled_from("eEgGn")).map("".join)
        | st.tuples(_specs([""], grouping=True), precision, st.sampled_from("fF%")).map("".join)
        | st.sampled_from(["", ".3", "6.4"])
    )


def text_specs() -> st.SearchStrategy[str]:
    """Specifications that print text."""
    width = st.sampled_from(["", "5", "<6", "^7", ">8", "*>6", "0<5"])
    return st.tuples(width, st.sampled_from(["", "s"])).map("".join)


def _specs(types: Any, *, grouping: bool) -> st.SearchStrategy[str]:
    parts = [
        st.sampled_from(["", "<", ">", "^", "=", "*>", "0<", "_^", "x="]),
        st.sampled_from(["", "", "+", "-", " "]),
        st.sampled_from(["", "", "0"]),
        st.sampled_from(["", "1", "4", "9"]),
        st.sampled_from(["", ",", "_"] if grouping else [""]),
        st.sampled_from(types),
    ]
    return st.tuples(*parts).map("".join)


@st.composite
def printed(draw: st.DrawFn) -> Printed:
    """A random template with values, and the name that str.format makes of them."""
    values: dict[str, Any] = {}
    template = name = ""
    for _ in range(draw(st.integers(1, 4))):
        literal = draw(LITERALS)
        field = draw(st.sampled_from(NAMES))
        if field not in values:
            # Text only where a field's name is no metric's, as in training code.
            numbers = INTEGERS | FLOATS
            values[field] = draw(numbers | TEXTS if field in ("run", "a-b", "x y") else numbers)
        value = values[field]
        conversion = draw(st.sampled_from(["", "", "", "!r", "!s"]))
        if conversion or isinstance(value, str):
            spec = draw(text_specs())
        else:
            spec = draw(integer_specs() if isinstance(value, int) else float_specs())
        part = "{" + field + conversion + (":" + spec if spec else "") + "}"
        template += literal.replace("{", "{{").replace("}", "}}") + part
        try:
            shown = _shown(value, conversion, spec)
        except ValueError:  # such as a sign with `=` in a text
            shown = None
        if shown is None or "/" in shown:
            template = template[: -len(part)]
            name += literal
            continue
        name += literal + shown
    last = draw(st.sampled_from(["", ".h5", ".ckpt", "-last.pt"]))
    return Printed(template + last, values, name + last)


def _shown(value: Any, conversion: str, spec: str) -> str:
    if conversion == "!r":
        value = repr(value)
    elif conversion == "!s":
        value = str(value)
    return format(value, spec)
