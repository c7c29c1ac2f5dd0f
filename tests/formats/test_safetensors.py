"""safetensors files, as the safetensors package writes them, and as strangers might."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ckptsel.errors import CkptselError, DamagedError, MissingExtraError
from ckptsel.formats import open_contents
from ckptsel.formats.safetensors import FORMAT
from tests.formats.conformance import FormatConformance
from tests.formats.samples import Sample

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

ALL_TYPES = ["bool", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", "c8"]


def arrays() -> dict[str, NDArray[Any]]:
    """Arrays of every type that numpy has, a scalar and an empty one among them."""
    chance = np.random.default_rng(0)
    found = {f"layer.{name}": (chance.random((3, 5)) * 9).astype(name) for name in ALL_TYPES}
    large = chance.random((300, 40)).astype("f4")
    return {**found, "scalar": np.array(2.5, "f4"), "none": np.empty((0, 3), "f4"), "l": large}


def write(path: Path, header: object, values: bytes = b"") -> str:
    """A file with any header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + values)
    return str(path)


def entry(begin: int, end: int, shape: tuple[int, ...] = (1,), dtype: str = "F32") -> Any:
    """An entry of the header."""
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def codes(path: str) -> list[str]:
    """The codes of the damage that is found."""
    with FORMAT.open(path) as contents:
        return [finding.code for finding in contents.damage("full")]


class TestSafetensors(FormatConformance):
    """What every format keeps."""

    module = "safetensors"
    never_imported = (*FormatConformance.never_imported, "safetensors")

    @pytest.fixture
    def sample(self, tmp_path_factory: pytest.TempPathFactory) -> Sample:
        """A file of all types, written by the safetensors package."""
        numpy = pytest.importorskip("safetensors.numpy")
        path = tmp_path_factory.mktemp("sound") / "model.safetensors"
        numpy.save_file(arrays(), path, metadata={"format": "np"})
        return Sample(str(path), "safetensors", arrays())


def test_types_that_numpy_lacks(tmp_path: Path) -> None:
    """All values of bfloat16 and of the types of one byte are PyTorch's."""
    torch = pytest.importorskip("torch")
    save_file = pytest.importorskip("safetensors.torch").save_file
    codes16 = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16)
    codes8 = torch.arange(256, dtype=torch.int32).to(torch.uint8)
    types = ["float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu"]
    tensors = {name: codes8.clone().view(getattr(torch, name)) for name in types}
    tensors["bfloat16"] = codes16.view(torch.bfloat16)
    save_file(tensors, tmp_path / "m.safetensors")
    with open_contents(str(tmp_path / "m.safetensors")) as contents:
        assert {tensor.dtype for tensor in contents.tensors} == {*types, "bfloat16"}
        for tensor in contents.tensors:
            values, expected = contents.read(tensor), tensors[tensor.path].float().numpy()
            assert values.dtype == np.float32
            assert tensor.size_bytes == tensors[tensor.path].nbytes
            np.testing.assert_array_equal(values, expected)


def test_a_large_tensor_comes_in_pieces(tmp_path: Path) -> None:
    """No piece is larger than the interface allows, also where bytes are widened to floats."""
    count = 5_000_000
    path = write(tmp_path / "m", {"w": entry(0, count, (count,), "F8_E5M2")}, bytes([60]) * count)
    with open_contents(path) as contents:
        (tensor,) = contents.tensors
        sizes = [piece.nbytes for piece in contents.pieces(tensor)]
    assert sizes == [8 * 2**20, 8 * 2**20, 4 * count - 16 * 2**20]


def test_facts_roles_and_layers(tmp_path: Path) -> None:
    """Metadata is given as it stands; keys tell the layer."""
    header = {
        "__metadata__": {"format": "pt"},
        "encoder.0.weight": entry(0, 4),
        "optimizer.step": entry(4, 8),
    }
    with open_contents(write(tmp_path / "m", header, bytes(8))) as contents:
        assert contents.facts.more == {"format": "pt"}
        assert [(t.role, t.layer) for t in contents.tensors] == [
            ("weight", "encoder.0"),
            ("optimizer", ""),
        ]


@pytest.mark.parametrize(
    "header, values, expected",
    [
        ({"a": entry(0, 4), "b": entry(4, 8)}, 8, []),
        ({"b": entry(4, 8), "a": entry(0, 4)}, 8, []),
        ({}, 0, []),
        ({"a": entry(0, 4), "b": entry(2, 6)}, 6, ["safetensors-offsets"]),
        ({"a": entry(0, 4), "b": entry(0, 4)}, 4, ["safetensors-offsets"]),
        ({"a": entry(0, 4), "b": entry(8, 12)}, 12, ["safetensors-offsets"]),
        ({"a": entry(4, 8)}, 8, ["safetensors-offsets"]),
        ({"a": entry(0, 4)}, 3, ["truncated"]),
        ({"a": entry(0, 4)}, 5, ["trailing-bytes"]),
        ({"a": entry(0, 4 * 2**60, (2**60,))}, 8, ["truncated"]),
        ({"__metadata__": {"a": 1}, "b": entry(0, 4)}, 4, ["safetensors-header"]),
        ({"__metadata__": [], "b": entry(0, 4)}, 4, ["safetensors-header"]),
    ],
)
def test_offsets(tmp_path: Path, header: object, values: int, expected: list[str]) -> None:
    """Tensors fill the file, each with bytes of its own."""
    assert codes(write(tmp_path / "m", header, bytes(values))) == expected


@pytest.mark.parametrize(
    "header",
    [
        b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"a": 1',
        b'{"a": 1, "a": 2}',
        b'{"\xff": 1}',
        b"[]",
        {"a": 1},
        {"a": {**entry(0, 4), "shape": [-1]}},
        {"a": {**entry(0, 4), "shape": [1.0]}},
        {"a": {**entry(0, 4), "shape": [True]}},
        {"a": {**entry(0, 4), "data_offsets": [0]}},
        {"a": {**entry(0, 4), "data_offsets": [4, 0]}},
        {"a": entry(0, 4, (2,))},
        {"a": entry(0, 0, (0, 2**63))},
        {"a": entry(0, 0, (0, 2**62, 2**62))},
        {"a": entry(0, 4, (1,) * 65)},
        {"a": {"dtype": [], "shape": [1], "data_offsets": [0, 4]}},
    ],
)
def test_headers_that_make_no_sense(tmp_path: Path, header: object) -> None:
    """Whatever stands in the header, the error is a clear one."""
    with pytest.raises(DamagedError):
        FORMAT.open(write(tmp_path / "m", header, bytes(4)))


@pytest.mark.parametrize("length", [2**60, 2**64 - 1, 2**27, 99_999_999])
def test_a_header_that_claims_to_be_long(tmp_path: Path, length: int) -> None:
    """A length that lies costs no memory."""
    path = tmp_path / "m"
    path.write_bytes(struct.pack("<Q", length) + b'{"a": {"data_offsets": ')
    with pytest.raises(DamagedError, match="ends before its header"):
        FORMAT.open(str(path))


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path) -> None:
    """What is no longer there is damage, not a crash."""
    path = tmp_path / "m"
    write(path, {"a": entry(0, 4 * 10**6, (10**6,))}, bytes(4 * 10**6))
    with FORMAT.open(str(path)) as contents:
        path.write_bytes(b"")
        with pytest.raises(DamagedError, match="shorter"):
            contents.read(contents.tensors[0])


def test_a_type_that_nothing_reads(tmp_path: Path) -> None:
    """Types of less than a byte are listed; asking for values says why there are none."""
    path = write(tmp_path / "m", {"a": entry(0, 4, (8,), "F4")}, bytes(4))
    with FORMAT.open(path) as contents:
        assert [(t.dtype, t.size_bytes) for t in contents.tensors] == [("f4", 4)]
        assert list(contents.damage("full")) == []
        with pytest.raises(MissingExtraError, match="f4"):
            contents.read(contents.tensors[0])


def test_nothing_there(tmp_path: Path) -> None:
    """A file that is gone is a clear error."""
    with pytest.raises(CkptselError):
        FORMAT.open(str(tmp_path / "none"))
