"""What is verified: all that a search finds, and what it passes over for a fault."""

from __future__ import annotations

import os
import zipfile
from typing import TYPE_CHECKING

import pytest

from ckptsel.errors import LocationNotFoundError, NothingFoundError, StrictError
from ckptsel.search.query import Query
from ckptsel.verification.candidates import candidates

if TYPE_CHECKING:
    from pathlib import Path


def touch(*names: str) -> None:
    """Make files of one byte, with their folders."""
    for name in names:
        os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
        with open(name, "wb") as file:
            file.write(b"x")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "files, query, sizes",
    [
        (["r/b.keras", "r/a.h5", "r/log.csv"], Query(("r",)), {"r/a.h5": 1, "r/b.keras": 1}),
        (["r/a.h5", "r/b.h5"], Query(("r",), include=("b*",)), {"r/b.h5": 1}),
        (["r/a.h5", "r/b.h5"], Query(("r",), exclude=("b*",)), {"r/a.h5": 1}),
        (["r/a.h5", "r/s/b.h5"], Query(("r",), max_depth=1), {"r/a.h5": 1}),
        # A file that is named itself, of any suffix, unless it is excluded.
        (["r/a.h5", "log.csv"], Query(("r", "log.csv")), {"log.csv": 1, "r/a.h5": 1}),
        (["log.csv"], Query(("log.csv",)), {"log.csv": 1}),
        (["a.h5", "b.csv"], Query(("a.h5", "b.csv"), exclude=("*.csv",)), {"a.h5": 1}),
        (["a.h5", "b.csv"], Query(("a.h5", "b.csv"), include=("*.h5",)), {"a.h5": 1}),
        (["a.h5", "b.csv"], Query(files=("b.csv", "a.h5")), {"a.h5": 1, "b.csv": 1}),
        # What is incomplete, or listed and gone.
        (["r/c.index"], Query(("r",)), {"r/c": -1}),
        (["r/c.index", "r/a.h5"], Query(("r",)), {"r/a.h5": 1, "r/c": -1}),
        (["c.index"], Query(("c.index",)), {"c": -1}),
        (["a.h5"], Query(files=("a.h5", "gone.h5")), {"a.h5": 1, "gone.h5": -1}),
        # Parts of one checkpoint are one checkpoint.
        (
            ["c.index", "c.data-00000-of-00001"],
            Query(("c.index", "c.data-00000-of-00001")),
            {"c": 2},
        ),
    ],
)
def test_what_is_verified(files: list[str], query: Query, sizes: dict[str, int]) -> None:
    """Paths in their order, with sizes where these are known."""
    touch(*files)
    found = candidates(query).sizes
    assert found == sizes
    assert [*found] == sorted(found)


@pytest.mark.usefixtures("here")
def test_nothing_to_verify() -> None:
    """A folder without a checkpoint, and a place that is not there, are errors."""
    touch("r/log.csv")
    with pytest.raises(NothingFoundError, match="none of them a checkpoint"):
        candidates(Query(("r",)))
    with pytest.raises(LocationNotFoundError):
        candidates(Query(("nowhere",)))


def test_a_folder_that_is_a_checkpoint_by_its_content(damaged_folder: Path, here: Path) -> None:
    """It is verified if it is named: an unpacked archive, where no name says so."""
    with zipfile.ZipFile(damaged_folder / "sound.keras") as archive:
        archive.extractall(here / "m")
    assert [*candidates(Query(("m",))).sizes] == ["m"]


@pytest.mark.usefixtures("here")
def test_what_is_said_of_names_does_not_matter_here() -> None:
    """Neither an ambiguous name nor one that no pattern matches keeps a file from its turn."""
    touch("r/w--1-2.h5", "r/w-0.5.h5", "r/other9.h5", "r/x.h5.tmp")
    found = candidates(Query(("r",), patterns=("w-{loss}.h5",), strict=True))
    assert len(found.sizes) == 3
    assert {finding.code for finding in found.findings} <= {"unfinished"}


@pytest.mark.usefixtures("here")
@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_strict_about_folders() -> None:
    """What could not be looked for cannot be called sound."""
    touch("r/a.h5", "r/closed/b.h5")
    os.chmod("r/closed", 0)
    assert candidates(Query(("r",))).findings[0].code == "unreadable-folder"
    with pytest.raises(StrictError, match="closed"):
        candidates(Query(("r",), strict=True))
