from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ckptsel import __version__
from ckptsel.checkpoint import Checkpoint, Metric, Monitor, Ranked, Ranking
from ckptsel.transfer.copy import copy
from ckptsel.transfer.record import is_record
from tests.folders import make
from tests.selecting import ranked
from tests.transfer.rankings import checkpoint, one_file, ranking

KEYS = [
    "schema",
    "command",
    "ckptsel",
    "files",
    "source",
    "monitor",
    "further",
    "pareto",
    "smooth",
    "smoothed",
    "decided_by",
    "rank",
    "tied",
    "value",
    "text",
    "evidence",
    "metrics",
    "pattern",
    "runner_up",
    "copied_at",
]


def recorded(found: Ranking, dest: Path) -> dict[str, Any]:
    """The record of a copy to `dest`."""
    copy(found, str(dest))
    text = (dest.parent / (dest.name + ".ckptsel.json")).read_text("ascii")
    read: dict[str, Any] = json.loads(text, parse_constant=pytest.fail)
    return read


def test_a_record_says_all(run: Path, out: Path) -> None:
    """Every key, with the evidence of the value and the runner-up."""
    best, second = checkpoint(run / "a.keras"), checkpoint(run / "b.keras", val_loss=0.75)
    (run / "a.keras").write_text("weights")
    record = recorded(ranking(best, second), out / "best.keras")
    copied_at = datetime.fromisoformat(record.pop("copied_at"))
    assert copied_at.utcoffset() == timedelta(0)
    assert record == {
        "schema": 1,
        "command": "copy",
        "ckptsel": __version__,
        "source": "../run/a.keras",
        "files": [{"name": "best.keras", "size_bytes": 7, "sha256": None}],
        "monitor": {"name": "val_loss", "mode": "min", "why": "a loss"},
        "further": [],
        "pareto": False,
        "smooth": None,
        "smoothed": None,
        "decided_by": "val_loss",
        "rank": 1,
        "tied": False,
        "value": 0.5,
        "text": "0.5",
        "evidence": {
            "name": "val_loss",
            "value": 0.5,
            "text": "0.5",
            "role": "metric",
            "source": "name",
            "labelled": True,
        },
        "metrics": {"epoch": 3, "val_loss": 0.5},
        "pattern": "w.{epoch:02d}-{val_loss}.keras",
        "runner_up": {"path": "../run/b.keras", "value": 0.75, "text": "0.75", "smoothed": None},
    }


def test_the_keys_are_stable(run: Path, out: Path) -> None:
    """Scripts read them, in any ranking."""
    path = os.fspath(run / "w.keras")
    (run / "w.keras").touch()
    bare = Checkpoint(path=path, files=(path,), kind="keras", run=str(run))
    record = recorded(Ranking(None, (Ranked(1, bare),)), out / "best.keras")
    assert list(record) == KEYS
    absent = ("monitor", "value", "text", "evidence", "pattern", "runner_up")
    assert [record[key] for key in absent] == [None] * len(absent)
    assert record["metrics"] == {}


@pytest.mark.parametrize("text", ["nan", "inf", "-inf"])
def test_what_is_no_number_is_null_with_its_text(run: Path, out: Path, text: str) -> None:
    """JSON has no NaN, so the text says what it was; of two values the first counts."""
    path = os.fspath(run / "w.keras")
    (run / "w.keras").touch()
    metric = Metric("loss", float(text), text)
    again = Metric("loss", 0.5, "0.5", source="csv:training.csv")
    odd = Checkpoint(path=path, files=(path,), kind="keras", run="", metrics=(metric, again))
    found = Ranking(Monitor("loss", "min", ""), (Ranked(1, odd, metric), Ranked(2, odd, metric)))
    record = recorded(found, out / "best.keras")
    assert (record["value"], record["text"]) == (None, text)
    assert record["metrics"] == {"loss": None}
    behind = {"path": "../run/w.keras", "value": None, "text": text, "smoothed": None}
    assert record["runner_up"] == behind


def test_what_it_was_ranked_by(here: Path) -> None:
    """The medians, the further monitors, and which of these decided: not only the first value."""
    values = enumerate([(0.9, 0.1), (0.1, 0.2), (0.8, 0.3), (0.5, 0.4), (0.4, 0.5)], 1)
    make(here, *(f"w{n}-val_loss={loss}-val_acc={acc}.keras" for n, (loss, acc) in values))
    (here / "out").mkdir()
    found = ranked(smooth=3, further=("val_acc:max",))
    record = recorded(found, here / "out" / "best.keras")
    assert (record["value"], record["smooth"], record["smoothed"]) == (0.4, 3, 0.5)
    assert (record["decided_by"], record["runner_up"]["smoothed"]) == ("val_acc", 0.5)
    (further,) = record["further"]
    assert (further["name"], further["mode"], further["evidence"]["value"]) == (
        "val_acc",
        "max",
        0.5,
    )
    assert not record["pareto"]


def test_each_of_the_best_n_has_the_next_as_its_runner_up(run: Path, out: Path) -> None:
    """The last has none; a checkpoint without a rank is nobody's runner-up."""
    paths = [run / "a.keras", run / "b.keras"]
    for path in paths:
        path.touch()
    rows = ranking(*map(checkpoint, paths)).rows
    found = Ranking(None, (*rows, Ranked(None, checkpoint(run / "c.keras"))))
    copies = copy(found, f"{out}/", top=2)
    first, second = (json.loads(Path(copied.record).read_text()) for copied in copies)
    assert (first["rank"], first["runner_up"]["path"]) == (1, "../run/b.keras")
    assert (second["rank"], second["runner_up"]) == (2, None)


def test_the_best_of_each_run_has_no_runner_up(run: Path, out: Path) -> None:
    """What comes next is the best of another run, and no second choice for this one."""
    found = replace(ranking(*_touched(run, "a.keras", "b.keras")), per_run=True)
    for copied in copy(found, f"{out}/", top=2):
        assert json.loads(Path(copied.record).read_text())["runner_up"] is None


def _touched(run: Path, *names: str) -> list[Checkpoint]:
    for name in names:
        (run / name).touch()
    return [checkpoint(run / name) for name in names]


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "1", '{"schema": 1}', '{"command": "copy"}', "[" * 100_000, "\xff"]
)
def test_what_is_no_record(tmp_path: Path, content: str) -> None:
    """Only what a copy wrote is a record."""
    (tmp_path / "file").write_text(content, "latin-1")
    assert not is_record(str(tmp_path / "file"))


def test_a_pipe_is_no_record(tmp_path: Path) -> None:
    """It is not opened, as that would wait for ever; nor is what is not there."""
    os.mkfifo(tmp_path / "pipe")
    assert not is_record(str(tmp_path / "pipe"))
    assert not is_record(str(tmp_path / "none"))


def test_the_source_is_found_from_where_the_record_really_is(run: Path, tmp_path: Path) -> None:
    """Where the destination is behind a link, `..` leads out of what it leads to."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    os.symlink("deep/er", tmp_path / "link")
    record = recorded(one_file(run), tmp_path / "link" / "best.keras")
    found = tmp_path / "deep" / "er" / record["source"]
    assert found.resolve() == (run / "w.03-0.5.keras").resolve()
