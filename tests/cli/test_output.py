"""What each output format looks like, to the character."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ckptsel.checkpoint import Finding, Metric, Ranking
from tests.cli.rankings import EVIL, by_val_loss, checkpoint, evil, ranked, three

if TYPE_CHECKING:
    from tests.cli.conftest import Written


def test_table(written: Written) -> None:
    """Off a terminal the table is plain text, with the reasons and a pattern to paste."""
    assert written(three(), "table").decode() == (
        "val_loss, lowest first (a loss)\n"
        "\n"
        "   rank  run     name             epoch  val_loss     size     age  kind   note\n"
        "*     1  runs/a  w.02-0.30.keras      2      0.30  1.5 KiB  16 min  keras\n"
        "      2  runs/b  w.01-0.45.keras      1      0.45  1.5 KiB  16 min  keras\n"
        "         runs/a  w.03-nan.keras       3       nan  1.5 KiB  16 min  keras"
        "  val_loss is nan\n"
        "\n"
        "1 not ranked: 1 val_loss is nan\n"
        "3 passed over: 2 not a checkpoint; 1 temporary\n"
        "--pattern 'w.{epoch:02d}-{val_loss:.2f}.keras'  (learned, 3 names)\n"
    )


RECORD = {
    "rank": 2,
    "path": "runs/b/w.01-0.45.keras",
    "name": "w.01-0.45.keras",
    "run": "runs/b",
    "kind": "keras",
    "files": ["runs/b/w.01-0.45.keras"],
    "epoch": 1,
    "step": None,
    "size_bytes": 1536,
    "modified": 1700000000.0,
    "value": 0.45,
    "text": "0.45",
    "source": "name",
    "smoothed": None,
    "tied": False,
    "reason": None,
    "pattern": "w.{epoch:02d}-{val_loss:.2f}.keras",
    "metrics": {"epoch": 1, "val_loss": 0.45},
    "evidence": [
        {
            "name": "epoch",
            "value": 1,
            "text": "01",
            "role": "epoch",
            "source": "name",
            "labelled": True,
        },
        {
            "name": "val_loss",
            "value": 0.45,
            "text": "0.45",
            "role": "metric",
            "source": "name",
            "labelled": True,
        },
    ],
}


def no_constant(name: str) -> None:
    """Refuse what json.loads accepts beyond JSON."""
    pytest.fail(f"{name} is not JSON")


def test_json(written: Written) -> None:
    """The envelope holds all there is to say, and a NaN is null beside its text."""
    finding = Finding("tie", "two are the same", "runs/a", strict=True)
    ranking = replace(three(), findings=(finding,))
    document = json.loads(written(ranking, "json"), parse_constant=no_constant)
    rows = document.pop("checkpoints")
    assert list(rows[0]) == list(RECORD)
    assert rows[1] == RECORD
    assert (rows[2]["rank"], rows[2]["value"], rows[2]["text"]) == (None, None, "nan")
    assert rows[2]["reason"] == "val_loss is nan"
    assert rows[2]["metrics"] == {"epoch": 3, "val_loss": None}
    assert document == {
        "schema": 1,
        "command": "list",
        "monitor": {"name": "val_loss", "mode": "min", "why": "a loss"},
        "further": [],
        "best": rows[0],
        "runner_up": RECORD,
        "patterns": [{"pattern": "w.{epoch:02d}-{val_loss:.2f}.keras", "names": 3}],
        "learned": True,
        "seen": 3,
        "passed_over": {"not a checkpoint": 2, "temporary": 1},
        "logs": [],
        "findings": [
            {"code": "tie", "message": "two are the same", "path": "runs/a", "strict": True}
        ],
    }


def test_json_of_nothing_ranked(written: Written) -> None:
    """Where nothing was ranked, no one is best."""
    document = json.loads(written(Ranking(None, ()), "json"))
    assert [document[key] for key in ("monitor", "best", "runner_up")] == [None, None, None]


def test_jsonl(written: Written) -> None:
    """One record a line, the same as in JSON."""
    lines = written(three(), "jsonl").splitlines()
    assert len(lines) == 3
    assert json.loads(lines[1], parse_constant=no_constant) == RECORD


HEADING = "rank,path,name,run,kind,epoch,step,size_bytes,modified,monitor,value,val_loss"


def test_csv(written: Written) -> None:
    """The fixed columns, then the metrics."""
    assert written(three(), "csv").decode() == (
        f"{HEADING}\n"
        "1,runs/a/w.02-0.30.keras,w.02-0.30.keras,runs/a,keras,2,,1536,1700000000.0,"
        "val_loss,0.3,0.3\n"
        "2,runs/b/w.01-0.45.keras,w.01-0.45.keras,runs/b,keras,1,,1536,1700000000.0,"
        "val_loss,0.45,0.45\n"
        ",runs/a/w.03-nan.keras,w.03-nan.keras,runs/a,keras,3,,1536,1700000000.0,"
        "val_loss,nan,nan\n"
    )


def test_csv_of_smoothed_values(written: Written) -> None:
    """What was ranked by follows the value; a metric of that name is told from it."""
    one = ranked(1, checkpoint(2, "0.30"))
    other = replace(one.checkpoint, metrics=(*one.checkpoint.metrics, Metric("smoothed", 7, "7")))
    rows = (replace(one, checkpoint=other, smoothed=0.25), ranked(None, checkpoint(3, "nan")))
    lines = written(replace(by_val_loss(*rows), smooth=3), "csv").decode().splitlines()
    assert lines[0] == HEADING.replace("value,", "value,smoothed,") + ",metric.smoothed"
    assert lines[1].endswith(",val_loss,0.3,0.25,0.3,7")
    assert lines[2].endswith(",val_loss,nan,,nan,")


def test_tsv(written: Written) -> None:
    """The same with tabs."""
    lines = written(three(), "tsv").decode().splitlines()
    assert lines[0] == HEADING.replace(",", "\t")
    assert lines[1].split("\t") == [
        *("1", "runs/a/w.02-0.30.keras", "w.02-0.30.keras", "runs/a", "keras", "2", ""),
        *("1536", "1700000000.0", "val_loss", "0.3", "0.3"),
    ]


def test_paths(written: Written) -> None:
    """One path a line, or each with a NUL byte after it."""
    paths = [b"runs/a/w.02-0.30.keras", b"runs/b/w.01-0.45.keras", b"runs/a/w.03-nan.keras"]
    assert written(three(), "paths") == b"".join(path + b"\n" for path in paths)
    assert written(three(), "paths0") == b"".join(path + b"\0" for path in paths)


def test_a_metric_named_like_a_column(written: Written) -> None:
    """A metric called `path` gets a column of its own, and a second epoch is not lost."""
    one = checkpoint(1, "0.45")
    extra = (Metric("path", 0.5, "0.5"), Metric("ep", 7, "7", "epoch"))
    ranking = by_val_loss(ranked(1, replace(one, metrics=(*one.metrics, *extra))))
    heading, row = csv.reader(io.StringIO(written(ranking, "csv").decode()))
    assert dict(zip(heading, row, strict=True)) | {"metric.path": "0.5", "ep": "7"} == dict(
        zip(heading, row, strict=True)
    )
    assert row[1] == one.path


def test_a_hostile_name_is_whole_for_programs(written: Written) -> None:
    """Every format for programs gives the very bytes of the name back."""
    raw = os.fsencode(EVIL)
    assert written(evil(), "paths") == raw + b"\n"
    assert written(evil(), "paths0") == raw + b"\0"
    assert json.loads(written(evil(), "json"))["best"]["path"] == EVIL
    assert json.loads(written(evil(), "jsonl"))["path"] == EVIL
    text = io.StringIO(written(evil(), "csv").decode(errors="surrogateescape"), newline="")
    assert [row[1] for row in csv.reader(text)] == ["path", EVIL]
    rows = written(evil(), "tsv").split(b"\n")
    assert len(rows) == 3
    assert rows[1].split(b"\t")[1] == raw.replace(b"\n", rb"\n").replace(b"\t", rb"\t")


def test_a_hostile_name_is_harmless_for_people(written: Written) -> None:
    """A table shows what a terminal would obey."""
    table = written(evil(), "table").decode()
    assert r"[red]x\x1b[31m\n\xff,\t'.keras" in table
    assert all(line.isprintable() for line in table.splitlines())


def test_ascii_terminals_get_escapes(monkeypatch: pytest.MonkeyPatch, written: Written) -> None:
    """A table can be printed in a locale that has no ü."""

    class Ascii(io.TextIOWrapper):
        pass

    buffer = io.BytesIO()
    monkeypatch.setattr("sys.stdout", Ascii(buffer, encoding="ascii"))
    ranking = by_val_loss(ranked(1, checkpoint(1, "0.45", name="ü.keras")))
    written(ranking, "table")
    assert rb"runs/a  \xfc.keras  " in buffer.getvalue()
