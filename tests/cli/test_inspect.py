"""`ckptsel inspect`, on files that real frameworks wrote."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from ckptsel.cli.reports.inspection import Inspected, InspectionReport
from ckptsel.cli.reports.table import plain
from ckptsel.errors import ExitCode
from ckptsel.inspection.inspect import inspect
from ckptsel.verification.verify import verify
from tests.inspection.inspect_samples import inspected_folder
from tests.running import run

__all__ = ["inspected_folder"]

OUTPUT = Path(__file__).parents[2] / "docs" / "output.md"
# Name → format, parameters of the weights, layers.
SAMPLES = {
    "m.keras": ("keras", 161, 3),
    "t.keras": ("keras", 161, 3),
    "folder": ("keras", 161, 3),
    "w.weights.h5": ("weights.h5", 161, 3),
    "s.weights.json": ("sharded weights", 161, 3),
    "l.h5": ("h5", 161, 3),
    "lw.h5": ("h5", 161, 3),
    "two": ("tf-checkpoint", 161, 3),
    "two.index": ("tf-checkpoint", 161, 3),
    "saved": ("savedmodel", 161, 3),
    "p.pt": ("torch", 15, 1),
    "p.safetensors": ("safetensors", 15, 1),
    "p.npz": ("npz", 15, 1),
}
TENSOR_KEYS = "path layer role shape dtype parameters size_bytes statistics"


@pytest.fixture
def files(here: Path, inspected_folder: Path) -> Path:
    """All the checkpoints, in the current folder."""
    shutil.copytree(inspected_folder, here, dirs_exist_ok=True)
    return here


def document(*argv: str) -> dict[str, Any]:
    """What JSON says, which must be strict JSON."""
    done = run("inspect", *argv, "-o", "json")
    assert done.stderr == b""

    def refuse(name: str) -> None:
        raise AssertionError(name)

    found: dict[str, Any] = json.loads(done.stdout, parse_constant=refuse)
    return found


@pytest.mark.parametrize("name", SAMPLES)
def test_every_format(files: Path, name: str) -> None:
    """Kind, parameters and layers of each format; people are told the same."""
    del files
    kind, parameters, layers = SAMPLES[name]
    (found,) = document(name)["checkpoints"]
    assert (found["path"], found["kind"], found["parameters"]) == (name, kind, parameters)
    assert len(found["layers"]) == layers
    assert found["totals"]["weight"]["parameters"] == parameters
    assert found["size_bytes"] > 4 * parameters
    shown = run("inspect", name).stdout.decode()
    assert shown.startswith(f"{name}\n\nformat")
    assert f"\n{parameters} parameters in {layers} layer" in shown


def test_text(files: Path) -> None:
    """The whole text for a small file."""
    values = {"enc.weight": np.ones((3, 4), "f4"), "enc.bias": np.zeros(3, "f4")}
    np.savez(files / "n.npz", **values)  # type: ignore[arg-type]
    size = os.path.getsize(files / "n.npz")
    assert run("inspect", "n.npz").stdout.decode() == (
        "n.npz\n"
        "\n"
        f"format  npz, {size} B\n"
        "load    numpy.load('n.npz')\n"
        "note    Keras 3 itself does not load it: 'File format not supported'\n"
        "\n"
        "layer  path  weights      dtype    parameters\n"
        "enc    enc   (3, 4) (3,)  float32          15\n"
        "\n"
        "15 parameters in 1 layer, 2 tensors, 60 B\n"
    )


def test_layers_are_in_the_models_order(files: Path) -> None:
    """HDF5 sorts groups by name; the config tells the order in which data goes through them."""
    del files
    (found,) = document("m.keras")["checkpoints"]
    assert [layer["name"] for layer in found["layers"]] == ["hidden", "norm", "out"]
    assert [layer["parameters"] for layer in found["layers"]] == [80, 64, 17]


def test_facts_for_people(files: Path) -> None:
    """Step, learning rate, model and version stand above the table, the optimizer below it."""
    del files
    shown = run("inspect", "m.keras").stdout.decode()
    for line in ("model          small", "step           3", "learning rate  0.001"):
        assert f"\n{line}\n" in shown
    assert "\nwritten by     keras 3." in shown
    assert "\noptimizer: 14 tensors, 1.0 KiB\n" in shown
    assert "optimizer/vars/3" not in shown


def test_metrics_that_keras_2_left(files: Path) -> None:
    """The exact metrics are shown where the file has their totals."""
    del files
    (found,) = document("t.keras")["checkpoints"]
    assert set(found["facts"]["metrics"]) == {"loss", "mae"}
    assert "\nmetrics     loss " in run("inspect", "t.keras").stdout.decode()


def test_all_shows_every_tensor(files: Path) -> None:
    """With --all, the optimizer's tensors have lines of their own."""
    del files
    shown = run("inspect", "m.keras", "--all").stdout.decode()
    assert shown.count("\noptimizer/vars/") == 14
    assert "layers/dense_1/vars/0              out     weight     (16, 1)  float32" in shown


def test_statistics(files: Path) -> None:
    """Statistics are of the finite values, the shares of all; JSON has null for NaN."""
    values = np.array([1.0, 3.0, 0.0, -4.0, math.nan, math.inf, -math.inf, 0.0])
    np.savez(files / "n.npz", some=values, none=np.array([math.nan]), empty=np.empty((0, 2)))
    (found,) = document("n.npz", "--stats")["checkpoints"]
    some, none, empty = (tensor["statistics"] for tensor in found["tensors"])
    finite = values[np.isfinite(values)]
    assert some == {
        "min": -4,
        "max": 3,
        "mean": pytest.approx(finite.mean()),
        "std": pytest.approx(finite.std()),
        "nan": 0.125,
        "infinite": 0.25,
        "zero": 0.25,
    }
    assert none == {**dict.fromkeys(("min", "max", "mean", "std"), None), "nan": 1.0} | {
        "infinite": 0.0,
        "zero": 0.0,
    }
    assert empty["min"] is None
    assert empty["nan"] == 0
    shown = run("inspect", "n.npz", "--stats").stdout.decode()
    assert "12.5%" in shown
    assert " -  " in shown
    assert " nan " not in shown


def test_statistics_of_odd_values(files: Path) -> None:
    """Complex numbers have shares only, strings nothing; and squares may be too large."""
    odd = np.array([complex(math.nan, 1), 0, 1j, complex(0, math.inf)])
    np.savez(files / "n.npz", odd=odd, large=np.array([1.7e308, -1.7e308]), text=np.array(["a"]))
    (found,) = document("n.npz", "--stats")["checkpoints"]
    values = {tensor["path"]: tensor["statistics"] for tensor in found["tensors"]}
    assert (values["odd"]["nan"], values["odd"]["infinite"], values["odd"]["zero"]) == (0.25,) * 3
    assert values["large"]["std"] == pytest.approx(1.7e308)
    done = run("inspect", "n.npz", "--stats")
    assert (done.returncode, done.stderr) == (0, b"")


def test_damage_that_is_seen(files: Path) -> None:
    """Of a damaged file what can be read is shown, with what is wrong; the exit code is 5."""
    (files / "alone").mkdir(exist_ok=True)
    shutil.copy(files / "s.weights.json", files / "alone")
    done = run("inspect", "alone/s.weights.json")
    assert done.returncode == ExitCode.DAMAGE
    assert b"damage" in done.stdout
    assert b"(missing-shard)" in done.stdout
    (one,) = json.loads(run("inspect", "alone/s.weights.json", "-o", "json").stdout)["checkpoints"]
    assert {each["severity"] for each in one["findings"]} == {"damage"}


def test_statistics_over_several_pieces(files: Path) -> None:
    """Mean and deviation are numpy's, also for a tensor that is read in pieces."""
    values = np.random.default_rng(1).normal(1000, 0.5, 3_000_000).astype("f4")
    np.savez(files / "n.npz", some=values)
    (found,) = document("n.npz", "--stats")["checkpoints"]
    (tensor,) = found["tensors"]
    exact = values.astype("f8")
    assert tensor["statistics"]["mean"] == pytest.approx(exact.mean(), rel=1e-12)
    assert tensor["statistics"]["std"] == pytest.approx(exact.std(), rel=1e-9)


def test_json_keys(files: Path) -> None:
    """The keys that docs/output.md lists, and no others."""
    del files
    found = document("w.weights.h5", "--stats", "--against", "m.keras")
    assert list(found) == ["schema", "command", "checkpoints"]
    assert (found["schema"], found["command"]) == (1, "inspect")
    (one,) = found["checkpoints"]
    assert " ".join(one) == (
        "path kind version size_bytes facts loading lists_tensors parameters totals layers"
        " tensors findings against"
    )
    assert " ".join(one["facts"]) == (
        "step epoch learning_rate saved model_name framework metrics more"
    )
    assert " ".join(one["loading"]) == "call problem note"
    assert " ".join(one["totals"]) == "weight optimizer other"
    assert " ".join(one["totals"]["other"]) == "tensors parameters size_bytes"
    assert " ".join(one["layers"][0]) == "path name parameters tensors"
    assert " ".join(one["tensors"][0]) == TENSOR_KEYS
    assert " ".join(one["tensors"][0]["statistics"]) == "min max mean std nan infinite zero"
    assert " ".join(one["against"]) == "model fits verdict way layers notes"
    assert " ".join(one["against"]["layers"][0]) == (
        "layer path class_name shapes source source_path source_shapes state silent problem"
    )


def test_jsonl_and_csv_have_a_row_a_tensor(files: Path) -> None:
    """Each tensor of each file is a line, and the file stands in it."""
    del files
    lines = run("inspect", "p.npz", "p.safetensors", "-o", "jsonl").stdout.splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["file"] for record in records] == ["p.npz"] * 2 + ["p.safetensors"] * 2
    assert " ".join(records[0]) == f"file {TENSOR_KEYS}"
    text = run("inspect", "p.npz", "--stats", "-o", "csv").stdout.decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["path"], row["shape"], row["nan"]) for row in rows] == [
        ("enc.weight", "3x4", "0.0"),
        ("enc.bias", "3", repr(1 / 3)),
    ]
    tabs = run("inspect", "p.npz", "-o", "tsv").stdout.decode().splitlines()
    assert tabs[0] == "file\tpath\tlayer\trole\tshape\tdtype\tparameters\tsize_bytes"


def test_several_one_after_the_other(files: Path) -> None:
    """Each file has its own table, in the order in which they were given."""
    del files
    shown = run("inspect", "p.npz", "m.keras").stdout.decode()
    one, other = run("inspect", "p.npz").stdout, run("inspect", "m.keras").stdout
    assert shown == f"{one.decode()}\n{other.decode()}"
    assert [c["path"] for c in document("p.npz", "m.keras")["checkpoints"]] == ["p.npz", "m.keras"]


def test_a_wrong_suffix_is_told(files: Path) -> None:
    """How to load it, and why that fails under this name."""
    shutil.copy(files / "w.weights.h5", files / "w.h5")
    shown = run("inspect", "w.h5").stdout.decode()
    assert "load           model.load_weights('w.h5')\n" in shown
    assert "will fail      the name has to end in .weights.h5;" in shown
    assert "Layer count mismatch" in shown


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("absent.keras", ExitCode.ERROR, "no such file or folder: 'absent.keras'"),
        ("text.h5", ExitCode.ERROR, "is in no known format of checkpoints"),
        ("cut.keras", ExitCode.DAMAGE, "cut.keras"),
        ("cut.index", ExitCode.DAMAGE, "cut.index"),
    ],
)
def test_what_cannot_be_read(files: Path, name: str, code: ExitCode, said: str) -> None:
    """An error with its exit code; what else was asked for is shown all the same."""
    (files / "text.h5").write_text("epoch,loss\n")
    (files / "cut.keras").write_bytes((files / "m.keras").read_bytes()[:9000])
    (files / "cut.index").write_bytes((files / "two.index").read_bytes()[:-20])
    shutil.copy(files / "two.data-00000-of-00001", files / "cut.data-00000-of-00001")
    done = run("inspect", name)
    assert (done.returncode, done.stdout) == (code, b"")
    done = run("inspect", name, "m.keras")
    assert done.returncode == code
    assert done.stdout.startswith(b"m.keras\n")
    assert done.stderr.startswith(b"ckptsel: error: ")
    assert said in done.stderr.decode()


def test_against_a_model_that_fits(files: Path) -> None:
    """Exit 0, the layers with what they get, and the verdict."""
    del files
    done = run("inspect", "w.weights.h5", "--against", "m.keras")
    assert done.returncode == ExitCode.OK
    shown = done.stdout.decode().partition("\n\nlayer")[2]
    assert shown == (
        "   class               expects        gets    found          state\n"
        "hidden  Dense               (4, 16) (16,)  hidden  (4, 16) (16,)  fits\n"
        "norm    BatchNormalization  4 x (16,)      norm    4 x (16,)      fits\n"
        "out     Dense               (16, 1) (1,)   out     (16, 1) (1,)   fits\n"
        "\n"
        "fits m.keras\n"
        "matched as Keras 3 does: by class and order\n"
    )


def test_against_a_model_that_does_not_fit(files: Path) -> None:
    """Exit 4; paths are those that fit."""
    del files
    done = run("inspect", "w.weights.h5", "p.npz", "--against", "m.keras", "-o", "paths")
    assert (done.returncode, done.stdout) == (ExitCode.CONDITION_NOT_MET, b"w.weights.h5\n")
    shown = run("inspect", "p.npz", "--against", "m.keras")
    assert shown.returncode == ExitCode.CONDITION_NOT_MET
    assert b"\ndoes not fit m.keras: 4 layers\n" in shown.stdout
    rows = run("inspect", "p.npz", "--against", "m.keras", "-o", "csv").stdout.decode().splitlines()
    assert rows[0].startswith("file,layer,path,class_name,shapes,source,")
    assert len(rows) == 5
    assert (
        json.loads(
            run("inspect", "p.npz", "--against", "m.keras", "-o", "jsonl").stdout.splitlines()[0]
        )["state"]
        == "missing"
    )


@pytest.mark.parametrize("name", ["two", "three", "saved", "lw.h5", "s.weights.json", "t.keras"])
def test_against_across_formats(files: Path, name: str) -> None:
    """The same model's weights fit, whatever the format; by name where Keras has no rule."""
    del files
    if name == "three":
        (found,) = document(name)["checkpoints"]
        assert found["kind"] == "tf-checkpoint"
    assert run("inspect", name, "--against", "m.keras").returncode == ExitCode.OK


def test_neither_tensorflow_nor_keras(files: Path) -> None:
    """Looking into a model loads none of the frameworks, nor the table of a terminal."""
    del files
    code = (
        "import sys\nfrom ckptsel.__main__ import main\n"
        "sys.argv = ['ckptsel', 'inspect', 'm.keras', '--against', 'm.keras']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert "fits m.keras" in done.stdout
    assert not loaded & {"tensorflow", "keras", "torch", "rich", "safetensors"}


def test_against_what_cannot_be_told(files: Path) -> None:
    """Exit 4 and no verdict, where the model does not tell the order that decides."""
    del files
    done = run("inspect", "lw.h5", "--against", "w.weights.h5")
    assert done.returncode == ExitCode.CONDITION_NOT_MET
    assert b"\ncannot be told whether it fits w.weights.h5: " in done.stdout
    found = document("lw.h5", "--against", "w.weights.h5")["checkpoints"][0]["against"]
    assert (found["fits"], found["verdict"]) == (False, "cannot be told")


def test_how_far_it_can_be_told(files: Path) -> None:
    """What was not compared stands on the line of the verdict."""
    del files
    done = run("inspect", "three", "--against", "m.keras")
    assert done.returncode == ExitCode.OK
    says = "as far as it can be told: matched by name only, the order was not checked"
    assert f"\nfits m.keras, {says}\n".encode() in done.stdout


def test_every_key_is_documented(files: Path) -> None:
    """docs/output.md names each key of a checkpoint, in order."""
    del files
    if not OUTPUT.exists():
        pytest.skip("only the source tree has docs")
    text = OUTPUT.read_text(encoding="utf-8").partition("\n## JSON of inspect\n")[2]
    text = text.partition("\n## ")[0]
    (found,) = document("w.weights.h5", "--stats", "--against", "m.keras")["checkpoints"]
    assert re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE) == [*found]
    inner = [*found["facts"], *found["loading"], *found["totals"], *found["layers"][0]]
    inner += [*found["tensors"][0], *found["tensors"][0]["statistics"]]
    inner += [*found["against"], *found["against"]["layers"][0]]
    assert {key for key in inner if f"`{key}`" not in text} == set()


def test_without_the_package_that_lists_tensors(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint that only PyTorch could list is shown all the same, with the extra's name."""
    del files
    monkeypatch.setattr("ckptsel.formats.torch.archive.find_spec", lambda _: None)
    found = inspect("p.pt")
    assert not found.lists_tensors
    lines = list(plain(InspectionReport([Inspected(found, None, "", verify("p.pt"))]).table()))
    why = "only PyTorch can list them: pip install 'ckptsel[torch]'"
    assert lines[-2:] == ["", f"its tensors cannot be listed: {why}"]


def test_no_weights_at_all(files: Path) -> None:
    """What a failed save leaves behind opens and holds nothing: the table is left out."""
    with h5py.File(files / "empty.weights.h5", "w"):
        pass
    shown = run("inspect", "empty.weights.h5").stdout.decode()
    assert shown.endswith(
        "load    model.load_weights('empty.weights.h5')\n"
        "damage  holds no weights: no datasets at all (no-weights)\n"
        "\n"
        "0 parameters in 0 layers, 0 tensors, 0 B\n"
    )
