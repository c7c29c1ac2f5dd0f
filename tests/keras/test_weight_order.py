"""Weights that are paired by names, where Keras goes by their order."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import ModuleType


@pytest.fixture
def order() -> ModuleType:
    """The module under test; its room needs Keras."""
    pytest.importorskip("keras")
    return importlib.import_module("ckptsel.keras.weight_order")


def names(text: str) -> list[tuple[str, ...]]:
    """`a/kernel b/kernel`, taken apart."""
    return [tuple(name.split("/")) for name in text.split()]


@pytest.mark.parametrize(
    ("mine", "its"),
    [
        ("kernel bias", "kernel bias"),
        ("dense/kernel dense_1/kernel", "dense_7/kernel dense_10/kernel"),
        ("a/kernel b/kernel", "x/kernel y/kernel"),
        ("kernel", "depthwise_kernel"),
        ("s/a/kernel s/b/kernel", "a/kernel b/kernel"),
        ("", ""),
    ],
)
def test_what_fits(order: Any, mine: str, its: str) -> None:
    """The same order, other counters, other names, more scopes."""
    assert order.misplaced(names(mine), names(its)) == ""


@pytest.mark.parametrize(
    ("mine", "its", "place"),
    [
        ("gamma beta", "beta gamma", "'beta' of the file as its 'gamma'"),
        ("a/kernel b/kernel", "b/kernel a/kernel", "'b/kernel' of the file as its 'a/kernel'"),
        ("d/kernel d_1/kernel", "d_10/kernel d_9/kernel", "'d_10/kernel' of the file as its"),
        ("p/a/kernel q/a/kernel", "q/a/kernel p/a/kernel", "in another order"),
        ("moving_mean", "beta", "it would silently get 'beta' of the file as its 'moving_mean'"),
    ],
)
def test_what_does_not(order: Any, mine: str, its: str, place: str) -> None:
    """Each weight would be another one's."""
    assert place in order.misplaced(names(mine), names(its))


def test_pairs_by_name(order: Any) -> None:
    """By names where both have the same ones, else by position."""
    assert order.paired(names("a/kernel b/kernel"), names("b/kernel a/kernel")) == [1, 0]
    assert order.paired(names("a/kernel b/kernel"), names("x/kernel a/kernel")) == [0, 1]
    assert order.paired(names("kernel kernel"), names("kernel kernel")) == [0, 1]
