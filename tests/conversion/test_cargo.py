"""What is written of a source, tensor by tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ckptsel.conversion.cargo import plain_cargo
from ckptsel.conversion.converter import Options
from ckptsel.formats import open_contents
from ckptsel.formats.contents import Tensor
from tests.conversion.made import dense

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_tensors_are_parted_by_role(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No tensor is compared with others: with thousands of them that took minutes."""

    def compared(*_: Any) -> bool:
        raise AssertionError("two tensors are compared")

    with open_contents(dense(tmp_path / "w.weights.h5", 1.0)) as contents:
        monkeypatch.setattr(Tensor, "__eq__", compared)
        cargo = plain_cargo(contents, "w", Options(drop_optimizer=True))
        assert len(cargo.items) == 3
        assert cargo.optimizer_bytes == 16
