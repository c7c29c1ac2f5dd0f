"""Archives that are broken, that lie, and that reach outside."""

from __future__ import annotations

import struct
import warnings
import zipfile
from typing import TYPE_CHECKING

import pytest

from ckptsel.errors import DamagedError
from ckptsel.formats.zip_checks import (
    is_bomb,
    member_names,
    open_zip,
    read_member,
    zip_damage,
    zip_dangers,
)

if TYPE_CHECKING:
    from pathlib import Path

    from ckptsel.checkpoint import Finding
    from ckptsel.formats.contents import Level

METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


def write(path: Path, *names: str, method: int = zipfile.ZIP_STORED) -> Path:
    """An archive with members of 1,000 bytes each."""
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", method) as archive:
        warnings.simplefilter("ignore")  # Of names that stand in it twice.
        for name in names or ("a", "b"):
            archive.writestr(name, bytes(range(250)) * 4)
    return path


def dangers(path: Path) -> list[Finding]:
    """What makes an archive unsafe."""
    with open_zip(str(path)) as archive:
        return list(zip_dangers(archive, str(path)))


def damage(path: Path, level: Level = "full") -> list[str]:
    """The codes of what is broken in an archive."""
    with open_zip(str(path)) as archive:
        return [finding.code for finding in zip_damage(archive, str(path), level)]


def change(path: Path, at: int, data: bytes) -> None:
    """Overwrite some bytes; a place below zero counts from the end."""
    whole = bytearray(path.read_bytes())
    at %= len(whole)
    whole[at : at + len(data)] = data
    path.write_bytes(whole)


@pytest.mark.parametrize("method", METHODS)
def test_a_sound_archive(tmp_path: Path, method: int) -> None:
    """Nothing is found in it, and each byte of its members is read once."""
    path = write(tmp_path / "m.zip", method=method)
    steps: list[int] = []
    with open_zip(str(path)) as archive:
        assert list(zip_damage(archive, "m", "full", steps.append)) == []
        assert sum(steps) == sum(info.compress_size for info in archive.infolist())
    assert dangers(path) == []
    assert member_names(str(path)) == ["a", "b"]


@pytest.mark.parametrize(
    "name",
    [
        *("/etc/passwd", "../a", "a/../../b", "..", "\\a", "a\\..\\b", "C:\\a", "c:a"),
        "a\0.npy",
    ],
)
def test_names_that_reach_outside(tmp_path: Path, name: str) -> None:
    """Names that a careless program would follow out of its folder."""
    path = tmp_path / "m.zip"
    # zipfile cleans the name that it is given, but not the one that it reads.
    plain = "x" * len(name)
    write(path, plain)
    path.write_bytes(path.read_bytes().replace(plain.encode(), name.encode()))
    (finding,) = dangers(path)
    assert finding.code == "zip-unsafe-name"
    assert repr(name) in finding.message


@pytest.mark.parametrize("name", ["a..b", "a/..b/c", "a.../b", "ä/b", "ab:c", "a b"])
def test_names_that_stay_inside(tmp_path: Path, name: str) -> None:
    """Dots within a name lead nowhere."""
    assert dangers(write(tmp_path / "m.zip", name)) == []


def test_links(tmp_path: Path) -> None:
    """A member that is a symbolic link may point anywhere."""
    path = tmp_path / "m.zip"
    info = zipfile.ZipInfo("a")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    assert [finding.code for finding in dangers(path)] == ["zip-unsafe-name"]


def test_names_that_stand_twice(tmp_path: Path) -> None:
    """One reader takes the first, another the last."""
    (finding,) = dangers(write(tmp_path / "m.zip", "a", "b", "a"))
    assert (finding.code, "'a'" in finding.message) == ("zip-duplicate-name", True)


@pytest.mark.parametrize("offset", [18, 22])
def test_sizes_that_lie(tmp_path: Path, offset: int) -> None:
    """The size beside the data is not the directory's: readers that stream see another file."""
    path = write(tmp_path / "m.zip")
    change(path, offset, struct.pack("<L", 10))
    assert [finding.code for finding in dangers(path)] == ["zip-sizes-differ"]


def test_sizes_that_follow_the_data(tmp_path: Path) -> None:
    """A stream cannot go back: zeros stand before the data, and that is no lie."""
    with open(tmp_path / "m.zip", "wb") as file:
        file.seekable = lambda: False  # type: ignore[method-assign]
        with zipfile.ZipFile(file, "w") as archive, archive.open("a", "w") as member:
            member.write(bytes(1000))
    assert dangers(tmp_path / "m.zip") == []
    assert damage(tmp_path / "m.zip") == []


def test_members_that_share_bytes(tmp_path: Path) -> None:
    """The directory sends two names to one place."""
    path = write(tmp_path / "m.zip")
    whole = path.read_bytes()
    second = whole.rfind(b"PK\x01\x02")
    change(path, second + 42, struct.pack("<L", 0))
    assert "zip-overlap" in [finding.code for finding in dangers(path)]


def test_bombs_are_named_and_not_unpacked(tmp_path: Path) -> None:
    """What unpacks to a thousand times its size is not checked by unpacking it."""
    path = tmp_path / "m.zip"
    method = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(path, "w", method) as archive, archive.open("a", "w") as member:
        for _ in range(300):
            member.write(bytes(2**20))
    with open_zip(str(path)) as archive:
        assert is_bomb(archive)
        steps: list[int] = []
        assert list(zip_damage(archive, "m", "full", steps.append)) == []
        assert steps == []
    assert [finding.code for finding in dangers(path)] == ["zip-bomb"]


@pytest.mark.parametrize("method", METHODS)
def test_a_changed_byte(tmp_path: Path, method: int) -> None:
    """The checksum, or the decompressor, notices it; a quick look does not."""
    path = write(tmp_path / "m.zip", method=method)
    change(path, 60, b"\xaa\xbb")
    assert damage(path, "quick") == []
    assert damage(path) == ["zip-crc"]


def test_a_lost_header(tmp_path: Path) -> None:
    """The directory points to where no member stands."""
    path = write(tmp_path / "m.zip")
    change(path, 0, b"XXXX")
    assert damage(path, "quick") == damage(path) == ["zip-header"]


def test_an_unknown_method(tmp_path: Path) -> None:
    """A method of compression that does not exist is damage."""
    path = write(tmp_path / "m.zip", "a")
    change(path, 8, struct.pack("<H", 77))
    change(path, path.read_bytes().find(b"PK\x01\x02") + 10, struct.pack("<H", 77))
    assert damage(path) == ["zip-crc"]


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"PK\x05\x06" + b"\xff" * 18, bytes(1000)])
def test_no_archive(tmp_path: Path, data: bytes) -> None:
    """What is no archive has no members, and opening it is a clear error."""
    path = tmp_path / "m.zip"
    path.write_bytes(data)
    assert member_names(str(path)) == []
    with pytest.raises(DamagedError):
        open_zip(str(path))


def test_reading_a_member(tmp_path: Path) -> None:
    """A member is read if it is there and not too large."""
    with open_zip(str(write(tmp_path / "m.zip"))) as archive:
        assert read_member(archive, "a", 1000) == bytes(range(250)) * 4
        with pytest.raises(DamagedError, match="larger"):
            read_member(archive, "a", 999)
        with pytest.raises(DamagedError, match="no item"):
            read_member(archive, "c", 1000)


def test_long_lists_are_cut(tmp_path: Path) -> None:
    """A thousand bad names are one short sentence."""
    (finding,) = dangers(write(tmp_path / "m.zip", *(f"../{number}" for number in range(1000))))
    assert "and 997 more" in finding.message
    assert len(finding.message) < 200
