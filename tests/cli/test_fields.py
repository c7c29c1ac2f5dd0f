"""The fields that `--format` and `--require` look up by name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ckptsel.checkpoint import Metric, Monitor
from ckptsel.cli.fields import Field, Fields
from ckptsel.errors import ExitCode, UsageError
from tests.cli.rankings import by_val_loss, checkpoint, ranked

if TYPE_CHECKING:
    from pathlib import Path

    from ckptsel.checkpoint import Ranked
    from tests.cli.conftest import Run

EPOCH = Metric("0", 6, "06", "epoch", labelled=False)
LOSS = Metric("1", 0.4, "0.40", labelled=False)
ACC = Metric("val_acc", 0.5, "0.50")
RANK = Metric("rank", 8, "8", "setting")


def row(*metrics: Metric, by: Metric | None = None) -> Ranked:
    """A row with these values, ranked by one of them."""
    return replace(ranked(1, replace(checkpoint(1, "0.1"), metrics=metrics)), metric=by)


@pytest.mark.parametrize(
    "one, name, field",
    [
        (row(EPOCH), "epoch", Field(6, "6")),
        (row(EPOCH), "step", Field(None, "")),
        (row(EPOCH), "0", Field(6, "06")),
        (row(EPOCH), "kind", Field("keras", "keras")),
        (row(Metric("epoch", "last", "last", "text")), "epoch", Field("last", "last")),
        (row(LOSS, by=LOSS), "val_loss", Field(0.4, "0.40")),
        (row(LOSS, by=LOSS), "valLoss", Field(0.4, "0.40")),
        (row(LOSS, by=LOSS), "value", Field(0.4, "0.40")),
        (row(LOSS), "val_loss", Field(None, "")),
        (row(ACC), "val_acc", Field(0.5, "0.50")),
        (row(ACC), "val_accuracy", Field(0.5, "0.50")),
        (row(ACC, by=ACC), "value", Field(0.5, "0.50")),
        (row(RANK), "rank", Field(1, "1")),
        (row(RANK), "metric.rank", Field(8, "8")),
    ],
)
def test_get(one: Ranked, name: str, field: Field) -> None:
    """Fixed fields, the monitor, metrics, and other spellings of one metric."""
    assert Fields(by_val_loss(one)).get(one, "--format", name) == field


def test_a_monitor_under_another_spelling_is_one_metric() -> None:
    """The alias that was ranked by and the metric that it stands in are the same value."""
    one = row(ACC, by=ACC)
    ranking = replace(by_val_loss(one), monitor=Monitor("val_accuracy", "max", ""))
    assert Fields(ranking).get(one, "--format", "valAcc").value == 0.5


def test_several_spellings_are_no_guess() -> None:
    """Where two metrics could be meant, neither is taken."""
    one = row(ACC, replace(ACC, name="val_accuracy"))
    with pytest.raises(UsageError, match="'valAcc' could be 'val_acc', 'val_accuracy'"):
        Fields(by_val_loss(one)).get(one, "--format", "valAcc")


@pytest.mark.parametrize("name", ["iter", "val_auc", "valAuc", "fold", "metric.rank"])
def test_what_only_others_have_is_known(name: str) -> None:
    """It stands in another row, counters too, or in a pattern of what has no row."""
    one = row(LOSS)
    other = row(Metric("iter", 5, "5", "step"), Metric("val_auc", 0.5, "0.5"), RANK)
    ranking = replace(by_val_loss(one, other), patterns=(("w-{fold}.h5", 1), ("{", 1)))
    assert Fields(ranking).get(one, "--format", name) == Field(None, "")


@pytest.mark.parametrize("name", ["path.__class__", "path[0]", "", "metric.val_loss", "nonsense"])
def test_no_field(name: str) -> None:
    """What no checkpoint has is wrong usage, and all that there is is listed."""
    one = row(LOSS, RANK)
    with pytest.raises(UsageError) as caught:
        Fields(by_val_loss(one)).get(one, "--format 'x'", name)
    assert caught.value.message == f"--format 'x': there is no field {name!r}"
    assert "the fields are rank, path, " in caught.value.hint
    assert caught.value.hint.endswith("value, metric.rank, val_loss, 1")


@pytest.mark.parametrize(
    "condition, code",
    [
        ("epoch>=5", ExitCode.OK),
        ("val_loss<0.5", ExitCode.OK),
        ("value<0.5", ExitCode.OK),
        ("step>1", ExitCode.CONDITION_NOT_MET),
        ("acc>1", ExitCode.USAGE),
    ],
)
def test_positional_names(run: Run, tmp_path: Path, condition: str, code: ExitCode) -> None:
    """What a name without labels is read as can be required of it."""
    for name in ("w.05-0.45.h5", "w.06-0.40.h5"):
        (tmp_path / name).touch()
    result = run("best", str(tmp_path), "-m", "val_loss", "--require", condition)
    assert result.exit_code == code


def test_smoothed_values(run: Run, tmp_path: Path) -> None:
    """They are a field where --smooth is used, and nowhere else."""
    for epoch, loss in enumerate(("0.90", "0.10", "0.50"), 1):
        (tmp_path / f"w.{epoch:02d}-val_loss={loss}.h5").write_text(loss)
    options = ("best", str(tmp_path), "-m", "val_loss", "--format", "{val_loss} {smoothed}")
    assert run(*options, "--smooth", "3").stdout == "0.1 0.5\n"
    assert run(*options).exit_code == ExitCode.USAGE
    met = run("best", str(tmp_path), "-m", "val_loss", "--smooth", "3", "--require", "smoothed<0.4")
    assert met.exit_code == ExitCode.CONDITION_NOT_MET


def test_a_counter_of_other_rows(run: Run, tmp_path: Path) -> None:
    """`list --format` takes the iterations that only some names have."""
    for name in ("iter=7-val_loss=0.45.h5", "val_loss=0.40.h5"):
        (tmp_path / name).touch()
    result = run("list", str(tmp_path), "-m", "val_loss", "--format", "{val_loss}<{iter}>")
    assert result.stdout == "0.4<>\n0.45<7>\n"
