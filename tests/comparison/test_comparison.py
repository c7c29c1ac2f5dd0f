"""Two checkpoints, of whatever formats: the same or not, and by how much."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ckptsel.comparison.compare import Comparison, compare
from ckptsel.errors import (
    DamagedError,
    LocationNotFoundError,
    NothingFoundError,
    UnknownFormatError,
    UsageError,
)
from tests.conversion.made import with_config_of_another_model

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = Path(__file__).parents[2] / "docs" / "examples" / "runs"


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same models, each in many formats."""
    folder = tmp_path_factory.mktemp("models")
    command = [sys.executable, "-m", "tests.comparison.model_writer", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def npz(tmp_path: Path) -> Callable[..., Comparison]:
    """Compare two `.npz` files of one array each."""

    def of(a: Any, b: Any, **options: Any) -> Comparison:
        for name, array in (("a", a), ("b", b)):
            np.savez(tmp_path / f"{name}.npz", w=array)
        return compare(str(tmp_path / "a.npz"), str(tmp_path / "b.npz"), **options)

    return of


@pytest.mark.parametrize(
    "a, b, pairs",
    [
        ("k3.keras", "k3.weights.h5", {"path": 22}),
        ("k3.keras", "k3.h5", {"layer": 8, "order": 14}),
        ("k3.keras", "k3-checkpoint", {"layer": 8, "order": 14}),
        ("k3-checkpoint", "k3.h5", {"layer": 8, "order": 14}),
        ("k2.weights.h5", "k2-whole.h5", {"order": 21}),
    ],
)
def test_the_same_across_formats(models: Path, a: str, b: str, pairs: dict[str, int]) -> None:
    """One trained model is the same in every format, its optimizer included, either way round."""
    for first, second in ((a, b), (b, a)):
        found = compare(str(models / first), str(models / second))
        assert found.is_same, found
        assert found.identical == sum(pairs.values())


@pytest.mark.parametrize(
    "a, b, weights",
    [
        ("k2.weights.h5", "k2-checkpoint", 8),
        ("k2-checkpoint", "k2.h5", 8),
        ("alike.weights.h5", "alike.h5", 24),
    ],
)
def test_the_same_weights_across_formats(models: Path, a: str, b: str, weights: int) -> None:
    """Weights are paired however each format sorts layers and the variables in them."""
    found = compare(str(models / a), str(models / b), weights_only=True)
    assert found.is_same, found
    assert found.identical == weights


COMPOSITES = ("keras", "weights.h5", "h5", "npz", "safetensors")


@pytest.mark.parametrize("a", COMPOSITES)
@pytest.mark.parametrize("b", [*COMPOSITES, "checkpoint"])
def test_layers_in_layers(models: Path, a: str, b: str) -> None:
    """Layers alike in shape are paired by their names, whatever the format puts around those."""
    other = models / (f"composite.{b}" if b in COMPOSITES else f"composite-{b}")
    found = compare(str(models / f"composite.{a}"), str(other), weights_only=True)
    assert (found.is_same, found.identical) == (True, 54), found
    assert (found.doubtful, found.unsure) == (0, 0)


@pytest.mark.parametrize("a", [*COMPOSITES, "checkpoint"])
def test_layers_that_changed_places(models: Path, a: str) -> None:
    """Where both files name the layers, two that were swapped are found: order does not hide it."""
    one = models / (f"composite.{a}" if a in COMPOSITES else f"composite-{a}")
    found = compare(str(one), str(models / "composite-swapped.safetensors"), weights_only=True)
    assert (len(found.different), found.identical) == (6, 48)
    assert {d.pair.b.path.split("/")[0] for d in found.different} == {"query", "extra"}


def test_the_optimizer_counts(models: Path) -> None:
    """What only one of them holds is a difference, unless only weights are asked for."""
    found = compare(str(models / "k2.weights.h5"), str(models / "k2.h5"))
    assert (found.identical, len(found.only_a), found.only_b) == (8, 13, ())
    assert {tensor.role for tensor in found.only_a} == {"optimizer"}


def test_two_epochs_differ() -> None:
    """Real training moves every weight, and the count of steps."""
    a, b = sorted((RUNS / "every-epoch").glob("*.h5"))[:2]
    found = compare(str(a), str(b))
    assert not found.is_same
    assert [d.pair.a.path for d in found.different] == [
        "layers/dense/vars/0",
        "layers/dense/vars/1",
        "layers/dense_1/vars/0",
        "layers/dense_1/vars/1",
        "optimizer/vars/0",
    ]
    assert found.different[-1].largest == 19
    assert found.identical == 1


def test_one_changed_weight(models: Path, tmp_path: Path) -> None:
    """A change of 1e-3 in one value is found, measured, and forgiven by a larger tolerance."""
    import h5py  # noqa: PLC0415

    changed = tmp_path / "changed.weights.h5"
    changed.write_bytes((models / "k3.weights.h5").read_bytes())
    with h5py.File(changed, "r+") as file:
        before = file["layers/dense/vars/0"][()]
        file["layers/dense/vars/0"][1, 2] += 1e-3
        after = file["layers/dense/vars/0"][()]
    whole = str(models / "k3.keras")
    found = compare(whole, str(changed))
    (difference,) = found.different
    assert difference.pair.a.path == "layers/dense/vars/0"
    gap = np.float64(after[1, 2]) - np.float64(before[1, 2])
    assert difference.largest == pytest.approx(gap, rel=1e-12)
    assert difference.largest == pytest.approx(1e-3, rel=1e-3)
    norm = np.linalg.norm(before.astype("float64"))
    assert difference.relative == pytest.approx(gap / norm, rel=1e-9)
    assert 0.99 < difference.cosine < 1
    assert compare(whole, str(changed), tolerance=2e-3).is_same
    assert not compare(whole, str(changed), tolerance=1e-4).is_same


def test_a_missing_layer(models: Path, tmp_path: Path) -> None:
    """A layer that is gone is only in one of them; the rest is compared all the same."""
    import h5py  # noqa: PLC0415

    cut = tmp_path / "cut.weights.h5"
    cut.write_bytes((models / "k3.weights.h5").read_bytes())
    with h5py.File(cut, "r+") as file:
        del file["layers/dense_1"]
    found = compare(str(models / "k3.weights.h5"), str(cut))
    gone = ["layers/dense_1/vars/0", "layers/dense_1/vars/1"]
    assert [tensor.path for tensor in found.only_a] == gone
    assert not found.only_b
    other_way = compare(str(cut), str(models / "k3-checkpoint"))
    assert [tensor.shape for tensor in other_way.only_b] == [(3, 1), (1,)]
    assert not other_way.only_a
    assert not other_way.different


NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    "a, b, same",
    [
        ([NAN, 1.0], [NAN, 1.0], True),
        ([NAN, 1.0], [NAN, 1.0001], False),
        ([NAN, 1.0], [1.0, 1.0], False),
        ([1.0, 1.0], [NAN, 1.0], False),
        ([INF, -INF], [INF, -INF], True),
        ([INF, -INF], [INF, INF], False),
        ([0.0], [-0.0], True),
    ],
)
def test_values_that_are_no_numbers(
    npz: Callable[..., Comparison], a: list[float], b: list[float], same: bool
) -> None:
    """NaN on both sides is the same, on one side a difference; infinities are by their sign."""
    assert npz(a, b).is_same is same
    assert npz(a, b, tolerance=1e-5).is_same is same


def test_nan_on_both_sides_hides_nothing(npz: Callable[..., Comparison]) -> None:
    """A NaN beside a small change is no reason to call the change large."""
    (difference,) = npz([NAN, 1.0], [NAN, 1.5]).different
    assert difference.largest == 0.5
    assert npz([NAN, 1.0], [NAN, 1.5], tolerance=0.5).is_same


@pytest.mark.parametrize(
    "a, b, largest",
    [
        (np.array([2**53]), np.array([2**53 + 1]), 1.0),
        (np.array([1 + 2j]), np.array([1 + 5j]), 3.0),
        (np.array([True]), np.array([False]), 1.0),
        (np.array([1e300]), np.array([-1e300]), 2e300),
    ],
)
def test_every_kind_of_number(
    npz: Callable[..., Comparison], a: Any, b: Any, largest: float
) -> None:
    """Large integers, complex numbers, truth values and huge ones differ by what they should."""
    (difference,) = npz(a, b).different
    assert difference.largest == largest


def test_zeros_have_no_direction(npz: Callable[..., Comparison]) -> None:
    """Against all zeros the relative difference is infinite, and the angle is none."""
    (difference,) = npz([0.0, 0.0], [3.0, 4.0]).different
    assert (difference.largest, difference.relative) == (4.0, INF)
    assert math.isnan(difference.cosine)


def test_shapes_and_dtypes(npz: Callable[..., Comparison]) -> None:
    """Another shape and another dtype are differences, whatever the tolerance."""
    (reshaped,) = npz(np.zeros((2, 3)), np.zeros((3, 2)), tolerance=9).different
    assert (reshaped.is_reshaped, reshaped.is_retyped) == (True, False)
    (retyped,) = npz(np.ones(3, "float32"), np.ones(3, "float16"), tolerance=9).different
    assert (retyped.is_reshaped, retyped.is_retyped) == (False, True)
    assert (retyped.largest, retyped.is_within) == (0.0, True)


def test_bytes_of_an_unknown_type(npz: Callable[..., Comparison]) -> None:
    """What numpy has no numbers for is compared by its bytes, whatever is on the other side."""
    opaque = np.array([1, 2], "<u2").view("V2")
    assert npz(opaque, opaque).is_same
    (difference,) = npz(opaque, np.ones(2, "float32")).different
    assert (difference.largest, difference.is_retyped) == (INF, True)


def test_many_pieces(npz: Callable[..., Comparison]) -> None:
    """A difference in the last piece of a long tensor is seen."""
    long = np.zeros(3_000_000, "float32")
    changed = long.copy()
    changed[-1] = 0.25
    assert npz(long, long).is_same
    (difference,) = npz(long, changed).different
    assert difference.largest == 0.25
    assert npz(np.zeros((0, 3)), np.zeros((0, 3))).is_same


def rewrite_config(source: Path, target: Path, change: Callable[[Any], None]) -> None:
    """Copy a `.keras` file with another model config and another date."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "config.json":
                config = json.loads(data)
                change(config)
                data = json.dumps(config).encode()
            elif name == "metadata.json":
                data = json.dumps({**json.loads(data), "date_saved": "never"}).encode()
            new.writestr(name, data)


def test_config(models: Path, tmp_path: Path) -> None:
    """A changed setting of a layer is named; dates, addresses and the optimizer's rate are not."""

    def change(config: Any) -> None:
        config["config"]["layers"][3]["config"]["rate"] = 0.5
        config["config"]["dtype"]["shared_object_id"] = 7
        config["compile_config"]["optimizer"]["config"]["learning_rate"] = 9.0

    changed = tmp_path / "changed.keras"
    rewrite_config(models / "k3.keras", changed, change)
    found = compare(str(models / "k3.keras"), str(changed))
    assert found.config == {"config.layers[3].config.rate": (0.1, 0.5)}
    assert not found.is_same
    rewrite_config(models / "k3.keras", changed, lambda config: config.update(compile_config={}))
    assert compare(str(models / "k3.keras"), str(changed)).is_same


def test_nothing_to_compare(tmp_path: Path) -> None:
    """Two checkpoints without a tensor are not called the same."""
    np.savez(tmp_path / "a.npz")
    with pytest.raises((NothingFoundError, UnknownFormatError)):
        compare(str(tmp_path / "a.npz"), str(tmp_path / "a.npz"))


@pytest.mark.parametrize("tolerance", [-1.0, NAN, INF])
def test_a_tolerance_that_makes_no_sense(models: Path, tolerance: float) -> None:
    """A tolerance that would call all or nothing the same is refused."""
    path = str(models / "k3.keras")
    with pytest.raises(UsageError):
        compare(path, path, tolerance=tolerance)


def test_what_cannot_be_read(models: Path, tmp_path: Path) -> None:
    """A missing, a foreign and a cut file are clear errors."""
    good = str(models / "k3.weights.h5")
    with pytest.raises(LocationNotFoundError):
        compare(good, str(tmp_path / "none.keras"))
    (tmp_path / "text").write_text("hello")
    with pytest.raises(UnknownFormatError):
        compare(str(tmp_path / "text"), good)
    (tmp_path / "cut.weights.h5").write_bytes(Path(good).read_bytes()[:2000])
    with pytest.raises((DamagedError, UnknownFormatError)):
        compare(good, str(tmp_path / "cut.weights.h5"))


def test_weights_only_leaves_the_config_out(tmp_path: Path) -> None:
    """What the config tells otherwise makes no weight another."""
    one = min((RUNS / "whole-models").glob("*.keras"))
    other = with_config_of_another_model(one, tmp_path / "m.keras")
    assert compare(str(one), other).config
    assert compare(str(one), other, weights_only=True).is_same
