"""What can only be seen from outside: imports, pipes, closed and full outputs, completion."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# Rich draws tables; the others open checkpoints. None is needed to read names.
HEAVY = {"rich", "numpy", "h5py", "tensorflow", "keras", "pydantic"}
CKPTSEL = [sys.executable, "-m", "ckptsel"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two checkpoints."""
    for name in ("epoch=01-val_loss=0.45.keras", "epoch=02-val_loss=0.30.keras"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    "argv",
    [
        ["--help"],
        ["--version"],
        ["best", "--help"],
        ["best", "."],
        ["best", ".", "-o", "json"],
        ["best", ".", "--format", "{path}", "--require", "val_loss<1"],
        ["list", "."],
        ["list", ".", "-o", "paths"],
        ["list", ".", "-o", "csv"],
        ["parse", "epoch=01-val_loss=0.45.keras"],
    ],
)
def test_light_imports(folder: Path, argv: list[str]) -> None:
    """No command that reads names imports what draws tables or opens checkpoints."""
    code = (
        "import sys\n"
        f"sys.argv = ['ckptsel', *{argv!r}]\n"
        "from ckptsel.__main__ import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    loaded = {*result.stderr.split()}
    assert "typer" in loaded
    assert not HEAVY & loaded


def test_the_best_one(folder: Path) -> None:
    """From a real folder to a path on stdout, and nothing else."""
    result = subprocess.run(
        [*CKPTSEL, "best", "-m", "val_loss", str(folder)], capture_output=True, check=True
    )
    assert result.stdout == os.fsencode(folder / "epoch=02-val_loss=0.30.keras") + b"\n"
    assert result.stderr == b""


def test_a_reader_that_has_gone(folder: Path) -> None:
    """A closed pipe ends the command quietly, with nothing on stderr."""
    read, write = os.pipe()
    os.close(read)
    try:
        result = subprocess.run(
            [*CKPTSEL, "list", str(folder), "-o", "json"],
            stdout=write,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(write)
    assert (result.returncode, result.stderr) == (0, b"")


def test_help_for_a_reader_that_has_gone() -> None:
    """Help to a closed pipe says nothing on stderr."""
    read, write = os.pipe()
    os.close(read)
    try:
        result = subprocess.run(
            [*CKPTSEL, "--help"], stdout=write, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(write)
    assert result.stderr == b""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device here")
def test_a_full_disk(folder: Path) -> None:
    """A result that could not be written is an error, said once."""
    with open("/dev/full", "wb") as full:
        result = subprocess.run(
            [*CKPTSEL, "best", "-m", "val_loss", str(folder)],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert result.returncode == 1
    assert result.stderr == (
        b"ckptsel: error: cannot write to standard output: No space left on device\n"
    )


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
@pytest.mark.parametrize("closed, code", [("2>&-", 0), (">&-", 1), ("2>/dev/full", 0)])
def test_closed_streams(folder: Path, closed: str, code: int) -> None:
    """Without stderr the result still comes; without stdout there is an error."""
    command = f'"$0" -m ckptsel best -m val_loss "$1" --top 9 {closed}'
    result = subprocess.run(
        ["sh", "-c", command, sys.executable, str(folder)],
        capture_output=True,
        check=False,
    )
    assert result.returncode == code
    if code:
        assert result.stderr.endswith(b"standard output is closed\nhint: redirect it to a file\n")
    else:
        assert len(result.stdout.splitlines()) == 2


@pytest.mark.parametrize(
    "words, expected",
    [
        ("ckptsel be", ["best"]),
        ("ckptsel best --mon", ["--monitor"]),
        ("ckptsel best --mode m", ["min", "max"]),
        ("ckptsel list --tie ", ["later", "earlier", "error"]),
    ],
)
def test_completion(words: str, expected: list[str]) -> None:
    """A shell's completion reaches the options of each command."""
    env = {
        **os.environ,
        "_CKPTSEL_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    result = subprocess.run(CKPTSEL, env=env, capture_output=True, text=True, check=True)
    assert result.stdout.split() == expected


def test_completion_can_be_shown() -> None:
    """The script for a shell names the program and its variable."""
    env = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    result = subprocess.run(
        [*CKPTSEL, "--show-completion", "bash"], env=env, capture_output=True, text=True, check=True
    )
    assert "_CKPTSEL_COMPLETE=complete_bash" in result.stdout


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("no_color", [True, False])
def test_a_real_terminal(folder: Path, *, no_color: bool) -> None:
    """A terminal gets a table with the best one in colour, unless NO_COLOR is set."""
    master, slave = os.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    env.pop("NO_COLOR", None)
    if no_color:
        env["NO_COLOR"] = "1"
    try:
        argv = [*CKPTSEL, "list", "-m", "val_loss", str(folder)]
        subprocess.run(argv, env=env, stdout=slave, stderr=subprocess.PIPE, check=True)
        # All of it is there: the process has ended, and a terminal holds 4096 bytes and more.
        drawn = os.read(master, 100_000).decode()
    finally:
        os.close(slave)
        os.close(master)
    assert "val_loss=0.30" in drawn
    assert ("\x1b[1;32m" in drawn) is not no_color
