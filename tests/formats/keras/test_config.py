"""What Keras configs say, and what loading them would run."""

from __future__ import annotations

from typing import Any

import pytest

from ckptsel.formats.keras.config import (
    config_dangers,
    layer_groups,
    learning_rate,
    model_name,
    optimizer_of,
)


def entry(name: str, config: object = None, **more: Any) -> dict[str, Any]:
    """An object of a config."""
    return {"module": "keras.layers", "registered_name": None, "class_name": name} | {
        "config": {} if config is None else config,
        **more,
    }


def model(*layers: dict[str, Any]) -> dict[str, Any]:
    """A model of some layers."""
    return entry("Sequential", {"name": "m", "layers": list(layers)}, module="keras")


@pytest.mark.parametrize(
    ("layer", "code", "named"),
    [
        (entry("Lambda", {"name": "double"}), "lambda-layer", "'double'"),
        (entry("Dense", {"activation": {"class_name": "__lambda__", "config": {"code": "4wE="}}}),
         "lambda-layer", "'lambda'"),
        (entry("Evil", module="os.path"), "foreign-module", "'os.path.Evil'"),
        (entry("Dense", {"activation": entry("function", "system", module="os")}),
         "foreign-module", "'os.system'"),
        (entry("Dense", {"activation": entry("function", "get_file", module="keras.utils")}),
         "acting-function", "'get_file'"),
        (entry("function", "enable_unsafe_deserialization", module="keras.config"),
         "acting-function", "'enable_unsafe_deserialization'"),
        (entry("TFSMLayer", {"filepath": "/tmp/evil"}), "saved-model-layer", "'/tmp/evil'"),
        (entry("StringLookup", {"vocabulary": "/etc/passwd"}), "reads-file", "'/etc/passwd'"),
        (entry("Mine", module=None, registered_name="pkg>Mine"), "custom-object", "'pkg>Mine'"),
        (entry("Mine", module=None, registered_name="Mine"), "custom-object", "'Mine'"),
        (entry("function", "my_loss", module="builtins", registered_name="function"),
         "custom-object", "'my_loss'"),
        ({"class_name": "pkg>Mine", "config": {}}, "custom-object", "'pkg>Mine'"),
        # Keras joins module and name: the dot may stand anywhere between them.
        (entry("layers.Lambda", {"name": "double"}, module="keras"), "lambda-layer", "'double'"),
        (entry("layers.TFSMLayer", {"filepath": "/tmp/evil"}, module="keras"),
         "saved-model-layer", "'/tmp/evil'"),
        (entry("function", "utils.get_file", module="keras", registered_name="function"),
         "acting-function", "'get_file'"),
        (entry("utils.get_file", module="keras"), "acting-function", "'get_file'"),
        (entry("Dense", {"activation": entry("function", "datasets.mnist.load_data",
         module="keras")}), "acting-function", "'load_data'"),
        # tf_keras looks for the registered name in the module, and into Python's own.
        (entry("Harmless", {"name": "double"}, registered_name="Lambda"),
         "lambda-layer", "'double'"),
        (entry("function", "eval", module="builtins", registered_name="function"),
         "foreign-module", "'builtins.eval'"),
    ],
)  # fmt: skip
def test_dangers(layer: dict[str, Any], code: str, named: str) -> None:
    """Each is found, inside of a model, and named."""
    (finding,) = config_dangers(model(entry("Dense"), layer), "m.keras")
    assert (finding.code, finding.path) == (code, "m.keras")
    assert named in finding.message


@pytest.mark.parametrize(
    "layer",
    [
        entry("Dense"),
        entry("StringLookup", {"vocabulary": ["a", "b"]}),
        {"class_name": "Dense", "config": {}},
        {"class_name": "Custom>Adam", "config": {}},
        entry("Functional", module="keras.src.models.functional", registered_name="Functional"),
        {"class_name": "__tensor__", "config": {"value": [1], "dtype": "float32"}},
    ],
)
def test_what_keras_writes_itself_is_no_danger(layer: dict[str, Any]) -> None:
    """Keras's own objects, in the forms of Keras 3 and of Keras 2."""
    assert list(config_dangers(model(layer), "m.keras")) == []


def test_many_are_counted() -> None:
    """Three are named, the others counted."""
    layers = [entry("Lambda", {"name": f"l{number}"}) for number in range(5)]
    (finding,) = config_dangers(model(*layers), "m.keras")
    assert finding.message.endswith("'l0', 'l1', 'l2' and 2 more")


def test_a_config_of_anything() -> None:
    """Whatever JSON it is, it is looked through without an error."""
    config: Any = {"class_name": ["x"], "config": [{"class_name": {}, "config": 3}, None, 1.5]}
    for _ in range(100_000):
        config = {"config": config}
    assert list(config_dangers(config, "m.keras")) == []
    assert list(config_dangers(None, "m.keras")) == []
    assert layer_groups({"config": {"layers": [3, {"class_name": 4}]}}) == {}
    assert model_name({"config": []}) == ""


ADAM = {"class_name": "Adam", "config": {"learning_rate": 0.5}}
SCHEDULE = {"class_name": "SGD", "config": {"learning_rate": {"class_name": "CosineDecay"}}}


def scaled(inner: dict[str, Any]) -> dict[str, Any]:
    """An optimizer inside of a LossScaleOptimizer."""
    return {"class_name": "LossScaleOptimizer", "config": {"inner_optimizer": inner}}


@pytest.mark.parametrize(
    ("optimizer", "stored", "expected"),
    [
        (ADAM, None, 0.5),
        (ADAM, 0.25, 0.25),
        (None, 0.25, 0.25),
        (None, None, None),
        (SCHEDULE, None, None),
        (SCHEDULE, 0.25, None),
        (scaled(ADAM), None, 0.5),
        (scaled(SCHEDULE), 0.0, None),
        ({"class_name": "adam", "config": {}}, None, None),
        ({"config": {"learning_rate": True}}, None, None),
        ({"config": {"learning_rate": "0.5"}}, None, None),
        ({"config": 3}, 0.25, 0.25),
    ],
)
def test_learning_rate(optimizer: Any, stored: float | None, expected: float | None) -> None:
    """The variable's value, else the config's; none with a schedule."""
    assert learning_rate(optimizer, stored) == expected


def test_an_optimizer_by_its_name() -> None:
    """`compile("adam")` may have been saved as a text."""
    assert optimizer_of({"optimizer": "adam"}, "optimizer") == {"class_name": "adam", "config": {}}
    assert optimizer_of({"optimizer": 3}, "optimizer") is None
    assert optimizer_of(None, "optimizer") is None


def test_groups_of_layers() -> None:
    """Class names in snake_case, counted; nested models inside of theirs."""
    inner = entry("Functional", {"name": "inner", "layers": [entry("Conv2D", {"name": "c"})]})
    dense = [entry("Dense", {"name": "a"}), entry("Dense", {"name": "b"})]
    attention = entry("MultiHeadAttention", {"name": "att"})
    assert layer_groups(model(*dense, inner, attention)) == {
        "layers/dense": "a",
        "layers/dense_1": "b",
        "layers/functional": "inner",
        "layers/functional/layers/conv2d": "c",
        "layers/multi_head_attention": "att",
    }
