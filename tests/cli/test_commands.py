"""From a command line to what is printed, and to an exit code."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ckptsel import __version__
from ckptsel.checkpoint import Finding, Ranking
from ckptsel.errors import (
    ExitCode,
    LocationNotFoundError,
    MonitorNotFoundError,
    NothingFoundError,
    StrictError,
)
from tests.cli.rankings import by_val_loss, checkpoint, ranked

if TYPE_CHECKING:
    from tests.cli.conftest import Core, Run


@pytest.mark.parametrize(
    "argv, words",
    [
        ("best runs --files-from x", "only one of"),
        ("best --files-from x --files0-from x", "only one of"),
        ("best --mode up", "'min', 'max', 'auto'"),
        ("best --tie no", "'later', 'earlier', 'error'"),
        ("best -o xml", "'paths0'"),
        ("best --top 0", "--top"),
        ("best --top x", "--top"),
        ("best --max-depth 0", "--max-depth"),
        ("best --nonsense", "--nonsense"),
        ("best --require val_loss", "--require 'val_loss'"),
        ("best --format {", "--format '{'"),
        ("best --format {path.x}", "no field 'path.x'"),
        ("best --format {path} -o json", "contradict"),
        ("best -0 -o json", "contradict"),
        ("parse", "NAME"),
        ("bset", "Did you mean 'best'"),
    ],
)
def test_wrong_usage(run: Run, core: Core, argv: str, words: str) -> None:
    """It ends with 2, on stderr, and nothing is on stdout."""
    del core
    result = run(*argv.split(" "))
    assert result.exit_code == ExitCode.USAGE
    assert words in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    "argv, lines",
    [
        ("best", ["runs/a/w.02-0.30.keras"]),
        ("best --top 2", ["runs/a/w.02-0.30.keras", "runs/b/w.01-0.45.keras"]),
        ("best --per-run", ["runs/a/w.02-0.30.keras", "runs/b/w.01-0.45.keras"]),
        ("best --require val_loss<=0.3", ["runs/a/w.02-0.30.keras"]),
        ("best --format {val_loss:.4f}@{epoch}", ["0.3000@2"]),
        ("best --format {rank}{modified}{monitor}{value}", ["11700000000.0val_loss0.3"]),
        ("list --format {epoch}|{rank}", ["2|1", "1|2", "3|"]),
        ("list --top 1 -o paths", ["runs/a/w.02-0.30.keras"]),
    ],
)
def test_what_is_printed(run: Run, core: Core, argv: str, lines: list[str]) -> None:
    """Results, a line each, and nothing else."""
    del core
    result = run(*argv.split(" "))
    assert result.stdout.splitlines() == lines
    assert (result.stderr, result.exit_code) == ("", 0)


@pytest.mark.parametrize(
    "argv",
    [
        ("best", "-0"),
        ("best", "-o", "paths0"),
        ("best", "-0", "-o", "paths"),
        ("best", "-0", "--format", "{path}"),
    ],
)
def test_nul(run: Run, core: Core, argv: tuple[str, ...]) -> None:
    """-0 ends each path, or each line of a template, with a NUL byte."""
    del core
    assert run(*argv).stdout_bytes == b"runs/a/w.02-0.30.keras\0"


def test_best_as_json(run: Run, core: Core) -> None:
    """The whole record, with the runner-up."""
    del core
    document = json.loads(run("best", "-o", "json").stdout)
    assert document["command"] == "best"
    assert document["best"]["path"] == "runs/a/w.02-0.30.keras"
    assert document["runner_up"]["path"] == "runs/b/w.01-0.45.keras"
    assert document["checkpoints"] == [document["best"]]


@pytest.mark.parametrize("command", ["best", "list"])
def test_the_best_of_each_run_has_no_runner_up(run: Run, core: Core, command: str) -> None:
    """The second row is the best of another run, and no second choice."""
    assert isinstance(core.answer, Ranking)
    core.answer = replace(core.answer, per_run=True)
    document = json.loads(run(command, "--per-run", "-o", "json").stdout)
    assert len(document["checkpoints"]) >= 2
    assert document["runner_up"] is None


def test_a_template_knows_the_monitor_by_its_name(run: Run, core: Core) -> None:
    """A value without a label can be printed by the name that it is ranked by."""
    one = checkpoint(1, "0.45")
    unlabelled = replace(one.metrics[1], name="1", labelled=False)
    row = ranked(1, replace(one, metrics=(unlabelled,)))
    core.answer = by_val_loss(replace(row, metric=unlabelled))
    assert run("best", "--format", "{val_loss:.4f} {1}").stdout == "0.4500 0.45\n"


def test_output_from_the_environment(run: Run, core: Core) -> None:
    """A CI job can ask for JSON once, and -o overrides it."""
    del core
    env = {"CKPTSEL_OUTPUT": "json"}
    assert json.loads(run("best", env=env).stdout)["schema"] == 1
    assert run("best", "-o", "paths", env=env).stdout == "runs/a/w.02-0.30.keras\n"


def test_require_not_met(run: Run, core: Core) -> None:
    """Nothing is printed but why, and the exit code says that it was a condition."""
    del core
    result = run("best", "--require", "val_loss<0.1", "--require", "epoch>0")
    assert (result.exit_code, result.stdout) == (ExitCode.CONDITION_NOT_MET, "")
    assert result.stderr == (
        "ckptsel: error: runs/a/w.02-0.30.keras does not meet 'val_loss<0.1': val_loss is 0.30\n"
    )


def test_require_from_the_environment(run: Run, core: Core) -> None:
    """Several conditions stand on lines of their own."""
    del core
    env = {"CKPTSEL_REQUIRE": "epoch > 0\nval_loss < 0.1"}
    assert run("best", env=env).exit_code == ExitCode.CONDITION_NOT_MET


def test_more_asked_for_than_there_are(run: Run, core: Core) -> None:
    """What there is is printed, and that it is fewer is said; what has no rank is no result."""
    del core
    result = run("best", "--top", "5")
    assert len(result.stdout.splitlines()) == 2
    assert result.stderr == "ckptsel: note: 5 were asked for, and only 2 could be ranked\n"


def test_nothing_ranked_is_no_result(run: Run, core: Core) -> None:
    """A row without a place is never printed as the best."""
    core.answer = by_val_loss(ranked(None, checkpoint(1, "nan"), reason="val_loss is nan"))
    result = run("best")
    assert (result.exit_code, result.stdout) == (ExitCode.NOTHING_FOUND, "")


def test_findings_are_said(run: Run, core: Core) -> None:
    """Notes are on stderr, the result alone on stdout."""
    finding = Finding("tie", "two have 0.30", "runs/a")
    core.answer = by_val_loss(ranked(1, checkpoint(1, "0.30")), findings=(finding,))
    result = run("best")
    assert result.stdout == "runs/a/w.01-0.30.keras\n"
    assert result.stderr == "ckptsel: note: runs/a: two have 0.30\n"


@pytest.mark.parametrize(
    "error, code",
    [
        (LocationNotFoundError("runs does not exist", hint="look again"), 1),
        (NothingFoundError("nothing in runs", hint="look again"), 3),
        (MonitorNotFoundError("no val_loss", hint="look again"), 3),
        (StrictError("a tie", hint="look again"), 1),
    ],
)
def test_errors_become_exit_codes(run: Run, core: Core, error: Any, code: int) -> None:
    """Each error is told on stderr and ends with its own code."""
    core.answer = error
    result = run("best")
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr == f"ckptsel: error: {error.message}\nhint: look again\n"


def test_bugs_keep_their_tracebacks(run: Run, core: Core) -> None:
    """What is no CkptselError is not dressed up as one."""
    core.answer = replace(by_val_loss(), rows=None)  # type: ignore[arg-type]
    result = run("best")
    assert isinstance(result.exception, TypeError)


def test_interrupted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends with 130, without a traceback."""

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ckptsel.selection.select", interrupt)
    result = run("best")
    assert (result.exit_code, result.stdout, result.stderr) == (ExitCode.INTERRUPTED, "", "")


def test_help_by_either_name(run: Run) -> None:
    """-h is --help, for the program and for each command."""
    for argv in ((), ("best",)):
        short, long = run(*argv, "-h"), run(*argv, "--help")
        assert short.stdout == long.stdout
        assert short.exit_code == long.exit_code == 0
        assert "Usage: ckptsel" in io.StringIO(short.stdout).readline()


def test_no_command(run: Run) -> None:
    """Without a command, the help is wrong usage."""
    assert run().exit_code == ExitCode.USAGE


def test_version(run: Run) -> None:
    """The version is that of the package."""
    result = run("--version")
    assert (result.stdout, result.exit_code) == (f"ckptsel {__version__}\n", 0)
