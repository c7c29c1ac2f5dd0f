"""What a search finds, and why it came to nothing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from ckptsel.errors import LocationNotFoundError, NothingFoundError, PatternMismatchError
from ckptsel.search.places import checkpoint_of
from ckptsel.search.query import Query
from ckptsel.search.survey import survey
from tests.folders import make

if TYPE_CHECKING:
    from pathlib import Path

    from ckptsel.search.survey import Survey


def searched(*locations: str, **options: Any) -> Survey:
    """What is found in the locations, or in the current folder."""
    return survey(Query(locations or (".",), **options))


def read(found: Survey) -> dict[str, dict[str, object]]:
    """What was read from each name, by path."""
    return {
        checkpoint.path.removeprefix("./"): {m.name: m.value for m in checkpoint.metrics}
        for each in found.read
        for row in range(len(each.table.names))
        for checkpoint in [checkpoint_of(each, row)]
    }


def unread(found: Survey) -> list[str]:
    """Checkpoints whose names say nothing."""
    return [each.folder.join(each.name).removeprefix("./") for each in found.unread]


def test_learned_in_each_folder(here: Path) -> None:
    """Siblings teach their pattern; one alone is read by another folder's."""
    make(here, "a/w.01-0.5.h5", "a/w.02-0.4.h5", "b/w.07-0.3.h5", "c/other.h5")
    found = searched()
    assert read(found) == {
        "a/w.01-0.5.h5": {"0": 1, "1": 0.5},
        "a/w.02-0.4.h5": {"0": 2, "1": 0.4},
        "b/w.07-0.3.h5": {"0": 7, "1": 0.3},
    }
    assert unread(found) == ["c/other.h5"]
    assert found.patterns == (("w.{0:02d}-{1:.1f}.h5", 3),)
    assert (found.learned, found.seen) == (True, 4)


def test_folders_of_one_teach_each_other(here: Path) -> None:
    """Where each stands alone in its folder, they are siblings of one another."""
    make(here, "a/w.01-0.5.h5", "b/w.02-0.4.h5")
    assert read(searched()) == {
        "a/w.01-0.5.h5": {"0": 1, "1": 0.5},
        "b/w.02-0.4.h5": {"0": 2, "1": 0.4},
    }


@pytest.mark.parametrize("same, other", [("a", "b"), ("b", "a")])
def test_a_value_that_is_the_same_in_one_folder(here: Path, same: str, other: str) -> None:
    """A folder in which all values are equal still competes with the others."""
    make(here, *(f"{same}/w.{n}-0.50.h5" for n in (1, 2)))
    make(here, *(f"{other}/w.{n}-0.{n}5.h5" for n in (6, 7)))
    values = {path: metrics["1"] for path, metrics in read(searched()).items()}
    assert values == {
        f"{same}/w.1-0.50.h5": 0.5,
        f"{same}/w.2-0.50.h5": 0.5,
        f"{other}/w.6-0.65.h5": 0.65,
        f"{other}/w.7-0.75.h5": 0.75,
    }


def test_general_suffixes(here: Path) -> None:
    """Suffixes that other files share count only with a value in the name, or a pattern."""
    make(here, "w-val_loss=0.5.npz", "w-val_loss=0.4.npz", "data.npz", "vocab.zip", "a.h5", "x.csv")
    found = searched()
    assert sorted(read(found)) == ["w-val_loss=0.4.npz", "w-val_loss=0.5.npz"]
    assert unread(found) == ["a.h5"]
    assert found.passed_over == {"no checkpoint by its suffix, and no value in the name": 2}


@pytest.mark.parametrize("name", ["w_0.5.params", "w_0.5", "w_0.5.json", "w_0.5.H5", "w_0.5.npz"])
def test_a_pattern_makes_any_file_a_checkpoint(here: Path, name: str) -> None:
    """With a pattern, whatever it matches counts, whatever its suffix."""
    make(here, name, "log.txt")
    found = searched(patterns=(name.replace("0.5", "{loss:.1f}"),))
    assert read(found) == {name: {"loss": 0.5}}
    assert not found.learned
    assert found.passed_over == {"no checkpoint by its suffix, and no value in the name": 1}


def test_patterns_that_speak_of_folders(here: Path) -> None:
    """A pattern's folders are the path's last ones, wherever the search began."""
    make(here, "e001/w-0.50.h5", "e002/w-0.40.h5", "other/w-0.30.h5")
    pattern = ("e{epoch:03d}/w-{loss:.2f}.h5",)
    found = searched(patterns=pattern)
    assert {path: m["epoch"] for path, m in read(found).items()} == {
        "e001/w-0.50.h5": 1,
        "e002/w-0.40.h5": 2,
    }
    assert unread(found) == ["other/w-0.30.h5"]
    os.chdir(here / "e002")
    assert read(searched(patterns=pattern)) == {"w-0.40.h5": {"epoch": 2, "loss": 0.4}}
    assert {checkpoint_of(each, 0).run for each in found.read} == {"."}


@pytest.mark.parametrize(
    "names, options, message",
    [
        ([], {}, "no checkpoint in '.': nothing is there"),
        (["log.csv"], {}, "no checkpoint in '.': 1 entry, none of them a checkpoint"),
        (["a/log.csv", "b/"], {}, "no checkpoint in '.': 3 entries, none of them a checkpoint"),
        (["data.npz"], {}, "no checkpoint in '.': 1 entry, none of them a checkpoint"),
        (["a.h5"], {"exclude": ("*",)}, "no checkpoint in '.': 1 entry, none of them a checkpoint"),
        ([], {"files": ()}, "no checkpoint in the listed files: nothing is there"),
    ],
)
def test_nothing_found(here: Path, names: list[str], options: dict[str, Any], message: str) -> None:
    """What was looked at is said."""
    make(here, *names)
    with pytest.raises(NothingFoundError) as caught:
        searched(**options)
    assert caught.value.message == message
    assert caught.value.exit_code == 3


def test_what_was_noticed_is_not_lost(here: Path) -> None:
    """Where nothing was found, what was passed over may be why."""
    make(here, "w.h5.tmp", "t.index")
    with pytest.raises(NothingFoundError) as caught:
        searched()
    assert sorted(caught.value.details) == [
        "./t.index: incomplete, and passed over: none of its data files are there",
        "./w.h5.tmp: an unfinished write, passed over",
    ]
    with pytest.raises(NothingFoundError) as caught:
        searched(files=("gone.h5",))
    assert caught.value.details == ("gone.h5: listed, but does not exist",)


def test_a_missing_location(here: Path) -> None:
    """One location that is missing is an error, even beside one that is there."""
    make(here, "a/w.h5")
    with pytest.raises(LocationNotFoundError, match="'b'"):
        searched("a", "b")


@pytest.mark.parametrize(
    "names, patterns, text, pattern",
    [
        (["w-1-0.5.h5"], ["w-{epoch}-{loss:.2f}.h5"], "w-1-0.5.h5", 0),
        (["a.h5", "w-1.h5", "z.h5"], ["w-{epoch}-{loss:.2f}.h5"], "w-1.h5", 0),
        (["w_1.foo", "x.foo"], ["w-{epoch}.foo"], None, 0),
        (["w-1.h5"], ["x-{epoch}.h5", "w-{epoch}.pt"], "w-1.h5", 1),
        (["w\t1.h5"], ["w\t{epoch}.pt"], "w?1.h5", 0),
        (["e1/w-2.h5"], ["e{epoch}/w-{step}.pt"], "e1/w-2.h5", 0),
    ],
)
def test_no_name_matches(
    here: Path, names: list[str], patterns: list[str], text: str | None, pattern: int
) -> None:
    """The nearest name is shown, with a caret below where it and the nearest pattern part."""
    make(here, *names)
    with pytest.raises(PatternMismatchError) as caught:
        searched(patterns=tuple(patterns))
    assert repr(patterns[pattern]) in caught.value.message
    shown, caret = caught.value.details
    assert text in (None, shown)
    assert caret.strip() == "^"
    # What stands before the caret is what the pattern could read.
    literal = patterns[pattern].partition("{")[0]
    if text is not None:
        assert len(caret) > len(literal)
    assert len(caret) <= len(shown) + 1


def test_folders_that_do_not_match(here: Path) -> None:
    """Where only the folders differ, the rest of the pattern is suggested."""
    make(here, "run/w-1.h5")
    with pytest.raises(PatternMismatchError, match="no name matches") as caught:
        searched(patterns=("e{step}/w-{epoch}.h5",))
    assert caught.value.hint == (
        "the folders do not match, but the names do: --pattern 'w-{epoch}.h5'"
    )
    with pytest.raises(PatternMismatchError) as caught:
        searched(patterns=("e{epoch}/w.h5",))
    assert caught.value.hint == "compare the pattern with the name, from the caret on"


def test_names_with_several_readings(here: Path) -> None:
    """A pattern whose fields run into each other is refused, with both readings."""
    make(here, "w-123.h5")
    with pytest.raises(PatternMismatchError, match="more than one reading") as caught:
        searched(patterns=("w-{epoch}{step}.h5",))
    assert "'w-123.h5'" in caught.value.message
    assert "'epoch': 1" in caught.value.message


def test_some_names_with_several_readings(here: Path) -> None:
    """Beside others that are read, they are a grave finding."""
    make(here, "w-12.h5", "w-123.h5")
    found = searched(patterns=("w-{epoch}{step}.h5",))
    assert read(found) == {"w-12.h5": {"epoch": 1, "step": 2}}
    assert unread(found) == ["w-123.h5"]
    (finding,) = found.findings
    assert (finding.code, finding.path, finding.strict) == ("ambiguous-name", "./w-123.h5", True)
    assert finding.message.startswith("1 name has more than one reading")


def test_the_order_of_the_folder_does_not_matter(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the disk orders a folder's entries, everything comes out the same."""
    make(here, *(f"w.{n}-0.{n}.h5" for n in range(1, 8)), "w.8-1.h5", "b/w.h5", "c.h5.tmp", "d.h5")
    expected = searched()
    scandir = os.scandir

    class Reversed:
        def __init__(self, folder: str) -> None:
            with scandir(folder) as found:
                self.entries = sorted(found, key=lambda entry: entry.name, reverse=True)

        def __enter__(self) -> list[os.DirEntry[str]]:
            return self.entries

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(os, "scandir", Reversed)
    found = searched()
    assert list(read(found)) == list(read(expected))
    assert found.findings == expected.findings


def test_how_many_names_are_ambiguous(here: Path) -> None:
    """One does not compete, and several do not."""
    make(here, "w-12-val_loss--0.90.keras")
    assert "1 name has more than one reading, and does not compete" in _ambiguous()
    make(here, "w-13-val_loss--0.80.keras")
    assert "2 names have more than one reading, and do not compete" in _ambiguous()


def _ambiguous() -> str:
    return next(f.message for f in survey(Query()).findings if f.code == "ambiguous-name")
