"""`ckptsel verify`, and --verify: from a command line to what is printed, and to an exit code."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ckptsel.checkpoint import Finding
from ckptsel.cli import progress
from ckptsel.errors import ExitCode
from ckptsel.search.query import Query
from ckptsel.verification.verify import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Run

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "runs"
DAMAGE = Finding("zip-crc", "a member is damaged", "r/a.keras")
DANGER = Finding("lambda-layer", "it runs code", "r/b.keras")
NOTE = Finding("lost-optimizer", "it forgot", "r/c.keras")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The core, replaced: what it was asked; all is sound but what has a finding."""
    calls: dict[str, Any] = {"findings": {}}

    def candidates(query: Query, *_: object) -> Any:
        calls["query"] = query
        sizes = dict.fromkeys(("r/a.keras", "r/b.keras", "r/c.keras"), 1536)
        return type("Candidates", (), {"sizes": sizes, "findings": ()})

    def verify_all(paths: Any, **options: Any) -> Iterator[Verdict]:
        executor = options["executor"]
        calls["options"] = {**options, "executor": executor and type(executor)}
        calls["jobs"] = executor and executor._max_workers
        for path in paths:
            yield Verdict(path, "keras", calls["findings"].get(path, ()), 4, options["level"])

    monkeypatch.setattr("ckptsel.verification.candidates.candidates", candidates)
    monkeypatch.setattr("ckptsel.verification.verify.verify_all", verify_all)
    return calls


DEFAULTS = {"level": "full", "allow_nonfinite": False, "on_bytes": None, "executor": None}


@pytest.mark.parametrize(
    "argv, query, options, jobs",
    [
        ("", Query(), {}, None),
        ("r s", Query(("r", "s")), {}, None),
        ("--level quick", Query(), {"level": "quick"}, None),
        ("--allow-nonfinite", Query(), {"allow_nonfinite": True}, None),
        ("--jobs 2", Query(), {"executor": ProcessPoolExecutor}, 2),
        ("-j 9", Query(), {"executor": ProcessPoolExecutor}, 3),
        ("-j 1", Query(), {}, None),
        ("--strict", Query(strict=True), {}, None),
        ("--include a* --exclude b*", Query(include=("a*",), exclude=("b*",)), {}, None),
        ("--max-depth 1 -p {epoch}", Query(max_depth=1, patterns=("{epoch}",)), {}, None),
        ("--files-from -", Query(files=("x",)), {}, None),
    ],
)
def test_what_the_core_is_asked(
    run: Run, asked: dict[str, Any], argv: str, query: Query, options: Any, jobs: int | None
) -> None:
    """Each option reaches the core."""
    assert run("verify", *argv.split(), input="x\n").exit_code == 0
    assert asked["query"] == query
    assert asked["options"] == {**DEFAULTS, **options}
    assert asked["jobs"] == jobs


@pytest.mark.parametrize(
    "argv", ["--monitor x", "--level half", "--jobs 0", "--jobs x", "a --files-from b", "-0 -o csv"]
)
def test_wrong_usage(run: Run, asked: dict[str, Any], argv: str) -> None:
    """It ends with 2, and nothing is opened."""
    result = run("verify", *argv.split())
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert "options" not in asked


@pytest.mark.parametrize(
    "found, strict, code, paths",
    [
        ((), False, 0, []),
        ((NOTE,), True, 0, []),
        ((DANGER,), False, 0, []),
        ((DANGER,), True, 5, ["r/b.keras"]),
        ((DAMAGE,), False, 5, ["r/a.keras"]),
        ((DAMAGE, DANGER, NOTE), False, 5, ["r/a.keras"]),
        ((DAMAGE, DANGER, NOTE), True, 5, ["r/a.keras", "r/b.keras"]),
    ],
)
def test_exit_codes_and_paths(
    run: Run,
    asked: dict[str, Any],
    found: tuple[Finding, ...],
    strict: bool,
    code: int,
    paths: list[str],
) -> None:
    """Damage is 5; a danger, too, under --strict; the paths are of those, the reasons on stderr."""
    asked["findings"] = {finding.path: (finding,) for finding in found}
    result = run("verify", "-o", "paths", *(["--strict"] if strict else []))
    assert result.exit_code == code
    assert result.stdout.splitlines() == paths
    assert len(result.stderr.splitlines()) == len(paths)


def test_the_table(run: Run, asked: dict[str, Any]) -> None:
    """The damaged come first, and a line sums up."""
    asked["findings"] = {each.path: (each,) for each in (DAMAGE, DANGER)}
    asked["findings"]["r/c.keras"] = (DAMAGE, NOTE)
    result = run("verify")
    assert (result.exit_code, result.stderr) == (5, "")
    assert result.stdout == (
        "verdict  path       kind      size  tensors  code            finding\n"
        "damage   r/a.keras  keras  1.5 KiB        4  zip-crc         a member is damaged\n"
        "damage   r/c.keras  keras  1.5 KiB        4  zip-crc         a member is damaged\n"
        "note     r/c.keras  keras  1.5 KiB        4  lost-optimizer  it forgot\n"
        "danger   r/b.keras  keras  1.5 KiB        4  lambda-layer    it runs code\n"
        "\n"
        "3 checkpoints: 1 sound, 2 damaged, 1 not safe to load\n"
    )


def test_csv(run: Run, asked: dict[str, Any]) -> None:
    """One line a finding, and one for each checkpoint without any."""
    asked["findings"] = {"r/a.keras": (DAMAGE,)}
    assert run("verify", "-o", "csv").stdout.splitlines() == [
        "path,kind,size_bytes,tensors,severity,code,message",
        "r/a.keras,keras,1536,4,damage,zip-crc,a member is damaged",
        "r/b.keras,keras,1536,4,,,",
        "r/c.keras,keras,1536,4,,,",
    ]


def test_json(run: Run, asked: dict[str, Any]) -> None:
    """The whole document, key by key; jsonl holds its records."""
    asked["findings"] = {"r/a.keras": (DAMAGE,), "r/b.keras": (DANGER,)}
    sound = {"kind": "keras", "size_bytes": 1536, "tensors": 4, "sound": True, "safe": True}
    damage = {"code": "zip-crc", "severity": "damage", "message": "a member is damaged"}
    danger = {"code": "lambda-layer", "severity": "danger", "message": "it runs code"}
    records = [
        {
            "path": "r/a.keras",
            **sound,
            "sound": False,
            "findings": [{**damage, "path": "r/a.keras"}],
        },
        {
            "path": "r/b.keras",
            **sound,
            "safe": False,
            "findings": [{**danger, "path": "r/b.keras"}],
        },
        {"path": "r/c.keras", **sound, "findings": []},
    ]
    assert json.loads(run("verify", "-o", "json").stdout) == {
        "schema": 1,
        "command": "verify",
        "level": "full",
        "checkpoints": records,
        "damaged": 1,
        "unsafe": 1,
    }
    lines = run("verify", "-o", "jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == records


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="only the source tree has examples")
@pytest.mark.parametrize("more", [(), ("--jobs", "2"), ("--level", "quick"), ("--strict",)])
def test_the_examples_are_sound(run: Run, more: tuple[str, ...]) -> None:
    """Thirty-eight files of Keras, by whatever way."""
    result = run("verify", str(EXAMPLES), *more, "-o", "json")
    document = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (0, "")
    assert len(document["checkpoints"]) == 38
    assert all(one["sound"] and not one["findings"] for one in document["checkpoints"])


def test_a_folder_of_damage(run: Run, damaged_folder: Path) -> None:
    """Keras's own files, broken in many ways."""
    result = run("verify", str(damaged_folder), "-o", "json")
    assert result.exit_code == ExitCode.DAMAGE
    document = json.loads(result.stdout)
    found = {
        os.path.relpath(one["path"], damaged_folder): [each["code"] for each in one["findings"]]
        for one in document["checkpoints"]
    }
    assert found == {
        "empty.weights.h5": ["no-weights"],
        "flipped.keras": ["zip-crc"],
        "full-disk.weights.h5": ["damaged"],
        "lambda.keras": ["lambda-layer"],
        "nan.keras": ["non-finite-weights"],
        "sharded/w.weights.json": ["missing-shard"],
        "sound.keras": [],
        "sound.weights.h5": [],
        "truncated.keras": ["damaged"],
        "truncated.weights.h5": ["damaged"],
    }
    assert (document["damaged"], document["unsafe"]) == (7, 1)


@pytest.mark.parametrize(
    "argv, code",
    [
        ("sound.keras", 0),
        ("nan.keras", 5),
        ("nan.keras --allow-nonfinite", 0),
        ("nan.keras --level quick", 0),
        ("lambda.keras", 0),
        ("lambda.keras --strict", 5),
        ("sharded", 5),
        ("sound.keras truncated.weights.h5", 5),
        ("nowhere", 1),
    ],
)
def test_one_file(
    run: Run, damaged_folder: Path, monkeypatch: pytest.MonkeyPatch, argv: str, code: int
) -> None:
    """The exit code tells a script what to do with it."""
    monkeypatch.chdir(damaged_folder)
    assert run("verify", *argv.split()).exit_code == code


def test_a_file_of_any_name(run: Run, damaged_folder: Path, here: Path) -> None:
    """What is named is verified, whatever its suffix; the content tells what it is."""
    shutil.copyfile(damaged_folder / "sound.keras", here / "blob")
    (here / "notes.txt").write_text("no checkpoint")
    assert run("verify", "blob").exit_code == 0
    result = run("verify", "blob", "notes.txt", "-o", "paths")
    assert (result.exit_code, result.stdout) == (5, "notes.txt\n")


@pytest.fixture
def runs(damaged_folder: Path, here: Path) -> Path:
    """A folder in which the best is cut off, the next full of NaN, the third runs code."""
    for value, name in enumerate(("truncated", "nan", "lambda", "sound"), 1):
        target = here / f"w-val_loss=0.{value}.keras"
        shutil.copyfile(damaged_folder / f"{name}.keras", target)
    return here


BEST = ("best", "-m", "val_loss", "--verify")


@pytest.mark.usefixtures("runs")
def test_best_passes_over_the_damaged(run: Run) -> None:
    """The next best is taken; which were passed over and why is on stderr, with the code."""
    result = run(*BEST)
    assert (result.exit_code, result.stdout) == (0, "./w-val_loss=0.3.keras\n")
    first, second, third = result.stderr.splitlines()
    assert first.startswith("ckptsel: note: ")
    assert "passed over: " in first
    assert "w-val_loss=0.1.keras" in first
    assert first.endswith("(damaged)")
    assert "w-val_loss=0.2.keras: passed over: NaN or infinity" in second
    assert "w-val_loss=0.3.keras: danger: " in third
    assert third.endswith("(lambda-layer)")
    assert run("best", "-m", "val_loss").stdout == "./w-val_loss=0.1.keras\n"


@pytest.mark.usefixtures("runs")
def test_best_as_json(run: Run) -> None:
    """The record says that it was verified, and the document what was passed over."""
    document = json.loads(run(*BEST, "-o", "json").stdout)
    best = document["best"]
    assert (best["rank"], best["name"]) == (1, "w-val_loss=0.3.keras")
    assert [*best["verified"]] == ["sound", "findings"]
    assert best["verified"]["sound"] is True
    assert [*best["verified"]["findings"][0]] == ["code", "severity", "message", "path"]
    assert document["checkpoints"] == [best]
    assert document["runner_up"]["name"] == "w-val_loss=0.4.keras"
    assert "verified" not in document["runner_up"]
    assert [one["name"] for one in document["rejected"]] == [
        "w-val_loss=0.1.keras",
        "w-val_loss=0.2.keras",
    ]
    assert [one["verified"]["sound"] for one in document["rejected"]] == [False, False]
    assert [one["verified"]["findings"][0]["code"] for one in document["rejected"]] == [
        "damaged",
        "non-finite-weights",
    ]
    without = json.loads(run("best", "-m", "val_loss", "-o", "json").stdout)
    assert {*document} - {*without} == {"rejected"}
    assert "verified" not in without["best"]


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("command", [BEST, ("copy", *BEST[1:], "--to", "b.keras")])
def test_strict_is_an_error(run: Run, command: tuple[str, ...]) -> None:
    """It ends with 5, nothing is on stdout, and nothing was written."""
    result = run(*command, "--strict")
    assert (result.exit_code, result.stdout) == (ExitCode.DAMAGE, "")
    assert result.stderr.startswith("ckptsel: error: under --strict: ")
    assert not os.path.exists("b.keras")


@pytest.mark.usefixtures("runs")
def test_several_that_are_sound(run: Run) -> None:
    """--top counts sound ones; that there are fewer is said."""
    assert run(*BEST, "--top", "2").stdout.split() == [
        "./w-val_loss=0.3.keras",
        "./w-val_loss=0.4.keras",
    ]
    result = run(*BEST, "--top", "3")
    assert len(result.stdout.splitlines()) == 2
    assert "3 were asked for, and only 2 could be ranked and are sound" in result.stderr


@pytest.mark.usefixtures("runs")
def test_conditions_are_of_the_sound_one(run: Run) -> None:
    """--require looks at what would be printed."""
    assert run(*BEST, "--require", "val_loss<=0.3").exit_code == 0
    assert run(*BEST, "--require", "val_loss<=0.2").exit_code == ExitCode.CONDITION_NOT_MET


def test_none_is_sound(run: Run, runs: Path) -> None:
    """Damage ends with 5; there is no fall-back."""
    for value in (3, 4):
        os.remove(runs / f"w-val_loss=0.{value}.keras")
    result = run(*BEST)
    assert (result.exit_code, result.stdout) == (ExitCode.DAMAGE, "")
    assert "no checkpoint is sound: 2 could be ranked" in result.stderr


def test_copy_takes_the_sound_one(run: Run, runs: Path) -> None:
    """Its record beside it names it, and the JSON what was passed over."""
    document = json.loads(run("copy", *BEST[1:], "--to", "b.keras", "-o", "json").stdout)
    (copied,) = document["copies"]
    assert copied["source"] == "./w-val_loss=0.3.keras"
    assert copied["verified"]["sound"] is True
    assert len(document["rejected"]) == 2
    assert (runs / "b.keras").read_bytes() == (runs / "w-val_loss=0.3.keras").read_bytes()
    assert "rejected" not in json.loads(run("copy", "--to", "c.keras", "-o", "json").stdout)


def test_copy_of_several(run: Run, runs: Path) -> None:
    """Into a folder, and only the sound ones."""
    assert run("copy", *BEST[1:], "--top", "4", "--to", "out/").exit_code == 0
    assert sorted(path.name for path in (runs / "out").glob("*.keras")) == [
        "w-val_loss=0.3.keras",
        "w-val_loss=0.4.keras",
    ]


@pytest.mark.usefixtures("runs")
def test_list_has_a_column(run: Run) -> None:
    """In the table and in csv, with the code; no row is passed over."""
    expected = ["damage: damaged", "damage: non-finite-weights", "danger: lambda-layer", "sound"]
    lines = run("list", *BEST[1:], "-o", "tsv").stdout.splitlines()
    assert [line.split("\t")[-1] for line in lines] == ["verified", *expected]
    table = run("list", *BEST[1:]).stdout
    assert all(text in table for text in expected)
    records = run("list", *BEST[1:], "--top", "1", "-o", "jsonl").stdout.splitlines()
    assert [json.loads(line)["verified"]["sound"] for line in records] == [False]
    assert "verified" not in run("list", "-o", "csv").stdout
    assert run("list", *BEST[1:], "--strict").exit_code == ExitCode.DAMAGE


def test_nothing_is_opened_without_verify(here: Path) -> None:
    """The start of `best` does not pay for what only --verify needs."""
    (here / "w-val_loss=0.5.keras").touch()
    code = (
        "import sys\n"
        "sys.argv = ['ckptsel', 'best', '.', '-o', 'json']\n"
        "from ckptsel.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stderr.split() if name.startswith("ckptsel.")}
    assert "ckptsel.selection" in loaded
    heavy = ("ckptsel.formats", "ckptsel.verification")
    for_verify = ("ckptsel.cli.verified", "ckptsel.cli.reports.verdict")
    assert not [name for name in loaded if name.startswith((*heavy, *for_verify))]


def test_progress_tells_bytes_and_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal, on one line, and never more than there is."""
    now = [0.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    monkeypatch.setattr(progress, "is_terminal", lambda _: True)
    stderr = io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    with progress.reading(4096) as on_bytes:
        assert on_bytes is not None
        for at, amount in ((2.0, 1024), (4.0, 1024), (6.0, 9999)):
            now[0] = at
            on_bytes(amount)
    first, second, third = stderr.getvalue().split("\r")[1:4]
    assert first.rstrip() == "1.0 KiB of 4.0 KiB read, 6 s left…"
    assert second.rstrip() == "2.0 KiB of 4.0 KiB read, 4 s left…"
    assert third.rstrip() == "4.0 KiB of 4.0 KiB read, 0 s left…"


def test_progress_without_a_total() -> None:
    """Off a terminal there is nothing to call."""
    with progress.reading() as on_bytes:
        assert on_bytes is None
