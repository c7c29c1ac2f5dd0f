"""Values out of a file that somebody cuts while it is mapped."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ckptsel.errors import DamagedError
from ckptsel.formats import open_contents
from ckptsel.formats.contents import PIECE_BYTES
from ckptsel.formats.torch.mapped import owned
from ckptsel.formats.torch.tensors import load_mapped

if TYPE_CHECKING:
    from pathlib import Path

_LARGE = PIECE_BYTES // 4 + 1000


@pytest.fixture(scope="module")
def torch() -> Any:
    """PyTorch."""
    return pytest.importorskip("torch")


def _kinds(torch: Any) -> dict[str, Any]:
    numbers = torch.arange(_LARGE, dtype=torch.float32)
    table = torch.arange(3 * _LARGE, dtype=torch.float32).reshape(3, _LARGE)
    waves = torch.complex(torch.arange(6.0), torch.ones(6))
    return {
        "plain": numbers,
        "part": numbers[5:11],
        "transposed": table.T,
        "small-transposed": torch.arange(6.0).reshape(2, 3).T,
        "repeated": torch.arange(3.0).expand(4, 3),
        "conjugated": waves.conj(),
        "negated": waves.clone().conj().imag,
        "half": torch.arange(9).to(torch.bfloat16),
        "empty": torch.zeros(0, 4),
        "one": torch.tensor(7, dtype=torch.int64),
    }


def test_values_are_those_of_pytorch(torch: Any, tmp_path: Path) -> None:
    """However they are stored, and however large."""
    kinds = _kinds(torch)
    torch.save(kinds, tmp_path / "m.pt")
    with open_contents(str(tmp_path / "m.pt")) as contents:
        found = {tensor.path: contents.read(tensor) for tensor in contents.tensors}
    assert [*found] == [*kinds]
    for name, value in kinds.items():
        expected = value.float() if name == "half" else value.resolve_conj().resolve_neg()
        np.testing.assert_array_equal(found[name], expected.numpy())


@pytest.mark.parametrize("kind", ["plain", "transposed", "small-transposed", "half"])
def test_nothing_there_is_touched(torch: Any, tmp_path: Path, kind: str) -> None:
    """What is mapped behind a file's end would end the process."""
    path = tmp_path / "m.pt"
    torch.save({kind: _kinds(torch)[kind]}, path)
    value = load_mapped(str(path))[kind]
    os.truncate(path, 0)
    with pytest.raises(OSError, match="Bad address"):
        owned(value)


def test_a_file_that_shrinks_while_it_is_read(torch: Any, tmp_path: Path) -> None:
    """It is damage, and said."""
    path = tmp_path / "m.pt"
    torch.save({"plain": torch.zeros(3 * _LARGE)}, path)
    with open_contents(str(path)) as contents:
        pieces = contents.pieces(contents.tensors[0])
        assert next(pieces).size
        os.truncate(path, PIECE_BYTES)
        with pytest.raises(DamagedError, match="ends within the values of 'plain'"):
            next(pieces)
