"""PyTorch's files from before its archives."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from ckptsel.errors import MissingExtraError
from ckptsel.formats import format_of, open_contents
from ckptsel.formats.contents import Tensor
from ckptsel.formats.torch import legacy as torch_legacy
from tests.formats.damage import content_of, exercise
from tests.formats.torch.samples import codes, trained

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def torch() -> Any:
    """PyTorch."""
    return pytest.importorskip("torch")


class TestLegacy:
    """Files from before the archives."""

    @pytest.fixture(params=[2, 4])
    def path(self, torch: Any, tmp_path: Path, request: pytest.FixtureRequest) -> str:
        """A state dict in an old file."""
        path = tmp_path / "old.pth"
        torch.save(
            trained(torch)[0].state_dict(),
            path,
            pickle_protocol=request.param,
            _use_new_zipfile_serialization=False,
        )
        return str(path)

    def test_what_is_known(self, path: str) -> None:
        """It is recognised, its tensors are not listed, and it says what to do."""
        assert format_of(path) is torch_legacy.FORMAT
        with open_contents(path) as contents:
            assert (contents.lists_tensors, list(contents.tensors)) == (False, [])
            assert "torch.save" in contents.facts.more["tensors"]
            steps: list[int] = []
            assert list(contents.damage("full", steps.append)) == []
            assert sum(steps) == os.path.getsize(path)
            assert codes(contents.dangers()) == ["pickle"]
            with pytest.raises(MissingExtraError):
                contents.pieces(Tensor("a", (), "float32", 4))

    def test_cut_off(self, path: str) -> None:
        """Pickles that end too early are damage, and are not called safe."""
        os.truncate(path, 300)
        with open_contents(path) as contents:
            assert codes(contents.damage("quick")) == ["torch-pickle"]
            assert codes(contents.dangers()) == ["pickle-code"]

    @pytest.mark.parametrize("missing", [1, 8, 100])
    def test_values_cut_off(self, path: str, missing: int) -> None:
        """Whole pickles without all of their values are damage, down to the last byte."""
        os.truncate(path, os.path.getsize(path) - missing)
        with open_contents(path) as contents:
            (found,) = contents.damage("quick")
            assert (found.code, str(missing) in found.message) == ("truncated", True)

    def test_nothing_but_clear_errors(self, path: str) -> None:
        """Cut or changed anywhere, it gives findings or a CkptselError."""
        whole = content_of(path)
        for at in range(0, min(len(whole), 2000), 13):
            with open(path, "wb") as file:
                file.write(whole[:at])
            exercise(path, torch_legacy.FORMAT)
            with open(path, "wb") as file:
                file.write(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
            exercise(path, torch_legacy.FORMAT)

    def test_a_length_that_lies(self, path: str) -> None:
        """A text that claims to be an exabyte long costs nothing."""
        whole = content_of(path)
        at = whole.index(b"protocol_version") - 40
        with open(path, "wb") as file:
            file.write(whole[: max(at, 14)][:26] + b"\x80\x04\x8e" + b"\xff" * 7 + b"\x0f.")
        exercise(path, torch_legacy.FORMAT)
