"""An export reads its source with the checksums that it has, and says what is not finite."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from ckptsel.conversion.converter import Options
from ckptsel.errors import DamagedError, StrictError
from ckptsel.selection import Query, select
from ckptsel.transfer.export import export
from tests.conversion.made import weights

ROOT = Path(__file__).parents[2]
ARCHIVE = ROOT / "docs/examples/runs/whole-models/epoch10-val_loss0.2544-val_accuracy0.9178.keras"
KERNEL = "layers/dense/vars/0"


def flipped(source: Path, dest: Path, needle: bytes) -> str:
    """A copy in which one bit of a weight is another, so that it is another finite number."""
    data = bytearray(source.read_bytes())
    data[data.index(needle) + 2] ^= 1
    dest.write_bytes(data)
    return str(dest)


def kernel() -> bytes:
    """The bytes of one weight of the sample."""
    with (
        zipfile.ZipFile(ARCHIVE) as archive,
        archive.open("model.weights.h5") as member,
        h5py.File(member) as file,
    ):
        return bytes(file[KERNEL][()].tobytes())


@pytest.mark.parametrize(
    ("dest", "options"),
    [
        ("o.npz", {}),
        ("o.safetensors", {}),
        ("o.keras", {}),
        ("o.weights.json", {}),
        ("o.h5", {"chosen": "h5"}),
        ("o.weights.h5", {}),
        ("o.weights.h5", {"check": False}),
        ("o.weights.h5", {"dry_run": True}),
        ("o.npz", {"dry_run": True}),
        ("o.weights.h5", {"options": Options(drop_optimizer=True)}),
        ("o.keras", {"options": Options(dtype="float16")}),
        ("o/", {"chosen": "savedmodel"}),
    ],
)
def test_a_changed_bit_of_an_archive(tmp_path: Path, dest: str, options: dict[str, Any]) -> None:
    """The zip's checksum tells, and what was made of it would have a new one that is right."""
    if dest == "o/":
        pytest.importorskip("tensorflow")
    source = flipped(ARCHIVE, tmp_path / "m.keras", kernel())
    with pytest.raises(DamagedError, match=r"model\.weights\.h5"):
        export(source, str(tmp_path / dest), **options)
    assert [path.name for path in tmp_path.iterdir()] == ["m.keras"]


def test_a_changed_bit_of_the_best(tmp_path: Path) -> None:
    """The best of a ranking is not given away either, and nothing else takes its place."""
    run = tmp_path / "run"
    run.mkdir()
    flipped(ARCHIVE, run / "m-val_loss=0.1.keras", kernel())
    shutil.copy(ARCHIVE, run / "m-val_loss=0.2.keras")
    ranking = select(Query(locations=(str(run),), monitor="val_loss"))
    with pytest.raises(DamagedError, match=r"0\.1\.keras"):
        export(ranking, str(tmp_path / "o.npz"))
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def not_finite(folder: Path, value: float) -> str:
    """Weights with one value that is none."""
    kernel = np.ones((2, 2), "f4")
    kernel[1, 1] = value
    return weights(folder / "w.weights.h5", {KERNEL: kernel, "optimizer/vars/0": np.float32(3)})


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dry_run", [False, True])
def test_weights_that_are_not_finite(tmp_path: Path, value: float, dry_run: bool) -> None:
    """It is said, and an error under `--strict`: nothing stands at the destination then."""
    source = not_finite(tmp_path, value)
    with pytest.raises(StrictError, match="NaN or infinity"):
        export(source, str(tmp_path / "o.npz"), strict=True, dry_run=dry_run)
    assert [path.name for path in tmp_path.iterdir()] == ["w.weights.h5"]
    done = export(source, str(tmp_path / "o.npz"), dry_run=dry_run)
    assert [(each.code, each.path) for each in done.findings] == [("non-finite-weights", source)]
    assert KERNEL in done.findings[0].message


def test_bytes_that_are_passed_on(tmp_path: Path) -> None:
    """From `.keras` to `.weights.h5` too, where no value needs to be read to be written."""
    inner = tmp_path / "model.weights.h5"
    with zipfile.ZipFile(ARCHIVE) as old, zipfile.ZipFile(tmp_path / "m.keras", "w") as new:
        for name in ("config.json", "metadata.json"):
            new.writestr(name, old.read(name))
        inner.write_bytes(old.read(inner.name))
        with h5py.File(inner, "r+") as file:
            file[KERNEL][...] = np.nan
        new.write(inner, inner.name)
    done = export(str(tmp_path / "m.keras"), str(tmp_path / "o.weights.h5"))
    assert [each.code for each in done.findings] == ["non-finite-weights"]


def test_a_state_that_is_not_finite(tmp_path: Path) -> None:
    """Weights that are finite are of use, whatever stands beside them."""
    arrays = {KERNEL: np.ones(2, "f4"), "optimizer/vars/0": np.float32(np.nan)}
    source = weights(tmp_path / "w.weights.h5", arrays)
    assert export(source, str(tmp_path / "o.npz"), strict=True).findings == ()
