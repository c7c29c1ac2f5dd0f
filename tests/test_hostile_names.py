"""Names made by strangers: they arrive whole, and are shown escaped."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from tests.running import run

if TYPE_CHECKING:
    from pathlib import Path

# Names as a stranger may make them; each has the value by which it is ranked.
HOSTILE = [
    b"new\nline-val_loss=0.01.h5",
    b"esc\x1b[31m\x1b]0;x\x07-val_loss=0.02.h5",
    b"[red]b[link=x]-val_loss=0.03.h5",
    b"bad-\xff\xfe-val_loss=0.04.h5",
    b"-rf-val_loss=0.05.h5",
    b"--help-val_loss=0.06.h5",
    b"n" * (255 - 17) + b"-val_loss=0.07.h5",
    b" lead and trail -val_loss=0.08.h5",
    "e\u202efdp-val_loss=0.09.h5".encode(),
    b"tab\tand\rcr-val_loss=0.10.h5",
    b"{brace}%s-val_loss=0.11.h5",
    b"a,\"b\";'c'-val_loss=0.12.h5",
    b"$(touch pwned)-val_loss=0.13.h5",
]


def hostile(here: Path) -> list[bytes]:
    """Make the hostile files; their paths, best first."""
    if sys.platform != "linux":
        pytest.skip("only here, any bytes make a name")
    for name in HOSTILE:
        (here / os.fsdecode(name)).touch()
    return [b"./" + name for name in HOSTILE]


def test_hostile_names_in_paths(here: Path) -> None:
    """With -0 each path arrives whole, byte for byte; so it does for the best one."""
    paths = hostile(here)
    result = run("list", "-m", "val_loss", "-0")
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.split(b"\0") == [*paths, b""]
    assert run("best", "-0").stdout == paths[0] + b"\0"
    os.remove(paths[0])
    assert run("best").stdout == paths[1] + b"\n"


def test_hostile_names_in_json(here: Path) -> None:
    """JSON is plain ASCII, and holds each name so that its bytes come back."""
    paths = hostile(here)
    result = run("list", "-m", "val_loss", "-o", "json")
    assert result.stdout.isascii()
    rows = json.loads(result.stdout)["checkpoints"]
    assert [os.fsencode(row["path"]) for row in rows] == paths


@pytest.mark.parametrize("argv", [["list", "-m", "val_loss"], ["list"], ["best", "--top", "99"]])
def test_hostile_names_for_people(here: Path, argv: list[str]) -> None:
    """A table, and all that is said, has neither control characters nor broken lines."""
    hostile(here)
    result = run(*argv, "-o", "table")
    text = result.stdout.decode() + result.stderr.decode()
    assert all(char.isprintable() or char == "\n" for char in text)
    for shown in (r"new\nline", "[red]b[link=x]", r"bad-\xff\xfe", r"esc\x1b[31m", "n" * 238):
        assert shown in text


def test_hostile_names_by_themselves(here: Path) -> None:
    """Each can be asked for, after -- if it begins with a dash, and from a list."""
    paths = hostile(here)
    for name in HOSTILE:
        result = run("best", "-m", "val_loss", "-0", "--", name)
        assert result.stdout == name + b"\0", result.stderr
    listed = run("best", "-m", "val_loss", "--files0-from", "-", "-0", stdin=b"\0".join(paths))
    assert listed.stdout == paths[0] + b"\0"


def test_hostile_names_in_messages(here: Path) -> None:
    """Errors and notes about such names are escaped, too."""
    hostile(here)
    for name in HOSTILE:
        os.remove(os.path.join(os.fsencode(here), name))
    for name in HOSTILE[:5]:
        (here / os.fsdecode(name[-200:] + b".tmp")).touch()
    result = run("best", "-m", "val_loss")
    assert result.returncode == 3
    assert all(char.isprintable() or char == "\n" for char in result.stderr.decode())
    assert r"new\nline-val_loss=0.01.h5.tmp: an unfinished write" in result.stderr.decode()
    result = run("best", os.fsdecode(b"gone\x1b[31m\xff"))
    assert result.returncode == 1
    assert result.stderr.isascii()


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "POSIX"])
def test_any_locale(here: Path, locale: str) -> None:
    """Bytes come out as they went in, whatever the locale."""
    paths = hostile(here)
    env = {"LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert run("list", "-m", "val_loss", "-0", env=env).stdout.split(b"\0")[:-1] == paths
    assert run("list", "-m", "val_loss", env=env).returncode == 0
