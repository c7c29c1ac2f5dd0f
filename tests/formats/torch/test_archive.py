"""PyTorch's archives, as PyTorch and Lightning write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ckptsel.errors import DamagedError, MissingExtraError
from ckptsel.formats import open_contents
from ckptsel.formats.contents import Tensor
from ckptsel.formats.torch import archive as torch_archive
from tests.formats.conformance import FormatConformance
from tests.formats.samples import Sample
from tests.formats.torch.samples import CALLBACK, codes, lightning, trained

if TYPE_CHECKING:
    from pathlib import Path

    from ckptsel.formats.contents import Contents, Level


@pytest.fixture(scope="module")
def torch() -> Any:
    """PyTorch."""
    return pytest.importorskip("torch")


class TestTorchArchive(FormatConformance):
    """What every format keeps; this one needs its framework, and is a pickle."""

    module = "torch.archive"
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


def test_optimizers_of_any_name(torch: Any, tmp_path: Path) -> None:
    """What `Optimizer.state_dict` gave is an optimizer's state, wherever it stands."""
    model, optimizer = trained(torch)
    state, weights = optimizer.state_dict(), model.state_dict()
    saved = {
        "netG": weights,
        "optimizerG": state,
        "parts": [{"net": weights | {"extra": torch.ones(2)}, "solver": dict(state)}],
        "best_acc": torch.tensor(0.5),
    }
    torch.save(saved, tmp_path / "gan.pt")
    with open_contents(str(tmp_path / "gan.pt")) as contents:
        roles = {tensor.path: tensor.role for tensor in contents.tensors}
    assert roles.pop("best_acc") == "other"
    wanted = {
        path: "optimizer" if "optimizerG/" in path or "solver/" in path else "weight"
        for path in roles
    }
    assert roles == wanted
    assert {*wanted.values()} == {"weight", "optimizer"}
    assert any("parts/0/net" in path for path in roles)
    torch.save(state, tmp_path / "optimizer.pt")
    with open_contents(str(tmp_path / "optimizer.pt")) as contents:
        assert {tensor.role for tensor in contents.tensors} == {"optimizer"}


def test_a_number_in_a_plain_state_dict(torch: Any, tmp_path: Path) -> None:
    """It is a parameter, as CLIP's `logit_scale`."""
    saved = {"logit_scale": torch.tensor(4.6), "proj": torch.ones(2)}
    torch.save(saved, tmp_path / "clip.pt")
    with open_contents(str(tmp_path / "clip.pt")) as contents:
        assert {tensor.role for tensor in contents.tensors} == {"weight"}
