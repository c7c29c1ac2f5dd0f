"""Keras 3's sharded weights."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import pytest

from ckptsel.errors import DamagedError
from ckptsel.formats import format_of, open_contents
from tests.formats.conformance import FormatConformance
from tests.formats.keras.samples import keras_sample

if TYPE_CHECKING:
    from tests.formats.samples import Sample


class TestKerasSharded(FormatConformance):
    """The suite; the file that is cut and changed is the largest shard."""

    module = "keras.sharded"

    @pytest.fixture
    def sample(self, keras_folder: str) -> Sample:
        """Weights that Keras wrote in five shards."""
        return keras_sample(keras_folder, "sharded", "sharded weights")


@pytest.fixture
def index(keras_folder: str, tmp_path: Path) -> str:
    """A copy of the sample, to be changed."""
    return keras_sample(keras_folder, "sharded", "sharded weights").copy_to(tmp_path)


def change(path: str, weight_map: dict[str, Any] | None = None, **more: Any) -> None:
    """Change the index."""
    with open(path, encoding="utf-8") as file:
        found = json.load(file)
    found["weight_map"].update(weight_map or {})
    found.update(more)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(found, file)


def codes(path: str) -> set[str]:
    """The codes of the damage in the structure."""
    with open_contents(path) as contents:
        return {finding.code for finding in contents.damage("quick")}


def test_a_missing_shard(index: str, keras_folder: str) -> None:
    """Each shard that is gone is damage; the rest is listed."""
    os.remove(os.path.join(os.path.dirname(index), "w_00002.weights.h5"))
    assert codes(index) == {"missing-shard"}
    with open_contents(index) as contents:
        left = {tensor.path for tensor in contents.tensors}
    assert left
    assert left < set(keras_sample(keras_folder, "sharded", "sharded weights").tensors)


def test_a_shard_without_its_weights(index: str) -> None:
    """A shard that was overwritten by an empty one is noticed, group by group and in total."""
    with h5py.File(os.path.join(os.path.dirname(index), "w_00000.weights.h5"), "w"):
        pass
    with open_contents(index) as contents:
        messages = [finding.message for finding in contents.damage("quick")]
    assert any("w_00000.weights.h5 has no weights at /layers/dense/vars" in m for m in messages)
    assert any("bytes of weights are there" in message for message in messages)


def test_a_shard_elsewhere_is_not_opened(index: str, tmp_path: Path) -> None:
    """An index cannot make anything read a file in another folder."""
    outside = tmp_path.parent / "outside.weights.h5"
    with h5py.File(outside, "w") as file:
        file["stolen/vars/0"] = [1.0]
    for name in ("../outside.weights.h5", str(outside)):
        change(index, {"/stolen/vars": name})
        with open_contents(index) as contents:
            assert not any("stolen" in tensor.path for tensor in contents.tensors)
            assert {finding.code for finding in contents.dangers()} == {"shard-elsewhere"}


def test_one_name_instead_of_a_list(index: str) -> None:
    """Keras writes a name alone as a list, and reads both."""
    change(index, {"/layers/dense/vars": "w_00000.weights.h5"})
    assert codes(index) == set()


@pytest.mark.parametrize("weight_map", [{}, [], None, {"/a/vars": 3}, {"/a/vars": [[]]}])
def test_an_index_that_is_none(index: str, weight_map: object) -> None:
    """JSON of another shape is recognised by its suffix only, and damaged."""
    Path(index).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    with pytest.raises(DamagedError):
        open_contents(index)


def test_an_index_of_hugging_face_is_not_keras(tmp_path: Path) -> None:
    """The same keys, with safetensors behind them."""
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(json.dumps({"metadata": {}, "weight_map": {"w": "model-1.safetensors"}}))
    found = format_of(str(path))
    assert found is None or found.name != "sharded weights"
