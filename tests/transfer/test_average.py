"""Means are written whole, of members that agree, and never of damaged ones."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from ckptsel.errors import (
    ConversionError,
    DamagedError,
    DestinationError,
    EvaluationError,
    StrictError,
    UsageError,
)
from ckptsel.transfer import members
from ckptsel.transfer.average import average
from ckptsel.transfer.evaluation import Greedy
from tests.conversion.rewritten import rewritten
from tests.formats.keras.samples import sample_path
from tests.transfer.small_weights import kernel, name, query, series, steps, write

if TYPE_CHECKING:
    from ckptsel.transfer.members import Members

ROOT = Path(__file__).parents[2]


def listed(folder: Path) -> list[str]:
    """All names in a folder."""
    return sorted(os.listdir(folder))


def of(*paths: str) -> Members:
    """Members that are named."""
    return members.named(query(*paths))


def test_the_mean_and_the_state_of_the_best(run: Path, out: Path) -> None:
    """Weights are averaged; the optimizer's state is that of the best."""
    series(run, 0.5, 0.2, 0.9, 0.3)
    done = average(members.best(query(run), 3), f"{out}/mean.weights.h5")
    # The epochs 2, 4 and 1.
    np.testing.assert_array_equal(kernel(done.dest), np.float32(7 / 3))
    assert steps(done.dest) == 2
    assert (done.averaged, done.taken, done.kind) == (2, 1, "weights.h5")
    assert listed(out) == ["mean.weights.h5", "mean.weights.h5.ckptsel.json"]


def test_the_record(run: Path, out: Path) -> None:
    """Members, values and weights stand beside the mean."""
    series(run, 0.5, 0.2, 0.9)
    average(members.best(query(run), 2), f"{out}/mean.weights.h5", weights=[3, 1])
    told = json.loads((out / "mean.weights.h5.ckptsel.json").read_text())
    assert told["command"] == "average"
    assert told["monitor"]["name"] == "val_loss"
    assert told["members"] == [
        {
            "path": f"../run/{name(2, 0.2)}",
            "weight": 0.75,
            "rank": 1,
            "value": 0.2,
            "text": "0.20",
            "epoch": 2,
            "step": None,
        },
        {
            "path": f"../run/{name(1, 0.5)}",
            "weight": 0.25,
            "rank": 2,
            "value": 0.5,
            "text": "0.50",
            "epoch": 1,
            "step": None,
        },
    ]
    assert told["averaged_at"]


def test_weights(run: Path, out: Path) -> None:
    """Each counts as much as it is told to; a zero counts nothing."""
    paths = series(run, 0.5, 0.2, 0.9)
    done = average(of(*paths), f"{out}/m.weights.h5", weights=[1, 0, 3])
    np.testing.assert_array_equal(kernel(done.dest), np.float32(2.5))


@pytest.mark.parametrize(
    "weights, says",
    [
        ([1.0], "1 numbers, and there are 2"),
        ([1, 1, 1], "3 numbers"),
        ([1, -1], "0 or more"),
        ([0, 0], "their sum is 0"),
        ([1, float("nan")], "0 or more"),
        ([1, float("inf")], "0 or more"),
        ([1e308, 1e308], "their sum is inf"),
        ([1e-320, 1e-320], "their sum is 2e-320"),
    ],
)
def test_weights_that_make_no_sense(weights: list[float], says: str, run: Path, out: Path) -> None:
    """They are refused, and nothing is written."""
    with pytest.raises(UsageError, match=says):
        average(of(*series(run, 0.5, 0.2)), f"{out}/m.weights.h5", weights=weights)
    assert not listed(out)


def test_float64_to_the_bit(run: Path, out: Path) -> None:
    """As numpy's mean and average over a first axis."""
    chance = np.random.default_rng(5)
    arrays = [chance.normal(size=(300, 400)) for _ in range(5)]
    paths = [
        write(run / f"{at}.weights.h5", 0, wide__vars__0=array) for at, array in enumerate(arrays)
    ]
    weights = [0.1, 0.7, 2.0, 0.3, 1.1]
    for given in (None, weights):
        done = average(of(*paths), f"{out}/m.weights.h5", weights=given, force=True)
        with h5py.File(done.dest) as file:
            found = file["wide/vars/0"][...]
        assert (found == np.average(np.stack(arrays), axis=0, weights=given)).all()


@pytest.mark.parametrize("weights", [None, [1.0, 0.3] * 10])
def test_twenty_members_to_the_bit(weights: list[float] | None, run: Path, out: Path) -> None:
    """One after the other; numpy does so, too, but for single values."""
    chance = np.random.default_rng(5)
    shapes = ((), (1,), (2,), (3, 4), (70000,))
    paths, arrays = [], []
    for at in range(20):
        arrays.append([chance.normal(size=shape) for shape in shapes])
        parts: dict[str, Any] = {f"part{n}": each for n, each in enumerate(arrays[-1])}
        np.savez(run / f"{at}.npz", **parts)
        paths.append(f"{run}/{at}.npz")
    done = average(of(*paths), f"{out}/m.npz", weights=weights)
    with np.load(done.dest) as found:
        for n, several in enumerate(zip(*arrays, strict=True)):
            total = several[0] * (weights or [1.0])[0]
            for array, weight in zip(several[1:], (weights or [1.0] * 20)[1:], strict=True):
                total = total + array * weight
            assert (found[f"part{n}"] == total / sum(weights or [1.0] * 20)).all()
            if total.size > 1:
                assert (found[f"part{n}"] == np.average(several, axis=0, weights=weights)).all()


def test_layouts_may_differ(run: Path, out: Path) -> None:
    """Compressed or not, the values are the same; the mean is stored as the first is."""
    chance = np.random.default_rng(5)
    arrays = [chance.normal(size=(1200, 900)).astype("float32") for _ in range(2)]
    paths = [str(run / f"{at}.weights.h5") for at in range(2)]
    for path, array, options in zip(
        paths, arrays, ({}, {"chunks": (70, 900), "compression": "gzip"}), strict=True
    ):
        with h5py.File(path, "w") as file:
            file.create_dataset("dense/vars/0", data=array, **options)
    for order in (paths, paths[::-1]):
        done = average(of(*order), f"{out}/m.weights.h5", force=True)
        with h5py.File(done.dest) as file, h5py.File(order[0]) as first:
            mean = np.mean(np.stack(arrays), axis=0, dtype="float64").astype("float32")
            assert (file["dense/vars/0"][...] == mean).all()
            assert file["dense/vars/0"].chunks == first["dense/vars/0"].chunks


@pytest.mark.parametrize(
    "more, says",
    [
        ({"dense__vars__9": np.ones(3, "float32")}, "dense/vars/9 is only in"),
        ({"layers__dense__vars__1": None}, "layers/dense/vars/1 is only in"),
        ({"layers__dense__vars__1": np.ones(31, "float32")}, r"float32 \[30\] in .* \[31\] in"),
        ({"layers__dense__vars__1": np.ones(30, "float64")}, r"float32 \[30\] in .* float64"),
    ],
)
def test_members_that_do_not_agree(more: dict[str, Any], says: str, run: Path, out: Path) -> None:
    """It is said in what, and nothing is written."""
    paths = [write(run / "a.weights.h5", 1), write(run / "b.weights.h5", 2, **more)]
    with pytest.raises(ConversionError, match="1 weights are not the same") as error:
        average(of(*paths), f"{out}/m.weights.h5")
    assert len(error.value.details) == 1
    assert re.search(says, error.value.details[0])
    assert not listed(out)


def test_many_that_do_not_agree(run: Path, out: Path) -> None:
    """The first few are named, the others counted."""
    more: dict[str, Any] = {f"layer{at}__vars__0": np.ones(2, "float32") for at in range(9)}
    paths = [write(run / "a.weights.h5", 1), write(run / "b.weights.h5", 2, **more)]
    with pytest.raises(ConversionError, match="9 weights") as error:
        average(of(*paths), f"{out}/m.weights.h5")
    assert len(error.value.details) == 6
    assert error.value.details[-1] == "and 4 more"


def test_optimizers_may_differ(run: Path, out: Path) -> None:
    """Only the first one's is taken, so the others' do not matter."""
    paths = [
        write(run / "a.weights.h5", 1, optimizer__vars__1=np.ones(9, "float32")),
        write(run / "b.weights.h5", 2, optimizer__vars__0=None),
    ]
    done = average(of(*paths), f"{out}/m.weights.h5")
    assert (kernel(done.dest) == 1.5).all()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_member_that_is_not_finite(value: float, run: Path, out: Path) -> None:
    """It is named, and nothing is written."""
    paths = [write(run / "a.weights.h5", 1), write(run / "b.weights.h5", value)]
    with pytest.raises(DamagedError, match=r"b\.weights\.h5' has NaN or infinity in layers/dense"):
        average(of(*paths), f"{out}/m.weights.h5")
    # Nor where it would count nothing.
    with pytest.raises(DamagedError, match="NaN or infinity"):
        average(of(*paths), f"{out}/m.weights.h5", weights=[1, 0])
    assert not listed(out)


def test_a_sum_that_is_too_large(run: Path, out: Path) -> None:
    """An infinity is not made of numbers."""
    huge = np.full(3, 1.7e308)
    paths = [write(run / f"{at}.weights.h5", at, wide__vars__0=huge) for at in range(2)]
    with pytest.raises(DamagedError, match="too large for a float64"):
        average(of(*paths), f"{out}/m.weights.h5")


def test_a_member_that_is_cut_off(run: Path, out: Path) -> None:
    """Damage is found before anything is written."""
    paths = series(run, 0.5, 0.2)
    os.truncate(paths[1], os.path.getsize(paths[1]) - 500)
    with pytest.raises(DamagedError, match="02-val"):
        average(of(*paths), f"{out}/m.weights.h5")
    assert not listed(out)


def test_a_wrong_value_gets_no_new_checksum(keras_folder: str, run: Path, out: Path) -> None:
    """A flipped bit in an archive is found; in the mean it would look sound for ever."""
    source = sample_path(keras_folder, "archive")
    paths = [str(run / each) for each in ("a.keras", "b.keras")]
    for at, path in enumerate(paths, 2):
        rewritten(source, path, lambda piece, at=at: piece * at)  # type: ignore[misc]
    done = average(of(*paths), f"{out}/m.keras")
    with zipfile.ZipFile(done.dest) as archive:
        assert archive.testzip() is None
        at_weights = archive.getinfo("model.weights.h5").header_offset
    with open(paths[1], "r+b") as file:
        file.seek(at_weights + 9000)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 4]))
    with pytest.raises(DamagedError, match=r"b\.keras' is damaged: .*zip-crc"):
        average(of(*paths), f"{out}/other.keras")


def test_two_models_of_the_same_weights(keras_folder: str, run: Path, out: Path) -> None:
    """The mean has the first one's config; that there are two is said."""
    source = sample_path(keras_folder, "archive")
    paths = [str(run / each) for each in ("a.keras", "b.keras")]
    rewritten(source, paths[0])
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(paths[1], "w") as new:
        for info in old.infolist():
            data = old.read(info)
            if info.filename == "config.json":
                assert b'"linear"' in data
                data = data.replace(b'"linear"', b'"tanh"')
            new.writestr(info, data)
    done = average(of(*paths), f"{out}/m.keras")
    assert "configs-differ" in [finding.code for finding in done.findings]
    with pytest.raises(StrictError, match="config"):
        average(of(*paths), f"{out}/n.keras", strict=True)
    assert "n.keras" not in listed(out)


@pytest.mark.parametrize("dest", ["m.keras", "m.h5", "m", "m.npz", "m.weights"])
def test_the_suffix_has_to_fit(dest: str, run: Path, out: Path) -> None:
    """Loaders go by it, so a mean of another suffix would not be loaded."""
    with pytest.raises(DestinationError, match=r"mean is a weights\.h5"):
        average(of(*series(run, 0.5, 0.2)), f"{out}/{dest}")


def test_formats_are_not_mixed(run: Path, out: Path) -> None:
    """It is said which is which."""
    np.savez(run / "b.npz", a=np.ones(3))
    paths = [write(run / "a.weights.h5", 1), str(run / "b.npz")]
    with pytest.raises(ConversionError, match=r"b\.npz' is a npz and .*a weights\.h5"):
        average(of(*paths), f"{out}/m.weights.h5")


def test_what_is_not_listed_is_not_averaged(run: Path, out: Path) -> None:
    """Arrays of objects are the first member's, which is grave enough to say."""
    paths = [str(run / f"{at}.npz") for at in range(2)]
    for at, path in enumerate(paths):
        np.savez(path, w=np.full(3, at, "float32"), odd=np.array([{"at": at}, None], object))
    done = average(of(*paths), f"{out}/m.npz")
    assert [finding.code for finding in done.findings] == ["not-averaged"]
    with np.load(done.dest, allow_pickle=True) as found:
        assert (found["w"] == 0.5).all()
        assert found["odd"][0] == {"at": 0}
    with pytest.raises(StrictError, match="not averaged"):
        average(of(*paths), f"{out}/n.npz", strict=True)


def test_what_is_there_stays(run: Path, out: Path) -> None:
    """Unless force is given; a member is never replaced."""
    paths = series(run, 0.5, 0.2)
    dest = write(out / "m.weights.h5", 9)
    with pytest.raises(DestinationError, match="exists already"):
        average(of(*paths), dest)
    assert (kernel(dest) == 9).all()
    average(of(*paths), dest, force=True)
    assert (kernel(dest) == 1.5).all()
    with pytest.raises(DestinationError, match="itself"):
        average(of(*paths), paths[0], force=True)


def test_a_dry_run(run: Path, out: Path) -> None:
    """Everything is checked, and nothing is written."""
    paths = series(run, 0.5, 0.2)
    done = average(of(*paths), f"{out}/m.weights.h5", dry_run=True)
    assert (done.averaged, done.produced) == (2, None)
    assert not listed(out)
    write(paths[1], 2, more__vars__0=np.ones(2, "float32"))
    with pytest.raises(ConversionError):
        average(of(*paths), f"{out}/m.weights.h5", dry_run=True)


# Prints how far the kernel's first value is from 2; and what else stands beside the trial.
_DISTANCE = """
import h5py, os, sys
with h5py.File(sys.argv[1]) as file:
    print(abs(float(file["layers/dense/vars/0"][0, 0]) - 2))
"""


def distance(mode: Any = "min") -> Greedy:
    """Evaluates a kernel."""
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(_DISTANCE)} {{path}}"
    return Greedy(command, mode)


def test_a_greedy_soup(run: Path, out: Path) -> None:
    """What makes it worse is left out; every trial is on record, and no trial stays."""
    paths = [write(run / f"{at}.weights.h5", value) for at, value in enumerate((1, 6, 3, 2.5, 2))]
    done = average(of(*paths), f"{out}/soup.weights.h5", greedy=distance())
    assert [row.checkpoint.path for row, _ in done.members] == [paths[0], paths[2], paths[4]]
    assert [(trial.value, trial.kept) for trial in done.trials] == [
        (1.0, True),
        (1.5, False),
        (0.0, True),
        (pytest.approx(1 / 6), False),
        (0.0, True),
    ]
    told = json.loads((out / "soup.weights.h5.ckptsel.json").read_text())
    assert [trial["kept"] for trial in told["greedy"]["trials"]] == [
        trial.kept for trial in done.trials
    ]
    assert len(told["members"]) == len(done.members)
    assert listed(out) == ["soup.weights.h5", "soup.weights.h5.ckptsel.json"]


def test_a_greedy_soup_whose_command_fails(run: Path, out: Path) -> None:
    """Nothing is written, and nothing stays behind."""
    paths = series(run, 0.5, 0.2)
    command = f"{shlex.quote(sys.executable)} -c 'raise SystemExit(2)' {{path}}"
    with pytest.raises(EvaluationError, match="exit code 2"):
        average(of(*paths), f"{out}/soup.weights.h5", greedy=Greedy(command, "max"))
    assert not listed(out)
    with pytest.raises(UsageError, match="plain mean"):
        average(of(*paths), f"{out}/s.weights.h5", greedy=distance(), weights=[1, 2])
