"""The frameworks' traps: zeros for "missing", negated losses."""

from __future__ import annotations

import pytest

from ckptsel.naming.decimals import may_mean_missing
from ckptsel.ranking.traps import is_negated_loss

IGNITE = ["best_model_1_val_loss=-0.5000.pt", "runs/best_model_2_val_loss=-0.3000.pt"]


@pytest.mark.parametrize(
    "monitor, names, values, expected",
    [
        ("val_loss", IGNITE, [-0.5, -0.3], True),
        ("val_mse", IGNITE, [-0.5, -0.3], True),
        # One positive value shows that they stand as they are.
        ("val_loss", IGNITE, [-0.5, 0.3], False),
        ("val_loss", IGNITE, [-0.5, 0.0], False),
        # Of a metric that is maximised, the highest is the best anyway.
        ("val_acc", IGNITE, [-0.5, -0.3], False),
        ("my_metric", IGNITE, [-0.5, -0.3], False),
        # Other frameworks write a negative loss as it is.
        ("val_loss", [*IGNITE, "epoch=1-val_loss=-0.30.ckpt"], [-0.5, -0.3, -0.3], False),
        ("val_loss", ["epoch=1-val_loss=-0.3000.pt"], [-0.3], False),
        # ignite prints four decimals.
        ("val_loss", ["best_model_1_val_loss=-12.3.pt"], [-12.3], False),
        ("val_loss", ["w_val_loss-0.30.pt"], [-0.3], False),
    ],
)
def test_negated_losses(
    monitor: str, names: list[str], values: list[float], *, expected: bool
) -> None:
    """Only where all values are negative, and all names are such as ignite writes."""
    assert is_negated_loss(monitor, names, values) is expected


@pytest.mark.parametrize(
    "name, value, expected",
    [
        ("epoch=3-val_loss=0.00.ckpt", 0.0, True),
        ("val_loss=0.00-epoch=3.ckpt", 0.0, True),
        ("epoch=3-val_loss=0.00-v1.ckpt", 0.0, True),
        ("epoch=3-val_loss=-0.00.ckpt", -0.0, True),
        ("epoch=3-val_loss=0.01.ckpt", 0.01, False),
        # Keras raises where a metric is missing: its zero is one.
        ("epoch=3-val_loss=0.00.keras", 0.0, False),
        ("w.03-0.00.ckpt", 0.0, True),
    ],
)
def test_zeros(name: str, value: float, *, expected: bool) -> None:
    """A zero in a file such as Lightning writes may stand for a metric that was not logged."""
    assert may_mean_missing(name, value) is expected
