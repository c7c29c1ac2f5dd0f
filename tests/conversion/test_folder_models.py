"""`.keras` as a folder, and what else a `.keras` holds: copied, and links never followed."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ckptsel.conversion.converter import Options
from ckptsel.conversion.rewrite import rewrite
from ckptsel.errors import CkptselError, ConversionError, DamagedError
from ckptsel.transfer.export import export
from tests.conversion.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

ARCHIVE = (
    Path(__file__).parents[2]
    / "docs/examples/runs/whole-models/epoch10-val_loss0.2544-val_accuracy0.9178.keras"
)
LARGE_BYTES = 48 * 2**20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model that was unzipped, with assets in folders."""
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(path)
    (path / "assets" / "text" / "empty").mkdir(parents=True)
    (path / "assets" / "text" / "vocabulary.txt").write_text("a\nb\n")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("not yours")
    return path


def files_in(path: Path) -> dict[str, bytes]:
    """Every file in a folder."""
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def test_all_but_the_weights_stays(folder: Path, tmp_path: Path) -> None:
    """Also what stands in folders, and folders without anything."""
    export(str(folder), str(tmp_path / "n.keras"), Options(drop_optimizer=True))
    made = tmp_path / "n.keras"
    before, after = files_in(folder), files_in(made)
    assert before.pop("model.weights.h5") != after.pop("model.weights.h5")
    assert before == after
    assert (made / "assets" / "text" / "empty").is_dir()


def _link_to_a_file(folder: Path) -> None:
    (folder / "notes.txt").symlink_to(folder.parent / "secret" / "key")


def _link_to_a_folder(folder: Path) -> None:
    (folder / "assets" / "more").symlink_to(folder.parent / "secret")


def _link_to_nothing(folder: Path) -> None:
    (folder / "assets" / "more").symlink_to("/nowhere")


def _link_without_end(folder: Path) -> None:
    (folder / "assets" / "zeros").symlink_to("/dev/zero")


def _linked_weights(folder: Path) -> None:
    weights = folder / "model.weights.h5"
    weights.rename(folder.parent / "secret" / "w.h5")
    weights.symlink_to(folder.parent / "secret" / "w.h5")


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "assets" / "pipe")


@pytest.mark.skipif(os.name != "posix", reason="links and pipes of POSIX")
@pytest.mark.parametrize("dest", ["n.keras", "n.weights.h5", "n.npz"])
@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    "put",
    [
        _link_to_a_file, _link_to_a_folder, _link_to_nothing, _link_without_end, _linked_weights,
        _pipe,
    ],
)  # fmt: skip
def test_links_and_pipes(
    folder: Path, tmp_path: Path, put: Callable[[Path], None], dest: str, dry_run: bool
) -> None:
    """A stranger's folder copies nothing of this machine, and is not waited for."""
    put(folder)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(DamagedError, match=r"is a link|is a pipe") as caught:
        export(str(folder), str(tmp_path / dest), dry_run=dry_run)
    assert "[" not in caught.value.message  # no raw list of Python's
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.skipif(os.name != "posix", reason="links and pipes of POSIX")
@pytest.mark.parametrize("put", [_link_to_a_file, _link_to_a_folder, _linked_weights, _pipe])
def test_a_rewrite_follows_nothing(
    folder: Path, tmp_path: Path, put: Callable[[Path], None]
) -> None:
    """As an average makes one, which does not come by an export's checks."""
    put(folder)
    with pytest.raises(ConversionError, match="not followed"):
        rewrite(str(folder), str(tmp_path / "n.keras"), lambda _: None)
    assert not (tmp_path / "n.keras").exists()


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
@pytest.mark.parametrize(
    "command", [["export", "w.weights.h5", "--to", "m.keras", "--model", "pipe"],
                ["inspect", "w.weights.h5", "--against", "pipe"]],
)  # fmt: skip
def test_a_pipe_for_a_model(tmp_path: Path, command: list[str]) -> None:
    """Nobody waits for what may never come."""
    with zipfile.ZipFile(ARCHIVE) as archive:
        (tmp_path / "w.weights.h5").write_bytes(archive.read("model.weights.h5"))
    os.mkfifo(tmp_path / "pipe")
    done = subprocess.run(
        [sys.executable, "-m", "ckptsel", *command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "'pipe'" in done.stderr
    assert "Traceback" not in done.stderr


def with_asset(path: Path) -> bytes:
    """The model with a large asset, packed; what is in it."""
    content = np.random.default_rng(0).bytes(LARGE_BYTES)
    with zipfile.ZipFile(ARCHIVE) as archive, zipfile.ZipFile(path, "w") as again:
        for name in archive.namelist():
            again.writestr(name, archive.read(name))
        again.writestr("assets/table.bin", content)
    return content


def test_assets_of_the_model_are_streamed(tmp_path: Path) -> None:
    """They come along whatever their size, and memory stays flat."""
    model = tmp_path / "model.keras"
    content = with_asset(model)
    weights = str(tmp_path / "w.weights.h5")
    export(str(model), weights)
    tracemalloc.start()
    try:
        export(weights, str(tmp_path / "m.keras"), Options(model=str(model)), check=False)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < LARGE_BYTES / 2
    with zipfile.ZipFile(tmp_path / "m.keras") as made:
        assert made.read("assets/table.bin") == content
        assert made.testzip() is None


def test_assets_of_a_model_that_is_a_folder(folder: Path, tmp_path: Path) -> None:
    """Also those in folders; and a link among them is refused."""
    weights = str(tmp_path / "w.weights.h5")
    export(str(folder), weights)
    export(weights, str(tmp_path / "n.keras"), Options(model=str(folder)))
    with zipfile.ZipFile(tmp_path / "n.keras") as made:
        assert made.read("assets/text/vocabulary.txt") == b"a\nb\n"
    (folder / "assets" / "key").symlink_to(tmp_path / "secret" / "key")
    with pytest.raises(CkptselError, match="assets/key"):
        export(weights, str(tmp_path / "o.keras"), Options(model=str(folder)))
