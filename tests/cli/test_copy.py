"""`ckptsel copy`: what it asks for, says and prints."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ckptsel.checkpoint import Finding
from ckptsel.errors import DestinationError, ExitCode
from ckptsel.transfer.copy import Copied, CopiedFile

if TYPE_CHECKING:
    from pathlib import Path

    from ckptsel.checkpoint import Ranking
    from tests.cli.conftest import Core, Run

ONE = Copied(
    dest="out/x.index",
    source="runs/a/x.index",
    files=(CopiedFile("x.index", 24, "ab" * 32), CopiedFile("x.data-0-of-1", 2024, None)),
    record="out/x.index.ckptsel.json",
)


class Transfer:
    """Stands in for the copying: remembers what it is asked."""

    def __init__(self) -> None:
        self.answer: tuple[Copied, ...] = (ONE,)
        self.calls: list[dict[str, Any]] = []

    def __call__(self, ranking: Ranking, dest: str, **options: Any) -> tuple[Copied, ...]:
        """Answer with the copies, after telling of two chunks."""
        del ranking
        on_bytes = options.pop("on_bytes", None)
        self.calls.append({"dest": dest, **options})
        for amount in (24, 2024):
            if on_bytes:
                on_bytes(amount)
        return self.answer


@pytest.fixture
def transfer(monkeypatch: pytest.MonkeyPatch, core: Core) -> Transfer:
    """The copying, replaced, with a ranking of three in front of it."""
    del core
    stand_in = Transfer()
    monkeypatch.setattr("ckptsel.transfer.copy.copy", stand_in)
    return stand_in


@pytest.mark.parametrize(
    "argv, expected",
    [
        ("", {}),
        ("--top 2", {"top": 2}),
        ("--top 1", {"top": 1}),
        ("--per-run", {"top": 2}),
        ("--per-run --top 1", {"top": 1}),
        ("--per-run --top 5", {"top": 5}),
        ("--force", {"force": True}),
        ("--sha256", {"sha256": True}),
        ("--dry-run", {"dry_run": True}),
    ],
)
def test_what_is_asked(
    run: Run, transfer: Transfer, argv: str, expected: dict[str, object]
) -> None:
    """Each option reaches the copying."""
    assert run("copy", "--to", "out", *argv.split()).exit_code == 0
    plain = {"dest": "out", "top": None, "force": False, "sha256": False, "dry_run": False}
    assert transfer.calls == [plain | expected]


def test_the_destination_is_the_result(run: Run, transfer: Transfer) -> None:
    """Stdout has the new path alone, stderr what was done."""
    del transfer
    result = run("copy", "--to", "out")
    assert result.stdout == "out/x.index\n"
    assert result.stderr == ("ckptsel: copied runs/a/x.index to out/x.index (2 files, 2.0 KiB)\n")


def test_a_dry_run_says_so(run: Run, transfer: Transfer) -> None:
    """Nobody takes a dry run for a copy."""
    del transfer
    assert run("copy", "--to", "out", "--dry-run").stderr.startswith("ckptsel: would copy ")
    table = run("copy", "--to", "out", "--dry-run", "-o", "table").stdout
    assert table.startswith("nothing was written\n")


def test_the_state_file_is_said(run: Run, transfer: Transfer) -> None:
    """A file that was not asked for by name is named."""
    transfer.answer = (replace(ONE, state_file="out/checkpoint"),)
    assert run("copy", "--to", "out/").stderr == (
        "ckptsel: copied runs/a/x.index to out/x.index (2 files, 2.0 KiB),"
        " with out/checkpoint for tf.train.latest_checkpoint\n"
    )


def test_json(run: Run, transfer: Transfer) -> None:
    """Every file with its hash."""
    finding = Finding("odd", "it is odd", "out")
    transfer.answer = (replace(ONE, findings=(finding,), state_file="out/checkpoint"),)
    result = run("copy", "--to", "out", "-o", "json")
    assert result.stderr.startswith("ckptsel: note: out: it is odd\n")
    assert json.loads(result.stdout) == {
        "schema": 1,
        "command": "copy",
        "dry_run": False,
        "copies": [
            {
                "path": "out/x.index",
                "source": "runs/a/x.index",
                "record": "out/x.index.ckptsel.json",
                "state_file": "out/checkpoint",
                "size_bytes": 2048,
                "files": [
                    {"name": "x.index", "size_bytes": 24, "sha256": "ab" * 32},
                    {"name": "x.data-0-of-1", "size_bytes": 2024, "sha256": None},
                ],
                "findings": [
                    {"code": "odd", "message": "it is odd", "path": "out", "strict": False}
                ],
            }
        ],
    }


def test_csv_and_table(run: Run, transfer: Transfer) -> None:
    """One line a checkpoint."""
    del transfer
    rows = csv.reader(io.StringIO(run("copy", "--to", "out", "-o", "csv").stdout))
    assert [*rows] == [
        ["path", "source", "record", "size_bytes"],
        ["out/x.index", "runs/a/x.index", "out/x.index.ckptsel.json", "2048"],
    ]
    assert run("copy", "--to", "out", "-o", "table").stdout == (
        "source          path         files     size\nruns/a/x.index  out/x.index      2  2.0 KiB\n"
    )


def test_nothing_is_copied_that_does_not_meet_a_condition(run: Run, transfer: Transfer) -> None:
    """A condition is checked before anything is written."""
    result = run("copy", "--to", "out", "--require", "val_loss<0.1")
    assert result.exit_code == ExitCode.CONDITION_NOT_MET
    assert transfer.calls == []


def test_strict_refuses_before_it_copies(run: Run, transfer: Transfer) -> None:
    """Under --strict a finding of the copying is an error, and is found in a dry run."""
    transfer.answer = (replace(ONE, findings=(Finding("x", "no record", strict=True),)),)
    result = run("copy", "--to", "out", "--strict")
    assert (result.exit_code, result.stdout) == (ExitCode.ERROR, "")
    assert result.stderr == "ckptsel: error: out/x.index: no record\n"
    assert [call["dry_run"] for call in transfer.calls] == [True]


def test_strict_copies_where_there_is_nothing_to_say(run: Run, transfer: Transfer) -> None:
    """A finding that is only a note stops nothing."""
    transfer.answer = (replace(ONE, findings=(Finding("x", "a note"),)),)
    assert run("copy", "--to", "out", "--strict").exit_code == 0
    assert [call["dry_run"] for call in transfer.calls] == [True, False]


def test_progress_adds_up(run: Run, transfer: Transfer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal sees how much has been copied in all."""
    del transfer
    clock = iter([0.0, 0.0, 2.0, 4.0])
    monkeypatch.setattr("ckptsel.cli.progress.monotonic", lambda: next(clock))
    monkeypatch.setattr("ckptsel.cli.progress.is_terminal", lambda _: True)
    stderr = run("copy", "--to", "out").stderr
    assert "\r24 B copied…\r2.0 KiB copied…\r" in stderr


def test_to_is_required(run: Run, transfer: Transfer) -> None:
    """There is no default destination."""
    result = run("copy")
    assert (result.exit_code, transfer.calls) == (ExitCode.USAGE, [])
    assert "--to" in result.stderr


def test_a_destination_that_exists(run: Run, core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the copying is told like any other."""
    del core

    def refuse(*_: object, **__: object) -> None:
        raise DestinationError("'out' exists already", hint="--force replaces it")

    monkeypatch.setattr("ckptsel.transfer.copy.copy", refuse)
    result = run("copy", "--to", "out")
    assert (result.exit_code, result.stdout) == (ExitCode.ERROR, "")
    assert "error: 'out' exists already\nhint: --force replaces it\n" in result.stderr


@pytest.mark.parametrize("per_run", [[], ["--per-run"]])
def test_fewer_than_asked_for_is_said_once(run: Run, tmp_path: Path, per_run: list[str]) -> None:
    """The finding says it, and no note beside it."""
    (tmp_path / "e=1-val_loss=0.45.h5").touch()
    to = f"{tmp_path}/out/"
    result = run("copy", str(tmp_path), "-m", "val_loss", "--top", "5", "--to", to, *per_run)
    notes = [line for line in result.stderr.splitlines() if "note:" in line]
    assert notes == ["ckptsel: note: 1 instead of 5 checkpoints: no others are ranked"]


def test_for_real(run: Run, tmp_path: Path) -> None:
    """The best of two files is copied, byte for byte."""
    for name, content in (("e=1-val_loss=0.45.h5", b"no"), ("e=2-val_loss=0.30.h5", b"yes")):
        (tmp_path / name).write_bytes(content)
    to = tmp_path / "model.h5"
    result = run("copy", str(tmp_path), "-m", "val_loss", "--to", str(to))
    assert (result.stdout, to.read_bytes()) == (f"{to}\n", b"yes")
