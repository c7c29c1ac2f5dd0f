"""`ckptsel diff`: what it asks for, what it shows, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ckptsel.cli.reports.diff import COLUMNS
from ckptsel.comparison.compare import Comparison, Difference
from ckptsel.comparison.matching import Pair
from ckptsel.errors import DamagedError
from ckptsel.formats.contents import Tensor
from ckptsel.verification.verify import Verdict

if TYPE_CHECKING:
    from tests.cli.conftest import Run

RUNS = Path(__file__).parents[2] / "docs" / "examples" / "runs" / "every-epoch"
OUTPUT = Path(__file__).parents[2] / "docs" / "output.md"
KERNEL = Tensor("d/kernel:0", (2, 3), "float32", 24, layer="d")
SAME_KERNEL = Tensor("layers/d/vars/0", (2, 3), "bfloat16", 12)
STEP = Tensor("optimizer/step", (), "int64", 8, "optimizer")
BIAS = Tensor("d/bias:0", (3,), "float32", 12, layer="d")
LONG_BIAS = Tensor("d/bias:0", (4,), "float32", 16, layer="d")
FOUND = Comparison(
    a="one.h5",
    b="other.keras",
    kinds=("h5", "keras"),
    only_a=(STEP,),
    only_b=(),
    different=(
        Difference(
            Pair(KERNEL, SAME_KERNEL, "order", is_alone=False),
            0.25,
            math.inf,
            math.nan,
            is_within=False,
        ),
        Difference(Pair(BIAS, LONG_BIAS, "path"), math.nan, math.nan, math.nan, is_within=False),
    ),
    identical=2,
    config={"config.rate": (math.nan, "x" * 99)},
    doubtful=3,
    unsure=2,
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Replace the core; the list holds what it was asked."""
    calls: list[object] = []

    def compare(a: str, b: str, **options: object) -> Comparison:
        calls.append((a, b, options))
        return FOUND

    monkeypatch.setattr("ckptsel.comparison.compare.compare", compare)
    monkeypatch.setattr("ckptsel.verification.verify.verify", sound)
    return calls


def sound(path: str, **_: object) -> Verdict:
    """What verifying finds where nothing is wrong."""
    return Verdict(path, "keras", (), 1, "full")


def test_what_is_asked(run: Run, asked: list[object]) -> None:
    """Both paths and both options reach the core; a difference ends with 4."""
    assert run("diff", "--", "-a", "b").exit_code == 4
    assert run("diff", "a", "b", "--tolerance", "1e-3", "--weights-only").exit_code == 4
    assert asked == [
        ("-a", "b", {"tolerance": 0.0, "weights_only": False}),
        ("a", "b", {"tolerance": 0.001, "weights_only": True}),
    ]


def test_options_from_the_environment(run: Run, asked: list[object]) -> None:
    """What a CI job repeats can come from variables."""
    run("diff", "a", "b", env={"CKPTSEL_TOLERANCE": "0.5", "CKPTSEL_WEIGHTS_ONLY": "1"})
    assert asked == [("a", "b", {"tolerance": 0.5, "weights_only": True})]


@pytest.mark.parametrize("argv", [["a"], ["a", "b", "c"], ["a", "b", "--tolerance", "-1"]])
def test_wrong_usage(run: Run, argv: list[str]) -> None:
    """Exactly two checkpoints, and no negative tolerance."""
    assert run("diff", *argv).exit_code == 2


def test_json(run: Run, asked: list[object]) -> None:
    """The form that other programs rely on, key by key, without NaN or Infinity."""
    del asked
    result = run("diff", "one.h5", "other.keras", "-o", "json", "--tolerance", "0.1")
    kernel = {"path": "d/kernel:0", "layer": "d", "role": "weight"}
    bias = {"path": "d/bias:0", "layer": "d", "role": "weight", "dtype": "float32"}
    nothing = {"max_absolute": None, "relative_l2": None, "cosine": None}
    assert json.loads(result.stdout, parse_constant=pytest.fail) == {
        "schema": 1,
        "command": "diff",
        "a": {"path": "one.h5", "kind": "h5"},
        "b": {"path": "other.keras", "kind": "keras"},
        "same": False,
        "tolerance": 0.1,
        "weights_only": False,
        "identical": 2,
        "doubtful": 3,
        "unsure": 2,
        "changes": [
            {
                "change": "only-a",
                "a": {
                    "path": "optimizer/step",
                    "layer": None,
                    "role": "optimizer",
                    "shape": [],
                    "dtype": "int64",
                },
                "b": None,
                "by": None,
                **nothing,
                "text": {},
            },
            {
                "change": "dtype",
                "a": {**kernel, "shape": [2, 3], "dtype": "float32"},
                "b": {
                    "path": "layers/d/vars/0",
                    "layer": None,
                    "role": "weight",
                    "shape": [2, 3],
                    "dtype": "bfloat16",
                },
                "by": "order",
                **nothing,
                "max_absolute": 0.25,
                "text": {"relative_l2": "inf", "cosine": "nan"},
            },
            {
                "change": "shape",
                "a": {**bias, "shape": [3]},
                "b": {**bias, "shape": [4]},
                "by": "path",
                **nothing,
                "text": {},
            },
        ],
        "config": [{"key": "config.rate", "a": "NaN", "b": "x" * 99}],
    }


def test_jsonl_has_the_same_records(run: Run, asked: list[object]) -> None:
    """One line a tensor that differs, as in the document."""
    del asked
    lines = run("diff", "a", "b", "-o", "jsonl").stdout.splitlines()
    document = json.loads(run("diff", "a", "b", "-o", "json").stdout)
    assert [json.loads(line) for line in lines] == document["changes"]


def test_csv(run: Run, asked: list[object]) -> None:
    """One row a tensor that differs, all columns filled that can be."""
    del asked
    rows = list(csv.reader(io.StringIO(run("diff", "a", "b", "-o", "csv").stdout)))
    both, shapes = ["d/kernel:0", "layers/d/vars/0"], ["2x3", "2x3"]
    biases = ["d/bias:0", "d/bias:0"]
    assert rows == [
        [*COLUMNS],
        ["only-a", "optimizer/step", "", "optimizer", "", "scalar", "", "int64", "", "", "", ""],
        ["dtype", *both, "weight", "order", *shapes, "float32", "bfloat16", "0.25", "inf", "nan"],
        ["shape", *biases, "weight", "path", "3", "4", "float32", "float32", "", "", ""],
    ]


def test_table(run: Run, asked: list[object]) -> None:
    """What a person sees, word by word."""
    del asked
    result = run("diff", "a", "b", "--tolerance", "0.1")
    assert result.stdout == (
        "change  tensor          in B             paired by  shape   dtype               max abs"
        "  rel L2  cosine\n"
        "only-a  optimizer/step                              scalar  int64\n"
        "dtype   d/kernel:0      layers/d/vars/0  order      2x3     float32 / bfloat16     0.25"
        "     inf     nan\n"
        "shape   d/bias:0                                    3 / 4   float32\n"
        "\n"
        "different: 2 tensors the same within 0.1, 2 different, 1 only in A"
        " (3 weights paired by order alone)\n"
        "2 weights only in A may be the same as some only in B: nothing but their shapes tells"
        " which belong together, so they were not compared\n"
        "A: one.h5 (h5)\n"
        "B: other.keras (keras)\n"
        f'config config.rate: NaN in A, "{"x" * 58}… in B\n'
    )


def test_paths(run: Run, asked: list[object]) -> None:
    """The paths of the tensors that differ, for a loop in a shell."""
    del asked
    result = run("diff", "a", "b", "-0")
    assert result.stdout == "optimizer/step\0d/kernel:0\0d/bias:0\0"


@pytest.mark.parametrize("name", ["json", "table"])
@pytest.mark.parametrize("depth", [100, 400, 800, 900, 940, 970, 990, 5000])
def test_a_deep_config(run: Run, monkeypatch: pytest.MonkeyPatch, name: str, depth: int) -> None:
    """A config nested deeper than Python calls is no traceback."""
    deep: object = 1
    for _ in range(depth):
        deep = {"a": deep}
    found = replace(FOUND, config={"config": (deep, None)})
    monkeypatch.setattr("ckptsel.comparison.compare.compare", lambda *_, **__: found)
    monkeypatch.setattr("ckptsel.verification.verify.verify", sound)
    result = run("diff", "a", "b", "-o", name)
    assert result.exit_code == 4
    assert "config" in result.stdout


def test_what_is_damaged(run: Run, tmp_path: Path) -> None:
    """Values that fail their checksum are compared, since they can be, and the exit code is 5."""
    path = str(min((RUNS.parent / "whole-models").glob("*.keras")))
    damaged = tmp_path / "damaged.keras"
    content = bytearray(Path(path).read_bytes())
    content[len(content) // 2] ^= 4
    damaged.write_bytes(content)
    result = run("diff", path, str(damaged))
    assert result.exit_code == 5
    assert "damage: " in result.stderr


def test_the_same(run: Run) -> None:
    """A checkpoint is the same as itself: exit 0, and it says so."""
    path = str(min(RUNS.glob("*.h5")))
    result = run("diff", path, path)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:2] == ["", "the same: 6 tensors the same"]


def test_two_epochs(run: Run) -> None:
    """Two real epochs differ: exit 4; a huge tolerance makes them the same."""
    a, b = (str(path) for path in sorted(RUNS.glob("*.h5"))[:2])
    assert run("diff", a, b).exit_code == 4
    assert run("diff", a, b, "--tolerance", "100").exit_code == 0


def test_errors(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing file ends with 1, a damaged one with 5; neither looks like a difference."""
    assert run("diff", "missing", "missing").exit_code == 1

    def compare(*_: object, **__: object) -> Comparison:
        raise DamagedError("broken")

    monkeypatch.setattr("ckptsel.comparison.compare.compare", compare)
    assert run("diff", "a", "b").exit_code == 5


@pytest.mark.skipif(not OUTPUT.exists(), reason="only the source tree has docs")
def test_every_key_is_documented(run: Run, asked: list[object]) -> None:
    """docs/output.md names each key and each column, in order."""
    del asked
    text = OUTPUT.read_text(encoding="utf-8").partition("\n## JSON of diff\n")[2]
    text = text.partition("\n## ")[0]
    document = json.loads(run("diff", "a", "b", "-o", "json").stdout)
    change = document["changes"][0]
    keys = re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE)
    assert keys == [*document, *change, *change["a"]]
    columns = re.search(r"columns of csv and tsv: ([^.]*)\.", text)
    assert columns is not None
    assert re.findall(r"`(\w+)`", columns[1]) == [*COLUMNS]
