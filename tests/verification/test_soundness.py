"""The best that is sound, with no more files opened than needed."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from ckptsel.checkpoint import Finding
from ckptsel.errors import DamagedError, TieError
from ckptsel.search.query import Query
from ckptsel.selection import select
from ckptsel.verification import soundness
from ckptsel.verification.soundness import Sound, sound, verified
from ckptsel.verification.verify import Verdict

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("here")


class Verify:
    """Stands in for `verify`: damaged are the names that hold BAD, dangerous those with EVIL."""

    def __init__(self) -> None:
        self.opened: list[str] = []

    def __call__(self, path: str, **_: Any) -> Verdict:
        """A verdict by the name."""
        self.opened.append(os.path.basename(path))
        found = [Finding("zip-crc", f"{path} is damaged", path)] if "BAD" in path else []
        found += [Finding("lambda-layer", "runs code", path)] if "EVIL" in path else []
        return Verdict(path, "keras", tuple(found), 1, "full")


@pytest.fixture
def verify(monkeypatch: pytest.MonkeyPatch) -> Verify:
    """The verifier, replaced."""
    stand_in = Verify()
    monkeypatch.setattr(soundness, "verify", stand_in)
    return stand_in


def ask(
    folder: Path, names: list[str], number: int | None = 1, keep: int | None = 2, **options: Any
) -> Sound:
    """Make files, rank them, and take the sound ones."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    query = Query(monitor="loss", patterns=("{tag}-{loss}.keras",), **options)
    return sound(query, select(query, keep=keep), number, keep=keep)


def names(rows: Any) -> list[str]:
    """The names in the rows."""
    return [row.checkpoint.name for row in rows]


def test_a_sound_best_is_all_that_is_opened(verify: Verify, here: Path) -> None:
    """The runner-up stays closed, and nothing changes."""
    found = ask(here, ["a-1.keras", "b-2.keras", "c-3.keras"])
    assert verify.opened == ["a-1.keras"]
    assert names(found.rows) == ["a-1.keras"]
    assert names(found.ranking.rows) == ["a-1.keras", "b-2.keras"]
    assert found.rejected == ()


def test_the_next_best_takes_the_place(verify: Verify, here: Path) -> None:
    """Ranks begin at 1 again, the runner-up is the one after, and the rejected are told."""
    found = ask(here, ["BAD-1.keras", "BAD-2.keras", "a-3.keras", "b-4.keras"])
    assert verify.opened == ["BAD-1.keras", "BAD-2.keras", "a-3.keras"]
    assert [(r.rank, r.checkpoint.name) for r in found.ranking.rows] == [
        (1, "a-3.keras"),
        (2, "b-4.keras"),
    ]
    assert [(r.rank, r.checkpoint.name) for r in found.rejected] == [
        (1, "BAD-1.keras"),
        (2, "BAD-2.keras"),
    ]
    assert {*found.verdicts} == {f"./{name}" for name in verify.opened}


def test_many_damaged_are_passed_over(verify: Verify, here: Path) -> None:
    """However far down the first sound one is; each is opened once."""
    found = ask(here, [f"BAD-{n}.keras" for n in range(10, 60)] + ["a-60.keras", "b-61.keras"])
    assert names(found.rows) == ["a-60.keras"]
    assert len(verify.opened) == 51
    assert len(found.rejected) == 50
    assert found.ranking.runner_up is not None
    assert found.ranking.runner_up.checkpoint.name == "b-61.keras"


def test_several_are_taken(verify: Verify, here: Path) -> None:
    """N sound ones, around the damaged ones; and fewer if there are not so many."""
    files = ["a-1.keras", "BAD-2.keras", "b-3.keras", "BAD-4.keras", "c-5.keras"]
    assert names(ask(here, files, 2, 3).rows) == ["a-1.keras", "b-3.keras"]
    assert "c-5.keras" not in verify.opened
    found = ask(here, files, 9, 10)
    assert names(found.rows) == ["a-1.keras", "b-3.keras", "c-5.keras"]
    assert [row.rank for row in found.rows] == [1, 2, 3]


@pytest.mark.usefixtures("verify")
@pytest.mark.parametrize(
    "number, keep, expected",
    [
        (None, None, ["a-3.keras", "b-4.keras"]),
        (1, 2, ["a-3.keras"]),
        (2, 3, ["a-3.keras", "b-4.keras"]),
        (5, 6, ["a-3.keras", "b-4.keras"]),
    ],
)
def test_the_best_sound_one_of_each_run(
    here: Path, number: int | None, keep: int | None, expected: list[str]
) -> None:
    """Within a run the next takes the place; a run without a sound one has no row."""
    files = ["x/BAD-1.keras", "x/a-3.keras", "x/c-5.keras", "y/BAD-2.keras", "y/b-4.keras"]
    found = ask(here, [*files, "z/BAD-0.keras"], number, keep, per_run=True)
    assert names(found.rows) == expected
    assert names(found.ranking.rows) == expected


@pytest.mark.usefixtures("verify")
def test_none_is_sound(here: Path) -> None:
    """Nothing is handed on, and why is said."""
    with pytest.raises(DamagedError, match="no checkpoint is sound: 2 could") as caught:
        ask(here, ["BAD-1.keras", "BAD-2.keras"])
    assert caught.value.exit_code == 5
    assert caught.value.details[0] == "./BAD-1.keras is damaged (zip-crc)"


@pytest.mark.usefixtures("verify")
@pytest.mark.parametrize("tag", ["BAD", "EVIL"])
def test_strict_refuses(here: Path, tag: str) -> None:
    """Damage and danger are errors, with their code."""
    with pytest.raises(DamagedError, match=rf"under --strict: \./{tag}-1.keras.* \("):
        ask(here, [f"{tag}-1.keras", "a-2.keras"], strict=True)


def test_strict_does_not_look_further_than_needed(verify: Verify, here: Path) -> None:
    """What is behind a sound one does not matter."""
    assert names(ask(here, ["a-1.keras", "BAD-2.keras"], strict=True).rows) == ["a-1.keras"]
    assert verify.opened == ["a-1.keras"]


@pytest.mark.usefixtures("verify")
def test_a_danger_alone_is_taken(here: Path) -> None:
    """Without --strict it is only said."""
    found = ask(here, ["EVIL-1.keras", "a-2.keras"])
    assert names(found.rows) == ["EVIL-1.keras"]
    assert not found.verdicts["./EVIL-1.keras"].is_safe


@pytest.mark.usefixtures("verify")
def test_a_tie_that_does_not_matter_is_not_told(here: Path) -> None:
    """Behind the one that is taken it is of no interest."""
    files = ["BAD-1.keras", "a-2.keras", "b-3.keras", "c-3.keras"]
    found = ask(here, files, tie="error")
    assert names(found.rows) == ["a-2.keras"]
    assert found.ranking.findings == ()


@pytest.mark.usefixtures("verify")
def test_a_tie_of_the_sound_ones_is_told(here: Path) -> None:
    """It shows only where the damaged one is gone, and is an error under --tie error."""
    files = ["BAD-1.keras", "a-2.keras", "b-2.keras", "c-3.keras"]
    assert [finding.code for finding in ask(here, files).ranking.findings] == ["tie"]
    with pytest.raises(TieError, match="2 checkpoints have the same loss of 2"):
        ask(here, files, tie="error")


def test_rows_are_verified_where_they_stand(verify: Verify, here: Path) -> None:
    """For a list: all of them, in their order, and none is passed over."""
    ranking = ask(here, ["a-1.keras", "BAD-2.keras"], keep=None).ranking
    verify.opened.clear()
    verdicts = verified(ranking.rows, strict=False)
    assert verify.opened == ["a-1.keras", "BAD-2.keras"]
    assert [verdict.is_sound for verdict in verdicts.values()] == [True, False]
    with pytest.raises(DamagedError, match="zip-crc"):
        verified(ranking.rows, strict=True)


@pytest.mark.usefixtures("verify")
def test_other_bytes_than_those_that_were_saved(here: Path) -> None:
    """Of the size and the time that the log has, and changed: that shows where all is read."""
    lines = []
    for name, loss in (("a.keras", 0.1), ("b.keras", 0.2)):
        (here / name).write_bytes(name.encode())
        found = (here / name).stat()
        line = {"schema": 1, "event": "saved", "file": name, "metrics": {"loss": loss}}
        digest = hashlib.sha256(b"b.keras").hexdigest()
        line |= {"size_bytes": 7, "mtime_ns": found.st_mtime_ns, "sha256": digest}
        lines.append(json.dumps(line) + "\n")
    (here / "ckptsel.jsonl").write_text("".join(lines))
    query = Query(monitor="loss")
    ranking = select(query, keep=2)
    assert names(ranking.rows) == ["a.keras", "b.keras"]
    found_sound = sound(query, ranking, 1, keep=2)
    assert names(found_sound.rows) == ["b.keras"]
    (rejected,) = found_sound.rejected
    verdict = found_sound.verdicts[rejected.checkpoint.path]
    assert [finding.code for finding in verdict.findings] == ["not-as-saved"]
    with pytest.raises(DamagedError, match="not-as-saved"):
        sound(Query(monitor="loss", strict=True), ranking, 1, keep=2)
