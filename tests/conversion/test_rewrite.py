"""Rewriting: the same file but for its values, which real frameworks then read."""

from __future__ import annotations

import os
import zipfile
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from ckptsel.conversion.rewrite import rewrite
from ckptsel.errors import ConversionError, DamagedError
from ckptsel.formats import open_contents
from tests.conversion.rewritten import read, rewritten
from tests.formats.keras.samples import sample_path

if TYPE_CHECKING:
    from pathlib import Path


KERAS = (
    "archive",
    "archive-folder",
    "archive-nested",
    "bfloat16",
    "legacy-chunked",
    "legacy-weights",
    "legacy-whole",
    "nested",
    "sequential",
    "subclassed",
    "tf-keras",
    "tf-keras-archive",
    "tf-keras-whole",
)


def test_narrowing_rounds_once() -> None:
    """bfloat16 from float64 is the nearest, ties to even, where two roundings would miss it."""
    from ckptsel.formats.narrow_floats import narrow, widen  # noqa: PLC0415

    chance = np.random.default_rng(1)
    values = np.concatenate(
        [
            chance.normal(size=5000),
            # Next to the middle between two bfloat16, nearer than a float32 can tell.
            1 + 2.0**-8 + 2.0**-40 * np.array([-1, 0, 1]),
            -1 - 3 * 2.0**-8 + 2.0**-40 * np.array([-1, 0, 1]),
            [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-42, 3.3e38],
        ]
    )
    every = np.arange(2**16, dtype=np.uint16)
    with np.errstate(invalid="ignore"):  # Some of the codes are NaNs that signal.
        table = widen(every, "bfloat16").astype(np.float64)
    finite = np.isfinite(table)
    found = narrow(values)
    for value, code in zip(values, found, strict=True):
        if not np.isfinite(value):
            np.testing.assert_equal(table[code], value)
            continue
        distance = np.abs(table[finite] - value)
        nearest = every[finite][distance == distance.min()]
        assert np.signbit(table[code]) == np.signbit(value)
        assert abs(table[code] - value) == distance.min()
        # Zero is there twice.
        assert len({table[each] for each in nearest}) == 1 or code % 2 == 0


@pytest.mark.parametrize("sample", KERAS)
def test_the_same_values_give_the_same_bytes(
    sample: str, keras_folder: str, tmp_path: Path
) -> None:
    """Nothing but the values is touched: a rewrite with the old ones is the old file."""
    path = sample_path(keras_folder, sample)
    dest = tmp_path / os.path.basename(path)
    rewritten(path, dest)
    for at, _, names in os.walk(path):
        for name in names:
            file = os.path.join(at, name)
            assert (dest / os.path.relpath(file, path)).read_bytes() == _bytes(file)
    if os.path.isfile(path):
        assert dest.read_bytes() == _bytes(path)


def _bytes(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


@pytest.mark.parametrize("sample", KERAS)
def test_other_values(sample: str, keras_folder: str, tmp_path: Path) -> None:
    """Floats become what they are told to, integers stay; checksums of archives fit."""
    path = sample_path(keras_folder, sample)
    found = rewritten(path, tmp_path / os.path.basename(path), lambda piece: piece * 2)
    for name, value in read(path).items():
        wanted = value * 2 if value.dtype.kind == "f" else value
        np.testing.assert_array_equal(found[name], wanted)


@pytest.mark.parametrize("sample", KERAS)
@pytest.mark.parametrize("options", [{"dtype": "float16"}, {"drop_optimizer": True}], ids=str)
def test_built_anew(
    sample: str, options: dict[str, Any], keras_folder: str, tmp_path: Path
) -> None:
    """Other types, and no optimizer: attributes and groups are as they were."""
    path = sample_path(keras_folder, sample)
    dest = tmp_path / os.path.basename(path)
    found = rewritten(path, dest, **options)
    with open_contents(path) as contents:
        for tensor in contents.tensors:
            if options.get("drop_optimizer") and tensor.role == "optimizer":
                assert tensor.path not in found
                continue
            old = contents.read(tensor)
            if "dtype" in options and tensor.role == "weight" and old.dtype.kind == "f":
                old = old.astype("float16")
            np.testing.assert_array_equal(found[tensor.path], old)
            assert found[tensor.path].dtype == old.dtype
    if path.endswith(".h5"):
        gone = {"optimizer", "optimizer_weights"} if options.get("drop_optimizer") else set()
        assert _attributes(str(dest)) == {
            at: each for at, each in _attributes(path).items() if gone.isdisjoint(at.split("/"))
        }


def _attributes(path: str) -> dict[str, list[tuple[str, str]]]:
    found = {}
    with h5py.File(path) as file:

        def look(at: str, thing: Any) -> None:
            found[at] = [
                (name, repr(value)) for name, value in thing.attrs.items() if name != "dtype"
            ]

        look("", file)
        file.visititems(look)
    return found


def odd_hdf5(path: str) -> None:
    """Compressed chunks, creation order, soft and second links, a user block, big endian."""
    chance = np.random.default_rng(2)
    with h5py.File(path, "w", track_order=True, userblock_size=512) as file:
        layers = file.create_group("layers", track_order=True)
        for name in ("z", "a"):
            group = layers.create_group(f"{name}/vars", track_order=True)
            group.attrs["name"] = name
            group.attrs["texts"] = np.array(["ä", "b"], h5py.string_dtype())
            group.attrs["nothing"] = h5py.Empty("f4")
            group.create_dataset(
                "0",
                data=chance.normal(size=(700, 40)),
                chunks=(33, 7),
                compression="gzip",
                shuffle=True,
                fletcher32=True,
            )
            group.create_dataset("1", data=chance.normal(size=3).astype(">f4"))
            group.create_dataset("2", data=np.int64(7))
            group.create_dataset("3", data=np.zeros((0, 4), "float32"))
        layers["soft"] = h5py.SoftLink("/layers/z")
        layers["twice"] = layers["a"]


def test_compressed_chunks(tmp_path: Path) -> None:
    """Layout, filters, orders and links are the source's; h5py reads the new values."""
    source, dest = str(tmp_path / "w.weights.h5"), str(tmp_path / "new.weights.h5")
    odd_hdf5(source)
    rewritten(source, dest, lambda piece: piece + 1)
    with h5py.File(source) as old, h5py.File(dest) as new:
        assert new.userblock_size == 512
        assert list(new["layers"]) == list(old["layers"]) == ["z", "a", "soft", "twice"]
        assert new["layers"].get("soft", getlink=True).path == "/layers/z"
        assert new["layers/twice"] == new["layers/a"]
        for at in ("layers/z/vars", "layers/a/vars"):
            assert list(new[at].attrs) == ["name", "texts", "nothing"]
            assert new[at].attrs["texts"].tolist() == ["ä", "b"]
            chunked = new[at]["0"]
            assert (chunked.chunks, chunked.compression) == ((33, 7), "gzip")
            assert chunked.shuffle
            assert chunked.fletcher32
            np.testing.assert_array_equal(chunked[...], old[at]["0"][...] + 1)
            assert new[at]["1"].dtype == ">f4"
            np.testing.assert_array_equal(new[at]["1"][...], old[at]["1"][...] + 1)
            assert new[at]["2"][()] == 7
    assert os.path.getsize(dest) < 1.2 * os.path.getsize(source)


def test_a_link_elsewhere_is_not_carried_into_a_new_file(tmp_path: Path) -> None:
    """What is built anew holds nothing that leads out of it, and nothing is lost unsaid."""
    source = str(tmp_path / "w.weights.h5")
    odd_hdf5(source)
    with h5py.File(source, "a") as file:
        file["layers/far"] = h5py.ExternalLink("/etc/passwd", "/x")
    with pytest.raises(ConversionError, match="layers/far is a link to another file"):
        rewritten(source, tmp_path / "new.weights.h5")


def test_an_archive_packed_again(keras_folder: str, tmp_path: Path) -> None:
    """A compressed .keras stays one, with its members in their order."""
    packed = str(tmp_path / "packed.keras")
    with (
        zipfile.ZipFile(sample_path(keras_folder, "archive")) as old,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for info in reversed(old.infolist()):
            new.writestr(info.filename, old.read(info))
        new.comment = b"mine"
    dest = str(tmp_path / "new.keras")
    found = rewritten(packed, dest, lambda piece: piece * 2)
    assert sorted(os.listdir(tmp_path)) == ["new.keras", "packed.keras"]
    for name, value in read(packed).items():
        np.testing.assert_array_equal(found[name], value * (2 if value.dtype.kind == "f" else 1))
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(dest) as new:
        assert new.comment == b"mine"
        assert new.namelist() == old.namelist()
        assert {info.compress_type for info in new.infolist()} == {zipfile.ZIP_DEFLATED}
        assert new.read("config.json") == old.read("config.json")


def test_checksums_behind_the_data(keras_folder: str, tmp_path: Path) -> None:
    """An archive written to a pipe has its checksums behind the members."""
    source = str(tmp_path / "streamed.keras")

    class Pipe:
        """A file that cannot be sought."""

        def __init__(self) -> None:
            self.data = b""

        def write(self, data: bytes) -> int:
            """Take bytes."""
            self.data += bytes(data)
            return len(data)

        def flush(self) -> None:
            """Do nothing."""

    pipe = Pipe()
    with (
        zipfile.ZipFile(sample_path(keras_folder, "archive")) as old,
        zipfile.ZipFile(pipe, "w") as new,  # type: ignore[call-overload]
    ):
        for info in old.infolist():
            new.writestr(info.filename, old.read(info))
    with open(source, "wb") as file:
        file.write(pipe.data)
    dest = str(tmp_path / "new.keras")
    found = rewritten(source, dest, lambda piece: piece * 3)
    with zipfile.ZipFile(dest) as archive:
        assert archive.testzip() is None
    value = next(value for name, value in read(source).items() if name.endswith("dense/vars/0"))
    assert any(np.array_equal(value * 3, each) for each in found.values())


def test_pickled_weights_are_refused(keras_folder: str, tmp_path: Path) -> None:
    """Reading them would run their code."""
    source = os.path.join(keras_folder, "npz", "m.keras")
    with pytest.raises(ConversionError, match="pickled"):
        rewritten(source, tmp_path / "new.keras")


def test_too_large_for_the_type(tmp_path: Path) -> None:
    """An infinity is never made of a number."""
    source = str(tmp_path / "w.weights.h5")
    with h5py.File(source, "w") as file:
        file["layers/dense/vars/0"] = np.array([1.0, 70000.0], "float32")
        file["layers/dense/vars/1"] = np.array([np.inf, np.nan], "float32")
    with pytest.raises(ConversionError, match=r"vars/0 of .* too large for float16"):
        rewritten(source, tmp_path / "half.weights.h5", dtype="float16")
    found = rewritten(source, tmp_path / "brain.weights.h5", dtype="bfloat16")
    np.testing.assert_array_equal(found["layers/dense/vars/1"], [np.inf, np.nan])


def test_legacy_files_hold_no_bfloat16(keras_folder: str, tmp_path: Path) -> None:
    """Keras could not read it back."""
    source = sample_path(keras_folder, "legacy-weights")
    with pytest.raises(ConversionError, match="bfloat16"):
        rewritten(source, tmp_path / "w.h5", dtype="bfloat16")


@pytest.mark.parametrize("count", [3, 5])
def test_as_many_values_as_there_were(count: int, tmp_path: Path) -> None:
    """Too few or too many never become a file that only looks right."""
    source = str(tmp_path / "w.weights.h5")
    with h5py.File(source, "w") as file:
        file["layers/dense/vars/0"] = np.ones(4, "float32")
    with pytest.raises(ConversionError, match=f"4 values, and {count} were given"):
        rewrite(source, str(tmp_path / "n.weights.h5"), lambda _: iter([np.ones(count)]))


def test_a_truncated_source(keras_folder: str, tmp_path: Path) -> None:
    """What cannot be read whole is not written."""
    source = str(tmp_path / "w.weights.h5")
    with open(source, "wb") as file:
        file.write(_bytes(sample_path(keras_folder, "sequential"))[:-2000])
    with pytest.raises(DamagedError):
        rewritten(source, tmp_path / "new.weights.h5")
