"""PyTorch's archives and old files, as PyTorch writes them, and as strangers might."""

from __future__ import annotations

import os
import pickle
import warnings
import zipfile
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ckptsel.errors import DamagedError, MissingExtraError
from ckptsel.formats import format_of, open_contents, torch_archive, torch_legacy
from ckptsel.formats.contents import Tensor
from tests.formats.conformance import FormatConformance
from tests.formats.damage import content_of, exercise
from tests.formats.samples import Sample

if TYPE_CHECKING:
    from pathlib import Path

    from ckptsel.checkpoint import Finding
    from ckptsel.formats.contents import Contents, Level


@pytest.fixture(scope="module")
def torch() -> Any:
    """PyTorch."""
    return pytest.importorskip("torch")


class Evil:
    """Would run a command when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Name the command."""
        return os.system, ("echo run > /dev/null",)


def trained(torch: Any) -> tuple[Any, Any]:
    """A small model and its optimizer, after one step."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(40, 30), torch.nn.BatchNorm1d(30))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.25)
    model(torch.rand(8, 40)).square().sum().backward()
    optimizer.step()
    return model, optimizer


CALLBACK = "ModelCheckpoint{'monitor': 'val_loss'}"


def lightning(torch: Any) -> dict[str, Any]:
    """A dictionary with the keys of Lightning's `dump_checkpoint`."""
    model, optimizer = trained(torch)
    return {
        "epoch": 3,
        "global_step": 40,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": model.state_dict(),
        "loops": {"fit_loop": {"state_dict": {}}},
        "callbacks": {CALLBACK: {"best_model_score": torch.ones(())}},
        "optimizer_states": [optimizer.state_dict()],
        "lr_schedulers": [],
    }


def codes(findings: Any) -> list[str]:
    """The codes of findings."""
    return [finding.code for finding in findings]


def dangers(path: Path) -> list[Finding]:
    """What makes a file unsafe."""
    with open_contents(str(path)) as contents:
        return list(contents.dangers())


class TestTorchArchive(FormatConformance):
    """What every format keeps; this one needs its framework, and is a pickle."""

    module = "torch_archive"
    has_checksums = True
    never_imported = ("tensorflow", "keras", "tf_keras")

    @pytest.fixture
    def sample(self, torch: Any, tmp_path_factory: pytest.TempPathFactory) -> Sample:
        """What Lightning writes."""
        path = tmp_path_factory.mktemp("sound") / "epoch=3.ckpt"
        saved = lightning(torch)
        torch.save(saved, path)
        tensors = {f"state_dict/{k}": v.numpy() for k, v in saved["state_dict"].items()}
        for number, state in saved["optimizer_states"][0]["state"].items():
            for key, value in state.items():
                tensors[f"optimizer_states/0/state/{number}/{key}"] = value.numpy()
        tensors[f"callbacks/{CALLBACK}/best_model_score"] = np.ones((), "f4")
        return Sample(str(path), "torch", tensors, step=40, learning_rate=0.25)

    @pytest.mark.parametrize("level", ["quick", "full"])
    def test_a_sound_file_has_no_damage(self, contents: Contents, level: Level) -> None:
        """It is whole, and all that is said of it is that it is a pickle."""
        assert list(contents.damage(level)) == []
        assert codes(contents.dangers()) == ["pickle"]


def test_facts_of_lightning(torch: Any, tmp_path: Path) -> None:
    """Counters, versions and scores that Lightning leaves."""
    torch.save(lightning(torch), tmp_path / "m.ckpt")
    with open_contents(str(tmp_path / "m.ckpt")) as contents:
        facts = contents.facts
        assert (facts.epoch, facts.step, facts.framework) == (3, 40, "lightning 2.5.0")
        assert facts.more[f"best_model_score of {CALLBACK}"] == "1.0"
        assert facts.more["storages"] == str(len(contents.tensors))
        assert contents.version == "3"


def test_roles_and_layers(torch: Any, tmp_path: Path) -> None:
    """A state dict's keys are paths as they are; nested ones stand below their place."""
    model, optimizer = trained(torch)
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    torch.save(
        {"model": model.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "b.pt"
    )
    with open_contents(str(tmp_path / "weights.pt")) as contents:
        first = contents.tensors[0]
        assert (first.path, first.role, first.layer) == ("0.weight", "weight", "0")
        assert {tensor.role for tensor in contents.tensors} == {"weight"}
    with open_contents(str(tmp_path / "b.pt")) as contents:
        roles = {tensor.path.partition("/")[0]: tensor.role for tensor in contents.tensors}
        assert roles == {"model": "weight", "optimizer": "optimizer"}
        assert contents.facts.learning_rate == 0.25


def test_types_and_layouts(torch: Any, tmp_path: Path) -> None:
    """Types that numpy lacks, views, and tied tensors have the values that PyTorch has."""
    base = torch.arange(24.0).reshape(4, 6)
    saved = {
        "bfloat16": base.bfloat16(),
        "float8": base.to(torch.float8_e5m2),
        "transposed": base.t(),
        "row": base[1],
        "tied": base,
        "conjugate": torch.complex(base, base).conj(),
        "empty": torch.empty(0, 3),
        "expanded": torch.ones(1).expand(5),
        "parameter": torch.nn.Parameter(base),
    }
    torch.save(saved, tmp_path / "m.pt")
    with open_contents(str(tmp_path / "m.pt")) as contents:
        assert [tensor.path for tensor in contents.tensors] == list(saved)
        for tensor in contents.tensors:
            expected = saved[tensor.path].detach().resolve_conj()
            is_wide = tensor.dtype in ("bfloat16", "float8_e5m2")
            expected = (expected.float() if is_wide else expected).numpy()
            np.testing.assert_array_equal(contents.read(tensor), expected, strict=True)


@pytest.mark.parametrize("shape", [(3, 2**20), (2**20, 3), (1, 3, 2**20)])
def test_views_come_in_pieces(torch: Any, tmp_path: Path, shape: tuple[int, ...]) -> None:
    """A strided view larger than a piece is cut along its dimensions, in order."""
    values = torch.arange(3.0 * 2**20).reshape(shape[::-1]).permute(*reversed(range(len(shape))))
    torch.save(values, tmp_path / "m.pt")
    with open_contents(str(tmp_path / "m.pt")) as contents:
        (tensor,) = contents.tensors
        pieces = list(contents.pieces(tensor))
        assert max(piece.nbytes for piece in pieces) <= 8 * 2**20
        assert np.array_equal(np.concatenate(pieces), values.reshape(-1).numpy())


def test_tensors_without_plain_values(torch: Any, tmp_path: Path) -> None:
    """Sparse tensors and those on no device are left out, and do no harm."""
    saved = {
        "sparse": torch.eye(3).to_sparse(),
        "meta": torch.empty(3, device="meta"),
        "plain": torch.ones(1),
    }
    torch.save(saved, tmp_path / "m.pt")
    with open_contents(str(tmp_path / "m.pt")) as contents:
        assert [tensor.path for tensor in contents.tensors] == ["plain"]


def test_a_tensor_that_claims_to_be_large(torch: Any, tmp_path: Path) -> None:
    """One number, repeated to a terabyte, is listed and not read."""
    torch.save({"a": torch.ones(1).expand(2**38)}, tmp_path / "m.pt")
    with open_contents(str(tmp_path / "m.pt")) as contents:
        (tensor,) = contents.tensors
        assert tensor.size_bytes == 2**40
        with pytest.raises(DamagedError, match="claims more"):
            next(iter(contents.pieces(tensor)))


def test_containers_that_hold_each_other(torch: Any, tmp_path: Path) -> None:
    """Cycles end, and what would unfold to 2^60 paths is looked into once."""
    top: dict[str, Any] = {"w": torch.ones(2)}
    top["self"] = top
    for _ in range(60):
        top = {"a": top, "b": top}
    torch.save(top, tmp_path / "m.pt")
    with open_contents(str(tmp_path / "m.pt")) as contents:
        assert len(contents.tensors) == 1


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


class TestWithoutTorch:
    """What is left where the extra is not installed."""

    @pytest.fixture
    def contents(self, torch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        """A state dict, opened as if there were no PyTorch."""
        torch.save(trained(torch)[0].state_dict(), tmp_path / "m.pt")
        monkeypatch.setattr(torch_archive, "find_spec", lambda _: None)
        with open_contents(str(tmp_path / "m.pt")) as contents:
            yield contents

    def test_tensors_are_not_listed(self, contents: Contents) -> None:
        """It is said that there are some, how many, and what to install."""
        assert (contents.lists_tensors, list(contents.tensors)) == (False, [])
        assert contents.facts.more["storages"] == "7"
        assert "ckptsel[torch]" in contents.facts.more["tensors"]

    def test_values_need_it(self, contents: Contents) -> None:
        """Asking for values names the extra."""
        tensor = Tensor("0.weight", (30, 40), "float32", 4800)
        with pytest.raises(MissingExtraError) as error:
            next(iter(contents.pieces(tensor)))
        assert "ckptsel[torch]" in error.value.hint

    def test_checks_do_not(self, contents: Contents) -> None:
        """Damage and dangers are found all the same."""
        assert list(contents.damage("full")) == []
        assert codes(contents.dangers()) == ["pickle"]


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
