"""A file in the place of one that a log tells of: found by its bytes, where it would win."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from ckptsel.errors import MonitorNotFoundError, StrictError
from ckptsel.training_log import identity
from tests.selecting import codes, places, ranked

if TYPE_CHECKING:
    from pathlib import Path

LOSSES = {"a.keras": 0.4, "b.keras": 0.2, "c.keras": 0.3}


@pytest.fixture
def run(here: Path) -> Path:
    """Three files of one size with a log that has all the evidence."""
    lines = []
    for name, loss in LOSSES.items():
        (here / name).write_bytes(name[:1].encode() * 5)
        found = (here / name).stat()
        digest = hashlib.sha256((here / name).read_bytes()).hexdigest()
        line = {"schema": 1, "event": "saved", "file": name, "metrics": {"val_loss": loss}}
        line |= {"size_bytes": 5, "mtime_ns": found.st_mtime_ns, "sha256": digest}
        lines.append(json.dumps(line) + "\n")
    (here / "ckptsel.jsonl").write_text("".join(lines))
    return here


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are read to the end."""
    names: list[str] = []
    real = identity.sha256_of

    def noted(path: str) -> str:
        names.append(os.path.basename(path))
        return real(path)

    monkeypatch.setattr("ckptsel.search.logs.replaced.sha256_of", noted)
    return names


def touch(*files: Path) -> None:
    """As a copy has it: the same bytes of another time."""
    for file in files:
        os.utime(file, (1, 1))


def replace(file: Path) -> None:
    """Put another file of the same size in the place of one."""
    file.write_bytes(b"other")
    touch(file)


def test_what_was_not_touched_is_not_read(run: Path, read: list[str]) -> None:
    """The time tells: neither `best` nor `list` reads a byte."""
    assert run
    for keep in (2, None):
        ranking = ranked(keep=keep, strict=True)
        assert places(ranking)[0] == (1, "b.keras")
        assert codes(ranking) == set()
    assert read == []


def test_the_place_of_a_replaced_best_goes_to_the_next(run: Path, read: list[str]) -> None:
    """The value was another file's: it has none, which is said."""
    replace(run / "b.keras")
    ranking = ranked(keep=2)
    assert places(ranking) == [(1, "c.keras"), (2, "a.keras")]
    assert "log-other-file" in codes(ranking)
    assert read == ["b.keras"]
    with pytest.raises(StrictError, match="another SHA-256"):
        ranked(keep=2, strict=True)
    assert places(ranked()) == [(1, "c.keras"), (2, "a.keras"), (None, "b.keras")]


def test_counts_are_those_of_the_last_look(run: Path) -> None:
    """What was passed over is counted once, though there are several looks.

    Without a value are the one that was replaced, and the link's own name.
    """
    replace(run / "b.keras")
    os.link(run / "a.keras", run / "d.keras")
    ranking = ranked()
    assert ranking.passed_over["no val_loss in the name or a log"] == 2
    assert ranking.passed_over["a link to a checkpoint already counted"] == 1


def test_all_replaced(run: Path) -> None:
    """Then there is no value at all, and the error tells of the files."""
    for name in LOSSES:
        replace(run / name)
    with pytest.raises(MonitorNotFoundError) as raised:
        ranked(keep=2)
    assert sum("another SHA-256" in detail for detail in raised.value.details) == 3


def test_a_copied_folder_is_believed(run: Path, read: list[str]) -> None:
    """Of other times, and the same bytes: the winner is read, and nothing is said."""
    for name in LOSSES:
        shutil.copyfile(run / name, run / "copy")
        os.replace(run / "copy", run / name)
        touch(run / name)
    ranking = ranked(keep=2, strict=True)
    assert places(ranking)[0] == (1, "b.keras")
    assert codes(ranking) == set()
    assert read == ["b.keras"]


def test_a_list_says_what_it_did_not_read(run: Path, read: list[str]) -> None:
    """The first row is read, and the others with `strict`, where a doubt would be an error."""
    touch(*(run / name for name in LOSSES))
    ranking = ranked()
    (said,) = [finding for finding in ranking.findings if finding.code == "log-unconfirmed"]
    assert said.message.startswith("2 files were written at another time")
    assert read == ["b.keras"]
    assert codes(ranked(strict=True)) == set()
    assert codes(ranked(None, rank=False)) == {"log-unconfirmed"}
    replace(run / "a.keras")
    with pytest.raises(StrictError, match=r"'a\.keras' with another SHA-256"):
        ranked(None, rank=False, strict=True)


def test_the_best_of_each_run_is_read(run: Path) -> None:
    """Each of them is an answer."""
    for name in ("one", "two"):
        shutil.copytree(run, run.parent / "runs" / name)
    replace(run.parent / "runs/two/b.keras")
    ranking = ranked(per_run=True, locations=(str(run.parent / "runs"),))
    assert [row.checkpoint.name for row in ranking.rows] == ["b.keras", "c.keras"]
    assert codes(ranking) >= {"log-other-file"}


def test_a_line_without_a_digest(run: Path) -> None:
    """Where nothing can tell, that is said of the winner too."""
    log = run / "ckptsel.jsonl"
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    log.write_text("".join(json.dumps({**entry, "sha256": ""}) + "\n" for entry in entries))
    touch(run / "b.keras")
    assert codes(ranked(keep=2)) == {"log-unconfirmed"}
    with pytest.raises(StrictError, match="at another time"):
        ranked(keep=2, strict=True)
