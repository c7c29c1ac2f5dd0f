"""Logs that lie in the checkpoints themselves, or in a file for each metric."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.folders import make
from tests.selecting import codes, places, ranked
from tests.sources.reading import read

MLFLOW = Path(__file__).parent / "data" / "mlflow" / "metrics"


def orbax_step(folder: Path, step: str, metrics: str) -> None:
    """A step, shaped after what orbax-checkpoint 0.12.8 wrote with `best_fn`."""
    make(folder, f"{step}/_CHECKPOINT_METADATA", f"{step}/commit_success.txt")
    (folder / step / "metrics").mkdir()
    (folder / step / "metrics/metrics").write_text(metrics)


def test_orbax(here: Path) -> None:
    """Each step holds its own metrics. Orbax's own `best_step` is the one with NaN."""
    for step, loss in (("0", "0.5"), ("1", "0.3"), ("2", "NaN")):
        orbax_step(here, step, f'{{"val_loss": {loss}, "acc": 0.5}}')
    ranking = ranked()
    assert places(ranking) == [(1, "1"), (2, "0"), (None, "2")]
    assert ranking.rows[0].metric is not None
    assert ranking.rows[0].metric.source == "orbax:1/metrics/metrics:1"
    assert codes(ranking) == {"non-finite"}


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"val_loss": {"a": 1}}', '{"val_loss": null}'])
def test_a_step_with_odd_metrics(here: Path, text: str) -> None:
    """It has no value, and the others keep theirs."""
    orbax_step(here, "0", text)
    orbax_step(here, "1", '{"val_loss": 0.3}')
    assert places(ranked()) == [(1, "1"), (None, "0")]


def test_mlflow(here: Path) -> None:
    """What mlflow wrote: a file a metric; where names have values, these tell what a step is."""
    names = [f"artifacts/cp-{n}-{loss}.keras" for n, loss in ((1, 0.712), (2, 0.525), (4, 0.333))]
    make(here, *(f"mlruns/0/abc/{name}" for name in names))
    shutil.copytree(MLFLOW, here / "mlruns/0/abc/metrics")
    ranking = ranked("val/loss", logs="use")
    values = {row.checkpoint.name: row.metric for row in ranking.rows}
    assert [(m.value, m.source) for m in values.values() if m] == [
        (0.33333, "mlflow:metrics/val/loss:5"),
        (0.52461, "mlflow:metrics/val/loss:2"),
        (0.71234, "mlflow:metrics/val/loss:1"),
    ]
    assert [(log.by, log.offset) for log in ranking.logs] == [("epoch", 1)]
    best = ranking.rows[0].checkpoint
    loss, f1 = best.metric("loss"), best.metric("f1")
    assert loss is not None
    assert (loss.value, loss.source) == (0.66666, "mlflow:metrics/loss:5")
    assert f1 is not None
    assert f1.source == "mlflow:metrics/f1:1"


def test_mlflow_taken_up_again(here: Path) -> None:
    """Of two values of one step, both metrics' are of the same start."""
    for loss, expected in (("0.41", (0.40988, 0.81976)), ("0.56", (0.55555, 1.1111))):
        names = ["cp-1-val_loss=0.71.keras", f"cp-3-val_loss={loss}.keras"]
        make(here, *(f"{loss}/artifacts/{name}" for name in names))
        shutil.copytree(MLFLOW, here / loss / "metrics")
        best = ranked(locations=(loss,)).rows[0]
        found = {m.name: m.value for m in best.checkpoint.metrics if m.source != "name"}
        assert (found["val_loss"], found["loss"]) == expected


def test_mlflow_without_values_in_names(here: Path) -> None:
    """A step may be an epoch or a batch: nothing is taken, and it is said."""
    make(here, *(f"abc/artifacts/cp-{n}.keras" for n in (1, 2, 3, 4)))
    shutil.copytree(MLFLOW, here / "abc/metrics")
    ranking = ranked(None, rank=False)
    assert [log.joined for log in ranking.logs] == [0]
    assert "log-base-assumed" in codes(ranking)


@pytest.mark.parametrize(
    "text, rows, said",
    [
        ("1700000000000 0.5 3\n", 1, []),
        ("1700000000000 0.5 3 data digest\n", 1, []),
        ("1700000000000 0.5 3\nx\n1700000000000 y 3\n", 1, ["log-malformed"]),
        ("1700000000000 0.5 3\n1700000000000 0.4", 1, ["log-half-line"]),
        ("hello\n", 0, None),
        (b"\x00\xff" * 99, 0, None),
    ],
)
def test_mlflow_lines(tmp_path: Path, text: str | bytes, rows: int, said: list[str] | None) -> None:
    """What is no line of a metric is said; a file of something else is no log."""
    kind, found, codes_said = read(tmp_path / "metrics/val_loss", text)
    assert (kind, len(found), codes_said) == (
        "mlflow" if said is not None else "",
        rows,
        said or [],
    )


def speechbrain(folder: Path, name: str, text: str) -> None:
    """A checkpoint, shaped after speechbrain/utils/checkpoints.py."""
    make(folder, f"{name}/model.ckpt")
    (folder / name / "CKPT.yaml").write_text(text)


def test_speechbrain(here: Path) -> None:
    """What was given to `meta`, with its line; tagged values are not executed."""
    first = "# yamllint disable\nWER: 12.5\nend-of-epoch: true\nepoch: 3\nunixtime: 1.7\n"
    second = first.replace("12.5", "9.75") + "x: !!python/object/apply:os.system ['false']\n"
    speechbrain(here, "save/CKPT+2024-01-31+12-00-00+00", first)
    speechbrain(here, "save/CKPT+2024-01-31+13-00-00+00", second)
    ranking = ranked("WER", mode="min")
    assert [row.metric.value for row in ranking.rows if row.metric] == [9.75, 12.5]
    assert ranking.rows[0].metric is not None
    assert ranking.rows[0].metric.source.endswith("13-00-00+00/CKPT.yaml:2")
    names = {metric.name for metric in ranking.rows[0].checkpoint.metrics}
    assert not names & {"unixtime", "end-of-epoch", "x"}


def mmengine(folder: Path, time: str, *lines: dict[str, object]) -> Path:
    """A log of one start, shaped after mmengine/hooks/logger_hook.py."""
    path = folder / time / "vis_data" / "scalars.json"
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def train(epoch: int, iteration: int, **values: float) -> dict[str, object]:
    """A line of training."""
    return {"lr": 0.1, **values, "epoch": epoch, "iter": iteration, "time": 1, "step": iteration}


def test_mmengine_by_epoch(here: Path) -> None:
    """Validation tells the epoch; of several starts the later one, unless the names say more."""
    make(here, "run/epoch_1.pth", "run/epoch_2.pth", "run/epoch_3.pth")
    mmengine(
        here / "run", "20240131_120000",
        train(1, 50, loss=3.0), train(1, 100, loss=2.0), {"coco/bbox_mAP": 0.3, "step": 1},
        train(2, 200, loss=1.0), {"coco/bbox_mAP": 0.5, "step": 2},
    )  # fmt: skip
    mmengine(
        here / "run", "20240131_130000", train(3, 300, loss=1.0), {"coco/bbox_mAP": 0.4, "step": 3}
    )
    ranking = ranked("coco/bbox_mAP", mode="max")
    assert places(ranking)[0] == (1, "run/epoch_2.pth")
    assert [row.metric.source for row in ranking.rows if row.metric][:2] == [
        "mmengine:20240131_120000/vis_data/scalars.json:5",
        "mmengine:20240131_130000/vis_data/scalars.json:2",
    ]
    assert [(log.by, log.offset, log.joined) for log in ranking.logs] == [("epoch", 0, 3)]
    assert codes(ranking) == set()


def test_mmengine_by_iteration(here: Path) -> None:
    """Training and validation of one iteration are one row."""
    make(here, "iter_100.pth", "iter_200.pth")
    mmengine(
        here, "20240131_120000",
        {"loss": 2.0, "iter": 100, "step": 100}, {"mIoU": 40.5, "step": 100},
        {"loss": 1.0, "iter": 200, "step": 200}, {"mIoU": 39.5, "step": 200},
    )  # fmt: skip
    ranking = ranked("mIoU", mode="max")
    assert places(ranking)[0] == (1, "iter_100.pth")
    loss = ranking.rows[0].checkpoint.metric("loss")
    assert loss is not None
    assert loss.value == 2
    assert codes(ranking) == set()


@pytest.mark.parametrize(
    "text, rows, said",
    [
        ('{"a": 1}\n', 0, ["log-malformed"]),
        ('{"step": 1, "a": NaN}\n[]\n{\n', 2, ["log-malformed"]),
        ('{"step": 1.5, "a": 1}\n', 0, ["log-malformed"]),
        ('{"step": 1, "a": 1}\n{"step"', 2, ["log-half-line"]),
    ],
)
def test_mmengine_lines(tmp_path: Path, text: str, rows: int, said: list[str]) -> None:
    """A line that tells no time is said; one whose step may be either stands for both."""
    _, found, codes_said = read(tmp_path / "scalars.json", text)
    assert (len(found), codes_said) == (rows, said)


def test_detectron2(here: Path) -> None:
    """Shaped after detectron2/utils/events.py: names count iterations as the log does."""
    make(here, "model_0004999.pth", "model_0009999.pth", "model_final.pth")
    lines = [
        {"iteration": 4980, "total_loss": 1.0, "time": 0.1},
        {"iteration": 4999, "total_loss": 0.9, "bbox/AP": 30.5},
        {"iteration": 9999, "total_loss": 0.5},
        {"iteration": 9999, "bbox/AP": 30.4},
    ]
    (here / "metrics.json").write_text("".join(json.dumps(line) + "\n" for line in lines))
    ranking = ranked("bbox/AP")
    assert places(ranking)[0] == (1, "model_0004999.pth")
    assert [(log.kind, log.by, log.offset, log.joined) for log in ranking.logs] == [
        ("detectron2", "step", 0, 2)
    ]


@pytest.mark.parametrize(
    "text", ['{"iteration": "x"}\n', '{"iteration"\n', '{"iteration": 1e999}\n']
)
def test_detectron2_lines(tmp_path: Path, text: str) -> None:
    """What is no line of it is said."""
    assert read(tmp_path / "metrics.json", text) == ("detectron2", [], ["log-malformed"])
