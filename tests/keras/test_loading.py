"""load_best_weights with real models: the right values in every layer, or a refusal."""

from __future__ import annotations

import math
import shutil
from typing import TYPE_CHECKING, Any

import pytest

import ckptsel
from ckptsel.errors import (
    DamagedError,
    ModelMismatchError,
    MonitorNotFoundError,
    UnknownFormatError,
    UsageError,
)
from tests.keras.conftest import told
from tests.keras.models import branching, dense, filled, same, save

if TYPE_CHECKING:
    from pathlib import Path

SUFFIXES = (".weights.h5", ".keras", ".h5")
# Keras itself warns that `.h5` is an old format.
pytestmark = pytest.mark.filterwarnings("ignore:You are saving:UserWarning")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("build", [dense, branching])
def test_the_best_is_loaded(keras: Any, load: Any, tmp_path: Path, suffix: str, build: Any) -> None:
    """The best of three, not the last, in every format that Keras writes."""
    run = tmp_path / "run"
    values = {}
    for epoch, loss in enumerate((0.5, 0.3, 0.4)):
        model = filled(build(keras), epoch)
        values[loss] = model.get_weights()
        save(model, run / f"{epoch}-val_loss={loss}{suffix}")
    fresh = build(keras)
    chosen = load(fresh, run, "val_loss")
    assert chosen == ckptsel.best(run, monitor="val_loss").checkpoint
    assert chosen.path == str(run / f"1-val_loss=0.3{suffix}")
    assert same(fresh, values[0.3])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_swapped_layers(keras: Any, load: Any, tmp_path: Path, suffix: str) -> None:
    """Keras loads them silently into each other's place; here it is an error."""
    path = save(filled(dense(keras, "ab")), tmp_path / f"w-val_loss=0.5{suffix}")
    model = dense(keras, "ba")
    before = model.get_weights()
    with pytest.raises(ModelMismatchError, match="does not fit") as caught:
        load(model, path, "val_loss")
    assert "layer 'b': it would silently get the weights of 'a'" in caught.value.details
    assert caught.value.hint == "Keras would have loaded it without a word"
    assert same(model, before)
    model.load_weights(path)  # which is what Keras does


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_renamed_layers(keras: Any, load: Any, tmp_path: Path, suffix: str) -> None:
    """A new name is no other layer."""
    saved = filled(dense(keras, "ab"))
    path = save(saved, tmp_path / f"w-val_loss=0.5{suffix}")
    model = dense(keras, "xb")
    load(model, path, "val_loss")
    assert same(model, saved.get_weights())


@pytest.mark.parametrize(
    ("names", "units", "says"),
    [
        ("abc", 4, "layer 'c': the file has nothing for it"),
        ("a", 4, "weights in the file 'b': no layer of the model takes it, silently"),
        ("ab", 5, "layer 'a': the shapes differ: (5, 5) here, (4, 4) in the file"),
    ],
)
def test_other_models(
    keras: Any, load: Any, tmp_path: Path, names: str, units: int, says: str
) -> None:
    """More layers, fewer, other shapes: the error names the layer, the model stays."""
    path = save(filled(dense(keras)), tmp_path / "w-val_loss=0.5.weights.h5")
    model = dense(keras, names, units=units)
    before = model.get_weights()
    with pytest.raises(ModelMismatchError) as caught:
        load(model, path, "val_loss")
    assert says in caught.value.details
    assert same(model, before)


def test_subclassed_models(keras: Any, load: Any, tmp_path: Path) -> None:
    """Models without a config are compared by what Keras would store of them."""

    class Own(keras.Model):  # type: ignore[misc]
        def __init__(self, first: int = 3) -> None:
            super().__init__()
            self.first = keras.layers.Dense(first, name="one")
            self.second = keras.layers.Dense(3, name="two")

        def call(self, inputs: Any) -> Any:
            return self.second(self.first(inputs))

    def built(first: int = 3) -> Any:
        model = Own(first)
        model(keras.ops.ones((1, 3)))
        return model

    saved = filled(built())
    path = save(saved, tmp_path / "w-val_loss=0.5.weights.h5")
    model = built()
    load(model, path, "val_loss")
    assert same(model, saved.get_weights())
    with pytest.raises(ModelMismatchError, match="does not fit") as caught:
        load(built(4), path, "val_loss")
    assert "'one': the shapes differ: (3, 4) here, (3, 3) in the file" in caught.value.details[0]
    with pytest.raises(UsageError, match="has no weights yet"):
        load(Own(), path, "val_loss")


def test_rounded_to_the_models_type(keras: Any, load: Any, tmp_path: Path) -> None:
    """A bfloat16 model gets the file's float32, rounded; the comparison knows that."""
    saved = filled(dense(keras))
    path = save(saved, tmp_path / "w-val_loss=0.5.weights.h5")
    for dtype in ("bfloat16", "float16", "float64"):
        model = dense(keras, dtype=dtype)
        load(model, path, "val_loss")
        assert abs(model.get_weights()[0].astype("float32") - saved.get_weights()[0]).max() < 0.01


def test_what_loads_wrongly_is_found_afterwards(
    keras: Any, load: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a layer does not take over the file's values, it is named, and nothing has changed."""
    path = save(filled(dense(keras)), tmp_path / "w-val_loss=0.5.weights.h5")
    model = dense(keras)
    before = model.get_weights()
    layer = model.get_layer("b")
    usual = type(layer).load_own_variables
    calls: list[int] = []

    def halved(self: Any, store: Any) -> None:
        usual(self, store)
        if self is layer and not calls:
            calls.append(1)
            self.kernel.assign(self.kernel / 2)

    monkeypatch.setattr(type(layer), "load_own_variables", halved)
    with pytest.raises(ModelMismatchError, match="does not have its values") as caught:
        load(model, path, "val_loss")
    (detail,) = caught.value.details
    assert detail.startswith("layer 'b': ")
    assert same(model, before)


@pytest.fixture
def damaged_best(keras: Any, tmp_path: Path) -> Path:
    """A folder whose best checkpoint is cut short."""
    run = tmp_path / "run"
    save(filled(dense(keras), 1), run / "1-val_loss=0.5.weights.h5")
    best = save(filled(dense(keras), 2), run / "2-val_loss=0.4.weights.h5")
    with open(best, "r+b") as file:
        file.truncate(9000)
    return run


def test_a_damaged_best_is_refused(keras: Any, load: Any, damaged_best: Path) -> None:
    """By default, since the second best is not what was asked for."""
    with pytest.raises(DamagedError, match=r"2-val_loss=0\.4\.weights\.h5") as caught:
        load(dense(keras), damaged_best, "val_loss")
    assert caught.value.hint == "strict=False takes the next best that is sound"


def test_a_damaged_best_gives_way(keras: Any, load: Any, damaged_best: Path) -> None:
    """With strict=False the next is loaded, and a warning says which was passed over."""
    model = dense(keras)
    with told() as warnings:
        chosen = load(model, damaged_best, "val_loss", strict=False)
    best = str(damaged_best / "2-val_loss=0.4.weights.h5")
    assert warnings[0].startswith(f"{best!r} is damaged and passed over: ")
    assert chosen.name == "1-val_loss=0.5.weights.h5"
    assert same(model, filled(dense(keras), 1).get_weights())


def test_nan_is_not_best(keras: Any, load: Any, tmp_path: Path) -> None:
    """A value that is no number never wins; if there is no other, nothing is loaded."""
    save(filled(dense(keras), 1), tmp_path / "1-val_loss=nan.weights.h5")
    with pytest.raises(MonitorNotFoundError):
        load(dense(keras), tmp_path, "val_loss")
    save(filled(dense(keras), 2), tmp_path / "2-val_loss=0.4.weights.h5")
    with told() as warnings:
        assert load(dense(keras), tmp_path, "val_loss").name == "2-val_loss=0.4.weights.h5"
    assert "nan" in warnings[0]


def test_weights_of_nan_are_damage(keras: Any, load: Any, tmp_path: Path) -> None:
    """A checkpoint that was saved after the weights became NaN is of no use."""
    model = dense(keras)
    model.weights[0].assign(model.weights[0] * math.nan)
    save(model, tmp_path / "1-val_loss=0.1.weights.h5")
    with pytest.raises(DamagedError, match="NaN or infinity"):
        load(dense(keras), tmp_path, "val_loss")


def test_a_wrong_suffix(keras: Any, load: Any, tmp_path: Path) -> None:
    """Keras goes by the name alone, and would take the file for another format."""
    path = save(dense(keras), tmp_path / "w-val_loss=0.5.weights.h5")
    shutil.move(path, tmp_path / "w-val_loss=0.5.h5")
    with pytest.raises(UsageError, match="takes it for another") as caught:
        load(dense(keras), tmp_path, "val_loss")
    assert "has to end in .weights.h5" in caught.value.hint


def test_an_unzipped_model(keras: Any, load: Any, tmp_path: Path) -> None:
    """A `.keras` folder holds the weights as a file, which is loaded."""
    saved = filled(dense(keras))
    keras.saving.save_model(saved, tmp_path / "model", zipped=False)
    (tmp_path / "model").rename(tmp_path / "w-val_loss=0.5.keras")
    model = dense(keras)
    load(model, tmp_path, "val_loss")
    assert same(model, saved.get_weights())


def test_a_tensorflow_checkpoint(keras: Any, load: Any, tmp_path: Path) -> None:
    """Keras 3 cannot load it into a model; the hint says who can."""
    tensorflow: Any = pytest.importorskip("tensorflow")
    tensorflow.train.Checkpoint(model=dense(keras)).write(str(tmp_path / "w-val_loss=0.5"))
    with pytest.raises(UnknownFormatError, match="tf-checkpoint") as caught:
        load(dense(keras), tmp_path, "val_loss")
    assert "tf.train.Checkpoint(model=model).read(" in caught.value.hint


def test_sharded_weights(keras: Any, load: Any, tmp_path: Path) -> None:
    """Weights in several files are verified, compared and loaded as one."""
    saved = filled(dense(keras, "abcdef", units=64))
    saved.save_weights(tmp_path / "w-val_loss=0.5.weights.json", max_shard_size=2e-5)
    assert len(list(tmp_path.glob("*_0000?.weights.h5"))) > 1
    model = dense(keras, "abcdef", units=64)
    assert load(model, tmp_path, "val_loss").kind == "sharded weights"
    assert same(model, saved.get_weights())


def test_a_lambda_layer_does_not_run(keras: Any, load: Any, tmp_path: Path) -> None:
    """Of a whole model only the weights are loaded: what its config could run does not matter."""

    def built() -> Any:
        layers = [keras.layers.Dense(4, name="a"), keras.layers.Lambda(lambda x: x * 2)]
        return keras.Sequential([keras.layers.Input((4,)), *layers])

    saved = filled(built())
    save(saved, tmp_path / "w-val_loss=0.5.keras")
    model = built()
    load(model, tmp_path, "val_loss")
    assert same(model, saved.get_weights())


def test_weights_of_keras_2(keras: Any, load: Any, tmp_path: Path) -> None:
    """Files of tf_keras load; its weights files hold no names, which is said where it matters."""
    legacy: Any = pytest.importorskip("tf_keras")
    layers = [legacy.layers.Dense(4, name=name) for name in "ab"]
    saved = legacy.Sequential([legacy.layers.Input((4,)), *layers])
    path = save(saved, tmp_path / "w-val_loss=0.5.weights.h5")
    model = dense(keras)
    with told() as warnings:
        load(model, path, "val_loss")
    assert same(model, saved.get_weights())
    (warning,) = warnings
    assert "has no names of layers: 2 layers are alike in class and shape" in warning
    whole = save(saved, tmp_path / "whole" / "w-val_loss=0.5.h5")
    with told() as warnings:
        load(model, whole, "val_loss")
        with pytest.raises(ModelMismatchError, match="does not fit"):
            load(dense(keras, "ba"), whole, "val_loss")
    assert warnings == []


def test_a_link_out_of_the_file(keras: Any, load: Any, tmp_path: Path) -> None:
    """A file that takes its values from another is not loaded."""
    h5py: Any = pytest.importorskip("h5py")
    path = save(filled(dense(keras)), tmp_path / "w-val_loss=0.5.weights.h5")
    with h5py.File(path, "r+") as file:
        del file["layers/dense/vars/0"]
        file["layers/dense/vars/0"] = h5py.ExternalLink("/elsewhere.h5", "/values")
    with pytest.raises(DamagedError, match="external-link"):
        load(dense(keras), tmp_path, "val_loss")


def nested(keras: Any, *, trainable: bool, names: tuple[str, str] = ("n1", "n2")) -> Any:
    """Two normalizations in a nested model, which may be frozen."""
    norms = [keras.layers.BatchNormalization(name=name) for name in names]
    inner = keras.Sequential([keras.layers.Input((4,)), *norms], name="inner")
    inner.trainable = trainable
    outer = [keras.layers.Input((4,)), inner, keras.layers.Dense(2, name="last")]
    return keras.Sequential(outer)


@pytest.mark.parametrize("names", [("n1", "n2"), ("x1", "x2")])
def test_frozen_when_saved(
    keras: Any, load: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, str]
) -> None:
    """HDF5 of Keras 2 has other orders for what is frozen: gamma would become a moving mean."""
    path = save(filled(nested(keras, trainable=False)), tmp_path / "w-val_loss=0.5.h5")
    model = nested(keras, trainable=True, names=names)
    before = model.get_weights()
    with pytest.raises(ModelMismatchError, match="does not fit") as caught:
        load(model, path, "val_loss")
    (detail,) = caught.value.details
    assert detail.startswith("layer 'inner': it would silently get ")
    assert same(model, before)
    model.trainable = False
    model.layers[0].trainable = False
    load(model, path, "val_loss")
    assert same(model, filled(nested(keras, trainable=False)).get_weights())
    # The second look goes by names as well: what was loaded wrongly does not pass.
    model.layers[0].trainable = True
    monkeypatch.setattr("ckptsel.keras.loading.check_fit", lambda *_: "")
    if names == ("n1", "n2"):
        with pytest.raises(ModelMismatchError, match="does not have its values"):
            load(model, path, "val_loss")


def test_another_weight_of_the_same_shape(keras: Any, load: Any, tmp_path: Path) -> None:
    """A gamma is no beta, though both are one vector of as many numbers."""

    def built(**options: bool) -> Any:
        norm = keras.layers.BatchNormalization(name="norm", **options)
        return keras.Sequential([keras.layers.Input((4,)), norm])

    path = save(filled(built(center=False)), tmp_path / "w-val_loss=0.5.h5")
    with pytest.raises(ModelMismatchError, match="does not fit") as caught:
        load(built(scale=False), path, "val_loss")
    assert caught.value.details == ("layer 'norm': it would silently get its gamma for its beta",)


def test_the_state_of_another_optimizer(keras: Any, load: Any, tmp_path: Path) -> None:
    """Adam and Adamax store alike, and mean different things; the weights are right."""

    def built(optimizer: str) -> Any:
        model = dense(keras)
        model.compile(optimizer, "mse")
        model.optimizer.build(model.trainable_variables)
        return model

    saved = filled(built("adam"))
    path = save(saved, tmp_path / "w-val_loss=0.5.keras")
    with told() as warnings:
        load(built("adam"), path, "val_loss")
        load(dense(keras), path, "val_loss")
        assert warnings == []
        model = built("adamax")
        load(model, path, "val_loss")
    (warning,) = warnings
    assert "holds the state of Adam, and the model is compiled with Adamax" in warning
    assert same(model, saved.get_weights())


def test_a_file_that_is_named_itself(keras: Any, load: Any, tmp_path: Path) -> None:
    """As `export` and `average` write them: no metric in its name, and none is needed."""
    model = filled(dense(keras))
    path = save(model, tmp_path / "mean.weights.h5")
    save(filled(dense(keras), 7), tmp_path / "other-val_loss=0.1.weights.h5")
    fresh = dense(keras)
    assert load(fresh, path).path == path
    assert same(fresh, model.get_weights())
    with pytest.raises(MonitorNotFoundError):
        load(fresh, path, "val_loss")
    whole = (tmp_path / "mean.weights.h5").read_bytes()
    (tmp_path / "mean.weights.h5").write_bytes(whole[:-500])
    with pytest.raises(DamagedError, match="the checkpoint is damaged"):
        load(fresh, path)
    assert same(fresh, model.get_weights())


@pytest.mark.parametrize("thing", [object(), None, "model.keras"])
def test_what_is_no_model(load: Any, tmp_path: Path, thing: object) -> None:
    """It is refused by what it is."""
    with pytest.raises(UsageError, match=f"{type(thing).__name__} of builtins is no model"):
        load(thing, tmp_path, "val_loss")
