"""Keras 2's HDF5 files, as Keras 3 and tf_keras still write them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

import h5py
import numpy as np
import pytest

from ckptsel.errors import DamagedError
from ckptsel.formats import open_contents
from tests.formats.conformance import FormatConformance
from tests.formats.keras.samples import keras_sample

if TYPE_CHECKING:
    from pathlib import Path

    from tests.formats.samples import Sample


class TestKerasLegacy(FormatConformance):
    """The suite, on whole models and on weights."""

    module = "keras.legacy"
    # HDF5 that cannot be opened, under the name `some.h5`.
    own_foreign: ClassVar[frozenset[str]] = frozenset({"hdf5-magic"})

    @pytest.fixture(params=["legacy-whole", "tf-keras-whole", "legacy-weights"])
    def sample(self, keras_folder: str, request: pytest.FixtureRequest) -> Sample:
        """A file that Keras wrote."""
        return keras_sample(keras_folder, request.param, "h5")


class TestChunkedLists(FormatConformance):
    """The suite, where the list of layers is too long for one attribute."""

    module = "keras.legacy"
    own_foreign: ClassVar[frozenset[str]] = frozenset({"hdf5-magic"})
    truncations: ClassVar[int] = 20
    flips: ClassVar[int] = 20

    @pytest.fixture
    def sample(self, keras_folder: str) -> Sample:
        """Weights of ninety layers with names of 800 characters."""
        return keras_sample(keras_folder, "legacy-chunked", "h5")


def test_the_list_is_chunked_indeed(keras_folder: str) -> None:
    """Keras cut the list of layers, and the layers come in the model's order."""
    path = keras_sample(keras_folder, "legacy-chunked", "h5").path
    with h5py.File(path) as file:
        assert "layer_names0" in file.attrs
    with open_contents(path) as contents:
        layers = list(dict.fromkeys(tensor.layer for tensor in contents.tensors))
    assert layers == ["long" * 200 + str(number) for number in range(90)]


@pytest.mark.parametrize("name", ["legacy-whole", "tf-keras-whole"])
def test_what_a_whole_model_tells(keras_folder: str, name: str) -> None:
    """Config, optimizer, version, backend and name come from the attributes."""
    path = keras_sample(keras_folder, name, "h5").path
    with h5py.File(path) as file:
        version = file.attrs["keras_version"]
    with open_contents(path) as contents:
        assert contents.config is not None
        assert contents.config["class_name"] == "Sequential"
        assert contents.optimizer_config is not None
        # tf_keras says `Custom>Adam`.
        assert contents.optimizer_config["class_name"].removeprefix("Custom>") == "Adam"
        facts = contents.facts
    assert facts.framework == f"keras {version}"
    assert facts.model_name == "small"
    assert facts.more == {"backend": "tensorflow"}


def test_roles_and_layers(keras_folder: str) -> None:
    """Weights have their layers; the optimizer's state has its role."""
    with open_contents(keras_sample(keras_folder, "tf-keras-whole", "h5").path) as contents:
        found = {tensor.path: (tensor.role, tensor.layer) for tensor in contents.tensors}
    assert found["model_weights/hidden/hidden/kernel:0"] == ("weight", "hidden")
    assert found["optimizer_weights/iteration:0"] == ("optimizer", "")


def test_layers_come_in_the_models_order(keras_folder: str) -> None:
    """The list of layers gives the order, not the alphabet."""
    with open_contents(keras_sample(keras_folder, "legacy-weights", "h5").path) as contents:
        layers = list(dict.fromkeys(tensor.layer for tensor in contents.tensors))
    assert layers == ["hidden", "norm", "out"]


def test_weights_have_no_config(keras_folder: str) -> None:
    """A file of weights says nothing of the model."""
    with open_contents(keras_sample(keras_folder, "legacy-weights", "h5").path) as contents:
        assert contents.config is None
        assert contents.optimizer_config is None


def test_lambda_layers_are_dangers(keras_folder: str) -> None:
    """Marshalled code in a legacy config is found."""
    with open_contents(os.path.join(keras_folder, "legacy-lambda", "m.h5")) as contents:
        assert [finding.code for finding in contents.dangers()] == ["lambda-layer"]


def whole_model(path: Path, **attributes: Any) -> str:
    """A small whole model, made by hand; attributes of the root."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = '{"class_name": "Sequential", "config": {"name": "m"}}'
        for name, value in attributes.items():
            file.attrs[name] = value
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = np.array([b"d"])
        group.create_group("d").attrs["weight_names"] = np.array([b"d/k:0", b"d/b:0"])
        group["d/d/k:0"] = np.ones((2, 2), "f4")
        group["d/d/b:0"] = np.ones(2, "f4")
    return str(path)


def codes(path: str) -> list[str]:
    """The codes of the damage in the structure."""
    with open_contents(path) as contents:
        return [finding.code for finding in contents.damage("quick")]


def test_a_weight_that_is_listed_and_missing(tmp_path: Path) -> None:
    """A name in the list without its dataset is damage."""
    path = whole_model(tmp_path / "m.h5")
    assert codes(path) == []
    with h5py.File(path, "a") as file:
        del file["model_weights/d/d/b:0"]
    assert "missing-tensor" in codes(path)


def test_a_layer_that_is_listed_and_missing(tmp_path: Path) -> None:
    """A layer whose group is gone takes its list of weights with it."""
    path = whole_model(tmp_path / "m.h5")
    with h5py.File(path, "a") as file:
        del file["model_weights/d"]
    with open_contents(path) as contents:
        found = [finding.message for finding in contents.damage("quick")]
    assert any("layers are named and not there, the first is d" in message for message in found)


def test_a_model_without_weights(tmp_path: Path) -> None:
    """Only the optimizer's state, or nothing, is no model."""
    path = whole_model(tmp_path / "m.h5")
    with h5py.File(path, "a") as file:
        del file["model_weights"]
        file["optimizer_weights/iteration"] = 3
    assert codes(path) == ["no-weights"]


def test_a_scaled_loss_leaves_steps_out(tmp_path: Path) -> None:
    """The optimizer of tf_keras that passes on finite gradients only, as its config says."""
    config = '{"optimizer_config": {"class_name": "LossScaleOptimizerV3", "config": {}}}'
    path = whole_model(tmp_path / "m.h5", training_config=config)
    with h5py.File(path, "a") as file:
        file.create_group("optimizer_weights").attrs["weight_names"] = [b"iteration:0"]
        file["optimizer_weights/iteration:0"] = np.int64(3)
    with open_contents(path) as contents:
        assert (contents.facts.step, contents.step) == (3, None)


def test_a_config_that_is_no_json(tmp_path: Path) -> None:
    """It is damage, and asking for it is an error."""
    path = whole_model(tmp_path / "m.h5", training_config="{", model_config="[" * 10_000)
    assert codes(path) == ["bad-json", "bad-json"]
    with open_contents(path) as contents, pytest.raises(DamagedError):
        _ = contents.config


@pytest.mark.parametrize("names", [3, "d", np.arange(4).reshape(2, 2), h5py.Empty("f")])
def test_lists_that_are_none(tmp_path: Path, names: object) -> None:
    """Whatever stands where the names of layers should: the tensors are listed."""
    path = whole_model(tmp_path / "m.h5")
    with h5py.File(path, "a") as file:
        file["model_weights"].attrs["layer_names"] = names
    with open_contents(path) as contents:
        assert {tensor.shape for tensor in contents.tensors} == {(2, 2), (2,)}
