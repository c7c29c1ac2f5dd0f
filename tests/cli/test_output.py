"""What each output format looks like, to the character."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ckptsel.checkpoint import Finding, Metric, Ranking
from ckptsel.cli import output
from ckptsel.cli.report import RankingReport
from ckptsel.errors import CkptselError, PatternError
from tests.cli.rankings import by_val_loss, checkpoint, ranked, three

if TYPE_CHECKING:
    from collections.abc import Callable

    Written = Callable[[Ranking, str], bytes]

EVIL = os.fsdecode(b"runs/a/[red]x\x1b[31m\n\xff,\t'.keras")


@pytest.fixture
def written(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Written:
    """Write a ranking's report in a format, 1000 seconds after the files were made."""
    monkeypatch.setattr("time.time", lambda: 1700001000.0)

    def write(ranking: Ranking, name: str) -> bytes:
        output.write(RankingReport("list", ranking, ranking.rows), name)
        return capfdbinary.readouterr().out

    return write


def evil() -> Ranking:
    """A ranking of one checkpoint with a hostile name."""
    one = checkpoint(1, "0.45")
    return by_val_loss(ranked(1, replace(one, path=EVIL, files=(EVIL,))))


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


def test_table_of_what_was_not_ranked(written: Written) -> None:
    """Without a monitor there is no rank, no mark, and no reason for having no place."""
    one = replace(checkpoint(1, "0.45"), size_bytes=-1, modified=0.0)
    ranking = Ranking(None, (replace(ranked(None, one), metric=None),))
    assert written(ranking, "table").decode() == (
        "not ranked (--monitor NAME ranks)\n"
        "\n"
        "run     name             epoch  val_loss  size  age  kind\n"
        "runs/a  w.01-0.45.keras      1      0.45     ?    ?  keras\n"
    )


def test_table_shows_a_few_patterns(written: Written) -> None:
    """A folder with many shapes of names does not end in a page of patterns."""
    patterns = tuple((f"{letter}{{epoch}}.h5", 1) for letter in "abcdefg")
    lines = written(replace(three(), patterns=patterns), "table").decode().splitlines()
    assert lines[-2:] == ["--pattern 'e{epoch}.h5'  (learned, 1 name)", "and 2 more patterns"]


def test_table_says_when_rows_are_left_out(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A table of some rows says of how many."""
    ranking = three()
    output.write(RankingReport("list", ranking, ranking.rows[:1]), "table")
    assert "\n1 of 3 checkpoints shown\n" in capfd.readouterr().out


def test_a_value_without_a_label_is_shown_as_what_it_is_taken_for(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The column of a position says which metric it was taken for."""
    one = checkpoint(1, "0.45")
    unlabelled = replace(one.metrics[1], name="1", labelled=False)
    row = ranked(1, replace(one, metrics=(one.metrics[0], unlabelled)))
    ranking = by_val_loss(replace(row, metric=unlabelled))
    output.write(RankingReport("list", ranking, ranking.rows), "table")
    assert "  epoch  val_loss (1)  " in capfd.readouterr().out


def test_table_marks_ties_and_names_below_the_run(written: Written) -> None:
    """A tie is noted, and a name is told from its run's folder on, so that it can be found."""
    one = replace(checkpoint(1, "0.45"), path="runs/a/ckpt/w.keras")
    lines = written(by_val_loss(ranked(1, one, tied=True)), "table").decode().splitlines()
    assert lines[3].split() == [
        *("*", "1", "runs/a", "ckpt/w.keras", "1", "0.45", "1.5", "KiB", "16", "min"),
        *("keras", "tied"),
    ]


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
        "best": rows[0],
        "runner_up": RECORD,
        "patterns": [{"pattern": "w.{epoch:02d}-{val_loss:.2f}.keras", "names": 3}],
        "learned": True,
        "seen": 3,
        "passed_over": {"not a checkpoint": 2, "temporary": 1},
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


def test_a_newline_in_a_path_is_said(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Who reads lines is told that -0 is safe; who uses -0 is told nothing."""
    output.write_lines(["a\nb"])
    out, err = capfdbinary.readouterr()
    assert out == b"a\nb\n"
    assert err.startswith(b"ckptsel: note: a result holds a newline")
    assert b"-0" in err
    output.write_lines(["a\nb"], end="\0")
    assert capfdbinary.readouterr() == (b"a\nb\0", b"")


def test_an_error_says_what_and_what_next(capfd: pytest.CaptureFixture[str]) -> None:
    """Message, details and hint are on stderr, escaped, and nothing is on stdout."""
    output.error(PatternError("no\x1b such field", "{epo ch}", (1, 7), hint="try\nagain"))
    assert capfd.readouterr() == (
        "",
        "ckptsel: error: no\\x1b such field\n  {epo ch}\n   ^^^^^^\nhint: try\\nagain\n",
    )


def test_findings_are_notes_and_few_of_a_kind(capfd: pytest.CaptureFixture[str]) -> None:
    """Each is said with its path, unless it is in the message; a flood is summed up."""
    flood = [Finding("odd", f"{n} is odd", str(n)) for n in range(7)]
    output.findings([Finding("tie", "two are the same", "runs/a"), *flood])
    assert capfd.readouterr().err.splitlines() == [
        "ckptsel: note: runs/a: two are the same",
        *(f"ckptsel: note: {n} is odd" for n in range(5)),
        "ckptsel: note: 2 more like this (odd); -o json gives them all",
    ]


def test_stdout_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A result that nobody can get is an error."""
    monkeypatch.setattr("sys.stdout", None)
    with pytest.raises(CkptselError, match="standard output is closed"):
        output.write_lines(["a"])


def test_notes_without_stderr(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A note that nobody can read is no reason to stop."""
    monkeypatch.setattr("sys.stderr", None)
    output.note("hello")
    assert capfd.readouterr() == ("", "")


def test_ascii_terminals_get_escapes(monkeypatch: pytest.MonkeyPatch, written: Written) -> None:
    """A table can be printed in a locale that has no ü."""

    class Ascii(io.TextIOWrapper):
        pass

    buffer = io.BytesIO()
    monkeypatch.setattr("sys.stdout", Ascii(buffer, encoding="ascii"))
    ranking = by_val_loss(ranked(1, checkpoint(1, "0.45", name="ü.keras")))
    written(ranking, "table")
    assert rb"runs/a  \xfc.keras  " in buffer.getvalue()


def on_terminal(report: Any, monkeypatch: pytest.MonkeyPatch, columns: int) -> str:
    """What a terminal of that width gets."""
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr("sys.stdout", stdout)
    monkeypatch.setattr(output, "is_terminal", lambda _: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "dumb")
    output.write(report, "table")
    stdout.flush()
    written = stdout.buffer
    assert isinstance(written, io.BytesIO)
    return written.getvalue().decode()


@pytest.mark.parametrize("columns", [20, 40, 80, 300])
def test_rich_cuts_nothing(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """However narrow the terminal is, a name is folded, never cut, and never taken as markup."""
    # Letters that nothing else in the table has.
    name = "[RED][/X]" + "ACDEFGHJ" * 10
    ranking = by_val_loss(ranked(1, checkpoint(1, "0.45", name=name)))
    drawn = on_terminal(RankingReport("list", ranking, ranking.rows), monkeypatch, columns)
    assert "".join(c for c in drawn if c in "[]REDXACFGHJ") == name.replace("/", "")
    assert drawn.startswith("val_loss, lowest first (a loss)\n")


def test_rich_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hostile name cannot reach the terminal through Rich."""
    ranking = evil()
    drawn = on_terminal(RankingReport("list", ranking, ranking.rows), monkeypatch, 300)
    assert r"[red]x\x1b[31m\n\xff,\t'.keras" in drawn
    assert "\x1b[31m" not in drawn


def test_paths_on_a_terminal_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal is shown a path, whatever its bytes would have done."""
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr("sys.stdout", stdout)
    monkeypatch.setattr(output, "is_terminal", lambda _: True)
    output.write_lines(["a\nb\x1b[31m"])
    written = stdout.buffer
    assert isinstance(written, io.BytesIO)
    assert written.getvalue() == b"a\\nb\\x1b[31m\n"
