"""Direction, order and ties, without any file."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckptsel.checkpoint import Checkpoint, Metric, SavedLine
from ckptsel.errors import DirectionError
from ckptsel.naming.decimals import printed_unit
from ckptsel.ranking.order import (
    may_be_reversed,
    monitor_for,
    not_rankable,
    order,
    shortlist,
    turns_of,
)

if TYPE_CHECKING:
    from random import Random

    from ckptsel.checkpoint import Mode, Value

MODES = st.sampled_from(["min", "max"])
# Few different values, so that ties are many.
VALUES = st.lists(
    st.one_of(
        st.integers(-3, 3).map(float), st.sampled_from([math.nan, math.inf, -math.inf]), st.floats()
    ),
    max_size=12,
)


def checkpoint(path: str, epoch: float | None = None, step: int | None = None) -> Checkpoint:
    """A checkpoint whose name says its epoch and step."""
    counters = [("epoch", epoch), ("step", step)]
    metrics = (Metric(n, v, str(v), n) for n, v in counters if v is not None)  # type: ignore[arg-type]
    return Checkpoint(path, (path,), "h5", "", tuple(metrics))


@pytest.mark.parametrize(
    "name, mode",
    [
        ("loss", "min"),
        ("val_loss", "min"),
        ("val_mae", "min"),
        ("wer", "min"),
        ("val_perplexity", "min"),
        ("val_accuracy", "max"),
        ("acc", "max"),
        ("val_auc", "max"),
        ("val_f1", "max"),
        ("val_precision", "max"),
        ("val_mean_io_u", "max"),
        ("dense_1_loss", "min"),
        ("val/loss", "min"),
    ],
)
def test_auto(name: str, mode: str) -> None:
    """The curated table knows the usual metrics, and the reason says so."""
    monitor = monitor_for(name, "auto")
    assert (monitor.name, monitor.mode) == (name, mode)
    assert monitor.why.startswith("auto: ")
    assert ("lower" in monitor.why) is (mode == "min")


@pytest.mark.parametrize(
    "name", ["score", "val_score", "cosine_similarity", "my_metric", "neg_loss", "lr", "epoch", "1"]
)
def test_auto_does_not_guess(name: str) -> None:
    """What the table cannot say is an error that names both ways out."""
    with pytest.raises(DirectionError, match="high or a low") as caught:
        monitor_for(name, "auto")
    assert caught.value.hint == "say it: --mode min or --mode max"
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("name", ["val_loss", "val_accuracy", "my_metric"])
def test_a_mode_that_is_asked_for(name: str, mode: str) -> None:
    """What the user says counts, whatever the table would say."""
    monitor = monitor_for(name, mode)
    assert (monitor.mode, monitor.why) == (mode, f"as asked: {mode}")


@pytest.mark.parametrize(
    "value, text, reason",
    [
        (0.5, "0.5", ""),
        (1, "1", ""),
        ("0.50", "0.50", ""),
        (math.nan, "nan", "loss is nan"),
        (math.inf, "inf", "loss is inf"),
        (-math.inf, "-inf", "loss is -inf"),
        (math.nan, " nan ", "loss is nan"),
        ("best", "best", "loss is best"),
        (10**400, "1" + "0" * 400, "loss is 1" + "0" * 400),
    ],
)
def test_what_cannot_be_ranked(value: Value, text: str, reason: str) -> None:
    """No rank without a finite number, and the reason quotes the name."""
    assert not_rankable(Metric("loss", value, text), "loss") == reason


def test_a_missing_value_cannot_be_ranked() -> None:
    """Nor without a value."""
    assert not_rankable(None, "val_loss") == "no val_loss in the name"


@given(VALUES, MODES, st.one_of(st.none(), st.integers(1, 5)))
def test_the_shortlist_is_the_sorted_head(
    values: list[float], mode: Mode, keep: int | None
) -> None:
    """It has the `keep` best finite values, all that tie with the last, and nothing else."""
    finite = sorted((v for v in values if math.isfinite(v)), reverse=mode == "max")
    rows = shortlist(values, mode, keep)
    chosen = sorted((values[row] for row in rows), reverse=mode == "max")
    assert len(set(rows)) == len(rows)
    if keep is None or len(finite) <= keep:
        assert chosen == finite
    else:
        last = finite[keep - 1]
        assert chosen == finite[: len(chosen)]
        assert len(chosen) >= keep
        assert chosen[-1] == last
        assert finite[len(chosen) : len(chosen) + 1] != [last]


@pytest.mark.parametrize("keep", [None, 1, 2])
@pytest.mark.parametrize("values", [[], [math.nan], [math.inf, -math.inf, math.nan]])
def test_a_shortlist_of_nothing(values: list[float], keep: int | None) -> None:
    """Where no value is finite, none is chosen."""
    assert shortlist(values, "min", keep) == []


def test_a_sum_that_overflows() -> None:
    """Finite values whose sum is not finite are ranked all the same."""
    assert shortlist([1.7e308, 1.7e308, 1.0], "min", 1) == [2]
    assert shortlist([1.7e308, 1.7e308, 1.0], "max", 1) == [0, 1]


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize(
    "ordered",
    [
        # Later epochs first, then later steps, then the path; none at all comes last.
        [("c", 3, None), ("b", 2, None), ("a", 1, None)],
        [("a", 10, 1), ("b", 9, 5), ("c", 9, 4), ("d", 9, None)],
        [("a", 2.5, None), ("b", 2, None)],
        [("b", 1, None), ("a", None, None), ("c", None, None)],
        [("b", None, 7), ("a", None, None)],
    ],
)
def test_equal_values(mode: Mode, ordered: list[tuple[str, float | None, int | None]]) -> None:
    """Of equal values the later one comes first."""
    checkpoints = [checkpoint(*each) for each in ordered]
    for given_order in (checkpoints, checkpoints[::-1]):
        assert order([(0.5, each) for each in given_order], mode) == checkpoints


def test_the_earlier_of_equal_values() -> None:
    """Asked for, the earlier one comes first; one without an epoch is last here, too."""
    names = [("a", 1, 2), ("b", 1, 3), ("c", 2, 1), ("d", None, None)]
    checkpoints = [checkpoint(*each) for each in names]
    assert order([(0.5, each) for each in checkpoints[::-1]], "min", earlier=True) == checkpoints


@given(
    st.lists(
        st.tuples(
            st.integers(-2, 2),
            st.one_of(st.none(), st.integers(0, 2)),
            st.one_of(st.none(), st.integers(0, 2)),
        ),
        max_size=8,
    ),
    MODES,
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_a_permutation_changes_nothing(
    entries: list[tuple[int, int | None, int | None]],
    mode: Mode,
    earlier: bool,
    random: Random,
) -> None:
    """The order depends on the checkpoints alone, and its values never get better on the way."""
    candidates = [
        (float(value), checkpoint(f"p{index}", epoch, step))
        for index, (value, epoch, step) in enumerate(entries)
    ]
    expected = order(candidates, mode, earlier=earlier)
    shuffled = candidates.copy()
    random.shuffle(shuffled)
    assert order(shuffled, mode, earlier=earlier) == expected
    by_path = {each.path: value for value, each in candidates}
    values = [by_path[each.path] for each in expected]
    assert values == sorted(values, reverse=mode == "max")


@pytest.mark.parametrize(
    "text, unit",
    [
        ("0.32", 0.01),
        ("-0.3194", 0.0001),
        ("7", 1.0),
        ("+6.95e-01", 0.001),
        ("1e+03", 1000.0),
        ("69.5%", 0.001),
        (" 0.5 ", 0.1),
        ("nan", 0.0),
        ("best", 0.0),
        ("", 0.0),
    ],
)
def test_the_last_printed_digit(text: str, unit: float) -> None:
    """How much one unit of a text's last digit is worth."""
    assert printed_unit(text) == pytest.approx(unit)


@pytest.mark.parametrize(
    "best, other, expected",
    [
        ("0.3194", "0.32", True),
        ("0.32", "0.3194", True),
        ("0.3149", "0.32", False),
        ("0.315", "0.32", True),
        # The same precision: what is printed lower was lower.
        ("0.31", "0.32", False),
        ("0.32", "0.320", False),
        ("0.5", "0.6", False),
        ("nan", "0.6", False),
    ],
)
def test_rounding_may_hide_the_order(best: str, other: str, *, expected: bool) -> None:
    """Only where two texts differ in precision, and each may stand for the other's value."""
    units = [printed_unit(text) for text in (best, other)]
    assert may_be_reversed(float(best), float(other), *units) is expected


def test_what_is_not_rounded_hides_nothing() -> None:
    """Values that are printed as they are have no unit, however short they are."""
    assert not may_be_reversed(0.5, 0.5123, 0.0, 0.0)


def saved(path: str, epoch: int, line: int, log: str = "ckptsel.jsonl") -> Checkpoint:
    """A checkpoint that a line of a log tells of, in the run that its folder is."""
    run = path.partition("/")[0]
    found = replace(checkpoint(path, epoch), saved=SavedLine((run, log), line, ""))
    return replace(found, run=run)


def test_equals_of_one_log_go_by_its_lines() -> None:
    """Epochs begin anew with another training; lines never do."""
    first, second = saved("r/3.h5", 3, 3), saved("r/1-v1.h5", 1, 4)
    assert order([(0.3, first), (0.3, second)], "min") == [second, first]
    assert order([(0.3, second), (0.3, first)], "min", earlier=True) == [first, second]
    assert order([(0.3, second), (0.2, first)], "min") == [first, second]


def test_equals_of_several_logs_go_by_epoch() -> None:
    """Lines of two logs say nothing of each other, nor does one of a file that is in none."""
    one, other = saved("r/3.h5", 3, 3), saved("q/1.h5", 1, 4)
    assert order([(0.3, one), (0.3, other)], "min") == [one, other]
    silent = checkpoint("r/1.h5", 1)
    assert order([(0.3, one), (0.3, silent)], "min") == [one, silent]
    # Of each run one is taken: there its own log decides.
    third = saved("r/1-v1.h5", 1, 5)
    turns = turns_of([(0.3, one), (0.3, other), (0.3, third)], per_run=True)
    assert turns == {"r/3.h5": (3,), "q/1.h5": (4,), "r/1-v1.h5": (5,)}
    # A line and an epoch of two runs are two numbers, the more so where they are equal.
    found = order([(0.3, checkpoint("s/3.h5", 3)), (0.3, one)], "min", per_run=True)
    assert {each.path for each in found} == {"s/3.h5", "r/3.h5"}
