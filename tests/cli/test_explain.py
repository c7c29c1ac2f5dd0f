"""`best --explain`: the chain of evidence on stderr, and in JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from tests import running
from tests.folders import make

if TYPE_CHECKING:
    from pathlib import Path

CSV = "epoch,loss,val_loss\n0,1,0.3161\n1,1,0.3239\n2,1,0.4\n"
NAMES = [f"w-0{n}-val_loss=0.{v}.keras" for n, v in ((1, 32), (2, 32), (3, 40))]


class Said(NamedTuple):
    """What a call printed."""

    stdout: str
    stderr: str


def run(*argv: str, code: int = 0) -> Said:
    """Run the program, and see that it ends with this code."""
    done = running.run(*argv)
    assert done.returncode == code
    return Said(done.stdout.decode(), done.stderr.decode())


def test_for_people(here: Path) -> None:
    """The path alone on stdout; why on stderr."""
    make(here, *NAMES)
    (here / "training.csv").write_text(CSV)
    done = run("best", "-m", "val_loss", "--explain")
    assert done.stdout == f"./{NAMES[0]}\n"
    assert done.stderr == (
        f"./{NAMES[0]}\n"
        "  ranked    1 of 3 checkpoints by val_loss, lowest first"
        " (auto: lower val_loss is better)\n"
        "  value     0.3161, line 2 of ./training.csv\n"
        "  name      says val_loss 0.32\n"
        "  log       joined to 3 checkpoints by epoch; names count one more than its rows: the"
        " values in 3 names agree with the log\n"
        f"  next      ./{NAMES[1]} with 0.3239, 0.0078 behind\n"
    )


def test_without_a_log(here: Path) -> None:
    """The name is the evidence, and a tie is called one."""
    make(here, *NAMES)
    said = run("best", "-m", "val_loss", "--explain").stderr
    assert "  value     0.32, read from the name\n" in said
    assert f"./{NAMES[0]} with 0.32: a tie, decided by epoch, step or path\n" in said


def test_in_json(here: Path) -> None:
    """The same as data; without --explain there is no such key."""
    make(here, *NAMES)
    (here / "training.csv").write_text(CSV)
    (found,) = json.loads(run("best", "-m", "val_loss", "--explain", "-o", "json").stdout)[
        "explanation"
    ]
    assert found["metric"]["source"] == "csv:training.csv:2"
    assert found["log"]["path"] == "./training.csv"
    assert (found["line"], found["in_name"]["text"]) == (2, "0.32")
    assert found["runner_up"] == f"./{NAMES[1]}"
    assert abs(found["margin"] - 0.0078) < 1e-9
    assert "explanation" not in json.loads(run("best", "-m", "val_loss", "-o", "json").stdout)


def test_options_of_logs(here: Path) -> None:
    """--no-logs reads none, --logs-only trusts no name, and both are a contradiction."""
    make(here, *NAMES)
    (here / "training.csv").write_text(CSV)
    assert run("best", "--no-logs", "-o", "json").stdout.count('"source": "csv') == 0
    (here / "training.csv").write_text(CSV.replace("0.4", "0.1"))
    assert run("best", "-m", "val_loss", "--logs-only").stdout == f"./{NAMES[2]}\n"
    assert run("best", "--logs-only", "--no-logs", code=2).stdout == ""


def test_a_log_of_several_files(here: Path) -> None:
    """The file and the place in it are those of the value, and JSON has all files of the log."""
    make(here, "checkpoint-1/model.safetensors", "checkpoint-2/model.safetensors")
    for step, loss in ((1, 0.5), (2, 0.25)):
        state = {"global_step": step, "log_history": [{"step": step, "eval_loss": loss}]}
        (here / f"checkpoint-{step}/trainer_state.json").write_text(json.dumps(state))
    said = run("best", "-m", "eval_loss", "--explain").stderr
    assert "  value     0.25, entry 1 of ./checkpoint-2/trainer_state.json\n" in said
    assert "  log       joined to 2 checkpoints by file name: the log names the files\n" in said
    (log,) = json.loads(run("best", "-m", "eval_loss", "-o", "json").stdout)["logs"]
    assert log["path"] == "."
    assert log["files"] == [f"./checkpoint-{step}/trainer_state.json" for step in (1, 2)]


def test_a_table_from_elsewhere(here: Path) -> None:
    """A table that the user has named is shown as it was named."""
    make(here, *(f"run/{name}" for name in NAMES))
    (here / "t.csv").write_text(CSV)
    said = run("best", "run", "-m", "val_loss", "--explain", "--metrics", "t.csv").stderr
    assert "  value     0.3161, line 2 of t.csv\n" in said


def test_medians_that_decided(here: Path) -> None:
    """With --smooth the medians are told and compared, and the values beside them."""
    make(here, *(f"m{n}.keras" for n in range(1, 12)))
    losses = [".9", ".5", ".45", ".4", ".31", ".33", ".6", ".2", ".1", ".8", ".9"]
    rows = "".join(f"{n},{loss}\n" for n, loss in enumerate(losses))
    (here / "log.csv").write_text("epoch,val_loss\n" + rows)
    done = run("best", "-m", "val_loss", "--smooth", "5", "--explain", "-o", "json")
    assert (
        "  ranked    1 of 11 checkpoints by the median of 5 values of val_loss around each, lowest"
        " first (auto: lower val_loss is better)\n"
        "  smoothed  0.31, the median that it was ranked by\n"
        "  value     .6, not smoothed, line 8 of ./log.csv\n"
    ) in done.stderr
    behind = "./m8.keras with .2, smoothed 0.33, 0.02 behind in smoothed val_loss\n"
    assert f"  next      {behind}" in done.stderr
    (found,) = json.loads(done.stdout)["explanation"]
    assert (found["metric"]["value"], found["smoothed"]) == (0.6, 0.31)
    assert (found["runner_up_value"], round(found["runner_up_smoothed"], 6)) == (0.2, 0.33)
    assert (found["decided_by"], round(found["margin"], 6)) == ("smoothed val_loss", 0.02)


def test_a_further_monitor_decides(here: Path) -> None:
    """Equal in the first, it is told by how much the second one differs."""
    make(here, "m1-loss=0.5-acc=0.7.keras", "m2-loss=0.5-acc=0.8.keras", "m3-loss=0.6.keras")
    said = run("best", "-m", "loss", "-m", "acc", "--explain").stderr
    assert (
        "  then by   acc, highest first (auto: higher acc is better): 0.8, read from the name\n"
    ) in said
    assert "  next      ./m1-loss=0.5-acc=0.7.keras with 0.5, 0.1 behind in acc\n" in said


def test_a_front_has_no_next(here: Path) -> None:
    """None of a front is behind another."""
    make(here, "m1-loss=0.5-acc=0.7.keras", "m2-loss=0.6-acc=0.8.keras")
    done = run("best", "-m", "loss", "-m", "acc", "--pareto", "--explain", "-o", "json")
    assert done.stderr.count("  front     no other is better") == 2
    assert "  next " not in done.stderr
    document = json.loads(done.stdout)
    assert [each["runner_up"] for each in document["explanation"]] == [None, None]
    assert [each["further"][0]["value"] for each in document["explanation"]] == [0.7, 0.8]
    assert [other["name"] for other in document["further"]] == ["acc"]


def test_those_without_a_value_are_not_ranked(here: Path) -> None:
    """It is one of those that have a value, of all that are there."""
    make(here, *NAMES, "last.keras", "w-04-val_loss=nan.keras")
    said = run("best", "-m", "val_loss", "--explain").stderr
    assert "  ranked    1 of 3 with a value (5 checkpoints in all) by val_loss, lowest" in said
