"""Keras 3 and tf_keras weights files."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import h5py
import pytest

from ckptsel.formats import format_of, open_contents
from tests.formats.conformance import FormatConformance
from tests.formats.keras.samples import keras_sample

if TYPE_CHECKING:
    from pathlib import Path

    from tests.formats.samples import Sample


class TestKerasWeights(FormatConformance):
    """The suite, on five kinds of model."""

    module = "keras.weights"

    @pytest.fixture(params=["sequential", "nested", "subclassed", "bfloat16", "tf-keras"])
    def sample(self, keras_folder: str, request: pytest.FixtureRequest) -> Sample:
        """A weights file that Keras wrote."""
        return keras_sample(keras_folder, request.param, "weights.h5")


def test_roles(keras_folder: str) -> None:
    """Optimizers, also a nested model's, are told from weights, and metrics from both."""
    nested = keras_sample(keras_folder, "nested", "weights.h5")
    with open_contents(nested.path) as contents:
        roles = {tensor.path: tensor.role for tensor in contents.tensors}
    assert roles["layers/sequential/layers/dense/vars/0"] == "weight"
    assert roles["layers/sequential/optimizer/vars/0"] == "optimizer"
    assert roles["optimizer/inner_optimizer/vars/0"] == "optimizer"
    with open_contents(keras_sample(keras_folder, "tf-keras", "weights.h5").path) as contents:
        roles = {tensor.path: tensor.role for tensor in contents.tensors}
    assert roles["metrics/mean/vars/0"] == "other"


def test_an_inner_optimizer_leaves_steps_out(keras_folder: str) -> None:
    """A LossScaleOptimizer passes on finite gradients only."""
    for name, skips in (("sequential", False), ("nested", True)):
        sample = keras_sample(keras_folder, name, "weights.h5")
        with open_contents(sample.path) as contents:
            assert contents.facts.step == sample.step
            assert contents.step == (None if skips else sample.step)


def test_layers_have_the_names_that_the_user_gave(keras_folder: str) -> None:
    """The layer's name comes from the attribute, not from the group."""
    with open_contents(keras_sample(keras_folder, "sequential", "weights.h5").path) as contents:
        layers = {tensor.path: tensor.layer for tensor in contents.tensors}
    assert layers["layers/dense/vars/0"] == "hidden"
    assert layers["layers/dense_1/vars/0"] == "out"
    assert layers["optimizer/vars/0"] == ""


def test_model_name(keras_folder: str) -> None:
    """The root's name is the model's."""
    with open_contents(keras_sample(keras_folder, "nested", "weights.h5").path) as contents:
        assert contents.facts.model_name == "nested"


def test_variables_come_in_their_order(keras_folder: str) -> None:
    """`vars/10` comes after `vars/9`, although HDF5 sorts it before `vars/2`."""
    with open_contents(keras_sample(keras_folder, "sequential", "weights.h5").path) as contents:
        paths = [tensor.path for tensor in contents.tensors]
    state = [path for path in paths if path.startswith("optimizer/")]
    assert state == [f"optimizer/vars/{number}" for number in range(len(state))]
    assert len(state) > 10


def test_metric_totals_are_the_evaluated_metrics(keras_folder: str) -> None:
    """tf_keras leaves totals, and their ratios are what `evaluate` returned."""
    with open(os.path.join(keras_folder, "evaluated.json"), encoding="utf-8") as file:
        evaluated = json.load(file)
    with open_contents(keras_sample(keras_folder, "tf-keras", "weights.h5").path) as contents:
        metrics = contents.facts.metrics
    evaluated["mean_metric_wrapper"] = evaluated.pop("mae")
    assert metrics == pytest.approx(evaluated, rel=1e-6)


def test_bfloat16(keras_folder: str) -> None:
    """bfloat16 has its own name and size."""
    with open_contents(keras_sample(keras_folder, "bfloat16", "weights.h5").path) as contents:
        tensors = {tensor.path: tensor for tensor in contents.tensors}
    kernel = tensors["layers/dense/vars/0"]
    assert (kernel.dtype, kernel.size_bytes) == ("bfloat16", 4 * 16 * 2)


def test_a_file_without_datasets_is_damaged(tmp_path: Path) -> None:
    """What a full disk leaves of a weights file: it opens, and there is nothing in it."""
    path = str(tmp_path / "w.weights.h5")
    with h5py.File(path, "w") as file:
        file.create_group("layers/dense/vars")
    with open_contents(path) as contents:
        assert [finding.code for finding in contents.damage("quick")] == ["no-weights"]


def test_an_hdf5_file_that_cannot_be_opened_goes_by_its_name(tmp_path: Path) -> None:
    """The suffix is a hint where the content says no more than HDF5."""
    for name, kind in (("w.weights.h5", "weights.h5"), ("data.bin", "weights.h5")):
        path = tmp_path / name
        path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
        found = format_of(str(path))
        assert found is not None
        assert found.name == kind


def test_other_hdf5_is_not_recognised(tmp_path: Path) -> None:
    """HDF5 that holds arrays, but none of Keras's, is no checkpoint."""
    path = str(tmp_path / "table.h5")
    with h5py.File(path, "w") as file:
        file["table/column"] = [1, 2, 3]
    assert format_of(path) is None
