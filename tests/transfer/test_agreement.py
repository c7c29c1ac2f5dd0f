"""Members whose weights agree in shape, and still are not the same weights."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ckptsel.errors import ConversionError, StrictError
from ckptsel.transfer import members
from ckptsel.transfer.average import average
from tests.transfer.keras_odd import SUFFIXES
from tests.transfer.small_weights import query

if TYPE_CHECKING:
    from pathlib import Path

    from ckptsel.transfer.average import Averaged

pytest.importorskip("keras")


@pytest.fixture(scope="session")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of `keras_odd`."""
    folder = tmp_path_factory.mktemp("odd")
    command = [sys.executable, "-m", "tests.transfer.keras_odd", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def _average(*paths: Path | str, strict: bool = False) -> Averaged:
    path = str(paths[0])
    suffix = next(suffix for suffix in SUFFIXES if path.endswith(suffix))
    dest = f"{path.removesuffix(suffix)}-mean{suffix}"
    chosen = members.named(query(*paths))
    return average(chosen, dest, strict=strict, dry_run=True)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_layers_in_another_order(suffix: str, odd: Path) -> None:
    """Where files call layers by their order, the mean would mix a with b: it is refused."""
    with pytest.raises(ConversionError, match=r"another order: .*'\S*a\S*' in .*'\S*b\S*' in"):
        _average(f"{odd}/swapped-1{suffix}", f"{odd}/swapped-2{suffix}")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_layers_of_other_names(suffix: str, odd: Path) -> None:
    """They may be the same ones; that nothing tells is said."""
    paths = f"{odd}/swapped-1{suffix}", f"{odd}/swapped-3{suffix}"
    codes = [finding.code for finding in _average(*paths).findings]
    assert codes == ["layers-renamed", *["configs-differ"] * (suffix == ".keras")]
    with pytest.raises(StrictError, match="may be another layer"):
        _average(*paths, strict=True)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_second_model_of_a_session(suffix: str, odd: Path) -> None:
    """It has dense_4 where the first has dense, and is the same model: nothing is to be said."""
    done = _average(f"{odd}/counted-1{suffix}", f"{odd}/counted-2{suffix}", strict=True)
    assert not done.findings
