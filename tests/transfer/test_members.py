"""Which checkpoints are averaged."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ckptsel.errors import (
    DamagedError,
    LocationNotFoundError,
    NothingFoundError,
    TieError,
    UsageError,
)
from ckptsel.transfer import members
from tests.transfer.small_weights import name, query, series, write

if TYPE_CHECKING:
    from pathlib import Path

    from ckptsel.transfer.members import Members


def epochs(found: Members) -> list[float | None]:
    """The epochs of the members, in their order."""
    return [row.checkpoint.epoch for row in found.rows]


def codes(found: Members) -> list[str]:
    """The codes of the findings."""
    return [finding.code for finding in found.findings]


def test_the_best_in_their_order(run: Path) -> None:
    """Best first, and the monitor's direction is the one that it has."""
    series(run, 0.5, 0.2, 0.9, 0.3)
    assert epochs(members.best(query(run), 3)) == [2, 4, 1]
    assert epochs(members.best(query(run, mode="max"), 2)) == [3, 1]
    assert epochs(members.best(query(run), None)) == [2, 4, 1, 3]


def test_fewer_than_asked_for(run: Path) -> None:
    """It is said; and of one alone there is no mean."""
    series(run, 0.5, 0.2)
    found = members.best(query(run), 5)
    assert (epochs(found), codes(found)) == ([2, 1], ["fewer-than-top"])
    os.remove(run / name(1, 0.5))
    with pytest.raises(NothingFoundError, match=r"no two different checkpoints .* only '.*02-val"):
        members.best(query(run), 5)


@pytest.mark.parametrize("number", [0, 1])
def test_a_mean_is_of_two(run: Path, number: int) -> None:
    """One checkpoint is a copy, not a mean."""
    series(run, 0.5, 0.2)
    with pytest.raises(UsageError, match="two or more"):
        members.best(query(run), number)
    with pytest.raises(UsageError, match="two or more"):
        members.last(query(run), number)


def test_a_tie_at_the_last_place(run: Path) -> None:
    """It is said, as `best` says it."""
    series(run, 0.5, 0.2, 0.5)
    found = members.best(query(run), 2)
    assert (epochs(found), codes(found)) == ([2, 3], ["tie"])
    with pytest.raises(TieError):
        members.best(query(run, tie="error"), 2)


@pytest.mark.parametrize("how", ["copy", "hard", "soft"])
def test_the_same_counts_once(run: Path, how: str) -> None:
    """A copy or a link takes no place from the next best."""
    first = series(run, 0.2, 0.3, 0.4)[0]
    other = str(run / name(9, 0.21))
    make: dict[str, Any] = {"copy": shutil.copyfile, "hard": os.link, "soft": os.symlink}
    make[how](first, other)
    found = members.best(query(run), 3)
    assert epochs(found) in ([1, 2, 3], [9, 2, 3])
    if how == "copy":
        assert codes(found) == ["same-member"]
        assert found.findings[0].said == f"{other}: is the same as {first!r}, and is counted once"
    found = members.named(query(first, other, str(run / name(2, 0.3))))
    assert [row.checkpoint.path for row in found.rows] == [first, str(run / name(2, 0.3))]
    assert codes(found) == ["same-member"]


def test_nearly_the_same_is_another(run: Path) -> None:
    """One byte in the middle makes two of them."""
    paths = series(run, 0.2, 0.3)
    shutil.copyfile(paths[0], paths[1])
    with open(paths[1], "r+b") as file:
        file.seek(os.path.getsize(paths[1]) // 3)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    assert len(members.best(query(run), 2).rows) == 2


def test_damaged_ones_are_passed_over(run: Path) -> None:
    """With verify, the next best takes the place; what was passed over is told."""
    paths = series(run, 0.1, 0.2, 0.3, 0.4)
    os.truncate(paths[0], os.path.getsize(paths[0]) - 700)
    write(paths[1], float("nan"))
    found = members.best(query(run), 2, verify=True)
    assert epochs(found) == [3, 4]
    assert [row.checkpoint.epoch for row in found.rejected] == [1, 2]
    found = members.last(query(run), 3, verify=True)
    assert (epochs(found), codes(found)) == ([4, 3], ["fewer-than-top"])
    assert [row.checkpoint.epoch for row in found.rejected] == [2, 1]
    with pytest.raises(DamagedError, match="under --strict"):
        members.last(query(run, strict=True), 3, verify=True)
    with pytest.raises(DamagedError, match="NaN"):
        members.named(query(paths[3], paths[1]), verify=True)


def test_the_last_by_epoch(run: Path) -> None:
    """The latest first, whatever the values; names are numbers, not texts."""
    series(run, *[0.5] * 11)
    assert epochs(members.last(query(run), 3)) == [11, 10, 9]


def test_the_last_by_step(run: Path) -> None:
    """Where no name has an epoch, steps tell the order."""
    for step in (200, 1000, 30):
        write(run / f"model-step{step}.weights.h5", step)
    found = members.last(query(run, monitor=None), 2)
    assert [row.checkpoint.step for row in found.rows] == [1000, 200]


def test_the_last_of_one_training(tmp_path: Path) -> None:
    """Epochs of two trainings say nothing of each other."""
    for each in ("a", "b"):
        (tmp_path / each).mkdir()
        series(tmp_path / each, 0.5, 0.4)
    with pytest.raises(UsageError, match="several trainings"):
        members.last(query(tmp_path), 2)


def test_the_best_of_several_trainings(tmp_path: Path) -> None:
    """Their mean may make no sense, which is grave enough to say."""
    for each in ("a", "b"):
        (tmp_path / each).mkdir()
        write(tmp_path / each / name(1, 0.3 if each == "a" else 0.4), ord(each))
    found = members.best(query(tmp_path), 2)
    assert codes(found) == ["several-runs"]
    assert found.findings[0].strict


def test_names_that_tell_no_epoch(run: Path) -> None:
    """What cannot be put in order is left out, and that is said."""
    series(run, 0.5, 0.4)
    write(run / "final.weights.h5", 3)
    found = members.last(query(run), 2)
    assert epochs(found) == [2, 1]
    assert "no-counter" in codes(found)


def test_named_in_their_order(run: Path) -> None:
    """Nothing is ranked; the first named is the first."""
    paths = series(run, 0.5, 0.2, 0.3)
    found = members.named(query(paths[2], paths[0]))
    assert [row.checkpoint.path for row in found.rows] == [paths[2], paths[0]]
    assert found.ranking is None
    listed = query(files=(paths[1], paths[0]))
    assert [row.checkpoint.path for row in members.named(listed).rows] == [paths[1], paths[0]]


def test_files_whose_names_say_nothing(run: Path) -> None:
    """Content decides what is a checkpoint."""
    paths = [write(run / each, at) for at, each in enumerate(("first", "second"))]
    assert [row.checkpoint.path for row in members.named(query(*paths)).rows] == paths


def test_a_folder_is_no_member(run: Path) -> None:
    """Which of its checkpoints are meant is not guessed; nor is what is missing."""
    paths = series(run, 0.5, 0.2)
    with pytest.raises(UsageError, match="is no checkpoint, and it is not said which"):
        members.named(query(run))
    with pytest.raises(LocationNotFoundError):
        members.named(query(paths[0], run / "gone"))
    np.savez(run / "other.npz", a=np.ones(3))
    with pytest.raises(NothingFoundError, match="no two different"):
        members.named(query(run / "other.npz"))


def test_the_last_after_a_second_fit(run: Path) -> None:
    """It counts epochs from 1 again; only the versions tell, and not whether of one training."""
    for each in ("epoch1", "epoch2", "epoch3", "epoch1-v1", "epoch2-v1"):
        write(run / f"{each}.weights.h5", 1 + len([*run.iterdir()]))
    found = members.last(query(run, monitor=None), 2)
    assert epochs(found) == [3, 2]
    assert codes(found) == ["order-in-doubt"]
    assert found.findings[0].strict
    assert found.findings[0].path == f"{run}/epoch2-v1.weights.h5"
    write(run / "epoch3-v1.weights.h5", 9)
    assert codes(members.last(query(run, monitor=None), 2)) == ["order-in-doubt"]


@pytest.mark.parametrize(
    "names, code",
    [
        (("epoch1-step500", "epoch2-step1000", "epoch3-step200"), ["order-in-doubt"]),
        (("epoch1-step500", "epoch2-step1000", "epoch3-step1500"), []),
        (("epoch1-step900", "epoch2-step100", "epoch3-step1500", "epoch4-step1600"), []),
        (("epoch1-batch50", "epoch2-batch40", "epoch3-batch10"), []),
        (("epoch1", "epoch2", "epoch3", "epoch3-v1"), []),
    ],
)
def test_steps_and_versions_that_say_the_contrary(
    names: tuple[str, ...], code: list[str], run: Path
) -> None:
    """It is said where the chosen ones would be others; a batch counts within its epoch."""
    for at, each in enumerate(names):
        write(run / f"{each}.weights.h5", at)
    assert codes(members.last(query(run, monitor=None), 2)) == code


def test_the_last_by_the_log(run: Path) -> None:
    """Its lines are in the order of the saves."""
    with (run / "ckptsel.jsonl").open("w") as log:
        for at, (epoch, version) in enumerate([(1, ""), (2, ""), (3, ""), (1, "-v1"), (2, "-v1")]):
            path = write(run / f"epoch{epoch}{version}.weights.h5", at)
            record = {
                "schema": 1,
                "event": "saved",
                "file": os.path.basename(path),
                "epoch": epoch,
                "step": at,
                "metrics": {"loss": 9.0 - at},
                "size_bytes": os.path.getsize(path),
                "mtime_ns": os.stat(path).st_mtime_ns,
            }
            log.write(json.dumps(record) + "\n")
    found = members.last(query(run, monitor=None), 3)
    assert [row.checkpoint.name for row in found.rows] == [
        "epoch2-v1.weights.h5",
        "epoch1-v1.weights.h5",
        "epoch3.weights.h5",
    ]
    assert codes(found) == []
