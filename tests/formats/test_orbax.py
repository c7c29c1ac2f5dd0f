"""Step folders that Orbax wrote, sound and damaged, with tensorstore and without."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from ckptsel.errors import DamagedError, MissingExtraError
from ckptsel.formats import format_of, open_contents, orbax_arrays
from ckptsel.formats.orbax import FORMAT
from tests.formats.conformance import FormatConformance
from tests.formats.orbax_samples import DATA, LAYOUTS, expected, kernel, write
from tests.formats.samples import Sample

if TYPE_CHECKING:
    from pathlib import Path

    from ckptsel.formats.contents import Contents


def codes(findings: Any) -> list[str]:
    """The codes of findings."""
    return [finding.code for finding in findings]


def damage(folder: Path) -> list[str]:
    """The codes of the damage in a folder."""
    with FORMAT.open(str(folder)) as contents:
        return codes(contents.damage("full"))


def change(file: Path, **values: Any) -> None:
    """Change some values in a file of JSON."""
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest) -> str:
    """Each layout."""
    return str(request.param)


@pytest.fixture
def ocdbt(tmp_path: Path) -> Path:
    """A step of several items, arrays in a database."""
    shutil.copytree(os.path.join(DATA, "orbax-ocdbt"), tmp_path / "3")
    return tmp_path / "3"


@pytest.fixture
def zarr(tmp_path: Path) -> Path:
    """A step of one tree, arrays in files."""
    shutil.copytree(os.path.join(DATA, "orbax-zarr"), tmp_path / "step")
    return tmp_path / "step"


@pytest.fixture
def no_tensorstore(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if tensorstore were not installed."""
    monkeypatch.setattr(orbax_arrays, "find_spec", lambda _: None)


class OrbaxConformance(FormatConformance):
    """What every format keeps, of folders that Orbax wrote."""

    module = "orbax"
    never_imported = (*FormatConformance.never_imported, "orbax", "jax")
    layout: ClassVar[str]
    truncations = 25
    flips = 50

    @pytest.fixture
    def sample(self, tmp_path_factory: pytest.TempPathFactory) -> Sample:
        """A copy of a folder below `data`."""
        pytest.importorskip("tensorstore")
        path = tmp_path_factory.mktemp("sound") / "3"
        shutil.copytree(os.path.join(DATA, self.layout), path)
        return Sample(str(path), "orbax", expected())


class TestOcdbt(OrbaxConformance):
    """Arrays in a database, as Orbax writes them by default; its values have no checksums."""

    layout = "orbax-ocdbt"


class TestZarr(OrbaxConformance):
    """Arrays in files of zarr 2."""

    layout = "orbax-zarr"


class TestZarr3(OrbaxConformance):
    """Arrays in files of zarr 3."""

    layout = "orbax-zarr3"


def test_what_orbax_writes_today(layout: str, tmp_path: Path) -> None:
    """The samples below `data` are what the installed Orbax writes, and so are the values."""
    pytest.importorskip("orbax.checkpoint", reason="orbax-checkpoint is not installed")
    with open_contents(write(layout, str(tmp_path))) as contents:
        assert list(contents.damage("full")) == []
        found = {tensor.path: contents.read(tensor) for tensor in contents.tensors}
        bias = next(tensor for tensor in contents.tensors if tensor.path.endswith("bias"))
        assert (bias.dtype, bias.size_bytes) == ("bfloat16", 6)
    assert list(found) == list(expected())
    for path, values in expected().items():
        assert found[path].tobytes() == values.tobytes()


def test_facts(ocdbt: Path) -> None:
    """When it was saved, the metrics beside it, and what the user added."""
    with open_contents(str(ocdbt)) as contents:
        facts = contents.facts
        assert contents.kind == "orbax"
    assert (facts.framework, facts.metrics) == ("orbax", {"val_loss": 0.5})
    assert facts.more["run"] == "first"
    assert facts.saved.endswith("+00:00")


@pytest.mark.usefixtures("no_tensorstore")
class TestWithoutTensorstore:
    """What is left where the extra is not installed."""

    def test_a_database_is_not_listed(self, ocdbt: Path) -> None:
        """How many arrays there are is known, and what to install."""
        with open_contents(str(ocdbt)) as contents:
            assert (contents.lists_tensors, list(contents.tensors)) == (False, [])
            assert contents.facts.more["tensors"].startswith("5, listed only with tensorstore")
            assert list(contents.damage("full")) == []

    @pytest.mark.parametrize("layout", ["orbax-zarr", "orbax-zarr3"], indirect=True)
    def test_files_are_listed_and_not_read(self, layout: str) -> None:
        """Shapes, types and roles stand in JSON; values need the extra."""
        with open_contents(os.path.join(DATA, layout)) as contents:
            assert contents.lists_tensors
            listed = {t.path: (t.shape, t.dtype, t.size_bytes, t.role) for t in contents.tensors}
            assert listed == {
                "opt_state/0/mu": ((3,), "float32", 12, "optimizer"),
                "opt_state/1/count": ((), "int32", 4, "optimizer"),
                "params/dense/bias": ((3,), "bfloat16", 6, "weight"),
                "params/dense/kernel": ((40, 30), "float32", 4800, "weight"),
                "step": ((), "int64", 8, "other"),
            }
            assert list(contents.damage("full")) == []
            with pytest.raises(MissingExtraError) as error:
                contents.read(contents.tensors[0])
            assert "ckptsel[orbax]" in error.value.hint


def test_two_trees(ocdbt: Path) -> None:
    """With several trees, the item's name comes first."""
    pytest.importorskip("tensorstore")
    shutil.copytree(ocdbt / "state", ocdbt / "ema")
    with open_contents(str(ocdbt)) as contents:
        assert [t.path for t in contents.tensors] == [*expected("ema/"), *expected("state/")]
        assert {t.role for t in contents.tensors} == {"weight", "optimizer", "other"}
        values = contents.read(next(t for t in contents.tensors if t.path.endswith("kernel")))
        assert np.array_equal(values, kernel())


class TestUnfinished:
    """Folders that Orbax did not come to rename, or to mark."""

    def test_a_temporary_name(self, ocdbt: Path) -> None:
        """The folder's own name says that it is not done."""
        target = ocdbt.with_name("3.orbax-checkpoint-tmp")
        ocdbt.rename(target)
        assert format_of(str(target)) is FORMAT
        assert damage(target) == ["unfinished"]

    def test_a_temporary_item(self, ocdbt: Path) -> None:
        """One of the items is not done."""
        (ocdbt / "state").rename(ocdbt / "state.orbax-checkpoint-tmp")
        assert "unfinished" in damage(ocdbt)

    def test_an_item_without_its_mark(self, ocdbt: Path) -> None:
        """Marks are in use, and one is missing."""
        (ocdbt / "state" / "commit_success.txt").unlink()
        assert damage(ocdbt) == ["unfinished"]

    def test_no_marks_at_all(self, zarr: Path) -> None:
        """Older versions of Orbax wrote none on local disks."""
        (zarr / "commit_success.txt").unlink()
        assert damage(zarr) == []

    def test_no_time_of_the_end(self, zarr: Path) -> None:
        """The metadata know a beginning only."""
        change(zarr / "_CHECKPOINT_METADATA", commit_timestamp_nsecs=None)
        assert damage(zarr) == ["unfinished"]

    def test_no_items(self, ocdbt: Path) -> None:
        """Nothing but metadata was written, as when a save fails early."""
        for item in ("state", "metrics"):
            shutil.rmtree(ocdbt / item)
        assert damage(ocdbt) == ["unfinished", "missing-item", "missing-item"]


def test_a_missing_item(ocdbt: Path) -> None:
    """The metadata name an item that is gone."""
    shutil.rmtree(ocdbt / "metrics")
    assert damage(ocdbt) == ["missing-item"]


@pytest.mark.parametrize("text", [b"", b"\x0c\xdb\x3a\x2a", b"\x0c\xdb\x3a\x2a" + b"\xff" * 40])
def test_a_broken_manifest(ocdbt: Path, text: bytes) -> None:
    """The database's first file is shorter than it says, or none."""
    (ocdbt / "state" / "manifest.ocdbt").write_bytes(text)
    assert damage(ocdbt)[0] == "ocdbt-manifest"


def test_a_missing_array(zarr: Path) -> None:
    """The tree names an array that is gone."""
    shutil.rmtree(zarr / "params.dense.kernel")
    assert damage(zarr) == ["orbax-tree"]
    with open_contents(str(zarr)) as contents, pytest.raises(DamagedError, match="kernel"):
        _ = contents.tensors


@pytest.mark.parametrize("file", ["_METADATA", "_CHECKPOINT_METADATA"])
@pytest.mark.parametrize("text", ["", "[" * 10_000, "[]", '{"a": 1, "a": 1}', "\x00"])
def test_json_that_makes_no_sense(zarr: Path, file: str, text: str) -> None:
    """Broken metadata are damage."""
    (zarr / file).write_text(text)
    assert damage(zarr) == ["orbax-tree"]


def leaf(*keys: object, value_type: object = "np.ndarray") -> dict[str, Any]:
    """An entry of the tree."""
    return {
        "key_metadata": [{"key": key, "key_type": 2} for key in keys],
        "value_metadata": {"value_type": value_type, "skip_deserialize": False},
    }


@pytest.mark.parametrize(
    "tree",
    [
        [],
        1,
        {"a": 1},
        {"a": {}},
        {"a": leaf()},
        {"a": leaf("a", value_type=1)},
        {"a": {**leaf("a"), "key_metadata": [1]}},
        {"a": leaf("../orbax-zarr/step")},
        {"a": leaf("/etc")},
        {"a": leaf("a\0b")},
        {"a": leaf("", "", "", "etc")},
    ],
)
def test_trees_that_make_no_sense(zarr: Path, tree: object) -> None:
    """A tree is no way out of the folder, and whatever it holds is damage at most."""
    change(zarr / "_METADATA", tree_metadata=tree)
    assert damage(zarr) == ["orbax-tree"]


@pytest.mark.parametrize(
    "values",
    [
        {"shape": [-1]},
        {"shape": [1.5]},
        {"shape": None},
        {"shape": [0, 2**63]},
        {"shape": [1] * 65},
        {"dtype": "<q9"},
        {"dtype": 1},
        {"dtype": [["a", "<f4"]]},
    ],
)
def test_arrays_that_make_no_sense(zarr: Path, values: dict[str, Any]) -> None:
    """An array's metadata are checked before they are used."""
    change(zarr / "step" / ".zarray", **values)
    assert damage(zarr) == ["orbax-tree"]


@pytest.mark.parametrize("shape", [[2**40], [2**28, 2**28], [3] * 30])
def test_an_array_that_claims_to_be_large(zarr: Path, shape: list[int]) -> None:
    """Values that may be left out, because they are all the same, are not made up without end."""
    pytest.importorskip("tensorstore")
    change(zarr / "step" / ".zarray", shape=shape, chunks=[1] * len(shape))
    assert damage(zarr) == ["orbax-values"]


def test_odd_facts(zarr: Path) -> None:
    """Times and metrics that make no sense are left out."""
    change(zarr / "_CHECKPOINT_METADATA", commit_timestamp_nsecs=10**40, custom_metadata=[1])
    (zarr / "metrics").mkdir()
    (zarr / "metrics" / "metrics").write_text('{"a": NaN, "b": "x", "c": true, "d": 2}')
    with open_contents(str(zarr)) as contents:
        assert (contents.facts.saved, contents.facts.metrics) == ("", {"d": 2.0})


def test_large_arrays_come_in_pieces(tmp_path: Path) -> None:
    """Arrays are cut along their dimensions, in order."""
    tensorstore = pytest.importorskip("tensorstore")
    folder = tmp_path / "step"
    folder.mkdir()
    values = np.arange(3 * 2**20, dtype="f8").reshape(1, 3, 2**20)
    path = str(folder / "a") + "/"
    metadata = {"shape": values.shape, "chunks": [1, 2, 2**20], "dtype": "<f8"}
    spec = {"driver": "zarr", "kvstore": {"driver": "file", "path": path}, "metadata": metadata}
    tensorstore.open(spec, create=True).result()[...] = values
    (folder / "_METADATA").write_text(json.dumps({"tree_metadata": {"a": leaf("a")}}))

    def pieces(contents: Contents) -> list[Any]:
        return list(contents.pieces(contents.tensors[0]))

    with open_contents(str(folder)) as contents:
        assert [piece.nbytes for piece in pieces(contents)] == [8 * 2**20] * 3
        assert np.array_equal(np.concatenate(pieces(contents)), values.reshape(-1))
