"""The Trainer's trainer_state.json, written by the Trainer and by hand."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from ckptsel.search.query import Query
from ckptsel.selection import select
from tests.folders import make
from tests.selecting import codes, places, ranked
from tests.sources.hf_writer import F1S, LOSSES, RUNS
from tests.sources.reading import read
from tests.sources.writers import write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder of runs, and what the Trainer calls the best of each."""
    folder = tmp_path_factory.mktemp("hf")
    return folder, write("hf_writer", folder)


def test_the_best_is_the_trainers(runs: tuple[Path, dict[str, str]]) -> None:
    """`best` gives `best_model_checkpoint`, and each checkpoint has its own step's values."""
    folder, best = runs
    for run, (metric, greater) in RUNS.items():
        query = Query((str(folder / run),), monitor=metric, mode="max" if greater else "min")
        ranking = select(query)
        assert ranking.rows[0].checkpoint.path == best[run]
        assert not ranking.findings
        assert len(ranking.rows) == len(LOSSES)
        for row in ranking.rows:
            step = row.checkpoint.step
            assert step is not None
            for name, values in (("eval_loss", LOSSES), ("eval_f1", F1S)):
                found = row.checkpoint.metric(name)
                assert found is not None
                assert found.value == values[int(step) // 2 - 1]
            assert row.checkpoint.metric("eval_runtime") is None


def test_a_state_is_shown_with_its_entry(runs: tuple[Path, dict[str, str]]) -> None:
    """The source is the checkpoint's own state, and the entry of its log_history."""
    folder, best = runs
    (row,) = select(Query((best["by-loss"],), monitor="eval_loss"), keep=1).rows
    assert row.metric is not None
    kind, path, entry = row.metric.source.split(":")
    assert (kind, path) == ("hf", "checkpoint-10/trainer_state.json")
    state = json.loads((folder / "by-loss" / path).read_text())
    assert state["log_history"][int(entry) - 1]["eval_loss"] == row.metric.value


def test_checkpoints_without_a_state(runs: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    """What the run's state says of them counts; without any, nothing does."""
    folder, _ = runs
    run = tmp_path / "run"
    shutil.copytree(folder / "by-loss", run)
    for state in run.glob("checkpoint-*/trainer_state.json"):
        state.unlink()
    ranking = select(Query((str(run),), monitor="eval_loss"))
    assert [row.checkpoint.name for row in ranking.rows][:2] == ["checkpoint-10", "checkpoint-6"]
    assert ranking.rows[0].metric is not None
    assert ranking.rows[0].metric.source.startswith("hf:trainer_state.json:")


def state(step: int, *entries: dict[str, Any]) -> str:
    """A state as the Trainer writes it."""
    return json.dumps({"global_step": step, "log_history": [*entries], "epoch": 1.0})


def entry(step: int, loss: float) -> dict[str, Any]:
    """What an evaluation logs."""
    return {"epoch": step / 100, "eval_loss": loss, "step": step}


def test_each_state_is_about_its_own_checkpoint(here: Path) -> None:
    """In a folder that was used again, a checkpoint's own state counts, not the latest one."""
    make(here, *(f"run/checkpoint-{step}/model.safetensors" for step in (100, 200)))
    (here / "run/checkpoint-200/trainer_state.json").write_text(
        state(200, entry(100, 0.9), entry(200, 0.8))
    )
    (here / "run/checkpoint-100/trainer_state.json").write_text(state(100, entry(100, 0.5)))
    ranking = ranked("eval_loss")
    assert places(ranking) == [(1, "run/checkpoint-100"), (2, "run/checkpoint-200")]
    assert codes(ranking) == set()


def test_two_evaluations_at_one_step(here: Path) -> None:
    """Which data the second one was on, its metrics do not say: it is said, and none is used."""
    make(here, *(f"checkpoint-{step}/model.safetensors" for step in (100, 200)))
    first = [{**entry(100, 0.5), "eval_f1": 0.75}, {**entry(100, 0.5), "eval_f1": 0.5}]
    both = [*first, entry(200, 0.6), entry(200, 0.1), entry(200, 0.2)]
    (here / "checkpoint-100/trainer_state.json").write_text(state(100, *first))
    (here / "trainer_state.json").write_text(state(200, *both))
    ranking = ranked("eval_loss")
    assert [(r.checkpoint.name, r.rank) for r in ranking.rows] == [
        ("checkpoint-100", 1),
        ("checkpoint-200", None),
    ]
    assert ranking.rows[0].checkpoint.metric("eval_f1") is None
    said = {f.path: f.message for f in ranking.findings if f.code == "log-malformed"}
    assert said == {
        "./checkpoint-100/trainer_state.json": "entries 1, 2 tell different values of 'eval_f1' at"
        " step 100, as evaluations on several data sets do: none was used",
        "./trainer_state.json": "entries 3, 4, 5 tell different values of 'eval_loss' at step 200,"
        " as evaluations on several data sets do: none was used",
    }


def test_an_evaluation_behind_the_training(here: Path) -> None:
    """The last checkpoint's own state was saved before it, and counts without a word."""
    make(here, "checkpoint-100/model.safetensors")
    (here / "checkpoint-100/trainer_state.json").write_text(state(100, entry(100, 0.5)))
    later = [entry(100, 0.5), entry(100, 0.2), entry(150, 0.4), entry(150, 0.3)]
    (here / "trainer_state.json").write_text(state(150, *later))
    ranking = ranked("eval_loss", strict=True)
    assert ranking.rows[0].metric is not None
    assert ranking.rows[0].metric.value == 0.5
    assert codes(ranking) == set()


def test_a_renamed_checkpoint(here: Path) -> None:
    """A checkpoint with another name still holds its own state."""
    make(here, "best/config.json", "best/model.safetensors")
    (here / "best/trainer_state.json").write_text(state(100, entry(50, 0.7), entry(100, 0.5)))
    ranking = ranked("eval_loss")
    assert [(r.checkpoint.name, r.checkpoint.step) for r in ranking.rows] == [("best", 100)]


def test_a_nan_never_wins(here: Path) -> None:
    """The Trainer writes NaN as it stands."""
    make(here, *(f"checkpoint-{step}/model.safetensors" for step in (1, 2)))
    for step, loss in ((1, float("nan")), (2, 0.5)):
        (here / f"checkpoint-{step}/trainer_state.json").write_text(state(step, entry(step, loss)))
    assert places(ranked("eval_loss"))[0] == (1, "checkpoint-2")


@pytest.mark.parametrize(
    "text, said",
    [
        ("{", ["log-malformed"]),
        ("{}", ["log-malformed"]),
        ('{"global_step": 1, "log_history": 3}', ["log-malformed"]),
        ('{"global_step": 1, "log_history": [3, {}, {"step": "x"}]}', ["log-malformed"]),
        ('{"global_step": 1, "log_history": []}', []),
        ('{"a":' * 100_000, ["log-malformed"]),
        (b'{"a": "\xff"}', ["log-malformed"]),
    ],
)
def test_states_that_are_malformed(tmp_path: Path, text: str | bytes, said: list[str]) -> None:
    """What is no state is said, and has no rows."""
    assert read(tmp_path / "checkpoint-1/trainer_state.json", text) == ("hf", [], said)
