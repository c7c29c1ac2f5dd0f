"""Models that are hard to rebuild, written once by the real frameworks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conversion.conftest import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def hard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `writer` wrote; not to be written to."""
    for package in ("keras", "tf_keras"):
        pytest.importorskip(package)
    folder = tmp_path_factory.mktemp("hard")
    run("rebuild.writer", str(folder))
    return folder
