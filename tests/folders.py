"""Folders of empty files, whose names are all that most tests need, and logs beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def make(root: Path, *names: str) -> str:
    """Make empty files below a folder, and folders for names that end with a slash."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        else:
            path.touch()
    return str(root)


def write_csv(path: Path, *losses: float | str, first: int = 0) -> None:
    """A table as CSVLogger writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = "".join(f"{first + i},0.9,{loss}\r\n" for i, loss in enumerate(losses))
    path.write_text("epoch,loss,val_loss\r\n" + rows, newline="")
