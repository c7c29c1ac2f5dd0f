"""Options from the environment, and what is typed beside them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

from ckptsel.cli.app import COMMANDS, app
from ckptsel.errors import ExitCode
from ckptsel.selection import Query

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Core, Run

BEST = "runs/a/w.02-0.30.keras"
# What is asked once, by a person.
TYPED_ONLY = {"locations", "names", "paths", "help", "null", "single", "a", "b", "file"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_a_variable(name: str) -> None:
    """It is called CKPTSEL_ and the option's name."""
    group: Any = get_command(app)
    for parameter in group.get_command(None, name).params:
        if parameter.name in TYPED_ONLY:
            continue
        option = max(parameter.opts, key=len)
        variable = "CKPTSEL_" + option.removeprefix("--").upper().replace("-", "_")
        assert parameter.envvar == variable or f"[env var: {variable}," in parameter.help


@pytest.mark.parametrize(
    "env, argv, expected",
    [
        ({"TOP": "2"}, "", f"{BEST}\nruns/b/w.01-0.45.keras\n"),
        ({"TOP": "2"}, "--top 1", f"{BEST}\n"),
        ({"FORMAT": "{epoch}"}, "", "2\n"),
        ({"FORMAT": "{epoch}"}, "--format {step}|", "|\n"),
        ({"FORMAT": "{epoch}"}, "-0", "2\0"),
        ({"FORMAT": "{epoch}"}, "-o paths", f"{BEST}\n"),
        ({"OUTPUT": "json"}, "--format {epoch}", "2\n"),
        ({"OUTPUT": "json"}, "-0", f"{BEST}\0"),
        ({"OUTPUT": "json"}, "-0 --format {epoch}", "2\0"),
        ({"OUTPUT": "json", "FORMAT": "{epoch}"}, "-o paths", f"{BEST}\n"),
        ({"OUTPUT": "json", "FORMAT": "{epoch}"}, "--format {rank}", "1\n"),
        ({"MODE": "max"}, "-m val_loss:min", f"{BEST}\n"),
        ({"MODE": "max"}, "-m val_loss:MIN", f"{BEST}\n"),
        ({"MODE": "max"}, "-m val_loss --mode min", f"{BEST}\n"),
    ],
)
def test_what_is_typed_beats_the_environment(
    run: Run, core: Core, env: dict[str, str], argv: str, expected: str
) -> None:
    """A variable contradicts nothing that is typed."""
    del core
    result = run("best", *argv.split(), env={f"CKPTSEL_{k}": v for k, v in env.items()})
    assert (result.stdout, result.stderr) == (expected, "")


@pytest.mark.parametrize(
    "env, argv",
    [
        ({}, "-o json --format {epoch}"),
        ({}, "-0 -o json"),
        ({"OUTPUT": "paths", "FORMAT": "{path}"}, "-o json --format {epoch}"),
        ({"OUTPUT": "json", "FORMAT": "{epoch}"}, ""),
        ({"FILES_FROM": "a", "FILES0_FROM": "b"}, ""),
        ({}, "-m val_loss:min --mode max"),
        ({"MODE": "max", "MONITOR": "val_loss:min"}, ""),
    ],
)
def test_contradictions(run: Run, core: Core, env: dict[str, str], argv: str) -> None:
    """What is typed can contradict itself, and so can the environment."""
    result = run("best", *argv.split(), env={f"CKPTSEL_{k}": v for k, v in env.items()})
    assert (result.exit_code, core.query) == (ExitCode.USAGE, None)


def test_files_from(run: Run, core: Core, tmp_path: Path) -> None:
    """A list can come from the environment; a location or another list overrides it."""
    lines, nuls = tmp_path / "lines", tmp_path / "nuls"
    lines.write_bytes(b"a\nb\n")
    nuls.write_bytes(b"c\0d\0")
    one = {"CKPTSEL_FILES_FROM": str(lines)}
    other = {"CKPTSEL_FILES0_FROM": str(nuls)}
    for env, argv, query in (
        (one, [], Query(files=("a", "b"))),
        (one, ["runs"], Query(locations=("runs",))),
        (one, ["--files0-from", str(nuls)], Query(files=("c", "d"))),
        (other, [], Query(files=("c", "d"))),
        (other, ["runs"], Query(locations=("runs",))),
        (other, ["--files-from", str(lines)], Query(files=("a", "b"))),
    ):
        assert run("best", *argv, env=env).exit_code == 0
        assert core.query == query


def test_copy(run: Run, tmp_path: Path) -> None:
    """A job can say once where a copy goes, and how."""
    (tmp_path / "e=1-val_loss=0.45.h5").touch()
    env = {f"CKPTSEL_{name}": "1" for name in ("FORCE", "SHA256", "DRY_RUN")}
    env |= {"CKPTSEL_TO": f"{tmp_path}/out/", "CKPTSEL_OUTPUT": "json"}
    planned = json.loads(run("copy", str(tmp_path), env=env).stdout)
    assert planned["dry_run"]
    assert not (tmp_path / "out").exists()
    del env["CKPTSEL_DRY_RUN"]
    for _ in range(2):
        done = json.loads(run("copy", str(tmp_path), "--exclude", "out", env=env).stdout)
        assert done["copies"][0]["path"] == f"{tmp_path}/out/e=1-val_loss=0.45.h5"
        assert done["copies"][0]["files"][0]["sha256"]
