"""Members whose weights agree in shape, and still are not the same weights."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ckptsel.errors import ConversionError, StrictError
from ckptsel.formats import open_contents
from ckptsel.transfer import members
from ckptsel.transfer.average import average
from tests.transfer.keras_odd import SUFFIXES
from tests.transfer.small_weights import query

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ckptsel.transfer.average import Averaged

pytest.importorskip("keras")
save_file = pytest.importorskip("safetensors.numpy").save_file


@pytest.fixture(scope="session")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of `keras_odd`."""
    folder = tmp_path_factory.mktemp("odd")
    command = [sys.executable, "-m", "tests.transfer.keras_odd", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def _average(*paths: Path | str, strict: bool = False, dry_run: bool = True) -> Averaged:
    path = str(paths[0])
    suffix = next(
        each for each in (*SUFFIXES[:3], ".safetensors", ".pt", "") if path.endswith(each)
    )
    dest = f"{path.removesuffix(suffix)}-mean{suffix}"
    chosen = members.named(query(*paths))
    return average(chosen, dest, strict=strict, dry_run=dry_run)


def _write(*paths: Path | str) -> Averaged:
    return _average(*paths, dry_run=False)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_layers_in_another_order(suffix: str, odd: Path) -> None:
    """Where files call layers by their order, the mean would mix a with b: it is refused."""
    with pytest.raises(ConversionError, match=r"another order: .*'\S*a\S*' in .*'\S*b\S*' in"):
        _average(f"{odd}/swapped-1{suffix}", f"{odd}/swapped-2{suffix}")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_layers_of_other_names(suffix: str, odd: Path) -> None:
    """They may be the same ones; that nothing tells is said."""
    paths = f"{odd}/swapped-1{suffix}", f"{odd}/swapped-3{suffix}"
    codes = [finding.code for finding in _average(*paths).findings]
    assert codes == ["layers-renamed", *["configs-differ"] * (suffix == ".keras")]
    with pytest.raises(StrictError, match="may be another layer"):
        _average(*paths, strict=True)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_second_model_of_a_session(suffix: str, odd: Path) -> None:
    """It has dense_4 where the first has dense, and is the same model: nothing is to be said."""
    done = _average(f"{odd}/counted-1{suffix}", f"{odd}/counted-2{suffix}", strict=True)
    assert not done.findings


def _saved_again(source: str, dest: Path, old_text: bytes = b"", new_text: bytes = b"") -> str:
    """A model at another time, and with other bytes in its config."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(dest, "w") as new:
        for info in old.infolist():
            data = old.read(info)
            if info.filename == "metadata.json":
                data = data.replace(b'"date_saved": "20', b'"date_saved": "19')
            elif info.filename == "config.json" and old_text:
                assert old_text in data
                data = data.replace(old_text, new_text)
            new.writestr(info.filename, data)
    return str(dest)


def test_the_same_model_saved_twice(odd: Path, tmp_path: Path) -> None:
    """The times in it differ, and it counts once all the same; another model does not."""
    first = f"{odd}/counted-1.keras"
    again = _saved_again(first, tmp_path / "again.keras")
    other = _saved_again(first, tmp_path / "other.keras", b'"linear"', b'"tanh"')
    found = members.named(query(first, again, other))
    assert [row.checkpoint.path for row in found.rows] == [first, other]
    assert [each.path for each in found.findings if each.code == "same-member"] == [again]


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
@pytest.mark.parametrize("mode", ["int8", "int4"])
def test_models_that_keras_quantized(mode: str, suffix: str, odd: Path) -> None:
    """A mean of the scales beside the first one's integers would be nobody's weights."""
    with pytest.raises(ConversionError, match="int8, and not the same in all members"):
        _average(f"{odd}/{mode}-1{suffix}", f"{odd}/{mode}-2{suffix}")


def _saved(path: Path, **arrays: NDArray[Any]) -> Path:
    save_file({name.replace("__", "."): array for name, array in arrays.items()}, path)
    return path


@pytest.mark.parametrize(
    "codes, scale",
    [
        (np.int32, "l__scales"),
        (np.uint8, "l__weight__absmax"),
        (np.int64, "l__inner__weight_scale"),
    ],
)
def test_numbers_by_a_scale(codes: Any, scale: str, tmp_path: Path) -> None:
    """GPTQ packs numbers in int32, bitsandbytes in bytes; a base that all share is no harm."""
    for at in (1, 2):
        part: dict[str, Any] = {scale: np.full(4, at, "float16")}
        _saved(tmp_path / f"{at}.safetensors", l__qweight=np.full((4, 4), at, codes), **part)
        _saved(tmp_path / f"base{at}.safetensors", l__qweight=np.ones((4, 4), codes), **part)
    with pytest.raises(ConversionError, match=r"l\.qweight .* depends on l\."):
        _average(tmp_path / "1.safetensors", tmp_path / "2.safetensors")
    done = _average(tmp_path / "base1.safetensors", tmp_path / "base2.safetensors", strict=True)
    assert (done.averaged, done.taken) == (1, 1)


@pytest.mark.parametrize("array", [np.eye(3, dtype=bool), np.arange(9), np.ones((2, 2), "int8")])
def test_other_integers(array: NDArray[Any], tmp_path: Path) -> None:
    """Tables and masks that differ are the first one's, which is said; counters are not told."""
    for at in (1, 2):
        more = {"table": array == at if array.dtype == bool else array * at}
        path = tmp_path / f"{at}.safetensors"
        _saved(path, w=np.ones(3), bn__num_batches_tracked=np.array(at), **more)
    paths = tmp_path / "1.safetensors", tmp_path / "2.safetensors"
    (finding,) = _average(*paths).findings
    assert finding.code == "not-averaged"
    assert f"1.safetensors': table ({array.dtype})" in finding.message
    with pytest.raises(StrictError, match="not averaged"):
        _average(*paths, strict=True)


def test_optimizers_of_any_name(odd: Path) -> None:
    """Their steps, rates and moments are the first one's; a layer that counts is averaged."""
    paths = f"{odd}/gan-1.weights.h5", f"{odd}/gan-3.weights.h5"
    done = average(members.named(query(*paths)), f"{odd}/gan.weights.h5", strict=True)
    with open_contents(done.dest) as contents:
        found = {
            (tensor.path.split("/vars/")[0], tensor.role, float(contents.read(tensor).max()))
            for tensor in contents.tensors
            if tensor.path != "counted/vars/0"
        }
    assert found == {
        *((name, "optimizer", 1) for name in ("g_opt", "adam", "trainer", "solver")),
        *((name, "weight", 2) for name in ("g", "layers/dense_1", "counted")),
    }


def test_optimizers_of_pytorch(tmp_path: Path) -> None:
    """A GAN's `optimizerG` stays the first one's, and so does the best score."""
    torch = pytest.importorskip("torch")
    for at in (1, 3):
        weight = torch.nn.Parameter(torch.full((2,), float(at)))
        optimizer = torch.optim.Adam([weight])
        weight.grad = torch.full((2,), float(at))
        for _ in range(at):
            optimizer.step()
        saved = {
            "netG": {"w": torch.full((2,), float(at))},
            "optimizerG": optimizer.state_dict(),
            "solver": optimizer.state_dict(),
            "best_acc": torch.tensor(float(at)),
        }
        torch.save(saved, tmp_path / f"{at}.pt")
    chosen = members.named(query(tmp_path / "1.pt", tmp_path / "3.pt"))
    done = average(chosen, f"{tmp_path}/mean.pt", strict=True)
    found, first = (torch.load(path) for path in (done.dest, tmp_path / "1.pt"))
    assert found["netG"]["w"].tolist() == [2, 2]
    assert found["best_acc"] == 1
    for name in ("optimizerG", "solver"):
        one, other = found[name]["state"][0], first[name]["state"][0]
        assert all(torch.equal(one[key], other[key]) for key in other)
        assert one["step"] == 1


@pytest.mark.parametrize("kept", ["a", "z"])
def test_one_tensor_that_would_have_to_become_two(kept: str, tmp_path: Path) -> None:
    """A slow copy in the optimizer's state that is the weight itself: one of them is a mean."""
    torch = pytest.importorskip("torch")
    for at in (1, 3):
        weight = torch.full((3, 2), float(at))
        for name, state in (("shared", weight), ("alone", torch.full((3, 2), 50.0))):
            # Before the weight, or behind it.
            saved = {f"{kept}_opt": {"state": {0: {"slow": state}}, "param_groups": []}}
            saved["model"] = {"w": weight, "t": weight}
            torch.save(dict(sorted(saved.items())), tmp_path / f"{name}{at}.pt")
    with pytest.raises(ConversionError, match="would have to become two"):
        _write(tmp_path / "shared1.pt", tmp_path / "alone3.pt")
    # Where the mean is what stands there already, they can stay one.
    done = _write(tmp_path / "shared1.pt", tmp_path / "alone1.pt")
    found = torch.load(done.dest)
    assert found["model"]["w"].tolist() == found[f"{kept}_opt"]["state"][0]["slow"].tolist()
    # The copy that is a tensor of its own stays as it is.
    done = _write(tmp_path / "alone1.pt", tmp_path / "shared3.pt")
    found = torch.load(done.dest)
    assert found["model"]["t"].tolist() == [[2, 2]] * 3
    assert found[f"{kept}_opt"]["state"][0]["slow"].tolist() == [[50, 50]] * 3
