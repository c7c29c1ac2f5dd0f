"""A suffix says what is to be written, or it is refused."""

from __future__ import annotations

import pytest

from ckptsel.conversion.targets import target_of
from ckptsel.errors import UsageError


@pytest.mark.parametrize(
    ("dest", "chosen", "source", "target"),
    [
        ("a.keras", None, "h5", "keras"),
        ("a.weights.h5", None, "keras", "weights.h5"),
        ("a.weights.json", None, "keras", "weights.json"),
        ("a.h5", None, "tf-checkpoint", "h5"),
        ("a.hdf5", None, "weights.h5", "h5"),
        ("a.h5", "h5", "keras", "h5"),
        ("a.h5", "h5-model", "keras", "h5-model"),
        ("a.npz", None, "torch", "npz"),
        ("a.safetensors", None, "npz", "safetensors"),
        ("a/", None, "keras", "savedmodel"),
        ("a.ckpt", None, "weights.h5", "tf-checkpoint"),
        ("a", "savedmodel", "keras", "savedmodel"),
        ("a/b.c/d", "tf-checkpoint", "keras", "tf-checkpoint"),
        ("a.tflite", None, "keras", "tflite"),
        ("a.onnx", None, "keras", "onnx"),
    ],
)
def test_suffixes(dest: str, chosen: str | None, source: str, target: str) -> None:
    """The longest suffix counts; `--as` decides where there is none."""
    assert target_of(dest, chosen, source).name == target


@pytest.mark.parametrize(
    ("dest", "chosen", "source", "error"),
    [
        ("a.h5", None, "keras", "two things"),
        ("a.hdf5", None, "h5 model", "two things"),
        ("a", None, "keras", "does not say"),
        ("a.KERAS", None, "keras", "does not say"),
        ("a.txt", None, "keras", "does not say"),
        ("a.pt", None, "keras", "does not say"),
        ("a.h5", "weights.h5", "keras", "go by the suffix"),
        ("a.weights.h5", "h5", "keras", "go by the suffix"),
        ("a.keras", "savedmodel", "keras", "go by the suffix"),
        ("a.keras", "h4", "keras", "unknown"),
        ("", None, "keras", "does not say"),
    ],
)
def test_refusals(dest: str, chosen: str | None, source: str, error: str) -> None:
    """What could be read as another format is not written."""
    with pytest.raises(UsageError, match=error):
        target_of(dest, chosen, source)
