"""`.keras` → `.weights.h5`: the member's bytes, however they are packed; damage is found."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from ckptsel.errors import ConversionError, DamagedError
from ckptsel.formats.window import Window
from ckptsel.transfer.export import export
from tests.conversion.made import config, with_config_of_another_model

ARCHIVE = (
    Path(__file__).parents[2]
    / "docs/examples/runs/whole-models/epoch10-val_loss0.2544-val_accuracy0.9178.keras"
)
MEMBER = "model.weights.h5"


def content() -> bytes:
    """What the member holds."""
    with zipfile.ZipFile(ARCHIVE) as archive:
        return archive.read(MEMBER)


@pytest.mark.parametrize("packed", ["stored", "deflated", "folder"])
def test_the_bytes_are_the_members(tmp_path: Path, packed: str) -> None:
    """From Keras's own zip, from one that was packed again, and from an unzipped model."""
    source = tmp_path / "m.keras"
    with zipfile.ZipFile(ARCHIVE) as archive:
        if packed == "folder":
            archive.extractall(source)
        else:
            kind = zipfile.ZIP_STORED if packed == "stored" else zipfile.ZIP_DEFLATED
            with zipfile.ZipFile(source, "w", kind) as again:
                for name in archive.namelist():
                    again.writestr(name, archive.read(name))
    export(str(source), str(tmp_path / "w.weights.h5"))
    assert (tmp_path / "w.weights.h5").read_bytes() == content()


def test_a_source_that_shrinks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the source that is damaged, not the disk that is written to."""

    def shrunk(*_: Any) -> int:
        raise OSError("the file became shorter while it was read")

    monkeypatch.setattr(Window, "readinto", shrunk)
    with pytest.raises(DamagedError, match="became shorter"):
        export(str(ARCHIVE), str(tmp_path / "w.weights.h5"))
    assert not [*tmp_path.iterdir()]


def test_a_changed_bit_is_damage(tmp_path: Path) -> None:
    """The zip's own checksum tells, and the source is named, not the disk."""
    data = bytearray(ARCHIVE.read_bytes())
    at = data.index(content()[:8]) + len(content()) // 2
    data[at] ^= 1
    source = tmp_path / "m.keras"
    source.write_bytes(data)
    with pytest.raises(DamagedError, match=r"m\.keras"):
        export(str(source), str(tmp_path / "w.weights.h5"))
    assert [path.name for path in tmp_path.iterdir()] == ["m.keras"]


def test_weights_that_are_pickled(tmp_path: Path) -> None:
    """A model that was saved with an npz holds no HDF5, and reading it would run code."""
    source = tmp_path / "m.keras"
    with zipfile.ZipFile(ARCHIVE) as archive, zipfile.ZipFile(source, "w") as again:
        for name in ("config.json", "metadata.json"):
            again.writestr(name, archive.read(name))
        again.writestr("model.weights.npz", b"")
    with pytest.raises((ConversionError, DamagedError)):
        export(str(source), str(tmp_path / "w.weights.h5"))
    assert [path.name for path in tmp_path.iterdir()] == ["m.keras"]


def _archived(path: Path, weights: bytes) -> str:
    """A whole model with another member for its weights."""
    with zipfile.ZipFile(ARCHIVE) as archive, zipfile.ZipFile(path, "w") as again:
        for name in ("config.json", "metadata.json"):
            again.writestr(name, archive.read(name))
        again.writestr(MEMBER, weights)
    return str(path)


@pytest.mark.parametrize("options", [{}, {"check": False}, {"dry_run": True}])
@pytest.mark.parametrize("weights", [b"no hdf5 at all", b"", content()[:-1000]])
def test_a_member_that_is_no_hdf5(tmp_path: Path, weights: bytes, options: dict[str, Any]) -> None:
    """Whatever else stands under the name of the weights, or is cut off, is not passed on."""
    source = _archived(tmp_path / "m.keras", weights)
    with pytest.raises(DamagedError):
        export(source, str(tmp_path / "w.weights.h5"), **options)
    assert [path.name for path in tmp_path.iterdir()] == ["m.keras"]


@pytest.mark.parametrize(
    "fault", ["external-link", "external-storage", "dangling", "soft", "empty"]
)
@pytest.mark.parametrize("dest", ["w.weights.h5", "w.npz"])
def test_weights_that_are_elsewhere(tmp_path: Path, fault: str, dest: str) -> None:
    """What leads out of the member, or nowhere, would be missing in what is written."""
    made = tmp_path / "made.h5"
    with h5py.File(made, "w") as file:
        if fault != "empty":
            file["layers/dense/vars/0"] = np.ones((2, 2), "float32")
        if fault == "external-link":
            file["layers/dense/vars/1"] = h5py.ExternalLink("other.h5", "/x")
        elif fault == "external-storage":
            (tmp_path / "raw").write_bytes(bytes(8))
            file.create_dataset(
                "layers/dense/vars/1", (2,), "f4", external=[(str(tmp_path / "raw"), 0, 8)]
            )
        elif fault in ("dangling", "soft"):
            to = "/layers/dense/vars/0" if fault == "soft" else "/nowhere"
            file["layers/dense/vars/1"] = h5py.SoftLink(to)
    source = _archived(tmp_path / "m.keras", made.read_bytes())
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises((ConversionError, DamagedError)):
        export(source, str(tmp_path / dest))
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_model_without_weights(tmp_path: Path) -> None:
    """A model that only rescales has an empty member, which is right."""
    made = tmp_path / "made.h5"
    h5py.File(made, "w").close()
    source = tmp_path / "m.keras"
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr("config.json", json.dumps(config(("Rescaling", "r", {"scale": 2.0}))))
        archive.writestr("metadata.json", "{}")
        archive.writestr(MEMBER, made.read_bytes())
    export(str(source), str(tmp_path / "w.weights.h5"))
    assert (tmp_path / "w.weights.h5").read_bytes() == made.read_bytes()


@pytest.mark.parametrize("name", ["w.weights.h5", "w.npz"])
def test_weights_of_another_model(tmp_path: Path, name: str) -> None:
    """A config that wants other weights is damage, which no export passes on."""
    source = with_config_of_another_model(ARCHIVE, tmp_path / "m.keras")
    with pytest.raises(DamagedError, match="config and weights disagree"):
        export(source, str(tmp_path / name))
    assert not (tmp_path / name).exists()
