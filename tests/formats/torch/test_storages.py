"""How long a file of PyTorch's old format has to be."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from ckptsel.formats.torch.storages import storage_bytes

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_as_torch_writes_it(tmp_path: Path, protocol: int) -> None:
    """Shared storages count once, each type by its size, and nothing is left over."""
    torch: Any = pytest.importorskip("torch")
    long = torch.arange(10.0)
    values = {
        "whole": long,
        "view": long[2:5],
        "half": long.half(),
        "truth": torch.zeros(3, dtype=torch.bool),
        "complex": torch.zeros(2, dtype=torch.complex64),
        "scalar": torch.tensor(5),
        "epoch": 3,
    }
    path = tmp_path / "old.pt"
    torch.save(values, path, pickle_protocol=protocol, _use_new_zipfile_serialization=False)
    with path.open("rb") as file:
        expected = 5 * 8 + 40 + 20 + 3 + 16 + 8
        assert storage_bytes(file, 5) == expected
        assert file.tell() + expected == os.path.getsize(path)


def test_an_id_of_another_form(tmp_path: Path) -> None:
    """A pickled module names its source by an id; what it takes is not guessed."""
    torch: Any = pytest.importorskip("torch")
    path = tmp_path / "old.pt"
    torch.save(torch.nn.Linear(2, 2), path, _use_new_zipfile_serialization=False)
    with path.open("rb") as file:
        assert storage_bytes(file, 5) is None
