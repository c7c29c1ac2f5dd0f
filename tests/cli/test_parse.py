"""`ckptsel parse`, with what it asks for and what it shows."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from ckptsel.checkpoint import Finding, Metric
from ckptsel.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.cli.conftest import Run


@dataclass
class Reading:
    """What the core reads from one name."""

    name: str
    status: str
    pattern: str = ""
    metrics: tuple[Metric, ...] = ()
    findings: tuple[Finding, ...] = ()


ODD = os.fsdecode(b"odd\n\xff")
READINGS = [
    Reading(
        "w.05-0.450.h5",
        "ok",
        "w.{epoch:02d}-{val_loss:.3f}.h5",
        (
            Metric("epoch", 5, "05", "epoch"),
            Metric("val_loss", 0.45, "0.450"),
            Metric("2", math.nan, "nan", labelled=False),
        ),
    ),
    Reading(ODD, "ambiguous", findings=(Finding("ambiguous-name", "two readings", ODD),)),
]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Replace the reader; the list holds what it was asked."""
    calls: list[object] = []

    def read_names(names: Sequence[str], patterns: Sequence[str], *, single: bool) -> list[Reading]:
        calls.append(([*names], [*patterns], single))
        return [reading for reading in READINGS if reading.name in names]

    monkeypatch.setattr("ckptsel.naming.parse.read_names", read_names)
    return calls


@pytest.mark.parametrize(
    "argv, call",
    [
        (["a", "b"], (["a", "b"], [], False)),
        (["--single", "a"], (["a"], [], True)),
        (["-p", "{epoch}", "--pattern", "{step}", "a"], (["a"], ["{epoch}", "{step}"], False)),
        (["--", "-a", "--help"], (["-a", "--help"], [], False)),
    ],
)
def test_what_is_asked(run: Run, asked: list[object], argv: list[str], call: object) -> None:
    """Names and patterns reach the reader in their order, dashes included."""
    run("parse", *argv)
    assert asked == [call]


def test_json(run: Run, asked: list[object]) -> None:
    """The form that other programs rely on, key by key."""
    del asked
    result = run("parse", "-o", "json", "w.05-0.450.h5", ODD)
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "schema": 1,
        "command": "parse",
        "names": [
            {
                "name": "w.05-0.450.h5",
                "status": "ok",
                "pattern": "w.{epoch:02d}-{val_loss:.3f}.h5",
                "fields": {"epoch": 5, "val_loss": 0.45},
                "unlabelled": [None],
                "findings": [],
            },
            {
                "name": ODD,
                "status": "ambiguous",
                "pattern": "",
                "fields": {},
                "unlabelled": [],
                "findings": [
                    {
                        "code": "ambiguous-name",
                        "message": "two readings",
                        "path": ODD,
                        "strict": False,
                    }
                ],
            },
        ],
    }


def test_table(run: Run, asked: list[object]) -> None:
    """Values as they are printed in the names, and the pattern to paste."""
    del asked
    result = run("parse", "w.05-0.450.h5", ODD)
    assert result.stdout == (
        "name           status     epoch  val_loss    2\n"
        "w.05-0.450.h5  ok            05     0.450  nan\n"
        "odd\\n\\xff      ambiguous\n"
        "\n"
        "--pattern 'w.{epoch:02d}-{val_loss:.3f}.h5'  (learned, 1 name)\n"
    )
    assert result.stderr == "ckptsel: note: odd\\n\\xff: two readings\n"


def test_csv(run: Run, asked: list[object]) -> None:
    """One column a value."""
    del asked
    rows = csv.reader(io.StringIO(run("parse", "-o", "csv", "w.05-0.450.h5").stdout))
    assert [*rows] == [
        ["name", "status", "pattern", "epoch", "val_loss", "2"],
        ["w.05-0.450.h5", "ok", "w.{epoch:02d}-{val_loss:.3f}.h5", "5", "0.45", "nan"],
    ]


def test_paths_are_the_names_that_were_read(run: Run, asked: list[object]) -> None:
    """It filters names: -0 passes on those that hold values."""
    del asked
    assert run("parse", "-0", "w.05-0.450.h5", ODD).stdout_bytes == b"w.05-0.450.h5\0"


def test_none_was_read(run: Run, asked: list[object]) -> None:
    """The names are shown all the same, and the exit code says that nothing was found."""
    del asked
    result = run("parse", "-o", "jsonl", ODD)
    assert result.exit_code == ExitCode.NOTHING_FOUND
    assert json.loads(result.stdout)["status"] == "ambiguous"
