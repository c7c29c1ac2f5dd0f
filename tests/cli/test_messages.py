"""What is said on stderr, and what happens where nobody listens."""

from __future__ import annotations

import pytest

from ckptsel.checkpoint import Finding
from ckptsel.cli import output
from ckptsel.errors import CkptselError, PatternError


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
