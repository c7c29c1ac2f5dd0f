"""The frameworks' traps in whole folders: what does not win, and what is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ckptsel.errors import AmbiguousMonitorError, MonitorNotFoundError, StrictError
from tests.folders import make
from tests.selecting import codes, places, ranked

if TYPE_CHECKING:
    from pathlib import Path


LIGHTNING = ["epoch=1-val_loss=0.50.ckpt", "epoch=2-val_loss=0.00.ckpt"]


def test_lightnings_zero(here: Path) -> None:
    """A zero that may mean "missing" does not win, and it is said, unless zeros are allowed."""
    make(here, *LIGHTNING)
    for keep in (None, 1):
        ranking = ranked(keep=keep)
        assert places(ranking)[0] == (1, LIGHTNING[0])
        assert "lightning-zero" in codes(ranking)
    assert ranked().rows[1].reason == "a printed zero may mean that it was missing"
    assert ranked().rows[1].rank is None
    ranking = ranked(allow_zero=True)
    assert places(ranking) == [(1, LIGHTNING[1]), (2, LIGHTNING[0])]
    assert codes(ranking) == set()
    with pytest.raises(StrictError, match="Lightning"):
        ranked(strict=True)


def test_a_zero_that_cannot_win(here: Path) -> None:
    """Where high is good or others are lower, a zero is a value like any other."""
    make(here, *LIGHTNING)
    assert places(ranked(mode="max")) == [(1, LIGHTNING[0]), (2, LIGHTNING[1])]
    make(here, "epoch=3-val_loss=-0.70.ckpt")
    ranking = ranked()
    assert places(ranking)[1] == (2, LIGHTNING[1])
    assert "lightning-zero" not in codes(ranking)


def test_only_zeros(here: Path) -> None:
    """Where there are only zeros there is no best, and the reason is given."""
    make(here, LIGHTNING[1], "epoch=3-val_loss=0.00.ckpt")
    with pytest.raises(MonitorNotFoundError) as caught:
        ranked(keep=1)
    assert "--allow-zero" in caught.value.details[0]


def test_keras_zero_wins(here: Path) -> None:
    """Keras does not write a name without the metric, so its zero is one."""
    make(here, "e=1-val_loss=0.50.keras", "e=2-val_loss=0.00.keras")
    assert places(ranked())[0] == (1, "e=2-val_loss=0.00.keras")


@pytest.mark.parametrize("mode", ["min", "max", "auto"])
def test_ignites_negated_loss(here: Path, mode: str) -> None:
    """The highest score is the lowest loss, whatever the mode says; and it is said."""
    make(here, *(f"best_model_{n}_val_loss=-0.{n}000.pt" for n in (5, 3, 4)))
    ranking = ranked(mode=mode)
    assert [row.checkpoint.name[11] for row in ranking.rows] == ["3", "4", "5"]
    assert ranking.monitor is not None
    assert ranking.monitor.mode == "max"
    assert codes(ranking) == {"ignite-inverted-sign"}
    with pytest.raises(StrictError, match="ignite"):
        ranked(mode=mode, strict=True)


def test_negated_and_plain_losses(here: Path) -> None:
    """The one cannot be ranked with the other."""
    make(
        here,
        "a/best_model_1_val_loss=-0.6000.pt",
        "a/best_model_2_val_loss=-0.5000.pt",
        "b/epoch=1-val_loss=0.30.ckpt",
    )
    with pytest.raises(AmbiguousMonitorError, match="ignite"):
        ranked()
    assert places(ranked(exclude=("b",)))[0] == (1, "a/best_model_2_val_loss=-0.5000.pt")
    assert places(ranked(include=("*.ckpt",)))[0] == (1, "b/epoch=1-val_loss=0.30.ckpt")


def test_fairseqs_random_digits(here: Path) -> None:
    """Three decimals are the value; what follows is said to be noise."""
    make(here, "checkpoint.best_loss_3.4569.pt", "checkpoint.best_loss_3.4561.pt")
    ranking = ranked("loss")
    assert {row.metric.text for row in ranking.rows if row.metric} == {"3.456"}
    assert codes(ranking) == {"fairseq-random-digits", "tie"}
