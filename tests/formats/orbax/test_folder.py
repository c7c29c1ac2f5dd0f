"""Step folders that Orbax wrote, read with tensorstore and without."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from ckptsel.errors import MissingExtraError
from ckptsel.formats import open_contents
from ckptsel.formats.orbax import arrays as orbax_arrays
from tests.formats.conformance import FormatConformance
from tests.formats.orbax.samples import DATA, LAYOUTS, expected, kernel, leaf, write
from tests.formats.samples import Sample

if TYPE_CHECKING:
    from pathlib import Path

    from ckptsel.formats.contents import Contents


def codes(findings: Any) -> list[str]:
    """The codes of findings."""
    return [finding.code for finding in findings]


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

    module = "orbax.folder"
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
