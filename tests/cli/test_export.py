"""`ckptsel export`: what it chooses, writes, says and prints."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import ckptsel
from ckptsel.errors import ExitCode
from tests.conversion.made import dense

if TYPE_CHECKING:
    from tests.cli.conftest import Run

RUN = Path(__file__).parents[2] / "docs" / "examples" / "runs" / "whole-models"
BEST = "epoch10-val_loss0.2544-val_accuracy0.9178.keras"


def test_the_best_of_a_run(run: Run, here: Path) -> None:
    """Only its path is printed; what was done is said on stderr."""
    done = run("export", str(RUN), "-m", "val_loss", "--to", "best.weights.h5")
    assert (done.exit_code, done.stdout) == (0, "best.weights.h5\n")
    assert f"exported {RUN / BEST} to best.weights.h5 (19.6 KiB)" in done.stderr
    record = json.loads((here / "best.weights.h5.ckptsel.json").read_text())
    assert record["monitor"]["name"] == "val_loss"
    assert record["source"].endswith(BEST)


def test_one_that_is_named_needs_no_monitor(run: Run, here: Path) -> None:
    """Its name may say anything, or several metrics."""
    shutil.copy(RUN / BEST, here / "m-loss0.1-acc0.9.keras")
    done = run("export", "m-loss0.1-acc0.9.keras", "--to", "w.npz")
    assert (done.exit_code, done.stdout) == (0, "w.npz\n")
    record = json.loads((here / "w.npz.ckptsel.json").read_text())
    assert "monitor" not in record
    asked = run("export", "m-loss0.1-acc0.9.keras", "-m", "loss", "--to", "v.npz")
    assert asked.exit_code == 0
    record = json.loads((here / "v.npz.ckptsel.json").read_text())
    assert record["value"] == 0.1


def test_json(run: Run, here: Path) -> None:
    """The document has what docs/output.md says, and how much dropping the optimizer saved."""
    dense(here / "w.weights.h5", 1.0, 2.0)
    done = run("export", "w.weights.h5", "--to", "w.npz", "--drop-optimizer", "-o", "json")
    document = json.loads(done.stdout)
    assert [*document] == ["schema", "command", "dry_run", "export"]
    assert [*document["export"]] == [
        "path", "source", "from", "to", "record", "state_file", "size_bytes", "optimizer_bytes",
        "checked", "files", "findings",
    ]  # fmt: skip
    assert document["export"]["optimizer_bytes"] == 24
    assert document["export"]["from"] == "weights.h5"
    assert "without 24 B of the optimizer's state" in done.stderr


@pytest.mark.parametrize("output", ["csv", "tsv", "jsonl", "table", "paths0"])
def test_other_outputs(run: Run, here: Path, output: str) -> None:
    """Every format that other commands have."""
    dense(here / "w.weights.h5", 1.0)
    done = run("export", "w.weights.h5", "--to", "w.npz", "-o", output)
    assert done.exit_code == 0
    if output == "csv":
        header, row = csv.reader(io.StringIO(done.stdout))
        assert dict(zip(header, row, strict=True))["to"] == "npz"
    assert "w.npz" in done.stdout


def test_a_dry_run(run: Run, here: Path) -> None:
    """It says what would be done, and writes nothing."""
    dense(here / "w.weights.h5", 1.0)
    done = run("export", "w.weights.h5", "--to", "w.npz", "--dry-run", "-o", "json")
    assert json.loads(done.stdout)["export"]["files"] == []
    assert "would export w.weights.h5 to w.npz (about" in done.stderr
    assert [path.name for path in here.iterdir()] == ["w.weights.h5"]


@pytest.mark.parametrize(
    "argv, code, said",
    [
        ("w.weights.h5 --to w", ExitCode.USAGE, "does not say what to write"),
        ("w.weights.h5 --to w.npz --as h5", ExitCode.USAGE, "loaders go by the suffix"),
        ("w.weights.h5 --to w.npz --max-shard-size 0", ExitCode.USAGE, "no size of a file"),
        ("w.weights.h5 --to w.npz --per-run", ExitCode.USAGE, "export writes one"),
        ("w.weights.h5 --to w.onnx", ExitCode.ERROR, "cannot become a model in ONNX"),
        ("w.weights.h5 --to w.keras", ExitCode.ERROR, "--model"),
        ("w.weights.h5 --to w.weights.h5 --force", ExitCode.ERROR, "itself"),
        ("gone.h5 --to w.npz", ExitCode.ERROR, "gone.h5"),
        ("w.weights.h5 --to gone/w.npz", ExitCode.ERROR, "no folder that exists"),
        (". --to w.npz --require val_loss<0.1", ExitCode.NOTHING_FOUND, "no name holds"),
    ],
)
def test_errors(run: Run, here: Path, argv: str, code: int, said: str) -> None:
    """Each with its exit code, nothing on stdout, and nothing written."""
    dense(here / "w.weights.h5", 1.0)
    done = run("export", *argv.split())
    assert (done.exit_code, done.stdout) == (code, ""), done.stderr
    assert said in done.stderr
    assert [path.name for path in here.iterdir()] == ["w.weights.h5"]


def test_what_is_there_stays(run: Run, here: Path) -> None:
    """Unless by force."""
    dense(here / "w.weights.h5", 1.0)
    (here / "w.npz").write_text("old")
    assert run("export", "w.weights.h5", "--to", "w.npz").exit_code == ExitCode.ERROR
    assert (here / "w.npz").read_text() == "old"
    assert run("export", "w.weights.h5", "--to", "w.npz", "--force").exit_code == 0
    assert [*np.load(here / "w.npz")]


def test_verify(run: Run, here: Path) -> None:
    """A damaged one is passed over in a search, and refused where it is named."""
    dense(here / "w-val_loss0.5.weights.h5", 1.0)
    dense(here / "w-val_loss0.4.weights.h5", float("nan"))
    done = run("export", ".", "-m", "val_loss", "--to", "b.npz", "--verify", "-o", "json")
    document = json.loads(done.stdout)
    assert document["export"]["source"].endswith("w-val_loss0.5.weights.h5")
    assert document["export"]["verified"]["sound"] is True
    assert [each["path"][-24:] for each in document["rejected"]] == ["w-val_loss0.4.weights.h5"]
    named = run("export", "w-val_loss0.4.weights.h5", "--to", "c.npz", "--verify")
    assert named.exit_code == ExitCode.DAMAGE
    assert not (here / "c.npz").exists()


def test_strict(run: Run, here: Path) -> None:
    """What is doubtful about the result is an error before anything is written."""
    dense(here / "w.weights.h5", 1.0)
    model = {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "m", "layers": [{"class_name": "Mine", "config": {"name": "dense"}}]},
    }
    (here / "m.json").write_text(json.dumps(model))
    argv = ("export", "w.weights.h5", "--to", "m.keras", "--model", "m.json", "--drop-optimizer")
    done = run(*argv, "--strict")
    assert done.exit_code == ExitCode.ERROR
    assert not (here / "m.keras").exists()


def test_from_python(here: Path) -> None:
    """`ckptsel.export` does the same, of a path and of a ranking."""
    done = ckptsel.export(RUN / BEST, here / "a.npz")
    assert done.target == "npz"
    ranking = ckptsel.find(RUN, monitor="val_loss")
    again = ckptsel.export(ranking, here / "b.npz", dtype="float16")
    assert again.source == str(RUN / BEST)
    with np.load(here / "b.npz") as found:
        layers = [name for name in found if name.startswith("layers/")]
        assert {found[name].dtype.name for name in layers} == {"float16"}
    with pytest.raises(ckptsel.ConversionError):
        ckptsel.export(here / "a.npz", here / "c.onnx")


@pytest.mark.parametrize("name", ["m.keras", "w.weights.h5", "tf-1.data-00000-of-00001"])
def test_a_file_that_is_no_checkpoint(run: Run, here: Path, name: str) -> None:
    """An empty file that is named itself is called what it is; its name is of no interest."""
    (here / name).touch()
    done = run("export", name, "--to", "w.npz")
    assert done.exit_code == ExitCode.ERROR
    assert "in no known format" in done.stderr
    assert "empty or overwritten" in done.stderr


def test_a_destination_like_an_option(run: Run, here: Path) -> None:
    """What is printed can be given to the next command as it is."""
    dense(here / "w.weights.h5", 1.0)
    done = run("export", "w.weights.h5", "--to=-dash.npz")
    assert (done.exit_code, done.stdout) == (0, "./-dash.npz\n")
    assert (here / "-dash.npz").exists()


def test_shards_of_one_file(run: Run, here: Path) -> None:
    """An option that does nothing is said, and an error under `--strict`."""
    dense(here / "w.weights.h5", 1.0)
    done = run("export", "w.weights.h5", "--to", "w.npz", "--max-shard-size", "1", "--strict")
    assert done.exit_code != 0
    assert "--max-shard-size has no meaning here" in done.stderr
    assert "GiB" in run("export", "w.weights.h5", "--to", "w.npz", "--max-shard-size", "0").stderr
