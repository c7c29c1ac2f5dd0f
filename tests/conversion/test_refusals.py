"""Weights that Keras would load wrongly, or that cannot be placed, are refused with a reason."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from ckptsel.conversion.converter import Options
from ckptsel.errors import CkptselError, ConversionError, DamagedError, LocationNotFoundError
from ckptsel.formats.keras.config import snake_case
from ckptsel.transfer.export import export
from tests.conversion.made import config, legacy, weights

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conversion.conftest import Samples

KERNEL, BIAS = np.ones((2, 2), "f4"), np.zeros((2,), "f4")
DENSE = {"units": 2}


def model(folder: Path, *layers: tuple[str, str, dict[str, Any]]) -> Options:
    """`--model` with a config of these layers."""
    path = folder / "model.json"
    path.write_text(json.dumps(config(*layers)))
    return Options(model=str(path))


def named(path: Path, *names: str) -> str:
    """Dense layers in the layout of Keras 3, with their names."""
    with h5py.File(path, "w") as file:
        for number, name in enumerate(names):
            group = file.create_group(f"layers/dense{f'_{number}' if number else ''}/vars")
            group.attrs["name"] = name
            group["0"], group["1"] = KERNEL, BIAS
    return str(path)


def test_swapped_layers(tmp_path: Path) -> None:
    """Keras would load them in silence, each into the other: that is refused, by layer."""
    options = model(tmp_path, ("Dense", "b", DENSE), ("Dense", "a", DENSE))
    source = named(tmp_path / "w.weights.h5", "a", "b")
    with pytest.raises(ConversionError, match="do not fit") as caught:
        export(source, str(tmp_path / "m.keras"), options)
    assert any("silently get the weights of 'a'" in line for line in caught.value.details)
    assert "--against" in caught.value.hint


@pytest.mark.parametrize("whole", [False, True])
def test_swapped_layers_by_order(tmp_path: Path, whole: bool) -> None:
    """The HDF5 of Keras 2 is laid out by the model, and swapped layers would stay swapped."""
    options = model(tmp_path, ("Dense", "b", DENSE), ("Dense", "a", DENSE))
    source = named(tmp_path / "w.weights.h5", "a", "b")
    if whole:
        own = model(tmp_path, ("Dense", "a", DENSE), ("Dense", "b", DENSE))
        export(source, str(tmp_path / "m.keras"), own)
        source, options = (
            str(tmp_path / "m.keras"),
            model(tmp_path, ("Dense", "b", DENSE), ("Dense", "a", DENSE)),
        )
    with pytest.raises(ConversionError, match="do not fit") as caught:
        export(source, str(tmp_path / "m.h5"), options, chosen="h5")
    assert any("silently get the weights of 'a'" in line for line in caught.value.details)


@pytest.mark.parametrize(
    ("class_name", "fields", "module"),
    [
        ("EinsumDense", {"lora_rank": 2}, "keras.layers"),
        ("EinsumDense", {"dtype": {"class_name": "QuantizedDTypePolicy"}}, "keras.layers"),
        ("LayerNormalization", {}, "mine"),
    ],
)
def test_a_known_class_that_holds_more(
    tmp_path: Path, class_name: str, fields: dict[str, Any], module: str
) -> None:
    """With LoRA, quantized, or of somebody's own, nothing tells what it holds in which order."""
    made = config((class_name, "a", fields))
    made["config"]["layers"][0]["module"] = module
    (tmp_path / "model.json").write_text(json.dumps(made))
    path = snake_case(class_name)
    source = weights(tmp_path / "w.weights.h5", {f"layers/{path}/vars/0": KERNEL})
    with pytest.raises(ConversionError, match="keeps its weights in parts"):
        export(source, str(tmp_path / "m.h5"), Options(model=str(tmp_path / "model.json")))


def test_another_shape_or_number(tmp_path: Path) -> None:
    """Both are refused."""
    source = named(tmp_path / "w.weights.h5", "a")
    for options in (
        model(tmp_path, ("Dense", "a", {"units": 3})),
        model(tmp_path, ("Dense", "a", DENSE), ("Dense", "b", DENSE)),
    ):
        with pytest.raises(ConversionError, match="do not fit"):
            export(source, str(tmp_path / "m.keras"), options)


@pytest.mark.parametrize(
    ("layers", "error"),
    [
        ([("Dense", "b", DENSE)], "no layer that the weights of 'a'"),
        ([("Dense", "a", {"units": 3})], r"wants \(2, 3\), \(3\)|wants \(2, 3\), \(3,\)"),
        ([("Dense", "a", DENSE), ("Dense", "b", DENSE)], "no weights for the layer 'b'"),
        ([("MultiHeadAttention", "a", {})], "keeps its weights in parts"),
        ([("Dropout", "a", {})], "lists no layers with weights"),
    ],
)
def test_legacy_weights_that_do_not_go_there(
    tmp_path: Path, layers: list[tuple[str, str, dict[str, Any]]], error: str
) -> None:
    """Names, numbers and shapes have to agree with the config."""
    source = legacy(tmp_path / "w.h5", {"a": {"a/kernel:0": KERNEL, "a/bias:0": BIAS}})
    with pytest.raises(ConversionError, match=error):
        export(source, str(tmp_path / "m.weights.h5"), model(tmp_path, *layers))


def test_without_a_model(tmp_path: Path) -> None:
    """What is missing is said, and how to give it."""
    source = named(tmp_path / "w.weights.h5", "a")
    with pytest.raises(ConversionError, match="without the model's config") as caught:
        export(source, str(tmp_path / "m.keras"))
    assert "--model" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("", "neither a saved .keras nor a model's config"),
        ("nothing", "neither a saved .keras nor a model's config"),
        ('{"a": 1}', "neither a saved .keras nor a model's config"),
        ('{"class_name": "Sequential", "config": {"layers": []}}', "config of Keras 2"),
        ('{"class_name": "Seq', "no JSON"),
    ],
)
def test_no_model_at_all(tmp_path: Path, content: str, error: str) -> None:
    """A file that is no config of Keras 3 is none; nor is a folder, or nothing."""
    source = named(tmp_path / "w.weights.h5", "a")
    (tmp_path / "model.json").write_text(content)
    with pytest.raises(CkptselError, match=error):
        export(source, str(tmp_path / "m.keras"), Options(model=str(tmp_path / "model.json")))
    with pytest.raises(ConversionError, match="neither"):
        export(source, str(tmp_path / "m.keras"), Options(model=str(tmp_path)))
    with pytest.raises(LocationNotFoundError):
        export(source, str(tmp_path / "m.keras"), Options(model=str(tmp_path / "gone")))


def test_state_without_an_optimizer(tmp_path: Path) -> None:
    """A model that was never compiled cannot take it, and `--drop-optimizer` leaves it out."""
    arrays = {"layers/dense/vars/0": KERNEL, "layers/dense/vars/1": BIAS, "optimizer/vars/0": 3}
    source = weights(tmp_path / "w.weights.h5", arrays)
    options = model(tmp_path, ("Dense", "a", DENSE))
    with pytest.raises(ConversionError, match="optimizer") as caught:
        export(source, str(tmp_path / "m.keras"), options)
    assert "--drop-optimizer" in caught.value.hint
    dropped = Options(model=options.model, drop_optimizer=True)
    assert export(source, str(tmp_path / "m.keras"), dropped).is_checked


def test_damaged_sources(tmp_path: Path) -> None:
    """A file that was cut off is damage, and leaves nothing."""
    source = tmp_path / "w.weights.h5"
    weights(source, {"layers/dense/vars/0": np.ones((50_000,), "f4")})
    with open(source, "r+b") as file:
        file.truncate(100_000)
    for dest in ("b.npz", "b.safetensors", "b.weights.json", "b.weights.h5"):
        with pytest.raises(DamagedError):
            export(str(source), str(tmp_path / dest))
    assert os.listdir(tmp_path) == ["w.weights.h5"]


@pytest.mark.parametrize("name", ["a\nb", "a b", "ä", "..", "[red]", "a.npy", "x" * 200])
def test_hostile_names_come_through(tmp_path: Path, name: str) -> None:
    """Whatever HDF5 can name, numpy and safetensors read under the same name."""
    from safetensors.numpy import load_file  # noqa: PLC0415

    path = f"layers/{name}/vars/0"
    source = weights(tmp_path / "w.weights.h5", {path: KERNEL})
    export(source, str(tmp_path / "b.npz"))
    export(source, str(tmp_path / "b.safetensors"))
    with np.load(tmp_path / "b.npz") as found:
        assert [*found] == [path]
    assert [*load_file(str(tmp_path / "b.safetensors"))] == [path]


def test_names_that_are_no_text(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are refused where a format has only text."""
    source = tmp_path / "w.weights.h5"
    with h5py.File(source, "w") as file:
        file[b"layers/\xff/vars/0"] = KERNEL
    for dest in ("b.npz", "b.safetensors"):
        with pytest.raises(ConversionError, match="no text"):
            export(str(source), str(tmp_path / dest))
    export(str(source), str(tmp_path / "b.weights.h5"))
    assert sorted(os.listdir(tmp_path))[:2] == ["b.weights.h5", "b.weights.h5.ckptsel.json"]


def test_lists_that_lie(tmp_path: Path) -> None:
    """A weight that is named and not there is damage; two layers of one name are refused."""
    source = tmp_path / "w.h5"
    legacy(source, {"a": {"k:0": KERNEL}})
    with h5py.File(source, "r+") as file:
        file["a"].attrs["weight_names"] = np.array([b"k:0", b"gone:0"])
    with pytest.raises(DamagedError, match="gone"):
        export(str(source), str(tmp_path / "b.h5"))


def test_no_weights(tmp_path: Path) -> None:
    """A file that a full disk left empty becomes nothing."""
    source = weights(tmp_path / "w.weights.h5", {})
    with pytest.raises(ConversionError, match="no weights"):
        export(source, str(tmp_path / "b.npz"))


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("nested", "no optimizer's state that would tell"),
        ("two", "holds 2 models"),
        ("subclassed", "no model that tells the order"),
        ("more", "is of no layer of its model"),
        ("both-two", "order that is not known"),
        ("both-three", "order that is not known"),
        ("named", "no graph of objects"),
        ("both-two.keras", "keeps its weights in parts"),
        ("both-three.keras", "keeps its weights in parts"),
    ],
)
def test_models_whose_order_is_not_told(
    samples: Samples, tmp_path: Path, name: str, error: str
) -> None:
    """Real checkpoints that Keras 2's layout could only guess: refused, and nothing is written."""
    with pytest.raises(ConversionError, match=error) as caught:
        export(str(samples.folder / "odd" / name), str(tmp_path / "w.h5"), chosen="h5")
    assert caught.value.hint
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("name", ["both-two.h5", "both-three.h5"])
def test_layers_in_parts(samples: Samples, tmp_path: Path, name: str) -> None:
    """The two directions of a Bidirectional stand elsewhere in Keras 3: refused."""
    with pytest.raises(ConversionError, match="keeps its weights in parts"):
        export(str(samples.folder / "odd" / name), str(tmp_path / "w.weights.h5"))


def test_a_config_tells_what_a_graph_does_not(samples: Samples, tmp_path: Path) -> None:
    """By the layers' names a model in a model has its places in Keras 3, whatever is frozen."""
    source = str(samples.folder / "odd" / "nested")
    model = Options(model=str(samples.folder / "nested.json"))
    assert export(source, str(tmp_path / "m.keras"), model).is_checked


def test_a_name_that_a_graph_does_not_tell(samples: Samples, tmp_path: Path) -> None:
    """A model in a model gets a name that is made up, which is said, or that of `--model`."""
    source = samples.path("k3-prefix-nested")
    done = export(source, str(tmp_path / "a.h5"))
    assert [each.code for each in done.findings if each.strict] == ["name-made-up"]
    told = export(
        source, str(tmp_path / "b.h5"), Options(model=str(samples.folder / "nested.json"))
    )
    assert not [each for each in told.findings if each.strict]
    with h5py.File(tmp_path / "a.h5") as one, h5py.File(tmp_path / "b.h5") as other:
        pairs = [*zip(one.attrs["layer_names"], other.attrs["layer_names"], strict=True)]
        changed = [pair for pair in pairs if pair[0] != pair[1]]
        assert len(changed) == 1
        assert changed[0][0].startswith(b"layer_")
        assert not changed[0][1].startswith(b"layer_")
        mine, its = changed[0]
        assert [*one[mine].attrs["weight_names"]] == [*other[its].attrs["weight_names"]]


def test_shards_that_nothing_asks_for(tmp_path: Path) -> None:
    """One file is one file, whatever its size."""
    source = named(tmp_path / "w.weights.h5", "a")
    done = export(source, str(tmp_path / "w.npz"), Options(shard_bytes=1))
    assert [(each.code, each.strict) for each in done.findings] == [("shards-unused", True)]


def test_a_model_that_nothing_asks_for(tmp_path: Path) -> None:
    """Nobody shall believe that the weights were compared with it."""
    source = named(tmp_path / "w.weights.h5", "a")
    done = export(source, str(tmp_path / "w.npz"), model(tmp_path, ("Dense", "a", DENSE)))
    assert [(finding.code, finding.strict) for finding in done.findings] == [("model-unused", True)]


def test_a_model_that_counts_instead_of_the_files_own(tmp_path: Path) -> None:
    """Of a whole model the layers are placed by `--model`: it is not said to be unused."""
    source = named(tmp_path / "w.weights.h5", "a")
    options = model(tmp_path, ("Dense", "a", DENSE))
    export(source, str(tmp_path / "m.keras"), options)
    done = export(str(tmp_path / "m.keras"), str(tmp_path / "m.h5"), options, chosen="h5")
    assert done.findings == ()


@pytest.mark.parametrize("dest", ["b.npz", "b.weights.h5", "b.safetensors"])
def test_a_shard_that_is_missing(tmp_path: Path, dest: str) -> None:
    """Its weights are not left out, as if there had been none."""
    arrays = {f"layers/dense_{n}/vars/0": np.full((100,), n, "float32") for n in range(3)}
    source = weights(tmp_path / "a.weights.h5", arrays)
    export(source, str(tmp_path / "s.weights.json"), Options(shard_bytes=500))
    (tmp_path / "s_00001.weights.h5").unlink()
    with pytest.raises(DamagedError, match="s_00001"):
        export(str(tmp_path / "s.weights.json"), str(tmp_path / dest))
    assert not (tmp_path / dest).exists()
