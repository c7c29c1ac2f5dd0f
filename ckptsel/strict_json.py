"""JSON as it stands there: numbers as texts, and no key twice."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

NAMED = 5
"""So many keys are named where it is said that some stood twice."""


class Json:
    """Reads JSON with its numbers as texts, and keeps in mind which keys stood twice in an object.

    Attributes:
        twice: some of these keys. They are left out, since readers take the one value or the other.
    """

    __slots__ = ("_decoder", "twice")

    def __init__(self, number: type[str] = str) -> None:
        """Make a reader.

        Args:
            number: what a number becomes, of the text that stands there.
        """
        self.twice: list[str] = []
        self._decoder = json.JSONDecoder(
            parse_float=number,
            parse_int=number,
            parse_constant=number,
            object_pairs_hook=self._object,
        )

    def load(self, text: str) -> object:
        """What a text says; `null` is None.

        Raises:
            ValueError: if it is no JSON, or too deeply nested.
        """
        try:
            return self._decoder.decode(text)
        except RecursionError:
            raise ValueError("nested too deeply") from None

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            for key in [key for key in found if counts[key] > 1]:
                del found[key]
                if key not in self.twice and len(self.twice) <= NAMED:
                    self.twice.append(key)
        return found
