"""`ckptsel runs`: the table, the JSON and the exit codes."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ckptsel.cli.reports.runs import sparkline

if TYPE_CHECKING:
    from tests.cli.conftest import Run

RUNS = Path(__file__).parents[2] / "docs" / "examples" / "runs"


def test_table(run: Run) -> None:
    """One row a run, the best first, with its trend and its trouble."""
    lines = run("runs", str(RUNS), "-m", "val_loss").stdout.splitlines()
    assert lines[0] == "val_loss, lowest first"
    assert lines[2].split() == [
        "run", "checkpoints", "epochs", "best", "epoch", "last", "trend", "latest", "is", "best",
        "trouble",
    ]  # fmt: skip
    names = [line.split()[0].rpartition("/")[2] for line in lines[3:6]]
    assert names == ["whole-models", "recipe", "every-epoch"]
    assert "val_loss was 0.260943 at epoch 16 (csv:training.csv:17), better than" in lines[4]


def test_json(run: Run) -> None:
    """Everything that the table says, with the exact values and the history."""
    found = json.loads(run("runs", str(RUNS), "-m", "val_loss", "--top", "1", "-o", "json").stdout)
    assert (found["schema"], found["command"], found["found"]) == (1, "runs", 3)
    (one,) = found["runs"]
    assert (one["checkpoints"], one["unit"], one["first"], one["last"]) == (14, "epoch", 1, 14)
    assert one["best"]["epoch"] == 10
    assert one["best"]["value"] == min(point["value"] for point in one["history"])
    assert one["last_value"] == one["history"][-1]["value"]
    assert one["latest_is_best"] is False


def test_keys(run: Run) -> None:
    """The keys of the JSON and the columns are those that the page names, in its order."""
    found = json.loads(run("runs", str(RUNS), "-m", "val_loss", "-o", "json").stdout)
    assert [*found] == ["schema", "command", "monitor", "runs", "found", "logs", "findings"]
    one = found["runs"][0]
    assert [*one] == [
        "run", "checkpoints", "unit", "first", "last", "best", "latest", "latest_is_best",
        "last_value", "values", "history_unit", "history", "trouble",
    ]  # fmt: skip
    assert [*one["best"]] == ["path", "rank", "epoch", "step", "value", "source"]
    assert [*one["latest"]] == ["path", "epoch", "step"]
    assert [*one["history"][0]] == ["at", "value", "source"]
    trouble = found["runs"][1]["trouble"]
    assert [*trouble[0]] == ["code", "message", "path", "strict"]
    assert trouble[0]["strict"] is True
    page = (RUNS.parents[1] / "output.md").read_text(encoding="utf-8")
    section = page.partition("## JSON of runs\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE) == [*found, *one]
    heading = run("runs", str(RUNS), "-m", "val_loss", "-o", "csv").stdout.splitlines()[0]
    columns = section.partition("columns of csv and tsv: ")[2].partition("`paths`")[0]
    named = [name for name in re.findall(r"`(\w+)`", columns) if name not in ("true", "false")]
    assert named == heading.split(",")


def test_a_history_of_steps(run: Run, tmp_path: Path) -> None:
    """The log may count steps where the names count epochs, too: it is told which."""
    rows = "".join(f"{epoch},{10 * epoch + 9},0.{9 - epoch}\n" for epoch in range(4))
    (tmp_path / "metrics.csv").write_text("epoch,step,val_loss\n" + rows)
    for epoch in (0, 2):
        (tmp_path / f"epoch={epoch}-step={10 * epoch + 10}.ckpt").write_text(f"{epoch}")
    shown = run("runs", str(tmp_path), "-m", "val_loss", "-o", "json").stdout
    (one,) = json.loads(shown)["runs"]
    assert (one["unit"], one["last"], one["history_unit"]) == ("epoch", 2, "step")
    assert [point["at"] for point in one["history"]] == [10, 20, 30, 40]
    assert "at step 40 (" in one["trouble"][0]["message"]


def test_csv(run: Run) -> None:
    """Values read back as the same values."""
    shown = run("runs", str(RUNS), "-m", "val_loss", "-o", "csv").stdout
    rows = [*csv.DictReader(io.StringIO(shown))]
    assert [row["best_at"] for row in rows] == ["10", "19", "10"]
    assert rows[1]["trouble"] == "run-best-not-saved"


def test_strict(run: Run) -> None:
    """Under --strict, trouble is an error; so is a monitor that nobody has."""
    result = run("runs", str(RUNS / "recipe"), "-m", "val_loss", "--strict")
    assert result.exit_code == 1
    assert "better than what was saved" in result.stderr
    assert run("runs", str(RUNS), "-m", "val_nothing", "--mode", "min").exit_code == 3


def test_huge_values(run: Run, tmp_path: Path) -> None:
    """No mean, trend or median of finite values is infinite, which JSON cannot hold."""
    for epoch, value in enumerate((1.7e308, -1.7e308) * 30):
        (tmp_path / f"w.{epoch:02d}-val_loss={value:.1e}.keras").write_text(f"{epoch}")
    assert run("runs", str(tmp_path), "-m", "val_loss").exit_code == 0
    shown = run("list", str(tmp_path), "-m", "val_loss", "--smooth", "3", "-o", "json")
    rows = json.loads(shown.stdout, parse_constant=pytest.fail)["checkpoints"]
    assert {row["smoothed"] for row in rows} == {1.7e308, -1.7e308}


def test_strict_tells_more_than_the_first(run: Run, tmp_path: Path) -> None:
    """What is wrong with further runs is in the details."""
    for name in "abcdefg":
        (tmp_path / name).mkdir()
        (tmp_path / name / "training.csv").write_text("epoch,val_loss\n0,0.6\n1,0.5\n2,0.1\n")
        for epoch, loss in ((1, "0.60"), (2, "0.50")):
            (tmp_path / name / f"w.{epoch:02d}-val_loss={loss}.keras").write_text(f"{name}{epoch}")
    result = run("runs", str(tmp_path), "-m", "val_loss", "--strict")
    assert result.exit_code == 1
    assert result.stderr.count("better than what was saved") == 5


@pytest.mark.parametrize("option", ["--pareto", "--per-run"])
def test_what_does_not_go_with_runs(run: Run, option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not offered; set in the environment for other commands, it does not matter."""
    assert run("runs", str(RUNS), "-m", "val_loss", option).exit_code == 2
    monkeypatch.setenv("CKPTSEL_" + option[2:].upper().replace("-", "_"), "1")
    assert run("runs", str(RUNS), "-m", "val_loss").exit_code == 0


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([], ""),
        ([1.0], "▁"),
        ([1.0, 1.0], "▁▁"),
        ([0.0, 7.0], "▁█"),
        ([0.0, float("nan"), float("inf")], "▁!!"),
        ([float(n) for n in range(8)], "▁▂▃▄▅▆▇█"),
        ([1.7e308] * 41, "▁" * 20),
        ([-1.7e308, 0.0, 1.7e308], "▁▅█"),
        ([sys.float_info.max] * 33 + [-sys.float_info.max] * 7, "█" * 16 + "▅" + "▁" * 3),
    ],
)
def test_sparkline(values: list[float], drawn: str) -> None:
    """Bars from the lowest to the highest value; what is not finite is marked."""
    assert sparkline(values) == drawn


def test_long_histories_are_summed_up() -> None:
    """However many values there are, the bars are at most twenty."""
    few = sparkline([float(n) for n in range(20)])
    assert sparkline([float(n // 50) for n in range(1000)]) == few
