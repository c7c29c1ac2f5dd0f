"""Exports that are killed, or meet a full disk: what stood there stays, and nothing half made."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ckptsel
from ckptsel.conversion import cargo, encoding, npz
from ckptsel.conversion.converter import Options
from ckptsel.conversion.read_back import compare
from ckptsel.errors import ConversionError, DestinationError
from ckptsel.formats import open_contents
from ckptsel.transfer.export import export
from tests.conversion.made import dense, weights

ARCHIVE = (
    Path(__file__).parents[2]
    / "docs/examples/runs/whole-models/epoch10-val_loss0.2544-val_accuracy0.9178.keras"
)
SUFFIXES = (".npz", ".safetensors", ".weights.h5", ".weights.json")


def start(source: str, dest: Path, how: str) -> subprocess.Popen[str]:
    """Start an export: `wait` to stop when it begins to write, or the largest size of a file."""
    places = [str(Path(ckptsel.__file__).parents[1]), str(Path(__file__).parents[2])]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.conversion.child", source, str(dest), how],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(places)},
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("limit", [500, 100_000])
def test_a_full_disk(tmp_path: Path, suffix: str, limit: int) -> None:
    """Where even the layout does not fit, or the values do not: one error, and the old file."""
    source = weights(tmp_path / "a.weights.h5", {"layers/dense/vars/0": np.ones(80_000, "f4")})
    dest = tmp_path / f"b{suffix}"
    dest.write_text("old")
    with start(source, dest, str(limit)) as child:
        out, err = child.communicate(timeout=60)
    assert out.startswith("DestinationError cannot write"), out + err
    assert "larger than the file system or `ulimit -f` allows" in out
    assert sorted(os.listdir(tmp_path)) == ["a.weights.h5", dest.name]
    assert dest.read_text() == "old"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_killed_while_writing(tmp_path: Path, suffix: str, number: int) -> None:
    """What stood there is whole; after Ctrl-C nothing else is left, and after a kill one folder."""
    source = dense(tmp_path / "a.weights.h5", 1.0)
    dest = tmp_path / f"b{suffix}"
    dest.write_text("old")
    with start(source, dest, "wait") as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "writing\n"
        child.send_signal(number)
        child.communicate(timeout=60)
    assert dest.read_text() == "old"
    left = [name for name in os.listdir(tmp_path) if name not in ("a.weights.h5", dest.name)]
    assert [name[:9] for name in left] == ([".ckptsel-"] if number == signal.SIGKILL else [])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_writer_that_is_wrong_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """One changed value: the check refuses, and nothing takes the name."""
    source = dense(tmp_path / "a.weights.h5", 1.0, 2.0)
    real = encoding.encoded

    def wrong(*arguments: object) -> object:
        for block in real(*arguments):  # type: ignore[arg-type]
            data = bytearray(block)
            data[-1] ^= 1
            yield memoryview(data)

    monkeypatch.setattr(cargo, "encoded", wrong)
    with pytest.raises(ConversionError, match="has other values"):
        export(source, str(tmp_path / f"b{suffix}"))
    assert os.listdir(tmp_path) == ["a.weights.h5"]


def test_a_copy_that_is_wrong_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where bytes are only copied."""
    from ckptsel.conversion.archive_weights import ArchiveWeights  # noqa: PLC0415

    real = ArchiveWeights.write

    def wrong(self: ArchiveWeights, source: str, dest: str, options: object) -> None:
        real(self, source, dest, options)  # type: ignore[arg-type]
        with open(dest, "r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"x")

    monkeypatch.setattr(ArchiveWeights, "write", wrong)
    with pytest.raises(ConversionError, match="not what was written"):
        export(str(ARCHIVE), str(tmp_path / "b.weights.h5"))
    assert os.listdir(tmp_path) == []


def test_what_is_missing_or_too_much(tmp_path: Path) -> None:
    """The check counts tensors, too, and looks at shapes and types."""
    path = dense(tmp_path / "a.weights.h5", 1.0, 2.0)
    other = dense(tmp_path / "b.weights.h5", 1.0, 2.0, 3.0)
    with open_contents(path) as source:
        pairs = [(tensor, tensor.path, tensor.dtype) for tensor in source.tensors]
        compare(source, pairs, path)
        with pytest.raises(ConversionError, match="is too much"):
            compare(source, pairs[:-1], path)
        with pytest.raises(ConversionError, match="is missing"):
            compare(source, [*pairs, (pairs[0][0], "more", "float32")], path)
        with pytest.raises(ConversionError, match="should be float16"):
            compare(source, [(t, name, "float16") for t, name, _ in pairs], path)
        with pytest.raises(ConversionError, match="should be float32"):
            compare(source, pairs, other)


def test_the_source_itself(tmp_path: Path) -> None:
    """It is never replaced, not even by force, nor one of its shards."""
    source = dense(tmp_path / "a.weights.h5", 1.0)
    with pytest.raises(DestinationError, match="itself"):
        export(source, source, force=True)
    export(source, str(tmp_path / "s.weights.json"))
    shard = str(tmp_path / "s_00000.weights.h5")
    with pytest.raises(DestinationError, match="itself"):
        export(str(tmp_path / "s.weights.json"), shard, force=True)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """No block is larger than a piece."""
    source = weights(tmp_path / "a.weights.h5", {"layers/dense/vars/0": np.ones(5_000_000, "f4")})
    with open_contents(source) as contents:
        found = npz.load(contents, source, Options())
        sizes = [block.nbytes for item in found.items for block in found.blocks(item)]
    assert sum(sizes) == 20_000_000
    assert max(sizes) <= 8 * 2**20
