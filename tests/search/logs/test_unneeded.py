"""What is doubtful about logs that say nothing of the monitor."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ckptsel.checkpoint import Finding, Log, Monitor, Ranking
from ckptsel.search.logs.read import LogRead
from ckptsel.search.logs.unneeded import less_grave
from ckptsel.sources.joining.joined import Joined
from ckptsel.sources.log import LogRow


def read(path: str, column: str, *files: str) -> LogRead:
    """A log of one row with one column."""
    log = Log(path, "some", 1, "epoch", 1, "", "line", files)
    joined = Joined([LogRow(2, (column,), ("0.5",), 0)], "epoch", 1)
    return LogRead("run", log, f"some:{column}:", joined, (), False, lambda _: iter(()))


def still_grave(path: str, *reads: LogRead, monitor: str = "val_loss") -> bool:
    """Whether a grave finding of this path stays so."""
    said = [Finding("log-restarted", "said", path, strict=True)]
    found: Any = SimpleNamespace(reads=reads, logs=[each.log for each in reads], findings=said)
    (finding,) = less_grave(found, Ranking(Monitor(monitor, "min", ""), ()))
    return finding.strict


def test_a_log_without_the_monitor() -> None:
    """Its rows change nothing."""
    assert still_grave("a.csv", read("a.csv", "val_loss"))
    assert not still_grave("a.csv", read("a.csv", "lr"))
    assert not still_grave("a.csv", read("a.csv", "lr"), read("b.csv", "val_loss"))
    assert still_grave("b.csv", read("a.csv", "lr"), read("b.csv", "val/loss"))


def test_logs_of_one_path() -> None:
    """Those of several files have the path of their run: one excuses no other."""
    one, other = read("run", "lr", "run/a", "run/b"), read("run", "val_loss", "run/c")
    assert still_grave("run", one, other)
    assert not still_grave("run/a", one, other)
    assert still_grave("run/c", one, other)
