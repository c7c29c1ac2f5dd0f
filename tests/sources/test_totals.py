"""What tf_keras keeps of its metrics inside its files, where nothing else has the monitor."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

import ckptsel
from ckptsel.errors import AmbiguousMonitorError, MonitorNotFoundError, StrictError
from ckptsel.formats import open_contents
from ckptsel.search.query import Query
from ckptsel.selection import select
from tests.running import run
from tests.selecting import codes
from tests.sources.writers import write

if TYPE_CHECKING:
    from pathlib import Path

    from ckptsel.checkpoint import Ranking


PROVEN = "as the names or a log show"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """Runs of real fits, and what the callbacks were told; not to be written to."""
    pytest.importorskip("tf_keras")
    folder = tmp_path_factory.mktemp("runs")
    return folder, write("totals_writer", folder)


def ranked(where: Path, *monitors: str, rank: bool = True, **options: Any) -> Ranking:
    """Rank a folder by one monitor or more."""
    first, *further = monitors or (None,)
    query = Query((str(where),), monitor=first, further=tuple(filter(None, further)), **options)
    return select(query, rank=rank)


def values(ranking: Ranking) -> list[tuple[str, object]]:
    """Names and the monitor's values, in the order of the names."""
    rows = [(row.checkpoint.name, row.metric and row.metric.value) for row in ranking.rows]
    return sorted(rows, key=lambda row: row[0])


@pytest.mark.parametrize(
    ("name", "monitor", "column"),
    [
        ("weights", "val_loss", "val_loss"),
        ("whole", "val_loss", "val_loss"),
        ("whole", "val_mae", "val_mae"),
        ("whole", "mae", "val_mae"),
        ("nameless", "val_loss", "val_loss"),
        ("savedmodel", "val_mae", "val_mae"),
        ("two-whole", "val_loss", "val_loss"),
        ("classes", "root_mean_squared_error", "val_root_mean_squared_error"),
        ("trained", "loss", "loss"),
    ],
)
def test_the_values_are_those_of_the_logs(
    runs: tuple[Path, Any], name: str, monitor: str, column: str
) -> None:
    """To the last digit; and that they are taken to be validation's is said."""
    folder, told = runs
    true = told[name][column]
    ranking = ranked(folder / name, monitor)
    assert [value for _, value in values(ranking)] == true
    best = ranking.rows[0]
    assert best.metric is not None
    assert best.metric.value == min(true)
    assert codes(ranking) == {"totals-assumed"}


def test_names_and_logs_come_first(runs: tuple[Path, Any], tmp_path: Path) -> None:
    """The files are not opened where these have the monitor."""
    folder, told = runs
    shutil.copytree(folder / "whole", tmp_path / "whole")
    rows = "".join(f"{n},{9 - n}\r\n" for n in range(5))
    (tmp_path / "whole" / "training.csv").write_text("epoch,val_loss\r\n" + rows)
    ranking = ranked(tmp_path / "whole", "val_loss")
    assert [value for _, value in values(ranking)] == [9, 8, 7, 6, 5]
    assert "totals-assumed" not in codes(ranking)
    ranking = ranked(tmp_path / "whole", "val_mae")
    assert [value for _, value in values(ranking)] == told["whole"]["val_mae"]


def test_the_switches(runs: tuple[Path, Any]) -> None:
    """They count as logs do; and an assumption is an error for the strict."""
    where = runs[0] / "weights"
    with pytest.raises(MonitorNotFoundError):
        ranked(where, "val_loss", logs="ignore")
    assert values(ranked(where, "val_loss", logs="only")) == values(ranked(where, "val_loss"))
    with pytest.raises(StrictError, match="of validation, if that came before, else of training"):
        ranked(where, "val_loss", strict=True)


def test_several_monitors(runs: tuple[Path, Any]) -> None:
    """Each has its value, and nothing is said to have none."""
    folder, told = runs
    ranking = ranked(folder / "whole", "val_mae", "val_loss")
    first = ranking.rows[0]
    assert first.metric is not None
    assert first.further[0] is not None
    at = told["whole"]["val_mae"].index(first.metric.value)
    assert first.further[0].value == told["whole"]["val_loss"][at]
    assert codes(ranking) == {"totals-assumed"}


def test_what_is_not_settled_is_refused(runs: tuple[Path, Any]) -> None:
    """Weights alone do not tell what a function was called, nor which of two outputs is which."""
    folder, _ = runs
    with pytest.raises(
        MonitorNotFoundError, match="the files themselves hold 'loss', 'mean_metr"
    ) as raised:
        ranked(folder / "weights", "val_mae")
    assert "given to compile() is called mean_metric_wrapper there" in raised.value.hint
    with pytest.raises(MonitorNotFoundError, match="'mean_1', 'mean_2'"):
        ranked(folder / "two-whole", "val_one_loss")
    for name in ("two", "tracked"):
        with pytest.raises(MonitorNotFoundError, match="hold 'mean', 'mean_1'"):
            ranked(folder / name, "loss")
    with pytest.raises(MonitorNotFoundError, match="hold 'loss', 'mae'\n"):
        ranked(folder / "savedmodel", "twice")
    with pytest.raises(AmbiguousMonitorError, match="the files themselves hold several metrics"):
        ranked(folder / "whole")
    with pytest.raises(MonitorNotFoundError, match="the files themselves hold 'loss'"):
        ranked(folder / "whole", "train_loss")


def test_what_was_saved_within_epochs(runs: tuple[Path, Any]) -> None:
    """Means of the first batches of an epoch are not compared with each other."""
    with pytest.raises(MonitorNotFoundError) as raised:
        ranked(runs[0] / "within", "val_loss")
    assert any("saved within an epoch" in said for said in raised.value.details)


@pytest.mark.parametrize("name", ["named", "before"])
def test_training_as_names_or_a_log_show(runs: tuple[Path, Any], tmp_path: Path, name: str) -> None:
    """What was saved at an epoch's last batch is of training, before its validation."""
    folder, told = runs
    where = tmp_path / name
    shutil.copytree(folder / name, where)
    if name == "before":
        (where / "history.json").write_text(json.dumps({"loss": told[name]["loss"]}))
    ranking = ranked(where, "mae")
    assert [value for _, value in values(ranking)] == told[name]["mae"]
    assert "totals-assumed" not in codes(ranking)
    for monitor in ("val_loss", "val_mae"):
        with pytest.raises(MonitorNotFoundError) as raised:
            ranked(where, monitor)
        assert any(f"is of training, {PROVEN}" in said for said in raised.value.details)


def test_validation_as_a_log_shows(runs: tuple[Path, Any], tmp_path: Path) -> None:
    """Then it is no assumption, and training's metric is not there."""
    folder, told = runs
    where = tmp_path / "run"
    shutil.copytree(folder / "whole", where)
    history = {name: told["whole"][name] for name in ("loss", "val_loss")}
    (where / "history.json").write_text(json.dumps(history))
    ranking = ranked(where, "val_mae")
    assert [value for _, value in values(ranking)] == told["whole"]["val_mae"]
    assert not codes(ranking)
    with pytest.raises(MonitorNotFoundError) as raised:
        ranked(where, "mae")
    assert any(f"is of validation, {PROVEN}" in said for said in raised.value.details)


def test_one_value_alone_proves_nothing(runs: tuple[Path, Any], tmp_path: Path) -> None:
    """It may be alike by chance."""
    folder, told = runs
    where = tmp_path / "run"
    shutil.copytree(folder / "before", where)
    (where / "history.json").write_text(json.dumps({"loss": told["before"]["loss"][:1]}))
    assert "totals-assumed" in codes(ranked(where, "val_mae"))


def test_contradictions_prove_nothing(runs: tuple[Path, Any], tmp_path: Path) -> None:
    """A log of another training has other values."""
    folder, told = runs
    where = tmp_path / "run"
    shutil.copytree(folder / "before", where)
    other = [*told["before"]["loss"][:4], 7.0]
    (where / "history.json").write_text(json.dumps({"loss": other}))
    assert "totals-assumed" in codes(ranked(where, "val_mae"))


def test_training_among_validation(runs: tuple[Path, Any], tmp_path: Path) -> None:
    """A file without a validation before it has the loss of other data."""
    shutil.copytree(runs[0] / "whole", tmp_path / "run")
    shutil.copy(runs[0] / "trained" / "cp-05.keras", tmp_path / "run" / "cp-06.keras")
    with pytest.raises(MonitorNotFoundError) as raised:
        ranked(tmp_path / "run", "val_loss")
    assert any("means of 24 to 96 samples" in said for said in raised.value.details)


def test_damaged_files(runs: tuple[Path, Any], tmp_path: Path) -> None:
    """They have no value, and that is said; the others are compared."""
    shutil.copytree(runs[0] / "whole", tmp_path / "run")
    for name in ("cp-01.keras", "cp-02.keras"):
        path = tmp_path / "run" / name
        path.write_bytes(path.read_bytes()[:3000])
    ranking = ranked(tmp_path / "run", "val_loss")
    assert ranking.rows[0].checkpoint.name == "cp-05.keras"
    (said,) = (finding for finding in ranking.findings if finding.code == "totals-unread")
    assert "2 files" in said.message


def test_runs_with_other_data(runs: tuple[Path, Any]) -> None:
    """One with a validation, the other without: that is said, and of which."""
    where = (str(runs[0] / "whole"), str(runs[0] / "trained"))
    ranking = select(Query(where, monitor="val_loss"))
    (said,) = (finding for finding in ranking.findings if finding.code == "totals-unlike")
    assert "24 samples in" in said.message
    assert "96 in" in said.message
    where = (str(runs[0] / "whole"), str(runs[0] / "weights"))
    assert codes(select(Query(where, monitor="val_loss"))) == {"totals-assumed", "tie"}


def test_a_model_saved_before_the_training(runs: tuple[Path, Any], tmp_path: Path) -> None:
    """It has no metrics, and the others have them nonetheless."""
    shutil.copytree(runs[0] / "whole", tmp_path / "run")
    shutil.copy(runs[0] / "untrained.keras", tmp_path / "run" / "cp-00.keras")
    ranking = ranked(tmp_path / "run", "val_loss")
    assert [value for _, value in values(ranking)] == [None, *runs[1]["whole"]["val_loss"]]


def test_a_mean_has_no_metrics(runs: tuple[Path, Any], tmp_path: Path) -> None:
    """What a member was measured by does not go into the average."""
    for name in ("whole", "weights"):
        suffix = ".keras" if name == "whole" else ".weights.h5"
        dest = tmp_path / f"mean{suffix}"
        run(
            "average", str(runs[0] / name), "--monitor", "val_loss", "--top", "2", "--to", str(dest)
        )
        with open_contents(str(dest)) as contents:
            assert not contents.facts.metrics
            totals = [t for t in contents.tensors if t.path.startswith("metrics/")]
            assert totals
            assert not any(piece.any() for t in totals for piece in contents.pieces(t))


def test_formats_without_totals(runs: tuple[Path, Any]) -> None:
    """The HDF5 of Keras 2 has none."""
    with pytest.raises(MonitorNotFoundError, match="no name holds a value"):
        ranked(runs[0] / "legacy", "val_loss")


def test_list_shows_them(runs: tuple[Path, Any]) -> None:
    """Without a monitor, under the names that the file has, where nothing else is known."""
    ranking = ranked(runs[0] / "nameless", rank=False)
    for row, loss in zip(ranking.rows, runs[1]["nameless"]["val_loss"], strict=True):
        metric = row.checkpoint.metric("loss")
        assert metric is not None
        assert (metric.value, metric.source) == (loss, "totals:loss")
    assert codes(ranking) == {"totals-assumed"}


def test_best_explains_where_the_value_is_from(runs: tuple[Path, Any]) -> None:
    """It is no line of a log."""
    where = str(runs[0] / "whole")
    done = run("best", where, "--monitor", "val_loss", "--explain")
    assert b"computed from the totals of loss inside the file" in done.stderr
    done = run("best", where, "--monitor", "val_loss", "--explain", "-o", "json")
    (found,) = json.loads(done.stdout)["explanation"]
    assert (found["log"], found["line"], found["metric"]["source"]) == (None, None, "totals:loss")


def test_the_library(runs: tuple[Path, Any]) -> None:
    """As on the command line, with a warning."""
    with pytest.warns(ckptsel.CkptselWarning, match="read from inside the files"):
        found = ckptsel.best(runs[0] / "weights", monitor="val_loss")
    losses = runs[1]["weights"]["val_loss"]
    assert found.checkpoint.name == f"cp-{losses.index(min(losses)) + 1:02d}.weights.h5"
