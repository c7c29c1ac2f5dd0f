"""Tables that the user names by --metrics: of any format, by epoch, step or file."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

import ckptsel
from ckptsel.errors import LocationNotFoundError, MissingExtraError, UsageError
from ckptsel.ranking.explain import explain
from tests.folders import make
from tests.selecting import codes, places, ranked
from tests.sources.event_files import events

if TYPE_CHECKING:
    from ckptsel.sources.log import Key

NAMES = [f"cp-{n:02d}.keras" for n in (1, 2, 3)]
LOSSES = (0.5, 0.3, 0.4)
OBJECTS = [f'{{"epoch": {n}, "val_loss": {loss}}}' for n, loss in enumerate(LOSSES, 1)]


def write_parquet(path: str, **columns: list[Any]) -> None:
    """A table, as pandas and polars write it, too."""
    parquet.write_table(pa.table(columns), path)


@pytest.mark.parametrize(
    "name, text, source",
    [
        ("t.csv", "epoch,val_loss\n1,0.5\n2,0.3\n3,0.4\n", "table:t.csv:3"),
        ("t.txt", "val_loss;Epoch\n0.5;1\n0.3;2.0\n0.4;3\n", "table:t.txt:3"),
        ("t.json", f"[{', '.join(OBJECTS)}]", "table:t.json:2"),
        ("t.json", '{"epoch": [1, 2, 3], "val_loss": [0.5, 0.3, 0.4]}', "table:t.json:2"),
        ("t.json", '{\n"epoch": [1, 2, 3],\n"val_loss": [0.5, 0.3, 0.4]}', "table:t.json:2"),
        ("t.jsonl", "\n\n".join(OBJECTS) + "\n", "table:t.jsonl:3"),
    ],
)  # fmt: skip
def test_formats(here: Path, name: str, text: str, source: str) -> None:
    """The format is known by the content, and the key by the only column of that name."""
    make(here, *(f"run/{each}" for each in NAMES))
    (here / name).write_text(text)
    ranking = ranked(locations=("run",), metrics=(name,))
    assert places(ranking)[0] == (1, f"run/{NAMES[1]}")
    assert ranking.rows[0].metric is not None
    assert (ranking.rows[0].metric.value, ranking.rows[0].metric.source) == (0.3, source)
    assert not [f for f in ranking.findings if f.strict]


@pytest.mark.parametrize("orient", ["columns", "records", "index"])
def test_pandas(here: Path, orient: Any) -> None:
    """What `to_json` writes of a filtered table, whose index begins and ends anywhere."""
    make(here, *NAMES)
    table = pd.DataFrame({"epoch": [0, 1, 2, 3], "val_loss": [0.1, *LOSSES]}).iloc[1:]
    table.to_json("t.json", orient=orient)
    if orient == "index":
        with pytest.raises(
            UsageError, match="no column epoch or step or file; its columns are '1'"
        ):
            ranked(metrics=("t.json",))
        return
    ranking = ranked(metrics=("t.json",))
    assert [row.metric and row.metric.value for row in ranking.rows] == sorted(LOSSES)
    assert places(ranking)[0] == (1, NAMES[1])


def test_parquet_without_a_key(here: Path) -> None:
    """Its columns are told, as those of a text are."""
    make(here, *NAMES)
    write_parquet("t.parquet", a=[1], val_loss=[0.5])
    with pytest.raises(UsageError, match="its columns are 'a', 'val_loss'"):
        ranked(metrics=("t.parquet",))


def test_parquet(here: Path) -> None:
    """Numbers as they are, NaN included; what is no number is none."""
    make(here, *NAMES)
    write_parquet(
        "t.parquet", epoch=[1, 2, 3], val_loss=[0.5, float("nan"), 0.1 + 0.2], x=[[1]] * 3
    )
    ranking = ranked(metrics=("t.parquet",))
    assert places(ranking)[:2] == [(1, NAMES[2]), (2, NAMES[0])]
    assert ranking.rows[0].metric is not None
    assert ranking.rows[0].metric.value == 0.1 + 0.2
    assert ranking.rows[0].metric.source == "table:t.parquet:3"
    assert {m.name for m in ranking.rows[0].checkpoint.metrics if m.source != "name"} == {
        "val_loss"
    }


def test_parquet_that_is_none(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Damage, and a package that is missing, are errors that say so."""
    make(here, *NAMES)
    write_parquet("t.parquet", epoch=[1, 2, 3], val_loss=[*LOSSES])
    data = Path("t.parquet").read_bytes()
    for broken in (data[:-9], b"PAR1" + b"x" * 99, data[:40] + b"\xff" * 40 + data[80:-9]):
        Path("broken.parquet").write_bytes(broken)
        with pytest.raises(UsageError, match="no whole Parquet"):
            ranked(metrics=("broken.parquet",))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError) as error:
        ranked(metrics=("t.parquet",))
    assert "ckptsel[parquet]" in error.value.hint


def test_damaged_parquet_data(here: Path) -> None:
    """A page that cannot be read ends the table there, and it is said."""
    make(here, *NAMES)
    write_parquet("t.parquet", epoch=[1, 2, 3], val_loss=[*LOSSES])
    data = bytearray(Path("t.parquet").read_bytes())
    data[4:60] = b"\xff" * 56
    Path("t.parquet").write_bytes(data)
    ranking = ranked(None, rank=False, metrics=("t.parquet",))
    assert "log-malformed" in codes(ranking)
    assert [log.joined for log in ranking.logs] == [0]


def test_by_step(here: Path) -> None:
    """Of a table that has both, the key says which; without it, that is asked for."""
    make(here, "checkpoint-100/model.safetensors", "checkpoint-200/model.safetensors")
    Path("t.csv").write_text("epoch,step,acc\n1,100,0.9\n2,200,0.8\n")
    assert places(ranked("acc", metrics=("t.csv",), key="step"))[0] == (1, "checkpoint-100")
    with pytest.raises(UsageError, match="epoch and step"):
        ranked("acc", metrics=("t.csv",))
    with pytest.raises(UsageError, match="no column 'file'"):
        ranked("acc", metrics=("t.csv",), key="file")


@pytest.mark.parametrize("ends", [1, 2, 9])
def test_by_file(here: Path, ends: int) -> None:
    """Named from the table's folder, by its whole path, or by as much of it as is unique."""
    make(here, "runs/a/x.keras", "runs/b/y.keras", "runs/b/z.keras")
    files = [os.path.abspath(f"runs/{name}") for name in ("a/x.keras", "b/y.keras", "b/z.keras")]
    lines = [
        f"{'/'.join(f.split('/')[-ends:])},{loss}" for f, loss in zip(files, LOSSES, strict=True)
    ]
    (here / "t.csv").write_text("file,val_loss\n" + "\n".join(lines) + "\nrun/gone.keras,0.1\n")
    ranking = ranked(metrics=("t.csv",))
    assert places(ranking) == [
        (1, "runs/b/y.keras"), (2, "runs/b/z.keras"), (3, "runs/a/x.keras"),
    ]  # fmt: skip
    assert not [f for f in ranking.findings if f.strict]


def test_a_file_that_could_be_several(here: Path) -> None:
    """A row whose file is found twice is used for neither."""
    make(here, "runs/a/x.keras", "runs/b/x.keras", "runs/b/y.keras")
    (here / "t.csv").write_text("file,val_loss\nx.keras,0.1\ny.keras,0.2\n")
    ranking = ranked(metrics=("t.csv",))
    assert places(ranking)[0] == (1, "runs/b/y.keras")
    assert [row.rank for row in ranking.rows] == [1, None, None]
    assert "log-malformed" in codes(ranking)


def test_several_runs(here: Path) -> None:
    """A table by epoch is about one run: the nearest around it, or an error."""
    make(here, *(f"{run}/{name}" for run in "ab" for name in NAMES))
    text = "epoch,val_loss\n1,0.5\n2,0.3\n3,0.4\n"
    Path("a/t.txt").write_text(text)
    ranking = ranked(metrics=("a/t.txt",))
    assert [path for rank, path in places(ranking) if rank] == [
        f"a/{NAMES[1]}", f"a/{NAMES[2]}", f"a/{NAMES[0]}",
    ]  # fmt: skip
    Path("t.txt").write_text(text)
    with pytest.raises(UsageError, match="2 runs"):
        ranked(metrics=("t.txt",))


def test_names_that_contradict_it(here: Path) -> None:
    """A table is held against the names as any log is."""
    make(here, "w-1-val_loss=0.50.keras", "w-2-val_loss=0.30.keras")
    Path("t.csv").write_text("epoch,val_loss,f1\n0,0.501,0.2\n1,0.299,0.4\n")
    ranking = ranked(metrics=("t.csv",), logs="ignore")
    assert [(log.kind, log.offset) for log in ranking.logs] == [("table", 1)]
    Path("t.csv").write_text("epoch,val_loss,f1\n1,0.7,0.2\n2,0.299,0.4\n")
    ranking = ranked(metrics=("t.csv",), logs="ignore")
    assert [log.joined for log in ranking.logs] == [0]
    assert "log-disagrees" in codes(ranking)


def test_it_stands_before_the_logs(here: Path) -> None:
    """What the user names is asked first; the logs beside the checkpoints are still read."""
    make(here, *NAMES)
    Path("training.csv").write_text("epoch,val_loss,loss\n0,0.5,0.9\n1,0.3,0.8\n2,0.4,0.7\n")
    Path("t.json").write_text('[{"epoch": 1, "f1": 0.5}, {"epoch": 2, "f1": 0.6}]')
    ranking = ranked("f1", metrics=("t.json",))
    assert places(ranking)[0] == (1, NAMES[1])
    assert [log.kind for log in ranking.logs] == ["table", "csv"]
    assert ranking.rows[0].checkpoint.metric("val_loss") is not None


def test_a_step_that_the_user_explains(here: Path) -> None:
    """TensorBoard's steps are epochs if the user says so."""
    make(here, *NAMES)
    Path("events.out.tfevents.1").write_bytes(
        events(*(("val_loss", loss, step) for step, loss in enumerate(LOSSES, 1)))
    )
    assert "log-base-assumed" in codes(ranked(None, rank=False))
    ranking = ranked(metrics=("events.out.tfevents.1",), key="epoch", logs="ignore")
    assert places(ranking)[0] == (1, NAMES[1])
    (log,) = ranking.logs
    assert ranking.rows[0].metric is not None
    assert ranking.rows[0].metric.source == "tensorboard:events.out.tfevents.1:3"
    explained = explain(ranking, ranking.rows[0])
    assert (explained.log, explained.line) == (log, 3)
    with pytest.raises(UsageError, match="step and epoch"):
        ranked(metrics=("events.out.tfevents.1",))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is empty"),
        ("epoch|val_loss\n1|0.5\n".replace("|", "~"), "no titles with a separator that is known"),
        ("a,b\n1,2\n", "its columns are 'a', 'b'"),
        ("[" * 100_000, "nested too deeply"),
        ('{"epoch": [1, 2], "val_loss": [1]}', "of different lengths ('epoch' 2, 'val_loss' 1)"),
        ('{"a": [1]}', "it has no column epoch or step or file; its columns are 'a'"),
        ('{"a": {"0": 1, "1": 2}}', "it has no column epoch or step or file; its columns are 'a'"),
        ('{"a": []}', "its columns are empty"),
        ('{\n"a": 1}', "one object without columns"),
        ('{\n"epoch": {"0": 1}, "val_loss": {"1": 2}}', "one object without columns"),
        ('[{"a": 1}]', "its first entry has 'a'"),
        ("[1]", "none of its entries an object"),
        ("[]", "it is an empty list"),
        ("\0\1\0\0\2", "holds bytes that are no text"),
        ("e\0p\0", "is UTF-16"),
    ],
)  # fmt: skip
def test_why_a_table_says_nothing(here: Path, text: str, why: str) -> None:
    """What is wrong with it is told, and not only that a column is missing."""
    make(here, *NAMES)
    Path("t").write_text(text)
    with pytest.raises(UsageError) as raised:
        ranked(metrics=("t",))
    assert why in raised.value.message


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "[]", "[1, 2]", '{"a": 1}', "{", "[", "\x00"])
def test_tables_that_say_nothing(here: Path, text: str) -> None:
    """Without a column to find checkpoints by, a table is a mistake of the call."""
    make(here, *NAMES)
    Path("t").write_text(text)
    with pytest.raises(UsageError, match="none of the columns"):
        ranked(metrics=("t",))


@pytest.mark.parametrize(
    "text",
    ["epoch,val_loss\nx,0.1\n1,0.5\n", '[{"epoch": 1, "val_loss": 0.5}, {"epoch": null}]',
     '{"epoch": 1, "val_loss": 0.5}\nx\n'],
)  # fmt: skip
def test_rows_that_say_nothing(here: Path, text: str) -> None:
    """What is no row is said, and the others count."""
    make(here, *NAMES)
    Path("t").write_text(text)
    ranking = ranked(metrics=("t",))
    assert places(ranking)[0] == (1, NAMES[0])
    assert "log-malformed" in codes(ranking)


def test_options(here: Path) -> None:
    """A file that is missing, a key that is none, and a key of nothing are errors."""
    make(here, *NAMES)
    with pytest.raises(LocationNotFoundError, match="gone"):
        ranked(metrics=("gone.csv",))
    Path("t.csv").write_text("epoch,val_loss\n1,0.5\n")
    with pytest.raises(UsageError, match="unknown key"):
        ranked(metrics=("t.csv",), key="name")
    with pytest.raises(UsageError, match="--key"):
        ranked(key="epoch")
    Path("t.csv").write_text("epoch,val_loss\n1,0.5\n2,0.3\n3,0.4\n")
    found = ckptsel.best(metrics=here / "t.csv", key="epoch", monitor="val_loss")
    assert found.checkpoint.name == NAMES[1]


def test_a_log_that_is_named(here: Path) -> None:
    """It is not read a second time, by the habit of the log that it looks like."""
    make(here, *NAMES[:2])
    Path("t.csv").write_text("epoch,val_loss\n0,0.1\n1,0.5\n2,0.3\n3,0.4\n")
    ranking = ranked(metrics=("t.csv",), key="epoch")
    assert [(log.kind, log.offset) for log in ranking.logs] == [("table", 0)]
    assert places(ranking)[0] == (1, NAMES[1])
    assert codes(ranking) == set()
    # Who does not say what it counts has not said that it counts as the names do.
    ranking = ranked(metrics=("t.csv",))
    assert (places(ranking)[0], codes(ranking)) == ((1, NAMES[1]), {"log-base-assumed"})


@pytest.mark.parametrize(
    ("first", "key", "values", "said"),
    [
        (0, None, [0.5, 0.3, 0.4], set()),
        (1, None, [0.5, 0.3, 0.4], set()),
        (0, "epoch", [0.3, 0.4, None], {"log-base-assumed", "missing-value"}),
        (1, "epoch", [0.5, 0.3, 0.4], set()),
    ],
)
def test_what_a_table_counts(
    here: Path, first: int, key: Key | None, values: list[float | None], said: set[str]
) -> None:
    """Where each name has its row at one count only, it is that one, unless the user says it."""
    make(here, *(f"run/{name}" for name in NAMES))
    rows = "".join(f"{first + n},{loss}\n" for n, loss in enumerate((0.5, 0.3, 0.4)))
    Path("t.csv").write_text(f"epoch,val_loss\n{rows}")
    ranking = ranked(locations=("run",), metrics=("t.csv",), key=key)
    found = {row.checkpoint.name: row.metric and row.metric.value for row in ranking.rows}
    assert [found[name] for name in NAMES] == values
    assert codes(ranking) == said


@pytest.mark.parametrize(
    "text",
    [
        "file,val_loss\ncp-01.keras,0.3\ncp-02.keras,0.1",
        '{"file": "cp-01.keras", "val_loss": 0.3}\n{"file": "cp-02.keras", "val_loss": 0.1}',
    ],
)
def test_a_last_line_without_an_end(here: Path, text: str) -> None:
    """Nobody writes to a table that is named: it is whole."""
    make(here, *NAMES[:2])
    Path("t").write_text(text)
    ranking = ranked(metrics=("t",), strict=True)
    assert places(ranking)[0] == (1, NAMES[1])


def test_a_pipe(here: Path) -> None:
    """A table is read more than once; from a pipe it would be empty, or come never."""
    make(here, *NAMES[:2])
    os.mkfifo("t.csv")
    with pytest.raises(UsageError, match="is no file"):
        ranked(metrics=("t.csv",))
