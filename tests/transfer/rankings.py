"""Rankings of real files, made by hand: copying starts where ranking ends."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Checkpoint, Metric, Monitor, Ranked, Ranking

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def checkpoint(
    path: str | Path, *, files: Sequence[str] = (), kind: str = "keras", val_loss: float = 0.5
) -> Checkpoint:
    """A checkpoint that is or was there, of one file unless told otherwise."""
    path = os.fspath(path)
    return Checkpoint(
        path=path,
        files=tuple(files or (path,)),
        kind=kind,
        run=os.path.dirname(path),
        metrics=(Metric("epoch", 3, "03", "epoch"), Metric("val_loss", val_loss, str(val_loss))),
        pattern="w.{epoch:02d}-{val_loss}.keras",
    )


def ranking(*checkpoints: Checkpoint) -> Ranking:
    """These, in this order."""
    rows = [Ranked(n, one, one.metric("val_loss")) for n, one in enumerate(checkpoints, 1)]
    return Ranking(Monitor("val_loss", "min", "a loss"), tuple(rows))


def one_file(folder: Path, name: str = "w.03-0.5.keras", content: bytes = b"weights") -> Ranking:
    """A ranking of one file with this content."""
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(content)
    return ranking(checkpoint(path))


def tensorflow_like(prefix: Path, *, shards: int = 1, content: str = "") -> Checkpoint:
    """Files named as TensorFlow names them; only their names matter to a copy."""
    data = [f"{prefix}.data-{n:05d}-of-{shards:05d}" for n in range(shards)]
    files = [f"{prefix}.index", *data]
    for file in files:
        with open(file, "w", encoding="utf-8") as out:
            out.write(content or os.path.basename(file))
    return checkpoint(prefix, files=files, kind="tf-checkpoint")


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, and what is in it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
