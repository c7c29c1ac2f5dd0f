"""Files that real frameworks wrote, made once a session."""

from __future__ import annotations

import pytest

from tests.formats.keras.samples import write_keras_samples


@pytest.fixture(scope="session")
def keras_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder with all that Keras and tf_keras write; see `keras_sample`."""
    folder = str(tmp_path_factory.mktemp("keras"))
    write_keras_samples(folder)
    return folder
