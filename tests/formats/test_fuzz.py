"""Damaged checkpoints of every format, looked at in a process of their own.

Whatever is done to a file, `verify` gives findings and `inspect` them or a CkptselError: no
other exception, no crash, no more than 512 MB, no more than 10 seconds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from ckptsel.verification.verify import verify
from tests.formats.fuzz_child import CHANGING, FLIPS, LIMIT_SECONDS, TRUNCATIONS, Watch
from tests.formats.greedy_files import WRITERS
from tests.formats.mutations import mutations
from tests.formats.small_samples import PATHS, write_small_samples
from tests.formats.special_damage import special_damage

if TYPE_CHECKING:
    from pathlib import Path

LIMIT_MB = 512


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small sound checkpoint of every format."""
    pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    pytest.importorskip("tensorstore")
    folder = str(tmp_path_factory.mktemp("samples"))
    write_small_samples(folder)
    return folder


@pytest.mark.parametrize("name", PATHS)
def test_damage_is_told(samples: str, name: str, tmp_path: Path) -> None:
    """Cut at 200 places, changed at 500, and in every special way: all of it is answered."""
    command = [sys.executable, "-m", "tests.formats.fuzz_child", samples, name, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    last = "\n".join(done.stderr.splitlines()[-40:])
    assert done.returncode == 0, f"it crashed, or took over {LIMIT_SECONDS} s:\n{last}"
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["escaped"] == {}
    assert report["silent"] == []
    assert report["peak_mb"] < LIMIT_MB
    assert report["looks"] > TRUNCATIONS + FLIPS + CHANGING


@pytest.mark.parametrize("name", WRITERS)
def test_small_files_that_ask_for_much(name: str, tmp_path: Path) -> None:
    """What would unfold to gigabytes, or take hours, is told in seconds."""
    for package in ("torch", "tensorstore"):
        pytest.importorskip(package)
    command = [sys.executable, "-m", "tests.formats.greedy_files", name, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, f"it crashed, or took over {LIMIT_SECONDS} s:\n{done.stderr}"
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["escaped"] == {}
    assert report["peak_mb"] < LIMIT_MB
    expected = WRITERS[name][1]
    codes = [finding.code for finding in verify(report["path"]).findings]
    assert expected in codes if expected else codes == []


@pytest.mark.parametrize("name", PATHS)
def test_samples_are_sound(samples: str, name: str) -> None:
    """What gets damaged was whole before, or damage would be found that was there anyway."""
    watch = Watch()
    path = os.path.join(samples, name, PATHS[name])
    watch.look(name, path, must_be_found=True)
    assert watch.escaped == {}
    # A pickle is a danger, not damage; Keras's `.npz` weights hold one.
    assert watch.silent == ([] if name in ("keras-npz", "torch", "torch-legacy") else [name])


def test_the_watch_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that escapes is kept, with the damage that it came from."""

    def verify(_: str) -> None:
        raise KeyError("lost")

    monkeypatch.setattr("tests.formats.fuzz_child.verify", verify)
    watch = Watch()
    watch.look("some damage", "/nowhere")
    ((problem, what),) = watch.report()["escaped"].items()
    assert "KeyError" in problem
    assert what == "some damage"


def test_mutations_repeat() -> None:
    """The same seed damages the same places, one bit or one cut at a time."""
    whole = {"a": bytes(100), "b": b"\xff" * 10, "empty": b""}
    found = list(mutations(whole, 1, 20, 50))
    assert found == list(mutations(whole, 1, 20, 50))
    assert found != list(mutations(whole, 2, 20, 50))
    assert {mutation.file for mutation in found} == {"a", "b"}
    for mutation in found:
        before = whole[mutation.file]
        if mutation.kind == "truncated":
            assert mutation.data == before[: mutation.at]
            assert len(mutation.data) < len(before)
        else:
            ones = [(x ^ y).bit_count() for x, y in zip(before, mutation.data, strict=True)]
            assert sum(ones) == 1


def test_special_damage_leaves_nothing(samples: str, tmp_path: Path) -> None:
    """Each special damage starts from a sound copy, and clears it away."""
    folder = str(tmp_path / "special")
    for special in special_damage("keras", os.path.join(samples, "keras"), folder):
        assert os.path.exists(special.path)
    assert not os.path.exists(folder)
