"""Which epoch a file is, in runs of one model that Keras trained and saved."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.sources.writers import write
from tests.which.asking import ask, codes, said, value

if TYPE_CHECKING:
    from ckptsel.which.evidence import Answer


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The runs, and which epoch of `gaps` was the best; not to be written to."""
    pytest.importorskip("keras")
    folder = tmp_path_factory.mktemp("fits")
    return folder, write("which_writer", folder)


@pytest.fixture
def runs(fitted: tuple[Path, Any], tmp_path: Path) -> Path:
    """A copy of the runs, with the times of the files."""
    return Path(shutil.copytree(fitted[0], tmp_path / "runs"))


def in_log(run: Path, epoch: int) -> float:
    """The val_loss of an epoch in the run's log."""
    heading, *rows = (run / "training.csv").read_text().splitlines()
    return float(rows[epoch - 1].split(",")[heading.split(",").index("val_loss")])


def is_of(answer: Answer, run: Path, epoch: int) -> bool:
    """Whether the answer is that epoch of that run, with its value."""
    return answer.epoch == epoch and value(answer, "val_loss") == in_log(run, epoch)


def test_a_location_does_not_replace_its_own_run(runs: Path) -> None:
    """The same step in another run of the same model is not asked where its own tells more."""
    own = ask(runs / "one" / "w.02.keras", runs / "other")
    assert said(own) == ("name", "certain", 2)
    assert is_of(own, runs / "one", 2)
    best = ask(runs / "other" / "best.weights.h5", runs / "one")
    assert said(best) == ("same bytes", "certain", 6)
    assert is_of(best, runs / "other", 6)


def test_another_training_of_the_same_model(runs: Path) -> None:
    """Its weights are others at the same step: it is no epoch of this one."""
    stray = Path(shutil.copy(runs / "one" / "w.02.keras", runs / "within" / "other.keras"))
    shutil.copy(stray, runs / "other" / "other.keras")
    shutil.rmtree(runs / "one")
    answer = ask(runs / "other" / "other.keras")
    assert (said(answer), answer.step, answer.metrics) == (("inside", "likely", None), 6, ())


def test_a_file_that_was_saved_within_its_epoch(runs: Path) -> None:
    """The epoch is that of its name, and the log only knows the epoch's end."""
    run = runs / "within"
    for file in (run / "w.06.keras", Path(shutil.copy(run / "w.06.keras", run / "copy.keras"))):
        answer = ask(file)
        assert (answer.epoch, answer.sure, answer.values_sure) == (6, "certain", "likely")
        assert codes(answer) == ["log-too-coarse"]
    assert codes(ask(runs / "one" / "w.06.keras")) == []


def test_the_logs_values_of_an_epoch_found_by_steps(runs: Path, fitted: tuple[Path, Any]) -> None:
    """No checkpoint of it was kept, and the run's log has its row."""
    run = runs / "gaps"
    answer = ask(run / "best.keras")
    assert said(answer) == ("step", "likely", fitted[1]["epoch"])
    assert fitted[1]["epoch"] % 4
    assert value(answer, "val_loss") == pytest.approx(fitted[1]["val_loss"])
    assert answer.values_sure == "likely"
    # Two rows of that epoch: which of them is its, nothing tells.
    log = run / "training.csv"
    log.write_text(log.read_text() + log.read_text().splitlines()[fitted[1]["epoch"]] + "\n")
    assert ask(run / "best.keras").metrics == ()
    log.unlink()
    assert said(ask(run / "best.keras")) == ("step", "likely", fitted[1]["epoch"])


def test_what_is_noticed_of_other_runs(runs: Path) -> None:
    """It neither is said nor makes the answer less sure."""
    stray = Path(shutil.copy(runs / "one" / "w.03.keras", runs / "stray.keras"))
    twice = (runs / "within" / "training.csv").read_text().splitlines(keepends=True)
    (runs / "within" / "training.csv").write_text(
        "".join([*twice, *(row.replace(",", ",9") for row in twice[1:])])
    )
    assert "log-restarted" in codes(ask(runs / "within" / "w.04.keras"))
    answer = ask(stray)
    assert (said(answer), answer.values_sure) == (("same bytes", "certain", 3), "certain")
    assert answer.findings == ()
