"""BestCheckpoint in real trainings: what it keeps, writes down, remembers and refuses."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

import ckptsel
from ckptsel.errors import DestinationError, DirectionError, MonitorNotFoundError, UsageError
from ckptsel.verification.verify import verify
from tests.keras.conftest import lines, names, told

if TYPE_CHECKING:
    from pathlib import Path

NAN = math.nan


def epochs(folder: Path) -> list[int]:
    """The epochs whose files are there."""
    return sorted(int(name.partition("epoch=")[2][:3]) for name in names(folder))


def test_the_best_and_the_last_stay(training: Any, callback: Any, tmp_path: Path) -> None:
    """Three best and one last, each loadable; the rest is gone, and the log says so."""
    kept = callback()
    values = [0.5, 0.2, 0.4, 0.3, 0.9, 0.8, 0.7]
    training.fit(training.model(), training.Told(values), kept, epochs=7)
    run = tmp_path / "run"
    assert epochs(run) == [2, 3, 4, 7]
    assert kept.best == 0.2
    assert kept.best_path == str(run / "epoch=002-val_loss=0.2000.weights.h5")
    assert ckptsel.best(run, monitor="val_loss").checkpoint.path == kept.best_path
    assert all(verify(str(run / name)).is_sound for name in names(run))
    events = [(line["event"], line["file"][6:9]) for line in lines(run)]
    assert [file for event, file in events if event == "saved"] == [f"00{n}" for n in range(1, 8)]
    assert sorted(file for event, file in events if event == "removed") == ["001", "005", "006"]


def test_what_a_line_says(training: Any, callback: Any, tmp_path: Path) -> None:
    """Every logged value to the last digit, the optimizer's step, and the file as it is."""
    model, kept = training.model(), callback()
    history = model.fit(
        training.INPUTS,
        training.TARGETS,
        validation_split=0.25,
        batch_size=16,
        epochs=2,
        verbose=0,
        callbacks=[kept],
    ).history
    run = tmp_path / "run"
    first, second = lines(run)
    assert second["metrics"] == {name: values[1] for name, values in history.items()}
    assert set(second["metrics"]) == {"loss", "mae", "val_loss", "val_mae"}
    assert (first["epoch"], second["epoch"]) == (1, 2)
    assert (first["step"], second["step"]) == (3, 6)
    assert (second["monitor"], second["mode"]) == ("val_loss", "min")
    assert second["size_bytes"] == (run / second["file"]).stat().st_size
    assert second["keras"] == __import__("keras").__version__
    age = datetime.now(timezone.utc) - datetime.fromisoformat(second["time"])
    assert 0 <= age.total_seconds() < 3600


def test_nan_is_never_best(training: Any, callback: Any, tmp_path: Path) -> None:
    """NaN and infinities are kept as the last at most, and stand as null in the log."""
    kept = callback()
    values = [NAN, 0.5, -math.inf, NAN]
    training.fit(training.model(), training.Told(values), kept, epochs=4)
    assert epochs(tmp_path / "run") == [2, 4]
    assert kept.best == 0.5
    saved = [line for line in lines(tmp_path / "run") if line["event"] == "saved"]
    assert [line["metrics"]["val_loss"] for line in saved] == [None, 0.5, None, None]
    assert [line["nonfinite"] for line in saved] == [
        {"val_loss": "nan"},
        {},
        {"val_loss": "-inf"},
        {"val_loss": "nan"},
    ]


def test_ties_keep_the_later(training: Any, callback: Any, tmp_path: Path) -> None:
    """Of values that are equal to the last digit, the later file stays."""
    kept = callback(keep_best=1, keep_last=0)
    training.fit(training.model(), training.Told([0.5, 0.5, 0.6]), kept, epochs=3)
    assert epochs(tmp_path / "run") == [2]
    assert kept.best_path == str(tmp_path / "run" / "epoch=002-val_loss=0.5000.weights.h5")


def test_full_precision_decides(training: Any, callback: Any, tmp_path: Path) -> None:
    """Values that look the same in the names are told apart."""
    kept = callback(keep_best=1, keep_last=0)
    values = [0.50001, 0.50002, 0.500005]
    training.fit(training.model(), training.Told(values), kept, epochs=3)
    assert epochs(tmp_path / "run") == [3]
    assert kept.best == 0.500005


def test_what_would_not_stay_is_not_saved(training: Any, callback: Any, tmp_path: Path) -> None:
    """Without places for the last ones, only an improvement costs a save."""
    kept = callback(keep_best=1, keep_last=0, verbose=1)
    training.fit(training.model(), training.Told([0.5, 0.6, 0.4]), kept, epochs=3)
    events = [(line["event"], line.get("epoch")) for line in lines(tmp_path / "run")]
    assert events == [("saved", 1), ("saved", 3), ("removed", None)]


def test_maximised(training: Any, callback: Any, tmp_path: Path) -> None:
    """`auto` knows that AUC is maximised, which Keras up to 3.10 does not."""
    kept = callback(monitor="val_auc", keep_best=1, keep_last=0)
    training.fit(training.model(), training.Told([0.5, 0.9, 0.6], "val_auc"), kept, epochs=3)
    assert kept.mode == "max"
    assert epochs(tmp_path / "run") == [2]


def test_a_metric_of_one_output(training: Any, callback: Any, tmp_path: Path) -> None:
    """A model with several outputs and metrics: any logged value can be the monitor."""
    keras: Any = pytest.importorskip("keras")
    inputs = keras.Input((4,))
    outputs = {name: keras.layers.Dense(1, name=name)(inputs) for name in ("left", "right")}
    model = keras.Model(inputs, outputs)
    model.compile("sgd", "mse", metrics={"left": ["mae"], "right": ["mae"]}, run_eagerly=True)
    targets = dict.fromkeys(outputs, training.TARGETS)
    kept = callback(monitor="val_right_mae", keep_best=1)
    data = (training.INPUTS, targets)
    model.fit(*data, validation_data=data, epochs=2, verbose=0, callbacks=[kept])
    saved = [line for line in lines(tmp_path / "run") if line["event"] == "saved"]
    assert min(line["metrics"]["val_right_mae"] for line in saved) == kept.best
    assert {"val_left_mae", "left_loss", "val_loss"} <= saved[0]["metrics"].keys()


def test_whole_models(training: Any, callback: Any, tmp_path: Path) -> None:
    """Whole models by default, as with ModelCheckpoint; they load, optimizer included."""
    keras: Any = pytest.importorskip("keras")
    model = training.model()
    kept = callback(save_weights_only=False)
    training.fit(model, training.Told([0.5]), kept)
    assert names(tmp_path / "run") == ["epoch=001-val_loss=0.5000.keras"]
    loaded = keras.models.load_model(kept.best_path)
    assert int(loaded.optimizer.iterations) == 1
    assert (
        loaded.predict(training.INPUTS, verbose=0) == model.predict(training.INPUTS, verbose=0)
    ).all()


def test_folders_in_the_pattern(training: Any, callback: Any, tmp_path: Path) -> None:
    """Folders are made as they are needed, and stand in the log with slashes."""
    kept = callback(pattern="e{epoch:02d}/w-{val_loss:.3f}.weights.h5", keep_best=1, keep_last=0)
    training.fit(training.model(), training.Told([0.5, 0.4]), kept, epochs=2)
    assert kept.best_path == str(tmp_path / "run" / "e02" / "w-0.400.weights.h5")
    assert lines(tmp_path / "run")[0]["file"] == "e01/w-0.500.weights.h5"
    assert not list((tmp_path / "run" / "e01").iterdir())


def test_a_second_fit_overwrites_nothing(training: Any, callback: Any, tmp_path: Path) -> None:
    """Epochs begin again, and a name that is taken gets `-v1`; what was best still counts."""
    kept = callback(pattern="{epoch:03d}.weights.h5")
    model = training.model()
    training.fit(model, training.Told([0.5, 0.2]), kept, epochs=2)
    before = (tmp_path / "run" / "002.weights.h5").read_bytes()
    training.fit(model, training.Told([0.4, 0.3]), kept, epochs=2)
    assert names(tmp_path / "run") == ["001-v1.weights.h5", "002-v1.weights.h5", "002.weights.h5"]
    assert (tmp_path / "run" / "002.weights.h5").read_bytes() == before
    assert kept.best == 0.2
    assert kept.best_path == str(tmp_path / "run" / "002.weights.h5")


def test_only_its_own_files_are_removed(training: Any, callback: Any, tmp_path: Path) -> None:
    """Files that the log does not name, or names for another monitor, stay."""
    run = tmp_path / "run"
    run.mkdir()
    (run / "epoch=000-val_loss=9.0000.weights.h5").write_bytes(b"mine")
    accuracy = callback(monitor="val_accuracy", pattern="a{epoch}.weights.h5", keep_best=1)
    loss = callback(pattern="l{epoch}.weights.h5", keep_best=1, keep_last=0)
    told = training.Told([0.9, 0.8, 0.7], "val_accuracy"), training.Told([0.3, 0.2, 0.1])
    training.fit(training.model(), *told, accuracy, loss, epochs=3)
    assert names(run) == [
        "a1.weights.h5",
        "a3.weights.h5",
        "epoch=000-val_loss=9.0000.weights.h5",
        "l3.weights.h5",
    ]
    assert accuracy.best_path == str(run / "a1.weights.h5")


def test_a_folder_that_was_moved(training: Any, callback: Any, tmp_path: Path) -> None:
    """The log's names are relative, so that the history survives a move."""
    training.fit(training.model(), training.Told([0.2, 0.5]), callback(), epochs=2)
    (tmp_path / "run").rename(tmp_path / "elsewhere")
    kind = type(callback())
    moved = kind(tmp_path / "elsewhere", save_weights_only=True)
    assert moved.best == 0.2
    assert moved.best_path == str(tmp_path / "elsewhere" / "epoch=001-val_loss=0.2000.weights.h5")


def test_a_best_that_is_gone_is_remembered(training: Any, callback: Any, tmp_path: Path) -> None:
    """Its value still is the best there ever was, and that its file is gone is said."""
    training.fit(training.model(), training.Told([0.2, 0.5]), callback(), epochs=2)
    (tmp_path / "run" / "epoch=001-val_loss=0.2000.weights.h5").unlink()
    kept = callback()
    with told() as warnings:
        training.fit(training.model(), training.Told([0.4]), kept)
    (warning,) = warnings
    assert warning.startswith("the best val_loss so far, 0.2, was that of 'epoch=001-val_loss=")
    assert warning.endswith(f"which is not in {str(tmp_path / 'run')!r} any more")
    assert kept.best == 0.2
    assert kept.best_path == str(tmp_path / "run" / "epoch=001-val_loss=0.4000.weights.h5")


def test_a_threshold(training: Any, callback: Any, tmp_path: Path) -> None:
    """Only what is better than the initial value is ever among the best."""
    kept = callback(initial_value_threshold=0.4, keep_last=0)
    assert kept.best == 0.4
    training.fit(training.model(), training.Told([0.5, 0.4, 0.3]), kept, epochs=3)
    assert epochs(tmp_path / "run") == [3]
    assert kept.best == 0.3


def test_batches(training: Any, callback: Any, tmp_path: Path) -> None:
    """With a number of batches, saves come across epochs, with the training's own metrics."""
    kept = callback(monitor="loss", save_freq=3, keep_best=None)
    training.fit(training.model(), kept, epochs=2, batch_size=16)
    found = lines(tmp_path / "run")
    assert [line["step"] for line in found] == [3, 6]
    assert [line["epoch"] for line in found] == [1, 2]
    assert [line["file"][:21] for line in found] == [
        "epoch=001-batch=00003",
        "epoch=002-batch=00002",
    ]


def test_several_batches_a_step(training: Any, callback: Any, tmp_path: Path) -> None:
    """With steps_per_execution not every batch is told of, and each is counted."""
    model = training.model()
    model.compile("sgd", "mse", run_eagerly=True, steps_per_execution=2)
    kept = callback(monitor="loss", save_freq=3, keep_best=None)
    training.fit(model, kept, epochs=2, batch_size=16)
    assert [line["step"] for line in lines(tmp_path / "run")] == [4, 8]


def test_batches_know_no_validation(training: Any, callback: Any) -> None:
    """A monitor that no batch has is an error that says so."""
    with pytest.raises(MonitorNotFoundError, match="'val_loss' was not logged") as caught:
        training.fit(training.model(), callback(save_freq=2), epochs=1, batch_size=16)
    assert caught.value.hint.endswith("save_freq='epoch'")


@pytest.mark.parametrize(
    ("monitor", "hint"),
    [
        ("val_loss", "validation_freq=[1, 5, 10]"),
        ("mea", "did you mean 'mae'?"),
    ],
)
def test_a_missing_metric(training: Any, callback: Any, monitor: str, hint: str) -> None:
    """It is an error in the first epoch, which lists what there is."""
    with pytest.raises(MonitorNotFoundError, match="there are 'loss', 'mae'") as caught:
        training.fit(training.model(), callback(monitor=monitor, mode="min"), epochs=3)
    assert hint in caught.value.hint


def test_epochs_without_validation(training: Any, callback: Any, tmp_path: Path) -> None:
    """A metric that was logged once may be missing later: that epoch is not saved."""
    kept = callback()
    training.fit(training.model(), training.Told([0.5, None, 0.4]), kept, epochs=3)
    assert epochs(tmp_path / "run") == [1, 3]


def test_continued_by_backup_and_restore(training: Any, callback: Any, tmp_path: Path) -> None:
    """After an interruption the epochs go on, and so does the count of the names."""
    keras: Any = pytest.importorskip("keras")

    class Stopped(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            del logs
            if epoch == 2:
                raise KeyboardInterrupt

    def backup() -> Any:
        return keras.callbacks.BackupAndRestore(tmp_path / "backup")

    with pytest.raises(KeyboardInterrupt):
        training.fit(
            training.model(), training.Told([0.5, 0.2]), callback(), backup(), Stopped(), epochs=4
        )
    kept = callback()
    training.fit(training.model(), training.Told([0.4, 0.3]), kept, backup(), epochs=4)
    saved = [line for line in lines(tmp_path / "run") if line["event"] == "saved"]
    assert [(line["epoch"], line["step"]) for line in saved] == [(1, 1), (2, 2), (3, 3), (4, 4)]
    assert kept.best == 0.2
    assert epochs(tmp_path / "run") == [2, 3, 4]


def test_two_lines_where_it_speaks(
    training: Any, callback: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """With verbose=1 each epoch has a line; otherwise nothing is printed."""
    training.fit(training.model(), training.Told([0.5]), callback())
    assert capsys.readouterr().out == ""
    training.fit(training.model(), training.Told([0.4, 0.6]), callback(verbose=1), epochs=2)
    first, second = capsys.readouterr().out.strip().split("\n\n")
    assert first.startswith("Epoch 1: val_loss improved from 0.50000 to 0.40000, saved ")
    assert second.startswith("Epoch 2: val_loss=0.60000 did not improve from 0.40000, saved ")


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"mode": "lowest"}, UsageError, "unknown mode"),
        ({"keep_best": -1}, UsageError, "keep_best is -1"),
        ({"keep_best": 1.5}, UsageError, "keep_best is 1.5"),
        ({"keep_last": True}, UsageError, "keep_last is True"),
        ({"initial_value_threshold": math.nan}, UsageError, "threshold is nan"),
        ({"keep_best": 0, "keep_last": 0}, UsageError, "would keep nothing"),
        ({"save_freq": 0}, UsageError, "unknown save_freq"),
        ({"save_freq": True}, UsageError, "unknown save_freq"),
        ({"save_freq": "batch"}, UsageError, "unknown save_freq"),
        ({"monitor": "val_custom"}, DirectionError, "cannot tell whether"),
        ({"pattern": "best.weights.h5"}, UsageError, "no field"),
    ],
)
def test_refused_arguments(
    callback: Any, options: dict[str, Any], error: type[Exception], says: str
) -> None:
    """What makes no sense ends before the training begins."""
    with pytest.raises(error, match=says):
        callback(**options)


def test_the_folder_is_a_file(training: Any, callback: Any, tmp_path: Path) -> None:
    """A path that is taken by something else is told of."""
    (tmp_path / "run").write_text("")
    with pytest.raises(DestinationError, match="cannot write"):
        training.fit(training.model(), training.Told([0.5]), callback())


def test_another_pattern_is_another_callbacks(training: Any, callback: Any, tmp_path: Path) -> None:
    """Who keeps all in `.keras` loses none to who keeps one in `.weights.h5`."""
    keeps_all = callback(save_weights_only=False, keep_best=None, keep_last=None)
    model = training.model()
    training.fit(model, training.Told([0.4, 0.5]), keeps_all, epochs=2)
    training.fit(model, training.Told([0.3, 0.2]), callback(keep_best=1), epochs=2)
    assert names(tmp_path / "run") == [
        "epoch=001-val_loss=0.4000.keras",
        "epoch=002-val_loss=0.2000.weights.h5",
        "epoch=002-val_loss=0.5000.keras",
    ]


def test_a_file_that_was_replaced_stays(training: Any, callback: Any, tmp_path: Path) -> None:
    """Somebody's own file of the same size is neither best nor removed, and that is said."""
    kept = callback(keep_best=1)
    model = training.model()
    training.fit(model, training.Told([0.5]), kept)
    (file,) = [path for path in (tmp_path / "run").iterdir() if path.suffix == ".h5"]
    mine = b"m" * file.stat().st_size
    file.write_bytes(mine)
    with told() as warnings:
        training.fit(model, training.Told([0.4, 0.3]), kept, epochs=2)
    assert file.read_bytes() == mine
    assert "is another file than the one that was saved" in warnings[0]
    assert sum("another file" in warning for warning in warnings) == 1


def test_a_metric_that_a_second_fit_lacks(training: Any, callback: Any) -> None:
    """It would save nothing without a word."""
    kept = callback()
    training.fit(training.model(), training.Told([0.5]), kept)
    with pytest.raises(MonitorNotFoundError, match="'val_loss' was not logged"):
        training.fit(training.model(), kept)


def test_a_log_that_vanishes_in_training(training: Any, callback: Any, tmp_path: Path) -> None:
    """What was best is known still, and a folder in its place is a clear error."""
    kept = callback(keep_best=1)
    log = tmp_path / "run" / "ckptsel.jsonl"
    training.fit(training.model(), training.Told([0.2]), kept)
    log.unlink()
    training.fit(training.model(), training.Told([0.5]), kept)
    assert kept.best == 0.2
    assert "val_loss=0.2000" in kept.best_path
    log.unlink()
    log.mkdir()
    kept._recall = lambda: None
    with pytest.raises(DestinationError, match=r"cannot write .*ckptsel\.jsonl"):
        training.fit(training.model(), training.Told([0.1]), kept)


def best_values(folder: Path) -> list[float]:
    """The values of the files that are there, best first."""
    ranking = ckptsel.find(folder, monitor="val_loss")
    return [row.metric.value for row in ranking.rows if row.rank and row.metric]  # type: ignore[misc]


def test_many_processes_that_save_the_same(training: Any, callback: Any, tmp_path: Path) -> None:
    """As in a distributed training without a check of the rank: copies take no other's place."""
    workers = [callback() for _ in range(4)]
    for worker in workers:
        worker.set_model(training.model())
    for epoch, value in enumerate([0.5, 0.4, 0.3, 0.2, 0.9]):
        for worker in workers:
            worker.on_epoch_begin(epoch)
            worker.on_epoch_end(epoch, {"val_loss": value})
    assert best_values(tmp_path / "run") == [0.2, 0.3, 0.4, 0.9]
