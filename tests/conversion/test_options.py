"""`--dtype` and `--drop-optimizer`: what changes, what does not, and what is refused."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import h5py
import ml_dtypes
import numpy as np
import pytest

from ckptsel.conversion.converter import Options
from ckptsel.errors import ConversionError
from ckptsel.transfer.export import export
from tests.conversion.made import dense, weights

if TYPE_CHECKING:
    from pathlib import Path

    from ckptsel.conversion.converter import FloatName

VALUES = (1.0, -0.1, 1e-30, 65504.0, float("inf"), float("nan"))


def expected(dtype: str) -> Any:
    """The values in a type, as numpy and ml_dtypes round them."""
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    return np.array(VALUES, "float32").astype(kind).astype("float32")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_weights_are_rounded_to_the_nearest(tmp_path: Path, dtype: FloatName) -> None:
    """In safetensors and in `.weights.h5`, as the real readers see it; nothing else changes."""
    from safetensors import safe_open  # noqa: PLC0415

    source = dense(tmp_path / "a.weights.h5", *VALUES)
    tensors, hdf5 = str(tmp_path / "b.safetensors"), str(tmp_path / "b.weights.h5")
    for dest in (tensors, hdf5):
        export(source, dest, Options(dtype=dtype))
    with h5py.File(hdf5) as file:
        bias = file["layers/dense/vars/1"]
        stored = bias[()].view(ml_dtypes.bfloat16) if dtype == "bfloat16" else bias[()]
        np.testing.assert_array_equal(stored.astype("float32"), expected(dtype))
        assert bias.attrs.get("dtype") == ("bfloat16" if dtype == "bfloat16" else None)
        assert file["layers/dense/vars/2"].dtype == "int64"
        assert file["optimizer/vars/1"].dtype == "float32"
        assert file["optimizer/vars/1"][0, 0] == np.float32(1e-9)
    torch = pytest.importorskip("torch")
    with safe_open(tensors, "pt") as found:
        bias = found.get_tensor("layers/dense/vars/1")
        assert bias.dtype == getattr(torch, dtype)
        np.testing.assert_array_equal(bias.float().numpy(), expected(dtype))
        assert found.get_tensor("optimizer/vars/1").dtype == torch.float32


@pytest.mark.parametrize("suffix", [".safetensors", ".npz", ".weights.h5"])
def test_a_value_that_would_become_infinite(tmp_path: Path, suffix: str) -> None:
    """It is refused, with the tensor's name, and nothing is left."""
    source = dense(tmp_path / "a.weights.h5", 1.0, 70000.0)
    with pytest.raises(ConversionError, match="layers/dense/vars/1") as caught:
        export(source, str(tmp_path / f"b{suffix}"), Options(dtype="float16"))
    assert "float16" in caught.value.message
    assert os.listdir(tmp_path) == ["a.weights.h5"]


def test_no_bfloat16_in_numpy(tmp_path: Path) -> None:
    """It is refused as `--dtype`; one that is there is kept as float32, and that is said."""
    source = dense(tmp_path / "a.weights.h5", 1.0, -0.1)
    with pytest.raises(ConversionError, match="bfloat16") as caught:
        export(source, str(tmp_path / "b.npz"), Options(dtype="bfloat16"))
    assert ".safetensors" in caught.value.hint
    half = str(tmp_path / "half.weights.h5")
    export(source, half, Options(dtype="bfloat16"))
    done = export(half, str(tmp_path / "b.npz"))
    assert [finding.code for finding in done.findings] == ["widened"]
    found = np.load(tmp_path / "b.npz")["layers/dense/vars/1"]
    assert found.dtype == "float32"
    np.testing.assert_array_equal(found, np.array([1, -0.1], ml_dtypes.bfloat16).astype("f4"))


@pytest.mark.parametrize("bits", [0x7F81, 0xFFC1, 0x0001, 0x8000, 0x7F80])
def test_bfloat16_keeps_its_bits(tmp_path: Path, bits: int) -> None:
    """Also a NaN that signals, a number too small to be normal, and the negative zero."""
    from safetensors import safe_open  # noqa: PLC0415

    torch = pytest.importorskip("torch")
    path = tmp_path / "a.weights.h5"
    with h5py.File(path, "w") as file:
        stored = file.create_dataset("layers/dense/vars/0", data=np.array([bits], "u2").view("V2"))
        stored.attrs["dtype"] = "bfloat16"
    export(str(path), str(tmp_path / "b.safetensors"))
    with safe_open(str(tmp_path / "b.safetensors"), "pt") as found:
        view = found.get_tensor("layers/dense/vars/0").view(torch.int16)
        assert view.numpy().view("u2").tolist() == [bits]


@pytest.mark.parametrize("dest", ["b.weights.h5", "b.npz", "b.safetensors", "b.weights.json"])
def test_the_optimizer_goes(tmp_path: Path, dest: str) -> None:
    """How many bytes that saves is said, and all weights stay."""
    source = dense(tmp_path / "a.weights.h5", 1.0, 2.0)
    done = export(source, str(tmp_path / dest), Options(drop_optimizer=True))
    assert done.optimizer_bytes == 8 + 16
    assert done.findings == ()
    record = json.loads((tmp_path / f"{dest}.ckptsel.json").read_text())
    assert record["conversion"]["optimizer_bytes"] == 24
    assert record["conversion"]["drop_optimizer"] is True
    again = export(str(tmp_path / dest), str(tmp_path / "c.npz")) if "npz" not in dest else done
    with np.load(again.dest) as found:
        assert sorted(found) == [f"layers/dense/vars/{number}" for number in range(3)]


def test_without_check(tmp_path: Path) -> None:
    """`--no-check` reads nothing back, and the record says so."""
    source = dense(tmp_path / "a.weights.h5", 1.0)
    done = export(source, str(tmp_path / "b.npz"), check=False)
    assert not done.is_checked
    record = json.loads((tmp_path / "b.npz.ckptsel.json").read_text())
    assert record["conversion"]["checked"] is False


def test_shards(tmp_path: Path) -> None:
    """No shard is larger than asked for, where a tensor is; then it is refused."""
    arrays = {f"layers/dense_{n}/vars/0": np.full((100,), n, "float32") for n in range(5)}
    source = weights(tmp_path / "a.weights.h5", arrays)
    done = export(source, str(tmp_path / "b.weights.json"), Options(shard_bytes=900))
    assert done.produced is not None
    names = [name for name, _ in done.produced.files]
    assert sorted(names) == sorted(["b.weights.json", *(f"b_0000{n}.weights.h5" for n in range(3))])
    with pytest.raises(ConversionError, match="more than a shard") as caught:
        export(source, str(tmp_path / "c.weights.json"), Options(shard_bytes=300))
    assert "--max-shard-size" in caught.value.hint
    back = export(str(tmp_path / "b.weights.json"), str(tmp_path / "d.weights.h5"))
    assert back.is_checked
    with h5py.File(tmp_path / "d.weights.h5") as file:
        for name, value in arrays.items():
            np.testing.assert_array_equal(file[name][()], value)
