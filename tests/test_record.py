"""Values and their evidence, as JSON has them."""

from __future__ import annotations

import math

import pytest

from ckptsel.checkpoint import Metric
from ckptsel.record import by_name, evidence, finite, finite_values

NAN = Metric("loss", math.nan, "nan")
AGAIN = Metric("loss", 0.5, "0.50", source="csv:training.csv")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_finite_drops_what_json_cannot_hold(value: float) -> None:
    """NaN and the infinities become null."""
    assert finite(value) is None


@pytest.mark.parametrize("value", [0, 0.0, 0.25, "text", None])
def test_finite_keeps_the_rest(value: float | str | None) -> None:
    """Every other value stays as it is."""
    assert finite(value) == value


def test_the_first_of_a_name_counts() -> None:
    """A second value of the same name is evidence, and not the value."""
    assert by_name([NAN, AGAIN]) == {"loss": NAN}
    assert finite_values([NAN, AGAIN]) == {"loss": None}
    assert finite_values([AGAIN, NAN]) == {"loss": 0.5}


def test_evidence_is_all_of_it() -> None:
    """Where the value stands, how it is written, and whether its name stands beside it."""
    assert evidence(NAN) == {
        "name": "loss",
        "value": None,
        "text": "nan",
        "role": "metric",
        "source": "name",
        "labelled": True,
    }
