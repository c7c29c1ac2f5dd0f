"""How a checkpoint is loaded: every row of the table against the real Keras."""

from __future__ import annotations

import json
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from ckptsel.formats import _MODULES, open_contents
from ckptsel.inspection.loading import _WAYS, how_to_load
from tests.inspection.inspect_samples import inspected_folder

if TYPE_CHECKING:
    from pathlib import Path

    from ckptsel.inspection.loading import Loading

__all__ = ["inspected_folder"]

SUFFIXES = (".keras", ".weights.h5", ".weights.json", ".h5", ".hdf5", ".ckpt", ".H5", "")
FILES = ("m.keras", "t.keras", "plain.keras", "w.weights.h5", "s.weights.json", "l.h5", "lw.h5")


def loading(path: str) -> Loading:
    """How a file is loaded."""
    with open_contents(path) as contents:
        return how_to_load(contents, path)


def test_every_format_has_a_row() -> None:
    """There is a way for each format, and no way for a format that is none."""
    names = {import_module(f"ckptsel.formats.{module}").FORMAT.name for module in _MODULES}
    assert names <= set(_WAYS)
    assert set(_WAYS) - names <= {"keras folder", "h5 model", "orbax"}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("file", FILES)
def test_suffixes_as_keras_takes_them(inspected_folder: Path, file: str, suffix: str) -> None:
    """A problem is told exactly where Keras fails on the renamed file."""
    truth = json.loads((inspected_folder / "loads.json").read_text())
    found = loading(str(inspected_folder / f"renamed-{file}" / f"s{suffix}"))
    assert (found.problem == "") == truth[file][suffix], found


def test_a_folder_needs_no_suffix(inspected_folder: Path) -> None:
    """Keras takes an unzipped model under any name."""
    assert json.loads((inspected_folder / "loads.json").read_text())["folder"][""]
    found = loading(str(inspected_folder / "folder"))
    assert (found.call[:24], found.problem) == ("keras.models.load_model(", "")


def test_an_index_without_its_shards(inspected_folder: Path) -> None:
    """Keras looks for shards by the index's own name, so renaming the index loses them."""
    assert not json.loads((inspected_folder / "loads.json").read_text())["moved"][""]
    found = loading(str(inspected_folder / "renamed-s.weights.json" / "other.weights.json"))
    assert "other_00000.weights.h5" in found.problem


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("two", "tf.train.Checkpoint(model).read({!r})"),
        ("three", "tf.train.Checkpoint(model=model).read({!r})"),
        ("saved", "keras.layers.TFSMLayer({!r}, call_endpoint='serving_default')"),
        ("l.h5", "keras.models.load_model({!r}, compile=False)"),
        ("p.pt", "torch.load({!r}, weights_only=True)"),
        ("p.safetensors", "safetensors.numpy.load_file({!r})"),
        ("p.npz", "numpy.load({!r})"),
    ],
)
def test_calls(inspected_folder: Path, name: str, call: str) -> None:
    """The line of Python is the one that fits what was saved."""
    path = str(inspected_folder / name)
    assert loading(path).call == call.format(path)
    assert loading(path).problem == ""


def test_a_path_is_a_literal(tmp_path: Path, inspected_folder: Path) -> None:
    """Quotes and control characters of a name cannot break out of the line."""
    path = tmp_path / "a'); import os\n#.npz"
    path.write_bytes((inspected_folder / "p.npz").read_bytes())
    call = loading(str(path)).call
    assert "\n" not in call
    assert compile(call, "", "eval").co_names == ("numpy", "load")
