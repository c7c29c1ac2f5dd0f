"""One bit of a value is another, in every format that has checksums: nothing is made of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ckptsel.conversion.converter import Options
from ckptsel.errors import DamagedError
from ckptsel.formats import open_contents
from ckptsel.transfer.export import export

if TYPE_CHECKING:
    from tests.conversion.conftest import Samples

# Sample → what it can become, with and without Keras.
BECOMES = {
    "k3-archive-sequential": [
        "o.npz",
        "o.safetensors",
        "o.keras",
        "o.h5",
        "o.weights.h5",
        "o.ckpt",
    ],
    "k3-prefix-sequential": ["o.npz", "o.safetensors", "o.h5", "o.keras", "o.weights.h5", "o.ckpt"],
    "k3-saved-sequential": ["o.npz", "o.safetensors", "o.tflite"],
    "k3-npz-sequential": ["o.safetensors", "o.npz"],
    "pt-archive-linear": ["o.npz", "o.safetensors"],
    "tf-old-product": ["o.npz"],
}
PAIRS = [(sample, dest) for sample, targets in BECOMES.items() for dest in targets]


def changed(path: str, folder: Path) -> str:
    """A copy of a checkpoint in which the first value of a weight has another bit."""
    for each in Path(path).parent.glob(Path(path).name + "*"):
        if each.suffix == ".meta":
            continue  # The graph holds the value, too, and is not read.
        copy = shutil.copytree if each.is_dir() else shutil.copy
        copy(each, folder / each.name)
    with open_contents(path) as contents:
        largest = max(
            (t for t in contents.tensors if t.role == "weight"), key=lambda t: t.size_bytes
        )
        needle = contents.read(largest).tobytes()
    found = [each for each in folder.rglob("*") if each.is_file() and needle in each.read_bytes()]
    assert len(found) == 1, "the values stand in one file, as they are"
    data = bytearray(found[0].read_bytes())
    data[data.index(needle) + 1] ^= 1
    found[0].write_bytes(data)
    return str(folder / Path(path).name)


@pytest.mark.parametrize(("sample", "dest"), PAIRS)
def test_a_changed_bit(samples: Samples, tmp_path: Path, sample: str, dest: str) -> None:
    """The old checksum tells; the new one would be right, and the value wrong for ever."""
    source = changed(samples.path(sample), tmp_path)
    before = sorted(os.listdir(tmp_path))
    needs_model = "prefix" in sample and dest != "o.h5" and not dest.endswith(("npz", "tensors"))
    model = str(samples.folder / "sequential.json") if needs_model else ""
    chosen = "h5" if dest == "o.h5" else None
    with pytest.raises(DamagedError):
        export(source, str(tmp_path / dest), Options(model=model), chosen=chosen)
    assert sorted(os.listdir(tmp_path)) == before
