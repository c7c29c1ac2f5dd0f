"""`.npz` files, as numpy writes them, and as strangers might."""

from __future__ import annotations

import io
import os
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ckptsel.errors import DamagedError, UnreadValuesError
from ckptsel.formats import format_of, npy_fortran, open_contents
from ckptsel.formats.npz import FORMAT
from tests.formats.conformance import FormatConformance
from tests.formats.samples import Sample

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def arrays() -> dict[str, NDArray[Any]]:
    """Arrays of the types that checkpoints have, one of them in Fortran's order."""
    chance = np.random.default_rng(0)
    types = ["bool", "i1", "u2", "i4", "i8", "f2", "f4", "f8", "c16"]
    found = {f"layer.{name}": (chance.random((3, 5)) * 9).astype(name) for name in types}
    return {
        **found,
        "a/b": np.array(7),
        "none": np.empty((0, 3)),
        "fortran": np.asfortranarray(chance.random((4, 3, 2))),
        "large": chance.random((90, 50)),
    }


def npy(header: bytes | str, values: bytes = b"", version: int = 1) -> bytes:
    """The bytes of a `.npy` file with any header."""
    text = header.encode("latin1") if isinstance(header, str) else header
    length = len(text).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + values


def archive_of(path: Path, data: bytes, method: int = zipfile.ZIP_STORED) -> str:
    """An archive with one array."""
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a.npy", data)
    return str(path)


def header(descr: str = "'<f4'", shape: str = "(1,)", order: str = "False") -> str:
    """The text of a header."""
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}}}"


class NpzConformance(FormatConformance):
    """What every format keeps."""

    module = "npz"
    has_checksums = True

    def write(self, path: Path) -> None:
        """Write the sample."""
        raise NotImplementedError

    @pytest.fixture
    def sample(self, tmp_path_factory: pytest.TempPathFactory) -> Sample:
        """A file written by numpy."""
        path = tmp_path_factory.mktemp("sound") / "weights.npz"
        self.write(path)
        with np.load(path) as found:
            return Sample(str(path), "npz", dict(found))


class TestNpz(NpzConformance):
    """`numpy.savez`."""

    def write(self, path: Path) -> None:
        """Write the sample."""
        np.savez(path, **arrays())  # type: ignore[arg-type]


class TestCompressedNpz(NpzConformance):
    """`numpy.savez_compressed`."""

    def write(self, path: Path) -> None:
        """Write the sample."""
        np.savez_compressed(path, **arrays())  # type: ignore[arg-type]

    def value_offset(self, path: str, sample: Sample) -> int:
        """Within the largest member."""
        del sample
        with zipfile.ZipFile(path) as archive:
            info = max(archive.infolist(), key=lambda info: info.compress_size)
        return info.header_offset + 100 + info.compress_size // 2


def test_what_no_plain_number_is(tmp_path: Path) -> None:
    """Texts come as bytes, other byte orders in this one, times and records as they are."""
    given = {
        "text": np.array(["ä", "bc"]),
        "bytes": np.array([b"x", b"yz"]),
        "big": np.array([1.5, 2.5], ">f4"),
        "time": np.array(["2024-01-01"], "M8[D]"),
        "record": np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]),
    }
    np.savez(tmp_path / "m.npz", **given)  # type: ignore[arg-type]
    with open_contents(str(tmp_path / "m.npz")) as contents:
        read = {tensor.path: contents.read(tensor) for tensor in contents.tensors}
        dtypes = {tensor.path: tensor.dtype for tensor in contents.tensors}
    assert dtypes["text"] == dtypes["bytes"] == "string"
    assert read["text"].tolist() == ["ä".encode(), b"bc"]
    assert read["bytes"].tolist() == [b"x", b"yz"]
    assert (read["big"].tolist(), dtypes["big"]) == ([1.5, 2.5], "float32")
    assert read["time"].tobytes() == given["time"].tobytes()
    assert read["record"].tobytes() == given["record"].tobytes()


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_large_array_comes_in_pieces(tmp_path: Path, order: Any) -> None:
    """Pieces are as large as allowed, and in C's order whatever the file's."""
    values = np.asarray(np.arange(3 * 2**20.0).reshape(3, 2**20), order=order)
    np.savez(tmp_path / "m.npz", a=values)
    with open_contents(str(tmp_path / "m.npz")) as contents:
        pieces = list(contents.pieces(contents.tensors[0]))
    assert [piece.nbytes for piece in pieces] == [8 * 2**20] * 3
    assert np.array_equal(np.concatenate(pieces), values.reshape(-1))


@pytest.mark.parametrize("shape", [(7, 3), (3, 5, 4), (50, 2), (1, 6, 2), (1, 9)])
def test_an_array_of_fortran_is_read_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...]
) -> None:
    """However small the parts: a few rows at a time, a few columns, or a piece of a column."""
    monkeypatch.setattr(npy_fortran, "_PART_BYTES", 64)
    monkeypatch.setattr(npy_fortran, "PIECE_BYTES", 40)
    values = np.asfortranarray(np.arange(float(np.prod(shape))).reshape(shape))
    np.savez(tmp_path / "m.npz", a=values)
    with open_contents(str(tmp_path / "m.npz")) as contents:
        assert contents.read(contents.tensors[0]).tolist() == values.tolist()
        monkeypatch.setattr(npy_fortran, "_MOST_TIMES", 0)
        if min(shape) > 1:
            with pytest.raises(UnreadValuesError, match="Fortran"):
                contents.read(contents.tensors[0])


class Evil:
    """Would run a command when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Name the command."""
        return os.system, ("echo run",)


@pytest.mark.parametrize(
    "value, code, says", [(1, "pickle", "nothing but"), (Evil(), "pickle-code", "system")]
)
def test_arrays_of_objects(tmp_path: Path, value: object, code: str, says: str) -> None:
    """They are pickles: not listed, not read, and what they would call is named."""
    np.savez(tmp_path / "m.npz", a=np.array([value, 2], object), b=np.ones(2))
    with open_contents(str(tmp_path / "m.npz")) as contents:
        assert [tensor.path for tensor in contents.tensors] == ["b"]
        assert contents.facts.more == {"arrays of objects, not listed": "1"}
        assert list(contents.damage("full")) == []
        (finding,) = contents.dangers()
    assert finding.code == code
    assert says in finding.message


def test_an_array_of_objects_that_is_no_pickle(tmp_path: Path) -> None:
    """What cannot be looked into is not called safe."""
    path = archive_of(tmp_path / "m.npz", npy(header("'|O'"), b"\x80\x04nonsense"))
    with FORMAT.open(path) as contents:
        assert [finding.code for finding in contents.dangers()] == ["pickle-code"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY",
        npy("["),
        npy("1"),
        npy("{}"),
        npy("__import__('os')"),
        npy("(" * 9_000),
        npy("-" * 9_000 + "1"),
        npy("{" * 60_000),
        npy("x" * 70_000, version=2),
        npy(b"\xff\xfe", version=3),
        npy(header("'<f4'", "(2,)"), bytes(4)),
        npy(header("'<f4'", "(0,)"), bytes(4)),
        npy(header("'<f4'", "(10**20,)"), bytes(4)),
        npy(header("'<f4'", "(4611686018427387904, 4)"), bytes(4)),
        npy(header("'<f4'", "(0, 9223372036854775808)")),
        npy(header("'<f4'", "(-1,)"), bytes(4)),
        npy(header("'<f4'", "(1.0,)"), bytes(4)),
        npy(header("'<f4'", "1"), bytes(4)),
        npy(header("'<f4'", "(" + "1," * 65 + ")"), bytes(4)),
        npy(header("'|S0'", "(9999999999,)")),
        npy(header("'|V99999999'", "(0,)")),
        npy(header("'nonsense'"), bytes(4)),
        npy(header("[('a', 1, 2, 3)]"), bytes(4)),
        npy(header("None"), bytes(8))[:20],
    ],
)
def test_headers_that_make_no_sense(tmp_path: Path, data: bytes) -> None:
    """Whatever stands in the header, it is a finding, and a clear error when it is needed."""
    with FORMAT.open(archive_of(tmp_path / "m.npz", data)) as contents:
        assert [finding.code for finding in contents.damage("quick")] == ["npy-header"]
        with pytest.raises(DamagedError):
            _ = contents.tensors


def test_a_text_that_is_none(tmp_path: Path) -> None:
    """A code that is no character is damage where it is read."""
    path = archive_of(tmp_path / "m.npz", npy(header("'<U1'"), b"\xff" * 4))
    with FORMAT.open(path) as contents, pytest.raises(DamagedError):
        contents.read(contents.tensors[0])


def test_a_bomb_is_not_read(tmp_path: Path) -> None:
    """Half a gigabyte from half a megabyte is named, and neither checked nor read."""
    count = 2**27
    path = tmp_path / "m.npz"
    method = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(path, "w", method) as archive, archive.open("a.npy", "w") as member:
        member.write(npy(header("'<f4'", f"({count},)")))
        for _ in range(512):
            member.write(bytes(2**20))
    with FORMAT.open(str(path)) as contents:
        assert [finding.code for finding in contents.dangers()] == ["zip-bomb"]
        assert list(contents.damage("full")) == []
        with pytest.raises(DamagedError, match="unpacks"):
            next(contents.pieces(contents.tensors[0]))


def test_other_archives_are_none(tmp_path: Path) -> None:
    """An archive that holds more than arrays is of another format."""
    buffer = io.BytesIO()
    np.save(buffer, np.ones(2))
    path = archive_of(tmp_path / "m.npz", buffer.getvalue())
    assert format_of(path) is FORMAT
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("config.json", "{}")
    assert format_of(path) is not FORMAT
