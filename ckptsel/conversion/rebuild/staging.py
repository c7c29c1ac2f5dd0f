"""The source as Keras loads it: a whole model, under a name with the suffix that Keras wants."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from ckptsel.conversion import keras_archive
from ckptsel.conversion.rebuild.keras2_config import readable
from ckptsel.conversion.sources import kind_of
from ckptsel.formats import open_contents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.conversion.converter import Options

_SUFFIX = {"keras": ".keras", "h5 model": ".h5"}
_LOADED = {"keras": (".keras",), "h5 model": (".h5", ".hdf5")}


@contextmanager
def staged(source: str, options: Options, folder: str, *, check: bool = False) -> Iterator[str]:
    """A path that Keras loads the model from; what was made for it is gone afterwards.

    Args:
        source: the path of the source.
        options: how to convert.
        folder: where something may be written, on the disk of the new checkpoint.
        check: also compare what was made with the source.
    """
    kind = kind_of(source)
    with tempfile.TemporaryDirectory(prefix=".rebuild-", dir=folder) as work:
        if options.model:
            made = os.path.join(work, "model.keras")
            how = replace(options, dtype=None)
            keras_archive.CONVERTER.write(source, made, how)
            if check:
                keras_archive.CONVERTER.check(source, made, how)
            yield made
        elif kind == "h5 model" and (made := _modern(source, work)):
            yield made
        elif kind == "savedmodel" or os.path.isdir(source) or source.endswith(_LOADED[kind]):
            yield os.path.abspath(source)
        else:
            # Keras goes by the suffix alone.
            made = os.path.join(work, "model" + _SUFFIX[kind])
            os.symlink(os.path.abspath(source), made)
            yield made


def _modern(source: str, work: str) -> str:
    """A copy whose config Keras 3 reads; "" if there is nothing to change."""
    import h5py  # noqa: PLC0415

    with open_contents(source) as contents:
        assert contents.config is not None, "it is a whole model"
        config = readable(contents.config)
        if config is contents.config:
            return ""
    made = os.path.join(work, "model.h5")
    shutil.copyfile(source, made)
    with h5py.File(made, "r+") as file:
        file.attrs["model_config"] = json.dumps(config)
    return made
