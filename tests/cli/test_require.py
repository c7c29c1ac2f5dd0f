"""`--require`: conditions that the selected checkpoint has to meet."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ckptsel.checkpoint import Metric
from ckptsel.cli.require import check, parse_conditions
from ckptsel.errors import ConditionNotMetError, ExitCode, UsageError
from tests.cli.rankings import by_val_loss, checkpoint, ranked

ROW = ranked(1, checkpoint(5, "0.30"))
RANKING = by_val_loss(ROW)
VAL_ACC = Metric("val_acc", 0.9, "0.90")


@pytest.mark.parametrize(
    "text, name, operator, limit",
    [
        ("val_loss<=0.3", "val_loss", "<=", 0.3),
        (" val_loss < 3e-1 ", "val_loss", "<", 0.3),
        ("val/acc.top1>=.9", "val/acc.top1", ">=", 0.9),
        ("epoch==5", "epoch", "==", 5.0),
        ("epoch != -5", "epoch", "!=", -5.0),
        ("top 1 > 1", "top 1", ">", 1.0),
        ("val_loss<inf", "val_loss", "<", float("inf")),
    ],
)
def test_parse(text: str, name: str, operator: str, limit: float) -> None:
    """A condition is a name, an operator and a number, with or without spaces."""
    assert parse_conditions([text]) == [(text, name, operator, limit)]


@pytest.mark.parametrize(
    "text",
    [
        *("", "val_loss", "<=0.3", "val_loss<=", "val_loss=0.3", "val_loss<=x"),
        *("val_loss<=nan", "val_loss=<0.3", "val_loss<<0.3", "0.1<val_loss<0.3"),
    ],
)
def test_malformed(text: str) -> None:
    """Anything else is wrong usage, and is told how to write it."""
    with pytest.raises(UsageError) as caught:
        parse_conditions([text])
    assert repr(text) in caught.value.message
    assert "'val_loss<=0.3'" in caught.value.hint


@pytest.mark.parametrize(
    "text, met",
    [
        ("val_loss<0.3", False),
        ("val_loss<=0.3", True),
        ("val_loss>0.3", False),
        ("val_loss>=0.3", True),
        ("val_loss==0.30", True),
        ("val_loss!=0.3", False),
        ("val_loss!=0.31", True),
        ("epoch>=5", True),
        ("epoch>5", False),
    ],
)
def test_check(text: str, *, met: bool) -> None:
    """Each operator compares the value in the name with the number."""
    if met:
        check(parse_conditions([text]), [ROW], RANKING)
        return
    with pytest.raises(ConditionNotMetError):
        check(parse_conditions([text]), [ROW], RANKING)


def test_every_condition_and_every_row_counts() -> None:
    """One condition that is not met by one row is enough."""
    worse = ranked(2, checkpoint(4, "0.40"))
    check(parse_conditions(["val_loss<1", "epoch>=4"]), [ROW, worse], by_val_loss(ROW, worse))
    for texts in (["val_loss<1", "epoch>9"], ["val_loss<=0.3"]):
        with pytest.raises(ConditionNotMetError):
            check(parse_conditions(texts), [ROW, worse], by_val_loss(ROW, worse))


def test_not_met_says_value_and_condition() -> None:
    """The message is enough to understand a red CI job, and the exit code is its own."""
    with pytest.raises(ConditionNotMetError) as caught:
        check(parse_conditions(["val_loss<0.25"]), [ROW], RANKING)
    assert caught.value.message == (
        "runs/a/w.05-0.30.keras does not meet 'val_loss<0.25': val_loss is 0.30"
    )
    assert caught.value.exit_code == ExitCode.CONDITION_NOT_MET


def test_a_metric_that_only_others_have_is_not_met() -> None:
    """What is missing here meets nothing, and what is there is named."""
    other = replace(ROW, checkpoint=replace(ROW.checkpoint, metrics=(VAL_ACC,)))
    with pytest.raises(ConditionNotMetError) as caught:
        check(parse_conditions(["val_acc>0.1"]), [ROW], by_val_loss(ROW, other))
    assert caught.value.message.endswith("it has no val_acc")
    assert caught.value.hint == "it has epoch, val_loss"


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">=", "==", "!="])
def test_nan_meets_nothing(operator: str) -> None:
    """NaN is unequal to every number, and is still no value that anyone asked for."""
    row = ranked(1, checkpoint(1, "nan"))
    with pytest.raises(ConditionNotMetError, match="val_loss is nan"):
        check(parse_conditions([f"val_loss{operator}1"]), [row], by_val_loss(row))


def test_text_meets_nothing() -> None:
    """Text cannot be compared with a number."""
    text = Metric("optimizer", "adam", "adam", "text")
    row = replace(ROW, checkpoint=replace(ROW.checkpoint, metrics=(text,)))
    with pytest.raises(ConditionNotMetError, match="'adam', which is no number"):
        check(parse_conditions(["optimizer==1"]), [row], by_val_loss(row))


def test_a_name_that_nothing_has_is_wrong_usage() -> None:
    """A mistyped name is no condition that was not met."""
    with pytest.raises(UsageError) as caught:
        check(parse_conditions(["val_los<1"]), [ROW], RANKING)
    assert caught.value.message == "--require 'val_los<1': there is no field 'val_los'"
    assert caught.value.hint.startswith("did you mean 'val_loss'? the fields are rank, path, ")
