"""The documentation says what the program does."""

from __future__ import annotations

import doctest
import importlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import ckptsel
from ckptsel import errors
from ckptsel.verification.severity import SEVERITIES

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_SESSION = re.compile(r"```console\n(.*?)```", re.DOTALL)
_AGE = re.compile(r"\s+\d+ (?:s|min|h|d)\b|\s+age\b")


def _sessions() -> list[tuple[str, str]]:
    """Every command of these pages' console blocks, with what is shown below it."""
    found = []
    pages = (ROOT / "README.md", ROOT / "docs" / "sources.md")
    for block in _SESSION.findall("".join(page.read_text("utf-8") for page in pages)):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            found.append((command, shown.rstrip("\n")))
    return found


@pytest.mark.parametrize(("command", "shown"), _sessions())
def test_sessions_are_real(command: str, shown: str) -> None:
    """What a page shows below a command is what it prints, ages apart."""
    words = shlex.split(command)
    assert words[0] == "ckptsel"
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    assert _AGE.sub("", done.stdout.rstrip("\n")) == _AGE.sub("", shown)


def test_readme_has_sessions() -> None:
    """The README opens with at least two pasted commands."""
    assert len(_sessions()) >= 3


def _codes() -> set[str]:
    """The code of every error, and of every finding in the sources."""
    source = "\n".join(p.read_text("utf-8") for p in (ROOT / "ckptsel").rglob("*.py"))
    found = set(re.findall(r'(?:Finding|Trap)\(\s*"([a-z0-9-]+)"', source))
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    found |= {kind.code for kind in kinds if issubclass(kind, errors.CkptselError)}
    return found | {*SEVERITIES}


def test_every_code_is_documented_and_no_other() -> None:
    """docs/errors.md has an anchor for each error and finding, and for nothing else."""
    text = (ROOT / "docs" / "errors.md").read_text("utf-8")
    assert set(re.findall(r"^### (\S+)$", text, re.MULTILINE)) == _codes()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page names a file that is there."""
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


def test_api_page_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The examples of docs/api.md give what they show."""
    monkeypatch.chdir(ROOT)
    result = doctest.testfile(str(ROOT / "docs" / "api.md"), module_relative=False)
    assert result.attempted > 5
    assert result.failed == 0


@pytest.mark.parametrize("name", ["ckptsel", "ckptsel.api", "ckptsel.naming.pattern"])
def test_docstring_examples_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The examples in public docstrings give what they show."""
    monkeypatch.chdir(ROOT)
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0


def test_public_names_exist() -> None:
    """Everything in `ckptsel.__all__` can be loaded, and is listed by dir()."""
    assert all(getattr(ckptsel, name) is not None for name in ckptsel.__all__)
    assert dir(ckptsel) == sorted(ckptsel.__all__)
