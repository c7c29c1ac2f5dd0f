"""What the tests of the callback and of the loader share."""

from __future__ import annotations

import importlib
import json
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from ckptsel.errors import CkptselWarning

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType


@pytest.fixture
def training() -> ModuleType:
    """The module with models to train. Keras is loaded by whoever needs it, and not before."""
    pytest.importorskip("keras")
    return importlib.import_module("tests.keras.training")


@pytest.fixture
def keras() -> Any:
    """Keras, with names of layers that begin anew."""
    found: Any = pytest.importorskip("keras")
    found.utils.clear_session()
    return found


@pytest.fixture
def load(keras: Any) -> Any:
    """The function under test."""
    del keras
    return importlib.import_module("ckptsel.keras").load_best_weights


@pytest.fixture
def callback(training: ModuleType, tmp_path: Path) -> Any:
    """BestCheckpoint for `tmp_path/run`, weights only, as they are small."""
    del training
    kind = importlib.import_module("ckptsel.keras").BestCheckpoint

    def make(**options: Any) -> Any:
        return kind(tmp_path / "run", **{"save_weights_only": True, **options})

    return make


def lines(folder: Path) -> list[dict[str, Any]]:
    """The log, parsed."""
    text = (folder / "ckptsel.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def names(folder: Path) -> list[str]:
    """The files in a folder, without the log."""
    return sorted(path.name for path in folder.iterdir() if path.name != "ckptsel.jsonl")


@contextmanager
def told() -> Iterator[list[str]]:
    """What ckptsel warns of in the block; `pytest.warns` would fail for what Keras warns of."""
    found: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield found
    found += [str(one.message) for one in caught if issubclass(one.category, CkptselWarning)]
