"""One row a run: what it says of logs and checkpoints, and the trouble it sees."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ckptsel.errors import MonitorNotFoundError, TieError, UsageError
from ckptsel.runs import Run, overview
from ckptsel.search.query import Query
from ckptsel.selection import select
from tests.sources.trainer_states import trainer_states

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def runs(folder: Path, monitor: str = "val_loss") -> Mapping[str, Run]:
    """The runs below a folder, by their names."""
    found = overview(Query((str(folder),), monitor=monitor)).runs
    return {run.path.removeprefix(f"{folder}/"): run for run in found}


def save(folder: Path, values: Mapping[int, str]) -> None:
    """Checkpoints of some epochs with their values in the names."""
    folder.mkdir(parents=True, exist_ok=True)
    for epoch, value in values.items():
        (folder / f"w.{epoch:02d}-val_loss={value}.keras").write_text(f"{epoch}")


def log(folder: Path, values: Sequence[object]) -> None:
    """What CSVLogger writes: epochs from 0."""
    rows = "".join(f"{epoch},{value}\n" for epoch, value in enumerate(values))
    (folder / "training.csv").write_text(f"epoch,val_loss\n{rows}")


def codes(run: Run) -> list[str]:
    """The codes of a run's trouble."""
    return [finding.code for finding in run.trouble]


def test_runs_side_by_side(tmp_path: Path) -> None:
    """The run with the best checkpoint comes first; each has its own best and its own end."""
    save(tmp_path / "a", {1: "0.50", 2: "0.40", 3: "0.45"})
    save(tmp_path / "b", {1: "0.60", 5: "0.30"})
    found = runs(tmp_path)
    assert [*found] == ["b", "a"]
    a, b = found["a"], found["b"]
    assert (a.checkpoints, a.unit, a.first, a.last) == (3, "epoch", 1, 3)
    assert a.best is not None
    assert (a.best.checkpoint.epoch, a.is_latest_best, b.is_latest_best) == (2, False, True)
    assert [point.value for point in a.history] == [0.5, 0.4, 0.45]
    assert (codes(a), codes(b)) == ([], [])


def test_a_log_has_more_to_say(tmp_path: Path) -> None:
    """The history is the log's, counted as the names count; a better epoch was never saved."""
    save(tmp_path / "a", {2: "0.40", 4: "0.35"})
    log(tmp_path / "a", [0.6, 0.4, 0.2, 0.35])
    (run,) = runs(tmp_path).values()
    assert [(point.at, point.value) for point in run.history] == [
        (1, 0.6), (2, 0.4), (3, 0.2), (4, 0.35)
    ]  # fmt: skip
    assert codes(run) == ["run-best-not-saved"]
    assert "0.2 at epoch 3 (csv:training.csv:4)" in run.trouble[0].message


def test_the_best_epoch_was_saved(tmp_path: Path) -> None:
    """A log that has the best checkpoint's own value in full is no trouble."""
    save(tmp_path / "a", {1: "0.60", 2: "0.40"})
    log(tmp_path / "a", [0.6049, 0.3951])
    (run,) = runs(tmp_path).values()
    assert codes(run) == []
    assert run.history[-1].value == 0.3951


def test_nan_and_an_early_end(tmp_path: Path) -> None:
    """NaN is told with its epoch; so is a log that goes on to better values without checkpoints."""
    save(tmp_path / "a", {1: "0.60", 2: "0.40", 3: "0.45"})
    log(tmp_path / "a", [0.6, 0.4, 0.45, 0.41, "nan", "nan"])
    (run,) = runs(tmp_path).values()
    assert codes(run) == ["run-not-finite", "run-saving-stopped"]
    assert "nan at epoch 5" in run.trouble[0].message
    assert "goes on to epoch 6, the last checkpoint is of epoch 3" in run.trouble[1].message
    assert all(finding.strict for finding in run.trouble)


@pytest.mark.parametrize("mode", ["min", "max"])
def test_nothing_better_followed(tmp_path: Path, mode: str) -> None:
    """With `save_best_only`, and early stopping, that is what a run looks like."""
    sign = 1 if mode == "min" else -1
    values = [0.9, 0.8, 0.7, 0.75, 0.6, *(0.7 + n / 100 for n in range(20))]
    save(tmp_path, {n: f"{sign * values[n - 1]:.2f}" for n in (1, 2, 3, 5)})
    log(tmp_path, [sign * value for value in values])
    (run,) = overview(Query((str(tmp_path),), monitor="val_loss", mode=mode)).runs
    assert codes(run) == []


def test_a_search_that_was_narrowed(tmp_path: Path) -> None:
    """Later checkpoints may be there that were not asked for; so may be the best one."""
    values = [0.9, 0.8, 0.7, 0.6, 0.5]
    save(tmp_path, {n: f"{value:.2f}" for n, value in enumerate(values, 1)})
    log(tmp_path, values)
    files = tuple(str(tmp_path / f"w.{n:02d}-val_loss={values[n - 1]:.2f}.keras") for n in (1, 2))
    for narrowed in (
        Query((str(tmp_path),), include=("w.0[12]*",), monitor="val_loss"),
        Query((str(tmp_path),), exclude=("w.0[345]*",), monitor="val_loss"),
        Query(files, monitor="val_loss"),
        Query((f"{tmp_path}/w.0[12]*",), monitor="val_loss"),
        Query(files=files, monitor="val_loss"),
    ):
        (run,) = overview(narrowed).runs
        assert codes(run) == ["run-best-not-saved"]
        assert run.trouble[0].message.endswith("better than what was looked at")
    # A folder that a glob found was looked through.
    (run,) = overview(Query((f"{tmp_path.parent}/{tmp_path.name[:-1]}*",), monitor="val_loss")).runs
    assert codes(run) == []


@pytest.mark.parametrize(
    ("beside", "said"),
    [
        ((), "better than what was saved"),
        (("best.keras",), "it may be in 'best.keras' (`ckptsel which` tells)"),
        (
            ("a.keras", "best.keras"),
            "it may be in 'best.keras' or 'a.keras' (`ckptsel which` tells)",
        ),
        (("a.keras", "b.keras", "c.keras"), "it may be in 'a.keras' or 'b.keras' or 1 more"),
    ],
)
def test_a_file_that_may_hold_the_best(tmp_path: Path, beside: Sequence[str], said: str) -> None:
    """Of a file without a value it is not known which epoch it is."""
    save(tmp_path, {2: "0.40", 4: "0.35"})
    log(tmp_path, [0.6, 0.4, 0.2, 0.35])
    for name in beside:
        (tmp_path / name).write_text(name)
    (run,) = runs(tmp_path).values()
    assert codes(run) == ["run-best-not-saved"]
    assert said in run.trouble[0].message


def test_every_tenth_epoch_is_no_early_end(tmp_path: Path) -> None:
    """Where every tenth epoch is saved, nine more rows are what is to be expected."""
    save(tmp_path / "a", {10: "0.60", 20: "0.40"})
    log(tmp_path / "a", [0.7] * 9 + [0.6] + [0.5] * 9 + [0.4] + [0.5] * 9)
    (run,) = runs(tmp_path).values()
    assert codes(run) == []


def test_another_runs_log_is_not_used(tmp_path: Path) -> None:
    """Each run has the history of its own log."""
    for name, value in (("a", 0.1), ("ab", 0.9)):
        save(tmp_path / name, {1: f"{value:.2f}"})
        log(tmp_path / name, [value, value, value])
    found = runs(tmp_path)
    assert {point.value for point in found["a"].history} == {0.1}
    assert {point.value for point in found["ab"].history} == {0.9}


def test_a_run_without_the_monitor(tmp_path: Path) -> None:
    """It is listed last, and said; where no run has it, that is an error."""
    save(tmp_path / "a", {1: "0.60"})
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "w.01-val_acc=0.5.keras").touch()
    found = runs(tmp_path)
    assert [*found] == ["a", "b"]
    assert found["b"].best is None
    assert codes(found["b"]) == ["run-without-value"]
    with pytest.raises(MonitorNotFoundError):
        runs(tmp_path, "val_auc")


def test_steps_and_the_highest(tmp_path: Path) -> None:
    """Steps count where no epochs do, and `max` turns everything round."""
    for step, value in ((100, "0.5"), (300, "0.7"), (200, "0.8")):
        (tmp_path / f"m-step={step}-acc={value}.ckpt").write_text(value)
    (run,) = overview(Query((str(tmp_path),), monitor="acc", mode="max")).runs
    assert (run.unit, run.first, run.last) == ("step", 100, 300)
    assert run.best is not None
    assert run.best.checkpoint.step == 200
    assert [point.value for point in run.history] == [0.5, 0.8, 0.7]


def test_a_log_of_two_trainings(tmp_path: Path) -> None:
    """The names agree with the first one; what the second one reached was never theirs to save."""
    save(tmp_path / "a", {1: "0.80", 2: "0.60", 3: "0.30"})
    log(tmp_path / "a", [0.801, 0.602, 0.304])
    with (tmp_path / "a" / "training.csv").open("a") as file:
        file.writelines(f"{epoch},{value}\n" for epoch, value in enumerate((0.01, 0.9, 0.95, 1)))
    (run,) = runs(tmp_path).values()
    assert [point.value for point in run.history] == [0.801, 0.602, 0.304]
    assert codes(run) == []


def test_a_table_that_another_kind_would_count_otherwise(tmp_path: Path) -> None:
    """A given table is counted as --key says, whatever its name."""
    for epoch in (1, 2, 3):
        (tmp_path / f"epoch={epoch}.pt").write_text(f"{epoch}")
    table = tmp_path / "results.csv"
    table.write_text("epoch,metrics/mAP50(B)\n1,.1\n2,.8\n3,.7\n4,.9\n")
    query = Query(
        (str(tmp_path),), monitor="metrics/mAP50(B)", mode="max", metrics=(str(table),), key="epoch"
    )
    (run,) = overview(query).runs
    assert [(point.at, point.value) for point in run.history] == [
        (1, 0.1), (2, 0.8), (3, 0.7), (4, 0.9)
    ]  # fmt: skip
    assert "0.9 at epoch 4" in run.trouble[0].message


def test_the_best_of_the_trainer_was_deleted(tmp_path: Path) -> None:
    """The state names the files, and its steps tell that the best one is not there any more."""
    trainer_states(tmp_path, {100: 0.9, 200: 0.2, 300: 0.5, 400: 0.4}, (300, 400))
    (run,) = runs(tmp_path, "eval_loss").values()
    assert (run.unit, [point.at for point in run.history]) == ("step", [100, 200, 300, 400])
    assert codes(run) == ["run-best-not-saved"]
    assert "0.2 at step 200" in run.trouble[0].message


def test_an_epoch_without_end(tmp_path: Path) -> None:
    """A number of hundreds of digits in a log is no epoch, and the line is said."""
    save(tmp_path, {1: "0.50", 2: "0.40"})
    log(tmp_path, [0.5, 0.4])
    with (tmp_path / "training.csv").open("a") as file:
        file.write("9" * 400 + ",0.1\n" + "9" * 5000 + ",0.1\n1e300,0.1\n")
    found = overview(Query((str(tmp_path),), monitor="val_loss"))
    assert [point.at for point in found.runs[0].history] == [1, 2]
    assert codes(found.runs[0]) == []
    assert "log-malformed" in {finding.code for finding in found.ranking.findings}


def test_a_front_of_runs(tmp_path: Path) -> None:
    """There is none: a run that is beaten would look as if it had no value."""
    save(tmp_path / "a", {1: "0.60"})
    query = Query((str(tmp_path),), monitor="val_loss", further=("epoch:max",), pareto=True)
    with pytest.raises(UsageError, match="--pareto"):
        overview(query)


def test_what_was_saved_is_not_lost(tmp_path: Path) -> None:
    """By smoothed values another checkpoint is the best; the lucky one is there still."""
    values = (0.9, 0.8, 0.1, 0.8, 0.5, 0.4, 0.5, 0.7)
    save(tmp_path, {epoch: f"{value:.2f}" for epoch, value in enumerate(values, 1)})
    log(tmp_path, values)
    (run,) = overview(Query((str(tmp_path),), monitor="val_loss", smooth=3)).runs
    assert run.best is not None
    assert run.best.checkpoint.epoch == 6
    assert codes(run) == []


def test_too_few_to_smooth(tmp_path: Path) -> None:
    """A run without smoothed values has values still."""
    save(tmp_path / "a", {1: "0.60"})
    save(tmp_path / "b", {1: "0.60", 2: "0.50", 3: "0.40"})
    found = overview(Query((str(tmp_path),), monitor="val_loss", smooth=3))
    assert [(run.best is None, codes(run)) for run in found.runs] == [(False, []), (True, [])]
    assert "not-smoothed" in {finding.code for finding in found.ranking.findings}


def test_steps_of_a_long_training(tmp_path: Path) -> None:
    """They are told with all their digits."""
    for step, value in ((12_345_600, "0.50"), (12_345_700, "0.40")):
        (tmp_path / f"m-step={step}-val_loss={value}.ckpt").write_text(value)
    rows = ((12_345_600, 0.5), (12_345_678, 0.1), (12_345_700, 0.4), (12_345_999, 0.3))
    lines = "".join(f"{step // 100},{step},{value}\n" for step, value in rows)
    (tmp_path / "metrics.csv").write_text("epoch,step,val_loss\n" + lines)
    (run,) = runs(tmp_path).values()
    assert "0.1 at step 12345678 (" in run.trouble[0].message
    assert (
        "goes on to step 12345999, the last checkpoint is of step 12345700"
        in run.trouble[1].message
    )


def test_several_checkpoints_of_an_epoch(tmp_path: Path) -> None:
    """They are in the order of their steps, or of their versions."""
    values = (0.9, 0.5, 0.85, 0.8, 0.7, 0.6)
    steps = [100 * n + 99 for n in range(6)]
    rows = "".join(f"{n // 3},{steps[n]},{value}\n" for n, value in enumerate(values))
    for n, value in enumerate(values):
        names = (f"a/epoch={n // 3}-step={steps[n] + 1}", f"b/epoch={n // 3}-val_loss={value}-v{n}")
        for name in names:
            path = tmp_path / f"{name}.ckpt"
            path.parent.mkdir(exist_ok=True)
            path.write_text(name)
    (tmp_path / "a" / "metrics.csv").write_text("epoch,step,val_loss\n" + rows)
    for run in runs(tmp_path).values():
        assert tuple(point.value for point in run.history) == values


def test_several_files_of_an_epoch_beside_a_log(tmp_path: Path) -> None:
    """However many they are, the log knows of more epochs."""
    losses = (0.9, 0.8, 0.7, 0.1)
    for epoch in (2, 4):
        for form in ("w.{}-{:.2f}.keras", "ema.{}-{:.2f}.keras", "w.{}-{:.2f}.optimizer.h5"):
            (tmp_path / form.format(epoch, losses[epoch - 1])).write_text(f"{form}{epoch}")
    log(tmp_path, losses)
    (run,) = runs(tmp_path).values()
    assert tuple(point.value for point in run.history) == losses
    assert (run.checkpoints, run.values, codes(run)) == (6, 4, [])
    (tmp_path / "training.csv").unlink()
    (run,) = runs(tmp_path).values()
    assert [point.value for point in run.history] == [0.8, 0.1]
    assert (run.values, codes(run)) == (2, [])


def test_a_log_that_lags_behind(tmp_path: Path) -> None:
    """It knows of more epochs than the checkpoints, if not of the last one."""
    save(tmp_path, {2: "0.80", 4: "0.60", 6: "0.40"})
    log(tmp_path, (0.9, 0.8, 0.7, 0.6, 0.5))
    (run,) = runs(tmp_path).values()
    assert [point.value for point in run.history] == [0.9, 0.8, 0.7, 0.6, 0.5]


def test_the_last_file_under_another_name(tmp_path: Path) -> None:
    """It is of the same training."""
    save(tmp_path, {1: "0.80", 2: "0.60", 3: "0.40"})
    (tmp_path / "final.03-val_loss=0.40.keras").write_text("final")
    (run,) = runs(tmp_path).values()
    assert (len(run.history), codes(run)) == (3, [])


def test_a_log_that_was_written_again(tmp_path: Path) -> None:
    """Rows of one epoch are one value."""
    save(tmp_path, {1: "0.50", 2: "0.40", 3: "0.30"})
    log(tmp_path, [0.5, 0.4])
    with (tmp_path / "training.csv").open("a") as file:
        file.write("1,0.4\n2,0.3\n")
    (run,) = runs(tmp_path).values()
    assert ([point.value for point in run.history], run.values) == ([0.5, 0.4, 0.3], 3)


@pytest.mark.parametrize(
    "names", [("resnet_{}-0.{}0", "vgg_{}-0.{}0"), ("w_{}-0.{}0", "w_{}-0.{}5")]
)
def test_several_trainings_in_a_folder(tmp_path: Path, names: tuple[str, ...]) -> None:
    """Two models, or two trainings of the same names: the history is one of one time, and said."""
    for number, name in enumerate(names):
        for epoch in (1, 2, 3):
            path = tmp_path / f"{name.format(epoch, 9 - 3 * number - epoch)}.keras"
            path.write_text(path.name)
    (run,) = runs(tmp_path).values()
    assert [point.at for point in run.history] == [1, 2, 3]
    assert run.best is not None
    assert run.history[-1].value == run.best.metric.value  # type: ignore[union-attr]
    assert codes(run) == ["run-several-trainings"]


def test_values_of_no_time(tmp_path: Path) -> None:
    """Where names tell no epoch there is no course of values, whatever their order."""
    for name in ("one-val_loss=0.1", "two-val_loss=0.3", "three-val_loss=0.2"):
        (tmp_path / f"{name}.keras").write_text(name)
    (run,) = runs(tmp_path).values()
    assert (run.unit, run.history) == ("", ())


def test_what_is_said_of_each_best(tmp_path: Path) -> None:
    """As of the answers of --per-run: ties, and rounding that may hide the best, in each run."""
    for name, loss in (("a", "0.10"), ("b", "0.10"), ("c", "0.30")):
        save(tmp_path / name, {1: loss, 2: "0.90"})
    query = Query((str(tmp_path),), monitor="val_loss")

    def said(query: Query) -> list[tuple[str, str]]:
        found = select(query) if query.per_run else overview(query).ranking
        wanted = ("tie", "rounded-apart")
        return [(f.code, f.path) for f in found.findings if f.code in wanted]

    # Of two runs, none is the answer.
    assert said(query) == said(replace(query, per_run=True)) == []
    save(tmp_path / "b", {3: "0.10"})
    save(tmp_path / "c", {3: "0.305"})
    assert [code for code, _ in said(query)] == ["tie", "rounded-apart"]
    for asked in (query, replace(query, smooth=3), replace(query, further=("epoch:min",))):
        assert sorted(said(asked)) == sorted(said(replace(asked, per_run=True)))
    with pytest.raises(TieError):
        overview(replace(query, tie="error"))
