"""The course of a run and its smoothed values, whatever kind of log they are from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ckptsel.runs import overview
from ckptsel.search.query import Query
from ckptsel.selection import select
from tests.folders import make
from tests.sources.event_files import events

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

VALUES = (0.9, 0.8, 0.7, 0.125, 0.6, 0.5, 0.55)
SAVED = (2, 4, 6)  # of these, counted from 0


def lines(*titles: str, rows: Sequence[Sequence[object]]) -> str:
    """A table of comma-separated values."""
    return "".join(",".join(map(str, row)) + "\n" for row in (titles, *rows))


def lightning(folder: Path) -> None:
    """`metrics.csv` of Lightning: training and validation in rows of their own."""
    rows: list[Sequence[object]] = []
    for epoch, value in enumerate(VALUES):
        step = 10 * epoch + 9
        rows += [(epoch, step, 1.5, ""), (epoch, step, "", value)]
    (folder / "metrics.csv").write_text(lines("epoch", "step", "train_loss", "val_loss", rows=rows))


def mmengine(folder: Path) -> None:
    """`vis_data/scalars.json`: JSON lines, after MMEngine's LocalVisBackend."""
    entries = [
        entry
        for epoch, value in enumerate(VALUES)
        for entry in (
            {"loss": 1.5, "epoch": epoch, "iter": 10 * epoch + 5, "step": 10 * epoch + 5},
            {"val_loss": value, "step": epoch},
        )
    ]
    make(folder, "vis_data/scalars.json")
    (folder / "vis_data/scalars.json").write_text("".join(json.dumps(e) + "\n" for e in entries))


def tensorboard(folder: Path) -> None:
    """Event files by TensorBoard's own writer."""
    scalars = [(tag, v, n) for n, v in enumerate(VALUES) for tag in ("loss", "val_loss")]
    make(folder, "logs/events.out.tfevents.1")
    (folder / "logs/events.out.tfevents.1").write_bytes(events(*scalars))


def mlflow(folder: Path) -> None:
    """MLflow's file store: a file a metric."""
    make(folder, "metrics/val_loss", "metrics/loss")
    for name in ("val_loss", "loss"):
        text = "".join(f"{1_700_000_000_000 + n} {value} {n}\n" for n, value in enumerate(VALUES))
        (folder / "metrics" / name).write_text(text)


def history(folder: Path) -> None:
    """A dict of lists, as `json.dump(history.history)` writes it."""
    (folder / "history.json").write_text(json.dumps({"val_loss": VALUES, "loss": VALUES}))


def keras(folder: Path) -> None:
    """CSVLogger's table."""
    (folder / "training.csv").write_text(lines("epoch", "val_loss", rows=[*enumerate(VALUES)]))


@pytest.mark.parametrize("write", [lightning, mmengine, tensorboard, mlflow, history, keras])
@pytest.mark.parametrize("offset", [0, 1])
def test_runs_and_smoothed_values(
    tmp_path: Path, write: Callable[[Path], None], offset: int
) -> None:
    """All values of the log are there, counted as names count; a best one was not saved."""
    for n in SAVED:
        name = f"epoch={n + offset:02d}-val_loss={VALUES[n]:.2f}.ckpt"
        (tmp_path / name).write_text(name)
    write(tmp_path)
    (run,) = overview(Query((str(tmp_path),), monitor="val_loss")).runs
    assert [point.at for point in run.history] == [n + offset for n in range(len(VALUES))]
    assert [point.value for point in run.history] == pytest.approx(VALUES)
    assert [finding.code for finding in run.trouble] == ["run-best-not-saved"]
    assert f"at epoch {3 + offset} " in run.trouble[0].message
    rows = select(Query((str(tmp_path),), monitor="val_loss", smooth=3)).rows
    assert {row.checkpoint.epoch: row.smoothed for row in rows} == {
        2 + offset: pytest.approx(0.7),
        4 + offset: pytest.approx(0.5),
        6 + offset: pytest.approx(0.55),
    }
