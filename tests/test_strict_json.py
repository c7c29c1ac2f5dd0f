"""JSON from strangers: its numbers as they stand there, and keys that stand twice."""

from __future__ import annotations

import pytest

from ckptsel.strict_json import Json


def test_numbers_stay_what_stands_there() -> None:
    """No digit is lost, whatever the text is made into."""
    text = '{"a": 0.123456789012345678901, "b": [1e999, NaN, -0], "c": null, "d": true}'
    found = {"a": "0.123456789012345678901", "b": ["1e999", "NaN", "-0"], "c": None, "d": True}
    assert Json().load(text) == found
    number = type("Number", (str,), {})
    assert type(Json(number).load("[7]")) is list
    assert isinstance(Json(number).load("7"), number)


def test_keys_that_stand_twice() -> None:
    """Neither value is taken, at any depth; some of the keys are kept in mind."""
    reader = Json()
    assert reader.load('{"a": 1, "b": {"c": 1, "c": 1}, "a": 2}') == {"b": {}}
    assert reader.twice == ["c", "a"]
    reader.load("{" + ",".join(f'"k{n}": 1, "k{n}": 2' for n in range(99)) + "}")
    assert len(reader.twice) == 6


@pytest.mark.parametrize("text", ["", "{", "\ufeff{}", "[" * 200_000, "{'a': 1}"])
def test_what_is_no_json(text: str) -> None:
    """One kind of error, also where it is nested too deeply."""
    with pytest.raises(ValueError, match=r"."):
        Json().load(text)
