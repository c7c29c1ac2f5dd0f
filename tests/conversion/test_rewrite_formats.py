"""Rewriting what is no HDF5: numpy, safetensors, PyTorch, and Keras's shards."""

from __future__ import annotations

import json
import os
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ckptsel.conversion.rewrite import check_can_rewrite, rewrite
from ckptsel.errors import ConversionError, DamagedError
from tests.conversion.rewritten import read, rewritten
from tests.formats.keras.samples import sample_path
from tests.formats.torch.samples import lightning, trained

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def arrays() -> dict[str, NDArray[Any]]:
    """Arrays of every kind that a `.npz` holds."""
    chance = np.random.default_rng(4)
    return {
        "weight": chance.normal(size=(50, 30)).astype("float32"),
        "fortran": np.asfortranarray(chance.normal(size=(7, 5, 3))),
        "big": chance.normal(size=9).astype(">f4"),
        "half": chance.normal(size=(3, 2)).astype("float16"),
        "empty": np.zeros((0, 3), "float32"),
        "scalar": np.float64(0.25),
        "steps": np.array([3, 4]),
        "names": np.array(["a", "ä"]),
        "objects": np.array([{}, None], object),
        "optimizer/m": np.ones(4, "float32"),
    }


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_numpy(save: Any, tmp_path: Path) -> None:
    """Numpy reads what was changed, and everything else as it was; nothing is unpickled."""
    source, dest = str(tmp_path / "a.npz"), str(tmp_path / "b.npz")
    save(source, **arrays())
    rewritten(source, dest, lambda piece: piece * 2)
    with np.load(dest, allow_pickle=True) as found:
        for name, value in arrays().items():
            wanted = value * 2 if value.dtype.kind == "f" else value
            np.testing.assert_array_equal(found[name], wanted)
            assert found[name].dtype == value.dtype
            assert found[name].flags.f_contiguous == np.asarray(value).flags.f_contiguous
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(dest) as new:
        assert [(info.filename, info.compress_type) for info in new.infolist()] == [
            (info.filename, info.compress_type) for info in old.infolist()
        ]
    same = str(tmp_path / "c.npz")
    rewritten(source, same)
    if save is np.savez:
        assert _bytes(same) == _bytes(source)


def test_numpy_of_another_type(tmp_path: Path) -> None:
    """Weights are rounded, the optimizer's state goes."""
    source, dest = str(tmp_path / "a.npz"), str(tmp_path / "b.npz")
    np.savez(source, **arrays())  # type: ignore[arg-type]  # for its own flag
    rewritten(source, dest, dtype="float16", drop_optimizer=True)
    with np.load(dest, allow_pickle=True) as found:
        assert {*found.files} == {*arrays()} - {"optimizer/m"}
        for name, value in arrays().items():
            if name in found.files and value.dtype.kind == "f":
                assert found[name].dtype == np.dtype("float16").newbyteorder(value.dtype.byteorder)
                np.testing.assert_array_equal(found[name], value.astype("float16"))
    with pytest.raises(ConversionError, match="bfloat16"):
        rewritten(source, tmp_path / "c.npz", dtype="bfloat16")


def _bytes(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


@pytest.fixture
def safetensors(tmp_path: Path) -> str:
    """A file with the types that PyTorch has and numpy has not."""
    torch = pytest.importorskip("torch")
    save_file = pytest.importorskip("safetensors.torch").save_file
    path = str(tmp_path / "a.safetensors")
    torch.manual_seed(2)
    tensors = {
        "wide": torch.rand(30, 20),
        "brain": torch.rand(7, 5).bfloat16(),
        "half": torch.rand(3).half(),
        "steps": torch.arange(4),
        "empty": torch.zeros(0, 2),
    }
    save_file(tensors, path, metadata={"format": "pt", "author": "ä"})
    return path


def test_safetensors(safetensors: str, tmp_path: Path) -> None:
    """The package reads what was changed; the header is the old one."""
    from safetensors.torch import load_file  # noqa: PLC0415

    dest = str(tmp_path / "b.safetensors")
    rewritten(safetensors, dest, lambda piece: piece * 2)
    old, new = load_file(safetensors), load_file(dest)
    for name, value in old.items():
        assert new[name].dtype == value.dtype
        assert (new[name] == (value * 2 if value.is_floating_point() else value)).all()
    head = 8 + int.from_bytes(_bytes(dest)[:8], "little")
    assert _bytes(dest)[:head] == _bytes(safetensors)[:head]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_safetensors_of_another_type(dtype: str, safetensors: str, tmp_path: Path) -> None:
    """A new header, which the package accepts; the texts in it stay. PyTorch rounds alike."""
    import torch  # noqa: PLC0415
    from safetensors import safe_open  # noqa: PLC0415

    dest = str(tmp_path / "b.safetensors")
    rewritten(safetensors, dest, dtype=dtype)
    with safe_open(safetensors, "pt") as old, safe_open(dest, "pt") as new:
        assert new.metadata() == {"format": "pt", "author": "ä"}
        assert {*new.keys()} == {*old.keys()}
        for name in old.keys():  # noqa: SIM118 - it is no dictionary
            value = old.get_tensor(name)
            wanted = value.to(getattr(torch, dtype)) if value.is_floating_point() else value
            assert torch.equal(new.get_tensor(name), wanted)


def test_pytorch(tmp_path: Path) -> None:
    """PyTorch loads the same structure, with the state as it was and other weights."""
    torch = pytest.importorskip("torch")
    source, dest = str(tmp_path / "a.ckpt"), str(tmp_path / "b.ckpt")
    saved = lightning(torch)
    saved["state_dict"]["turned"] = torch.arange(12.0).reshape(3, 4).t()
    saved["state_dict"]["part"] = torch.arange(10.0, dtype=torch.float64)[2:7]
    saved["state_dict"]["brain"] = torch.rand(5).bfloat16()
    saved["state_dict"]["tied"] = saved["state_dict"]["0.weight"]
    torch.save(saved, source)
    rewritten(source, dest, lambda piece: piece * 2)
    loaded = torch.load(dest, weights_only=True)
    assert loaded.keys() == saved.keys()
    for name, value in torch.load(source, weights_only=True)["state_dict"].items():
        changed = loaded["state_dict"][name]
        assert changed.stride() == value.stride()
        assert torch.equal(changed, value * 2 if value.is_floating_point() else value)
    weights = loaded["state_dict"]
    assert weights["tied"].data_ptr() == weights["0.weight"].data_ptr()
    assert loaded["epoch"] == 3
    model, _ = trained(torch)
    model.load_state_dict({name: weights[name] for name in model.state_dict()})


def test_pytorch_of_the_same_values(tmp_path: Path) -> None:
    """With the old values it is the old file, but for nothing."""
    torch = pytest.importorskip("torch")
    source, dest = str(tmp_path / "a.pt"), str(tmp_path / "b.pt")
    torch.save(lightning(torch), source)
    rewritten(source, dest)
    assert _bytes(dest) == _bytes(source)


def test_tied_weights_cannot_become_two(tmp_path: Path) -> None:
    """One place in the file gets one value, or nothing is written."""
    torch = pytest.importorskip("torch")
    source = str(tmp_path / "a.pt")
    weight = torch.rand(4, 4)
    torch.save({"encoder": weight, "decoder": weight}, source)
    with pytest.raises(ConversionError, match="encoder and decoder are one tensor"):
        rewrite(
            source, str(tmp_path / "b.pt"), lambda t: iter([np.full(16, float(ord(t.path[0])))])
        )
    torch.save({"all": weight, "row": weight[1]}, source)
    with pytest.raises(ConversionError, match="share some of their values"):
        rewritten(source, tmp_path / "c.pt")


@pytest.mark.parametrize("name", ["w.weights.json", "other.weights.json"])
def test_shards(name: str, keras_folder: str, tmp_path: Path) -> None:
    """Shards are named after their index, as Keras looks for them."""
    source = sample_path(keras_folder, "sharded")
    found = rewritten(source, tmp_path / name, lambda piece: piece * 2)
    for path, value in read(source).items():
        np.testing.assert_array_equal(found[path], value * (2 if value.dtype.kind == "f" else 1))
    base = name.removesuffix(".weights.json")
    shards = sorted(each for each in os.listdir(tmp_path) if each != name)
    assert shards == [f"{base}_{number:05d}.weights.h5" for number in range(len(shards))]
    assert len(shards) > 2
    if name == "w.weights.json":
        assert (tmp_path / name).read_bytes() == _bytes(source)
    with pytest.raises(ConversionError, match="index"):
        rewritten(source, tmp_path / "third.weights.json", drop_optimizer=True)


def test_a_shard_that_is_missing(keras_folder: str, tmp_path: Path) -> None:
    """What is not whole is not written."""
    source = sample_path(keras_folder, "sharded")
    index = json.loads(_bytes(source))
    copy = tmp_path / "w.weights.json"
    copy.write_text(json.dumps(index))
    with pytest.raises(DamagedError, match="not beside"):
        rewrite(str(copy), str(tmp_path / "n.weights.json"), lambda _: None)


@pytest.mark.parametrize(
    "kind", ["savedmodel", "tf-checkpoint-v1", "torch-legacy", "huggingface", "orbax"]
)
def test_formats_that_are_not_written(kind: str) -> None:
    """The refusal says why."""
    with pytest.raises(ConversionError, match=f"'x' is a {kind}, which is not written: "):
        check_can_rewrite("x", kind)


def test_an_old_file_of_pytorch(tmp_path: Path) -> None:
    """It is read, and refused before anything is written."""
    torch = pytest.importorskip("torch")
    source = str(tmp_path / "a.pt")
    torch.save({"w": torch.ones(3)}, source, _use_new_zipfile_serialization=False)
    with pytest.raises(ConversionError, match="not written"):
        rewritten(source, tmp_path / "b.pt")
    assert os.listdir(tmp_path) == ["a.pt"]
