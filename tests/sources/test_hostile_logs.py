"""Logs of strangers: keys that stand twice, no end of files, and sizes that nobody expects.

What takes too long or too much is read in a process of its own, with a limit on both.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ckptsel.sources.reading.reopened import reopened
from tests.folders import make
from tests.selecting import codes, places, ranked
from tests.sources.event_files import events
from tests.sources.reading import read


@pytest.mark.parametrize(
    "name, text",
    [
        ("history.json", '{"loss": [1], "val_loss": [0.5], "val_loss": [0.1]}'),
        ("history.json", '[{"epoch": 1, "loss": 1, "val_loss": 0.5, "val_loss": 0.1}]'),
        ("metrics.json", '{"iteration": 9, "loss": 1, "val_loss": 0.5, "val_loss": 0.1}\n'),
        ("1/metrics/metrics", '{"loss": 1, "val_loss": 0.5, "val_loss": 0.1}'),
        (
            "trainer_state.json",
            '{"global_step":1,"log_history":[{"step":1,"loss":1,"val_loss":2,"val_loss":3}]}',
        ),
        ("CKPT+1/CKPT.yaml", "loss: 1\nval_loss: 0.5\nval_loss: 0.1\n"),
    ],
)
def test_a_key_that_stands_twice(tmp_path: Path, name: str, text: str) -> None:
    """Which of the two values is meant? Neither is taken, and the others are."""
    _, (row,), said = read(tmp_path / name, text)
    assert row.values.get("loss") == "1"
    assert "val_loss" not in row.values
    assert said == ["log-malformed"]


def test_a_key_twice_in_a_line_of_ckptsel(tmp_path: Path) -> None:
    """What ckptsel never writes is no line of it."""
    text = '{"schema": 1, "event": "saved", "file": "a", "file": "b"}\n'
    assert read(tmp_path / "ckptsel.jsonl", text) == ("ckptsel", [], ["log-malformed"])


# Each log by the code that makes it, how many rows it has, and whether something is said. Where
# time or memory grew with the square of it, or with all that stands there, it would take many times
# what the limits allow.
COLUMNS = "'epoch' + ''.join(f',{i:x}' for i in range({n})) + ('\\n0' + ',1' * {n} + '\\n') * 9"
OBJECT = "''.join(f'\"{i:x}\": 1,' for i in range(12_000))"
LISTS = "'{' + ','.join(f'\"{i:x}\":[1,2,3]' for i in range(150_000)) + '}'"
VALUES = "'{\"a\": [' + '1,' * {n} + '1]}'"
LABELS = "''.join(f'? {i}{\"a\" * 4000}\\n: 0.5\\n' for i in range(200))"
ALIASES = "'a0: &a0 [1]\\n' + ''.join(f'a{i+1}: &a{i+1} [*a{i}, *a{i}]\\n' for i in range(99))"
STEPS = '\'\'.join(f\'{{"iter":{i},"a{i}":"{str(i) * 20_000}"}}\\n\' for i in range(1000, 3000))'
ITERATION = "''.join(f'{{\"iter\":1,\"a{i}\":1}}\\n' for i in range(12_000))"
STATE = f'\'{{"global_step":1,"log_history":[{{\' + {OBJECT} + \'"step":1}}]}}\''
SAVE = f'\'{{"schema":1,"event":"saved","file":"a","metrics":{{\' + {OBJECT} + \'"a_":1}}}}\\n\''
HOSTILE = {
    "columns": ("t.csv", COLUMNS.replace("{n}", "9_999"), 9, False),
    "too many columns": ("t.csv", COLUMNS.replace("{n}", "10_000"), 0, True),
    "lists": ("history.json", LISTS, 0, True),
    "values": ("history.json", VALUES.replace("{n}", "999_999"), 1_000_000, False),
    "too many values": ("history.json", VALUES.replace("{n}", "7_000_000"), 0, True),
    "keys of an entry": ("history.json", f"'[{{' + {OBJECT} + '\"epoch\": 1}}]'", 0, True),
    "keys of a line": (
        "metrics.json",
        f"'{{\"iteration\": 1,' + {OBJECT} + '\"a_\": 1}}\\n'",
        0,
        True,
    ),
    "keys of lines": ("scalars.json", ITERATION, 0, True),
    "keys of a step": ("1/metrics/metrics", f"'{{' + {OBJECT} + '\"a_\": 1}}'", 0, True),
    "keys of a state": ("checkpoint-1/trainer_state.json", STATE, 0, True),
    "keys of a save": ("ckptsel.jsonl", SAVE, 0, True),
    "quotes": ("t.csv", "'epoch,a\\n' + '0,\"\\n' + '\",\"\\n' * 8_000_000", 0, True),
    "lines": ("scalars.json", "'{\"iter\": 1, \"a\": 1}\\n' + '[]\\n' * 2_500_000", 1, True),
    "long steps": ("scalars.json", STEPS, 2000, False),
    "parts": ("history.json", "'{\"a\": [' + '{},' * 8_000_000 + '{}]}'", 0, True),
    "nested": ("history.json", "'{\"a\":' * 8_000_000", 0, True),
    "long key": ("best_k_models.yaml", "'? ' + 'a' * 900_000 + '\\n: 0.5\\n'", 0, True),
    "labels": ("best_k_models.yaml", LABELS, 200, False),
    "folders": ("best_k_models.yaml", "'? ' + 'a/' * 400_000 + 'b.ckpt\\n: 0.5\\n'", 0, True),
    "keys": ("CKPT+1/CKPT.yaml", "''.join(f'k{i}: 1\\n' for i in range(90_000))", 1, True),
    "aliases": ("CKPT+1/CKPT.yaml", ALIASES, 1, False),
}
READ = """
import resource, sys
from pathlib import Path
from ckptsel.sources import kind_of
path = Path(sys.argv[1])
path.parent.mkdir(parents=True, exist_ok=True)
with open(path, "w") as file:
    file.write({text})
pages = int(Path("/proc/self/statm").read_text().split()[0])
most = pages * resource.getpagesize() + 96 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (most, most))
resource.setrlimit(resource.RLIMIT_CPU, (8, 8))
found = kind_of(str(path), path.name)
said = []
rows = sum(1 for _ in found[1].read(str(path), said))
print(rows, bool(said))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="such limits are Linux's")
@pytest.mark.parametrize("case", sorted(HOSTILE))
def test_time_and_memory(tmp_path: Path, case: str) -> None:
    """None takes more than 8 seconds and 96 MB."""
    name, text, rows, is_said = HOSTILE[case]
    done = subprocess.run(
        [sys.executable, "-c", READ.format(text=text), str(tmp_path / name)],
        capture_output=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr.decode()[-500:]
    assert done.stdout.decode().split() == [str(rows), str(is_said)]


def test_a_reopened_file(tmp_path: Path) -> None:
    """It is read from begin to end as any file is, in pieces or lines."""
    data = bytes(range(256)) * 700
    (tmp_path / "a").write_bytes(data)
    with reopened(str(tmp_path / "a"), 1000) as file:
        assert file.peek(4)[:4] == data[:4]
        assert file.read(10) + file.readline() + file.read() == data


def test_a_reopened_file_that_is_replaced(tmp_path: Path) -> None:
    """Pieces of two files are no file."""
    (tmp_path / "a").write_bytes(b"1" * 5000)
    with reopened(str(tmp_path / "a"), 1000) as file:
        file.read(10)
        (tmp_path / "b").write_bytes(b"2" * 5000)
        os.replace(tmp_path / "b", tmp_path / "a")
        with pytest.raises(OSError, match="replaced"):
            file.read()


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limit")
@pytest.mark.parametrize("kind", ["mlflow", "tensorboard"])
def test_more_files_than_may_be_open(here: Path, kind: str) -> None:
    """A run with so many metrics is read as any other."""
    import resource  # noqa: PLC0415 - Windows has none

    make(here, *(f"cp-{n}-val_loss=0.{n}0.keras" for n in (3, 2, 1)))
    for number in range(120):
        metric = f"m{number}" if number else "val_loss"
        values = [
            (step, 0.2512 if metric == "val_loss" and step == 1 else 0.3) for step in range(3)
        ]
        values = [(n, {3: 0.3012, 2: 0.2012, 1: 0.1012}[n]) for n in (3, 2, 1)]
        if kind == "mlflow":
            path = here / "metrics" / metric
            text = "".join(f"{1700000000000 + n} {value} {n}\n" for n, value in values)
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        else:
            path = here / f"logs/{metric}/events.out.tfevents.1"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(events(*((metric, value, n) for n, value in values)))
    old = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (60, old[1]))
    try:
        ranking = ranked()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, old)
    assert "log-unreadable" not in codes(ranking)
    assert places(ranking)[0] == (1, "cp-1-val_loss=0.10.keras")
    assert [log.joined for log in ranking.logs] == [3]


def test_long_labels_and_folders(tmp_path: Path) -> None:
    """What a name says is found in it as before: labels, values, and metrics with a slash."""
    make(tmp_path, "a-val/loss=0.25.ckpt", "epoch=3-val/loss=0.50.ckpt")
    scores = {"/gone/x/a-val/loss=0.25.ckpt": 0.251, "C:\\x\\epoch=3-val\\loss=0.50.ckpt": 0.499}
    text = "".join(f"{json.dumps(name)}: {score}\n" for name, score in scores.items())
    _, rows, said = read(tmp_path / "best_k_models.yaml", text)
    assert [(row.file, dict(row.values)) for row in rows] == [
        ("a-val/loss=0.25.ckpt", {"val/loss": "0.251"}),
        ("epoch=3-val/loss=0.50.ckpt", {"val/loss": "0.499"}),
    ]
    assert said == []


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (8, 8))
from ckptsel.__main__ import main
sys.argv = ["ckptsel", *sys.argv[1:]]
main()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="such limits are Linux's")
@pytest.mark.parametrize("command", ["list", "best", "runs"])
def test_a_table_of_many_columns(here: Path, command: str) -> None:
    """A log with thousands of metrics is shown, ranked by and looked through as any other."""
    make(here, "cp-1.h5", "cp-2.h5")
    titles = "".join(f",{number:x}" for number in range(9_998))
    rows = "".join(f"{epoch},0.{5 - epoch}" + ",1" * 9_998 + "\n" for epoch in range(2))
    (here / "log.csv").write_text(f"epoch,val_loss{titles}\n{rows}")
    argv = [command, str(here), *(["--monitor", "val_loss"] if command != "list" else [])]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *argv],
        capture_output=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr.decode()[-500:]
    assert (b"0.4" if command == "runs" else b"cp-2.h5") in done.stdout
