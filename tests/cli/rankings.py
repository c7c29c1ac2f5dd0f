"""Rankings made by hand, for tests of what is shown of them."""

from __future__ import annotations

import os
from dataclasses import replace

from ckptsel.checkpoint import Checkpoint, Finding, Metric, Monitor, Ranked, Ranking

EVIL = os.fsdecode(b"runs/a/[red]x\x1b[31m\n\xff,\t'.keras")


def checkpoint(epoch: int, text: str, *, run: str = "runs/a", name: str = "") -> Checkpoint:
    """A Keras checkpoint with an epoch and a val_loss in its name."""
    name = name or f"w.{epoch:02d}-{text}.keras"
    path = f"{run}/{name}"
    return Checkpoint(
        path=path,
        files=(path,),
        kind="keras",
        run=run,
        metrics=(
            Metric("epoch", epoch, f"{epoch:02d}", "epoch"),
            Metric("val_loss", float(text), text),
        ),
        pattern="w.{epoch:02d}-{val_loss:.2f}.keras",
        size_bytes=1536,
        modified=1700000000.0,
    )


def ranked(rank: int | None, one: Checkpoint, *, reason: str = "", tied: bool = False) -> Ranked:
    """A checkpoint in its place by val_loss."""
    return Ranked(rank, one, one.metric("val_loss"), reason, tied)


def by_val_loss(*rows: Ranked, findings: tuple[Finding, ...] = ()) -> Ranking:
    """A ranking of these rows by val_loss."""
    return Ranking(
        monitor=Monitor("val_loss", "min", "a loss"),
        rows=rows,
        patterns=(("w.{epoch:02d}-{val_loss:.2f}.keras", len(rows)),),
        learned=True,
        findings=findings,
        seen=len(rows),
        passed_over={"not a checkpoint": 2, "temporary": 1},
    )


def three() -> Ranking:
    """A best one, a second, and one without a place because its value is NaN."""
    return by_val_loss(
        ranked(1, checkpoint(2, "0.30")),
        ranked(2, checkpoint(1, "0.45", run="runs/b")),
        ranked(None, checkpoint(3, "nan"), reason="val_loss is nan"),
    )


def evil() -> Ranking:
    """A ranking of one checkpoint with a hostile name."""
    one = checkpoint(1, "0.45")
    return by_val_loss(ranked(1, replace(one, path=EVIL, files=(EVIL,))))
