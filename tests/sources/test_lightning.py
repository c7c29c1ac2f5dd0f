"""Lightning's metrics.csv and best_k_models.yaml, written by Lightning and by hand."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from ckptsel.errors import MonitorNotFoundError, StrictError
from ckptsel.search.query import Query
from ckptsel.selection import select
from tests.folders import make
from tests.selecting import codes, places, ranked
from tests.sources.lightning_writer import ACCURACIES, LOSSES, MONITORS, TEMPLATES
from tests.sources.reading import read
from tests.sources.writers import write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder of runs, and what Lightning calls the best of each."""
    folder = tmp_path_factory.mktemp("lightning")
    return folder, write("lightning_writer", folder)


def test_the_best_is_lightnings(runs: tuple[Path, dict[str, str]]) -> None:
    """Whatever the template, `best` gives `best_model_path`, with the value as it was logged."""
    folder, best = runs
    assert len(best) == 2 * len(TEMPLATES) + 2
    for mode, monitor in MONITORS.items():
        exact = min(LOSSES) if mode == "min" else max(ACCURACIES)
        for index in range(len(TEMPLATES)):
            run = f"{mode}-{index}"
            query = Query((str(folder / run),), monitor=monitor, mode=mode)
            ranking = select(query, keep=1)
            (row,) = ranking.rows
            assert row.checkpoint.path == best[run], run
            assert row.metric is not None
            assert row.metric.value == pytest.approx(exact, rel=1e-6)
            assert not [f for f in ranking.findings if f.strict], run


@pytest.mark.parametrize("name", ["tensorboard", "seldom"])
@pytest.mark.parametrize(
    "template",
    [
        *("epoch={epoch}-step={step}", "epoch={epoch}", "step={step}"),
        *("epoch={epoch}-val_loss={loss:.2f}", "model-{epoch:02d}-{loss:.4f}"),
        "epoch={epoch}-val_acc={acc:.1f}",
    ],
)
def test_its_default_logger(
    runs: tuple[Path, dict[str, str]], tmp_path: Path, name: str, template: str
) -> None:
    """TensorBoard's, by epoch or step, whatever the names hold, and however seldom it logs."""
    pytest.importorskip("tensorboard")
    (version,) = (runs[0] / name).iterdir()
    run = tmp_path / "version_0"
    shutil.copytree(version, run, ignore=shutil.ignore_patterns("*.ckpt"))
    losses = {}
    for epoch, loss in enumerate(LOSSES):
        (saved,) = version.rglob(f"epoch={epoch}-*.ckpt")
        step = saved.stem.rpartition("=")[2]
        new = template.format(epoch=epoch, step=step, loss=loss, acc=ACCURACIES[epoch]) + ".ckpt"
        shutil.copy(saved, run / "checkpoints" / new)
        losses[new] = loss
    ranking = select(Query((str(run),), monitor="val_loss"))
    found = {row.checkpoint.name: row.metric and row.metric.value for row in ranking.rows}
    assert found == pytest.approx(losses, rel=1e-6)
    assert ranking.rows[0].checkpoint.name == min(losses, key=losses.__getitem__)
    assert not [finding for finding in ranking.findings if finding.code.startswith("log-")]


def test_values_that_no_name_holds(runs: tuple[Path, dict[str, str]]) -> None:
    """Each checkpoint gets its own epoch's values, with the line of each."""
    folder, _ = runs
    run = next((folder / "min-0").iterdir())
    lines = (run / "metrics.csv").read_text().splitlines()
    titles = lines[0].split(",")
    ranking = select(Query((str(run),), monitor="val_loss"))
    rows = [row for row in ranking.rows if row.rank]
    assert len(rows) == len(LOSSES)
    for row in rows:
        epoch = row.checkpoint.epoch
        assert isinstance(epoch, int)
        for name, values in (("val_loss", LOSSES), ("val_acc", ACCURACIES)):
            metric = row.checkpoint.metric(name)
            assert metric is not None
            assert metric.value == pytest.approx(values[epoch], rel=1e-6)
            source, _, line = metric.source.rpartition(":")
            assert source == "lightning:metrics.csv"
            assert lines[int(line) - 1].split(",")[titles.index(name)] == metric.text
        assert row.checkpoint.metric("train_loss_epoch") is not None


def test_the_monitor_that_the_yaml_does_not_name(runs: tuple[Path, dict[str, str]]) -> None:
    """It is that of the names, where these say it; else what the callback calls it."""
    folder, best = runs
    for run, name in (("min-3", "val_loss"), ("min-7", "best_model_score"), ("max-3", "")):
        (file,) = (folder / run).rglob("best_k_models.yaml")
        _, rows, said = read(file)
        assert not said
        assert len(rows) == len(LOSSES)
        # `val_loss=0.3` is no accuracy.
        assert {column for row in rows for column in row.values} == {name or "best_model_score"}
    (metrics,) = (folder / "min-7").rglob("metrics.csv")
    hidden = metrics.rename(metrics.with_suffix(".hidden"))
    try:
        query = Query((str(folder / "min-7"),), monitor="best_model_score", mode="min")
        (row,) = select(query, keep=1).rows
    finally:
        hidden.rename(metrics)
    assert row.checkpoint.path == best["min-7"]
    assert row.metric is not None
    assert row.metric.source.startswith("best_k_models:checkpoints/best_k_models.yaml:")


def test_lightnings_tensorboard(runs: tuple[Path, dict[str, str]]) -> None:
    """The scalar `epoch` that it writes at each step tells which of two steps is meant."""
    folder, best = runs
    ranking = select(Query((str(folder / "tensorboard"),), monitor="val_loss"))
    assert ranking.rows[0].checkpoint.path == best["tensorboard"]
    assert [(log.kind, log.by, log.offset) for log in ranking.logs] == [("tensorboard", "step", 1)]
    assert not [f for f in ranking.findings if f.strict]
    for row in ranking.rows:
        assert row.metric is not None
        assert row.metric.value == pytest.approx(LOSSES[int(row.checkpoint.epoch or 0)], rel=1e-6)


def test_a_summary_writers_steps(runs: tuple[Path, dict[str, str]], here: Path) -> None:
    """They count as epochs where the names' values agree, and as nothing where these say none."""
    folder, _ = runs
    ranking = select(Query((str(folder / "writer"),), monitor="val_loss"))
    assert [row.checkpoint.epoch for row in ranking.rows][:2] == [3, 2]
    assert [(log.by, log.offset) for log in ranking.logs] == [("epoch", 0)]
    shutil.copytree(folder / "writer/runs", here / "runs")
    make(here, *(f"ep{epoch}.pt" for epoch in range(len(LOSSES))))
    query = Query(monitor="val_loss")
    with pytest.raises(MonitorNotFoundError):
        select(query)
    ranking = select(Query(), rank=False)
    assert [log.joined for log in ranking.logs] == [0]
    assert "log-base-assumed" in codes(ranking)


HEADER = "epoch,step,train_loss,val_loss\n"


def test_rows_of_one_step_are_one(tmp_path: Path) -> None:
    """Training, validation and a callback that logs no epoch: one row, by step and by epoch."""
    text = HEADER + ",9,0.5,\n0,9,,0.7\n0,9,0.5,\n1,19,0.4,\n1,19,,0.6\n"
    kind, rows, said = read(tmp_path / "metrics.csv", text)
    assert (kind, said) == ("lightning", [])
    by_step = [
        (r.step, r.values, dict(zip(r.names, r.places, strict=True)))
        for r in rows
        if r.step is not None
    ]
    assert by_step == [
        (9, {"train_loss": "0.5", "val_loss": "0.7", "epoch": "0"},
         {"train_loss": "4", "val_loss": "3", "epoch": "4"}),
        (19, {"train_loss": "0.4", "val_loss": "0.6", "epoch": "1"},
         {"train_loss": "5", "val_loss": "6", "epoch": "6"}),
    ]  # fmt: skip
    by_epoch = [(r.epoch, r.values["val_loss"]) for r in rows if r.epoch is not None]
    assert by_epoch == [(0, "0.7"), (1, "0.6")]


def test_several_validations_in_an_epoch(here: Path) -> None:
    """A name that says only the epoch gets the validation that prints as it does."""
    make(here, "epoch=0-val_loss=0.70.ckpt", "epoch=0-val_loss=0.60.ckpt")
    (here / "metrics.csv").write_text(HEADER + "0,4,0.9,0.701\n0,7,0.8,\n0,9,,0.604\n")
    ranking = ranked()
    assert [row.metric.value for row in ranking.rows if row.metric] == [0.604, 0.701]
    assert codes(ranking) == set()
    make(here, "other/epoch=0.ckpt")
    (here / "metrics.csv").rename(here / "other/metrics.csv")
    assert "log-restarted" in codes(ranked(locations=("other",)))


def test_a_row_of_the_next_epoch_is_not_taken(here: Path) -> None:
    """Where each step is logged, the epoch shows which of two rows is the checkpoint's."""
    make(here, "epoch=0-step=2.ckpt", "epoch=1-step=4.ckpt")
    rows = "".join(f"{i // 2},{i},0.{9 - i},{'' if i % 2 == 0 else f'0.{i}'}\n" for i in range(6))
    (here / "metrics.csv").write_text(HEADER + rows)
    ranking = ranked()
    assert places(ranking)[0] == (1, "epoch=0-step=2.ckpt")
    assert [(log.by, log.offset) for log in ranking.logs] == [("step", 1)]
    assert codes(ranking) == set()


def test_two_fits_into_one_log(here: Path) -> None:
    """Each tells the same epochs at the same steps: that does not tell which fit is the files'."""
    make(here, "epoch=0-step=2.ckpt", "epoch=1-step=4.ckpt")
    fit = [f"{epoch},{2 * epoch + 1},,0.{loss}\n" for epoch, loss in ((0, 5), (1, 3))]
    again = [f"{epoch},{2 * epoch + 1},,0.{loss}\n" for epoch, loss in ((0, 2), (1, 4))]
    (here / "metrics.csv").write_text(HEADER + "".join(fit + again))
    assert "log-restarted" in codes(ranked())
    with pytest.raises(StrictError):
        ranked(strict=True)


def test_steps_that_count_something_else(here: Path) -> None:
    """With two optimizers names count twice as many steps as the log: the epochs tell."""
    make(here, "epoch=0-step=4.ckpt", "epoch=1-step=8.ckpt")
    rows = "".join(f"{i // 2},{i},0.{9 - i},{'' if i % 2 == 0 else f'0.{i}'}\n" for i in range(6))
    (here / "metrics.csv").write_text(HEADER + rows)
    ranking = ranked()
    assert [row.metric.value for row in ranking.rows if row.metric] == [0.1, 0.3]
    assert [(log.by, log.offset) for log in ranking.logs] == [("epoch", 0)]
    assert "log-steps-differ" in codes(ranking)


@pytest.mark.parametrize(
    ("form", "steps", "logged", "is_said"),
    [
        ("epoch={}-step={}.ckpt", 50, 50, False),
        ("epoch={}-step={}.ckpt", 100, 50, True),
        ("epoch={}-step={}-val_loss={:.2f}.ckpt", 100, 50, False),
        ("epoch={}-step={}.ckpt", 100, 1, False),  # `self.log("step", self.current_epoch)`
    ],
)
def test_another_trainings_steps(
    here: Path, form: str, steps: int, logged: int, *, is_said: bool
) -> None:
    """A multiple of the log's may be of two optimizers; values show whose log it is."""
    losses = [0.5, 0.1, 0.3, 0.35, 0.4]
    names = [form.format(n, (n + 1) * steps, loss) for n, loss in enumerate(losses)]
    make(here, *(f"checkpoints/{name}" for name in names))
    log = here / "lightning_logs" / "version_1" / "metrics.csv"
    log.parent.mkdir(parents=True)
    rows = [f"{n},{(n + 1) * logged - 1},{loss}\n" for n, loss in enumerate(losses)]
    log.write_text("epoch,step,val_loss\n" + "".join(rows))
    ranking = ranked()
    assert ranking.logs[0].joined == 5
    assert ("log-steps-differ" in codes(ranking)) is is_said


@pytest.mark.parametrize("label", ["val_loss", "valLoss", "VAL_LOSS", "validLoss"])
def test_validations_by_any_spelling(tmp_path: Path, label: str) -> None:
    """Of an epoch, the lines of validation count, and not one of training behind them."""
    text = f"epoch,step,loss,{label}\n0,3,,0.5\n0,4,0.9,\n1,7,,0.4\n1,8,0.8,\n"
    _, rows, _ = read(tmp_path / "metrics.csv", text)
    of_epochs = [(row.epoch, row.values.get(label)) for row in rows if row.step is None]
    assert of_epochs == [(0, "0.5"), (1, "0.4")]


@pytest.mark.parametrize(
    "text, said",
    [
        (HEADER, []),
        (HEADER + "0,9,0.5", ["log-half-line"]),
        (HEADER + "0,x,0.5,0.7\n", ["log-malformed"]),
        (HEADER + "0,9,0.5,0.7,1\n", ["log-malformed"]),
        ("epoch,step,step,val_loss\n0,1,2,0.5\n", ["log-malformed"]),
        ("epoch,step,val_loss\n0,\x00,0.5\n", ["log-malformed"]),
    ],
)
def test_metrics_that_are_malformed(tmp_path: Path, text: str, said: list[str]) -> None:
    """What is no row is said, and there is none."""
    assert read(tmp_path / "metrics.csv", text) == ("lightning", [], said)


def test_hyperparameters_before_its_scalars(here: Path) -> None:
    """`save_hyperparameters` writes them first, and a configuration is longer than 4 KB."""
    pytest.importorskip("tensorboard")
    from tests.sources.event_files import scalar, version  # noqa: PLC0415 - an extra

    make(here, "checkpoints/epoch=0.ckpt", "checkpoints/epoch=1.ckpt")
    pairs = ((0, 0.25), (1, 0.5))
    each = [scalar("val_loss", v, 9 + e, 2) + scalar("epoch", e, 9 + e, 2) for e, v in pairs]
    settings = scalar("hyperparameter" * 50_000, -1, 0, 1)
    (here / "events.out.tfevents.1.host.1.0").write_bytes(version() + settings + b"".join(each))
    ranking = ranked(strict=True)
    assert places(ranking)[0] == (1, "checkpoints/epoch=0.ckpt")
    assert [(log.kind, log.by, log.offset) for log in ranking.logs] == [("tensorboard", "epoch", 0)]


@pytest.mark.parametrize("suffix", [".pt", ".ckpt"])
def test_its_habit_is_that_of_its_files(here: Path, suffix: str) -> None:
    """A loop of one's own that writes a `metrics.csv` has rows of its own counts."""
    make(here, *(f"steps/model_step{n}{suffix}" for n in (100, 200, 300)))
    steps = "".join(f"0,{n},,0.{9 - n // 100}\n" for n in (99, 100, 199, 200, 299, 300))
    (here / "steps/metrics.csv").write_text(HEADER + steps)
    make(here, *(f"epochs/model_epoch{n}{suffix}" for n in range(1, 6)))
    epochs = "".join(f"{n},{100 * n},,0.{9 - n}\n" for n in range(5))
    (here / "epochs/metrics.csv").write_text(HEADER + epochs)
    of_steps, of_epochs = (ranked(locations=(each,)) for each in ("steps", "epochs"))
    assert [log.offset for log in of_steps.logs] == [int(suffix == ".ckpt")]
    assert "log-base-assumed" in codes(of_steps)
    # Names that count from 1 beside a log that counts from 0: Lightning's never do.
    five = [row.metric for row in of_epochs.rows if row.checkpoint.epoch == 5]
    assert [metric and metric.value for metric in five] == [0.5 if suffix == ".pt" else None]


def test_files_that_were_moved(here: Path) -> None:
    """The paths in best_k_models.yaml are those of the training; metrics with slashes too."""
    make(here, "a/e=0-val/loss=0.3.ckpt", "a/e=1-val/loss=0.4.ckpt")
    text = "/cluster/x/e=0-val/loss=0.3.ckpt: 0.31\n/cluster/x/e=1-val/loss=0.4.ckpt: 0.4\n"
    (here / "a/best_k_models.yaml").write_text(text + "? /cluster/gone.ckpt\n: .nan\n")
    kind, rows, said = read(here / "a/best_k_models.yaml")
    assert (kind, said) == ("best_k_models", [])
    files = ["e=0-val/loss=0.3.ckpt", "e=1-val/loss=0.4.ckpt", "gone.ckpt"]
    assert [row.file for row in rows] == files


@pytest.mark.parametrize(
    "text, said",
    [
        ("[1, 2", ["log-malformed"]),
        ("- a: 1\n", ["log-malformed"]),
        ("a.ckpt: !!python/object/apply:os.system ['false']\n", []),
        ("a.ckpt: {b: 1}\n", []),
        ("a: [" + "[" * 5000 + "\n", ["log-malformed"]),
        (b"\xff\xfe\x00", ["log-malformed"]),
        ("# :" + "x" * 2**20, ["log-malformed"]),
        ("/x/w.ckpt: 1.0\n/y/w.ckpt: 2.0\n", ["log-malformed"]),
        ("a: &a [x]\nb: *a\n", []),
    ],
)
def test_yaml_from_strangers(tmp_path: Path, text: str | bytes, said: list[str]) -> None:
    """Nothing in it is executed, and what is no mapping to numbers gives no rows."""
    _, rows, codes_said = read(tmp_path / "best_k_models.yaml", text)
    assert (rows, codes_said) == ([], said)


def test_without_pyyaml(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an extra would read is said, with its name."""
    make(here, "epoch=0-val_loss=0.70.ckpt")
    (here / "best_k_models.yaml").write_text("epoch=0-val_loss=0.70.ckpt: 0.7\n")
    monkeypatch.setitem(__import__("sys").modules, "yaml", None)
    ranking = ranked()
    assert "log-needs-extra" in codes(ranking)
    assert any("ckptsel[yaml]" in finding.message for finding in ranking.findings)
