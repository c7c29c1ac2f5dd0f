"""The whole program against what it must not trust: exit codes, messages, and nothing written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.folders import make
from tests.running import CKPTSEL, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("command", ["best", "list"])
@pytest.mark.parametrize(
    "names, argv, code, message",
    [
        ([], [], 3, "no checkpoint in '.': nothing is there"),
        (["log.csv"], [], 3, "1 entry, none of them a checkpoint"),
        (["a.h5"], ["nope"], 1, "no such file or folder: 'nope'"),
        (["a.h5"], ["a.h5/"], 1, "no such file or folder: 'a.h5/'"),
        (["a.h5"], ["a.h5/b"], 1, "no such file or folder: 'a.h5/b'"),
        (["a.h5"], ["*.pt"], 1, "no file matches the glob '*.pt'"),
        (["a.h5"], ["x" * 5000], 1, "no such file or folder"),
        (["a.h5"], [""], 1, "no such file or folder: ''"),
        (["a-x=1.5.h5", "b-x=2.5.h5"], ["-m", "val_loss"], 3, "the names hold 'x'"),
        (["a-x=1.5.h5", "b-x=2.5.h5"], ["-m", "x"], 2, "cannot tell whether"),
        (["a-x=1.5.h5", "b-x=2.5.h5"], ["-m", ""], 2, "the monitor is empty"),
        (["a.h5"], ["--mode", "best"], 2, "'best' is not one of"),
        (["a.h5"], ["--tie", "x"], 2, "'x' is not one of"),
        (["a.h5"], ["--max-depth", "0"], 2, "0 is not in the range"),
        (["a.h5"], ["--output", "xml"], 2, "'xml' is not one of"),
        (["a.h5"], ["--pattern", "w.{epoch"], 2, "^"),
        (["a.h5"], ["--pattern", "no field.h5"], 2, "no field"),
        (["a.h5"], ["--pattern", ""], 2, "pattern"),
        (["w.1.h5"], ["--pattern", "w-{epoch}.h5"], 3, "  w.1.h5\n  "),
        (["a.h5"], ["--files-from", "nope"], 1, "cannot read nope: No such file or directory"),
        (["a.h5"], ["--files-from", "."], 1, "cannot read .: Is a directory"),
        (["a.h5", "empty"], ["--files-from", "empty"], 3, "no checkpoint in the listed files"),
        (["a.h5"], ["--files-from", "-"], 3, "no checkpoint in the listed files"),
        (["a.h5"], ["a.h5", "--files-from", "-"], 2, "give only one of"),
        (["a.h5"], ["--unknown"], 2, "No such option"),
    ],
)
def test_refusals(
    here: Path, command: str, names: list[str], argv: list[str], code: int, message: str
) -> None:
    """Each has its exit code and a message that says what is wrong; stdout stays empty."""
    make(here, *names)
    result = run(command, *argv)
    assert (result.returncode, result.stdout) == (code, b"")
    assert message in result.stderr.decode()


@pytest.mark.usefixtures("here")
def test_no_command() -> None:
    """Without a command there is help, and no success."""
    assert run().returncode == 2
    assert b"No such command" in run("bset").stderr


DIGITS = "9" * 10_000


@pytest.mark.parametrize(
    "argv, code",
    [
        ([f"w-{DIGITS}.h5"], 3),
        (["--single", f"w-{DIGITS}.h5"], 3),
        ([f"w-{DIGITS}-val_loss=0.5.h5", "w-1-val_loss=0.5.h5"], 0),
        (["--pattern", "w-{epoch}.h5", f"w-{DIGITS}.h5"], 3),
        (["--pattern", "w-{v}.h5", f"w-0.{DIGITS}.h5"], 3),
        (["--single", f"w-1e+{DIGITS}.h5", "w-loss=0.5.h5"], 0),
        (["--single", f"w-val_loss={'9' * 900}.h5"], 0),
        ([f"w-val_loss={'9' * 900}.h5", "w-val_loss=1.h5"], 0),
    ],
)
@pytest.mark.parametrize("output", ["json", "csv", "table"])
@pytest.mark.usefixtures("here")
def test_very_long_numbers(argv: list[str], code: int, output: str) -> None:
    """A number of thousands of digits is no number, and no trouble."""
    result = run("parse", "-o", output, *argv)
    assert result.returncode == code
    if output == "json":
        json.loads(result.stdout)


def test_huge_numbers_in_files(here: Path) -> None:
    """Nor are numbers as long as a name can be, nor those that a float cannot hold."""
    make(here, f"w-{'9' * 200}-val_loss=0.5.h5", "w-1-val_loss=1e+400.h5", "w-2-val_loss=0.7.h5")
    result = run("list", "-m", "val_loss", "-o", "json")
    assert result.returncode == 0
    rows = json.loads(result.stdout)["checkpoints"]
    assert [row["value"] for row in rows if row["rank"]] == [0.5, 0.7]


def test_a_reader_that_leaves(here: Path) -> None:
    """A pipe that is closed after the first line ends the command quietly."""
    make(here, *(f"{'w' * 200}-{n:04d}-val_loss=0.{n:04d}.h5" for n in range(2000)))
    with subprocess.Popen(
        [*CKPTSEL, "list", "-o", "paths"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().endswith(b"-0000-val_loss=0.0000.h5\n")
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (0, b"")


@pytest.mark.skipif(os.name == "nt", reason="signals and named pipes are POSIX's")
@pytest.mark.parametrize("argv", [["best", "--files-from"], ["list", "--files0-from"]])
def test_interrupted(here: Path, argv: list[str]) -> None:
    """Ctrl-C ends the command with 130, without a result or a traceback."""
    pipe = here / "names"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [*CKPTSEL, *argv, str(pipe)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # What a shell starts in the background ignores it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )
    writer = _open_once_read(pipe, process)
    time.sleep(0.5)  # a signal just before the read would not end it
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    os.close(writer)
    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in err


def _open_once_read(pipe: Path, process: subprocess.Popen[bytes]) -> int:
    """Open the pipe's other end, which works as soon as the process has begun to read."""
    while process.poll() is None:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # noqa: PERF203 - it waits anyway
            time.sleep(0.01)
    pytest.fail("it ended without reading")


def test_an_interrupted_walk(here: Path) -> None:
    """Also in the middle of a scan."""
    make(here, "a/w.h5")
    code = (
        "import os, signal\n"
        # What a script starts in the background is deaf for Ctrl-C.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from ckptsel import storage\n"
        "real = storage.entries\n"
        "def entries(folder):\n"
        "    if folder == './a':\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    return real(folder)\n"
        "storage.entries = entries\n"
        "import sys; sys.argv = ['ckptsel', 'list']\n"
        "from ckptsel.__main__ import main; main()\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (result.returncode, result.stdout) == (130, b"")
    assert b"Traceback" not in result.stderr


def test_a_file_that_vanishes(here: Path) -> None:
    """Deleted between being found and being looked at, the best is passed over and said."""
    make(here, "e=1-val_loss=0.5.h5", "e=2-val_loss=0.4.h5")
    code = (
        "import os, sys\n"
        "from ckptsel import storage\n"
        "real = storage.stat\n"
        "def stat(path):\n"
        "    if path == './e=2-val_loss=0.4.h5' and os.path.exists(path):\n"
        "        os.remove(path)\n"
        "    return real(path)\n"
        "storage.stat = stat\n"
        "sys.argv = ['ckptsel', 'best', '-m', 'val_loss', *sys.argv[1:]]\n"
        "from ckptsel.__main__ import main; main()\n"
    )
    racing = [sys.executable, "-c", code]
    strict = subprocess.run([*racing, "--strict"], capture_output=True, text=True, check=False)
    assert (strict.returncode, strict.stdout) == (1, "")
    assert "under --strict: ./e=2-val_loss=0.4.h5: cannot be read" in strict.stderr
    make(here, "e=2-val_loss=0.4.h5")
    result = subprocess.run(racing, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "./e=1-val_loss=0.5.h5\n")
    assert "e=2-val_loss=0.4.h5: cannot be read: No such file or directory" in result.stderr
