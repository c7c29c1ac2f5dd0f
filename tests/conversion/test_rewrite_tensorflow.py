"""Rewriting TensorFlow checkpoints: what TensorFlow reads, with sound checksums."""

from __future__ import annotations

import filecmp
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ckptsel.errors import ConversionError
from tests.conversion.rewritten import rewritten
from tests.formats.tensorflow.bundles import read_by_tensorflow, sample_of

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("tensorflow")

SAMPLES = ("keras3", "keras2-slots", "partitioned", "sharded", "dtypes", "slices")


@pytest.mark.parametrize("name", SAMPLES)
def test_tensorflow_reads_other_values(name: str, tmp_path: Path) -> None:
    """Floats are halved, in slices, too; integers, texts and graphs of objects stay."""
    sample = sample_of(name, tmp_path / "old")
    dest = tmp_path / "new" / "mean"
    dest.parent.mkdir()
    rewritten(sample.path, dest, lambda piece: piece / 2)
    found = read_by_tensorflow(str(dest))
    assert list(found) == list(sample.tensors)
    for key, value in sample.tensors.items():
        wanted = value
        if value.dtype.kind == "f":
            wanted = (value / 2).astype(value.dtype)
        np.testing.assert_array_equal(found[key], wanted)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_same_values_give_the_same_files(name: str, tmp_path: Path) -> None:
    """Index and data files are the old ones, byte for byte."""
    sample = sample_of(name, tmp_path / "old")
    dest = tmp_path / "new" / os.path.basename(sample.path)
    dest.parent.mkdir()
    rewritten(sample.path, dest)
    assert sorted(os.listdir(dest.parent)) == [
        each for each in sorted(os.listdir(tmp_path / "old")) if each != "checkpoint"
    ]
    for each in os.listdir(dest.parent):
        assert filecmp.cmp(dest.parent / each, tmp_path / "old" / each, shallow=False)


def test_its_graph_speaks_of_the_optimizer(tmp_path: Path) -> None:
    """So it cannot be left out, nor types be changed."""
    sample = sample_of("keras3", tmp_path / "old")
    for options in ({"drop_optimizer": True}, {"dtype": "float16"}):
        with pytest.raises(ConversionError, match="graph of objects"):
            rewritten(sample.path, tmp_path / "new", **options)
