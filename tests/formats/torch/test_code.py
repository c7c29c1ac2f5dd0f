"""PyTorch's archives that would run code, and pickles as strangers might write them."""

from __future__ import annotations

import os
import pickle
import warnings
import zipfile
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import pytest

from ckptsel.errors import DamagedError
from ckptsel.formats import format_of, open_contents
from ckptsel.formats.torch import archive as torch_archive
from tests.formats.damage import exercise
from tests.formats.torch.samples import codes, dangers, trained

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def torch() -> Any:
    """PyTorch."""
    return pytest.importorskip("torch")


class Evil:
    """Would run a command when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Name the command."""
        return os.system, ("echo run > /dev/null",)


def test_a_whole_model_is_code(torch: Any, tmp_path: Path) -> None:
    """A pickled module names its classes; PyTorch does not list it safely, nor do we."""
    torch.save(trained(torch)[0], tmp_path / "m.pt")
    (finding,) = dangers(tmp_path / "m.pt")
    assert finding.code == "pickle-code"
    assert "torch.nn.modules.linear.Linear" in finding.message
    with open_contents(str(tmp_path / "m.pt")) as contents:
        assert not contents.lists_tensors
        assert list(contents.tensors) == []
        assert list(contents.damage("full")) == []
        assert "refuses" in contents.facts.more["tensors"]


def test_nothing_is_run(torch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pickle with a command in it is named, and the command is not run."""
    torch.save({"a": torch.ones(1), "b": Evil()}, tmp_path / "m.pt")
    torch.save(Evil(), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    ran: list[object] = []
    monkeypatch.setattr(os, "system", ran.append)
    for name in ("m.pt", "old.pt"):
        (finding,) = dangers(tmp_path / name)
        assert finding.code == "pickle-code"
        assert f"{os.name}.system" in finding.message
        exercise(str(tmp_path / name), format_of(str(tmp_path / name)) or torch_archive.FORMAT)
    assert ran == []


def test_torchscript(torch: Any, tmp_path: Path) -> None:
    """A TorchScript archive is a program."""
    model, _ = trained(torch)
    model.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Tracing is said to be old.
        torch.jit.trace(model, torch.rand(1, 40)).save(str(tmp_path / "m.pt"))
    assert "torchscript-code" in codes(dangers(tmp_path / "m.pt"))
    with open_contents(str(tmp_path / "m.pt")) as contents:
        assert (contents.lists_tensors, list(contents.tensors)) == (False, [])


def archive_of(path: Path, pickled: bytes, *, method: int = zipfile.ZIP_STORED) -> str:
    """An archive with any pickle."""
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("m/data.pkl", pickled)
        archive.writestr("m/version", "3\n")
    return str(path)


@pytest.mark.parametrize(
    "pickled",
    [
        b"",
        b".",
        b"\x80\x02}",
        b"\x80\x02}q\x00.",
        b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00idR.",
        b"\x80\x04\x8e" + b"\xff" * 8 + b".",
        b"\x80\x02\x8b\xff\xff\xff\x7f.",
        b"I" + b"9" * 100_000 + b"\n.",
        b"]" + b"(" * 100_000 + b"t" * 100_000 + b".",
        b"(" + b"]" * 100_000 + b"a" * 99_999 + b".",
        b"\x80\x02ccollections\nCounter\n(K\x01K\x02R.",
        b"\x80\x02c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R.",
        b"\x80\x02ctorch\nTensor\n\x8a\x05\x00\x00\x00\x00\x10\x85R.",
        b"\x80\x02\x8a\x01\x05Q.",
        pickle.dumps(OrderedDict(a=1)),
    ],
)
def test_hostile_pickles(torch: Any, tmp_path: Path, pickled: bytes) -> None:
    """Whatever stands in the pickle, the errors are clear ones."""
    del torch
    path = archive_of(tmp_path / "m.pt", pickled)
    exercise(path, torch_archive.FORMAT)
    assert set(codes(dangers(tmp_path / "m.pt"))) <= {"pickle", "pickle-code"}


def test_a_pickle_that_is_a_bomb(tmp_path: Path) -> None:
    """A pickle much larger than its file is not read."""
    path = archive_of(tmp_path / "m.pt", bytes(2**24), method=zipfile.ZIP_DEFLATED)
    (finding,) = dangers(tmp_path / "m.pt")
    assert (finding.code, "larger" in finding.message) == ("pickle-code", True)
    with open_contents(path) as contents, pytest.raises(DamagedError):
        _ = contents.tensors
