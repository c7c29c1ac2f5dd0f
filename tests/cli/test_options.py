"""From the command line and the environment to the core call."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from ckptsel.errors import ExitCode
from ckptsel.selection import Query

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Core, Run


@pytest.mark.parametrize(
    "argv, query",
    [
        ("", Query()),
        ("runs other", Query(locations=("runs", "other"))),
        ("-m val_loss", Query(monitor="val_loss")),
        ("--monitor val_loss", Query(monitor="val_loss")),
        ("--mode max", Query(mode="max")),
        ("-p {epoch} --pattern {step}", Query(patterns=("{epoch}", "{step}"))),
        ("--max-depth 1", Query(max_depth=1)),
        ("--include *.h5 --include *.keras", Query(include=("*.h5", "*.keras"))),
        ("--exclude tmp", Query(exclude=("tmp",))),
        ("--per-run", Query(per_run=True)),
        ("--tie earlier", Query(tie="earlier")),
        ("--tie error", Query(tie="error")),
        ("--strict", Query(strict=True)),
        ("--allow-zero", Query(allow_zero=True)),
        ("-- -m", Query(locations=("-m",))),
    ],
)
@pytest.mark.parametrize("command", ["best", "list"])
def test_options_become_a_query(
    run: Run, core: Core, command: str, argv: str, query: Query
) -> None:
    """Each option sets its field, on every command that looks for checkpoints."""
    assert run(command, *argv.split()).exit_code == 0
    assert core.query == query


@pytest.mark.parametrize(
    "variable, value, query",
    [
        ("MONITOR", "val_loss", Query(monitor="val_loss")),
        ("MODE", "min", Query(mode="min")),
        ("PATTERN", "run 1-{epoch}\n{step}", Query(patterns=("run 1-{epoch}", "{step}"))),
        ("PATTERN", "", Query()),
        ("MAX_DEPTH", "2", Query(max_depth=2)),
        ("INCLUDE", "my *.h5", Query(include=("my *.h5",))),
        ("EXCLUDE", "tmp\nold", Query(exclude=("tmp", "old"))),
        ("PER_RUN", "1", Query(per_run=True)),
        ("TIE", "error", Query(tie="error")),
        ("STRICT", "true", Query(strict=True)),
        ("ALLOW_ZERO", "yes", Query(allow_zero=True)),
    ],
)
def test_environment_becomes_a_query(
    run: Run, core: Core, variable: str, value: str, query: Query
) -> None:
    """What a CI job would repeat can be set once; lists hold one value a line."""
    assert run("best", env={f"CKPTSEL_{variable}": value}).exit_code == 0
    assert core.query == query


def test_the_command_line_beats_the_environment(run: Run, core: Core) -> None:
    """What is typed is what is meant, for lists too."""
    env = {"CKPTSEL_MONITOR": "loss", "CKPTSEL_PATTERN": "{epoch}"}
    run("best", "-m", "val_loss", "-p", "{step}", env=env)
    assert core.query == Query(monitor="val_loss", patterns=("{step}",))


@pytest.mark.parametrize(
    "argv, expected",
    [
        ("best", {"keep": 2, "rank": True}),
        ("best --top 3", {"keep": 4, "rank": True}),
        ("best --per-run", {"keep": None, "rank": True}),
        ("best --per-run --top 3", {"keep": 4, "rank": True}),
        ("list", {"keep": None, "rank": False}),
        ("list -m val_loss", {"keep": None, "rank": True}),
        ("list --top 3", {"keep": None, "rank": True}),
        ("list --per-run", {"keep": None, "rank": True}),
    ],
)
def test_how_much_is_asked_for(run: Run, core: Core, argv: str, expected: dict[str, Any]) -> None:
    """`best` asks for a runner-up too, and `list` ranks only if that is asked for."""
    run(*argv.split())
    assert {key: core.options[key] for key in expected} == expected


@pytest.mark.parametrize(
    "option, content", [("--files-from", b"a b\n\xff\n\nc"), ("--files0-from", b"a b\0\xff\0c\0")]
)
def test_files_from(run: Run, core: Core, tmp_path: Path, option: str, content: bytes) -> None:
    """A list of files is read as bytes, with either end of a name."""
    listed = tmp_path / "files"
    listed.write_bytes(content)
    assert run("best", option, str(listed)).exit_code == 0
    assert core.query == Query(files=("a b", os.fsdecode(b"\xff"), "c"))
    core.query = None
    assert run("best", option, "-", input=content).exit_code == 0
    assert core.query == Query(files=("a b", os.fsdecode(b"\xff"), "c"))


@pytest.mark.parametrize(
    "content, files",
    [
        (b"a\r\nb\r\n", ("a", "b")),
        (b"a\r\n\r\nb", ("a", "b")),
        (b"a\r\nb\n", ("a\r", "b")),
        (b"a\r", ("a\r",)),
        (b"a\rb\r\n", ("a\rb",)),
    ],
)
def test_a_list_from_windows(run: Run, core: Core, content: bytes, files: tuple[str, ...]) -> None:
    """Where every line ends in a carriage return, that is no part of a name; else it is."""
    run("best", "--files-from", "-", input=content)
    assert core.query == Query(files=files)


def test_a_list_with_nul_bytes(run: Run, core: Core) -> None:
    """What find -print0 writes is not one long name, and the right option is named."""
    result = run("best", "--files-from", "-", input=b"a\0b\0")
    assert (result.exit_code, core.query) == (ExitCode.USAGE, None)
    assert "--files0-from" in result.stderr


def test_an_empty_list_of_files_is_not_the_current_folder(run: Run, core: Core) -> None:
    """Nothing listed means nothing, and not a scan."""
    run("best", "--files-from", "-", input="")
    assert core.query == Query(files=())


def test_a_list_of_files_that_is_missing(run: Run, core: Core, tmp_path: Path) -> None:
    """The file is named, and the core is not called."""
    result = run("best", "--files-from", str(tmp_path / "none"))
    assert result.exit_code == ExitCode.ERROR
    assert result.stderr.startswith(f"ckptsel: error: cannot read {tmp_path}/none: ")
    assert core.query is None


def test_stdin_that_is_closed(run: Run, core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed stdin lists no files."""
    monkeypatch.setattr("ckptsel.storage.sys", type("Sys", (), {"stdin": None}))
    run("best", "--files-from", "-")
    assert core.query == Query(files=())
