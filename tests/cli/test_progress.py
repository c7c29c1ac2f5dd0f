"""The count that a terminal shows while something takes long."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from ckptsel.cli import progress as module
from ckptsel.cli.progress import progress

if TYPE_CHECKING:
    import pytest


def test_progress_is_for_terminals(capfd: pytest.CaptureFixture[str]) -> None:
    """Off a terminal there is nothing to call, and nothing is written."""
    with progress(str) as tick:
        assert tick is None
    assert capfd.readouterr() == ("", "")


def test_progress_after_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line appears after one second, at most ten times a second, and is erased in the end."""
    clock = iter([0.0, 0.9, 1.0, 1.05, 1.2])
    monkeypatch.setattr(module, "monotonic", lambda: next(clock))
    monkeypatch.setattr(module, "is_terminal", lambda _: True)
    stderr = io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    with progress(lambda n: f"{n} files…") as tick:
        assert tick is not None
        for n in (1, 20, 30, 4):
            tick(n)
    assert stderr.getvalue() == "\r20 files…\r4 files…\r" + " " * 9 + "\r"
