"""Weights and a model's config → `.keras`, if Keras would load each weight into its own layer.

Source: `_save_model_to_fileobj` in keras/src/saving/saving_lib.py.
"""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.conversion import keras_weights
from ckptsel.conversion.cargo import Streamed
from ckptsel.conversion.hdf5_file import write_hdf5
from ckptsel.conversion.layered import LAYERED, optimizer_left_out
from ckptsel.conversion.model_config import asset_blocks, saved_config
from ckptsel.conversion.model_fit import doubts
from ckptsel.conversion.optimizer_state import check_state
from ckptsel.conversion.read_back import require_same, require_same_bytes
from ckptsel.errors import ConversionError
from ckptsel.formats.keras.archive import CONFIG, METADATA, WEIGHTS, KerasArchive
from ckptsel.formats.keras.config import config_dangers, optimizer_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckptsel.conversion.cargo import Cargo
    from ckptsel.conversion.converter import Options
    from ckptsel.conversion.model_config import SavedConfig
    from ckptsel.formats.contents import Contents

_BLOCK_BYTES = 2**20


def load(contents: Contents, path: str, options: Options) -> Cargo:
    """See `Loader`. It is refused unless the weights fit, as `inspect --against` finds it."""
    model = saved_config(options.model)
    left_out: tuple[Finding, ...] = ()
    if isinstance(contents, KerasArchive) and contents.is_of_keras_2 and not options.drop_optimizer:
        # Optimizers of Keras 3 have other variables; weights are laid out in the same way.
        options = replace(options, drop_optimizer=True)
        left_out = (optimizer_left_out(path),)
    cargo = keras_weights.load(contents, path, options)
    left_out = left_out if cargo.optimizer_bytes else ()
    # What is laid out anew was placed by the config itself, layer by layer.
    doubtful = doubts(contents, path, options) if contents.kind not in LAYERED else ()
    findings = (*cargo.findings, *left_out, *_findings(cargo, model, path), *doubtful)
    return replace(cargo, findings=findings)


def _findings(cargo: Cargo, model: SavedConfig, path: str) -> Iterator[Finding]:
    has_state = any(item.tensor.role == "optimizer" for item in cargo.items)
    optimizer = optimizer_of(_compiled(model), "optimizer")
    if has_state and optimizer is None:
        raise ConversionError(
            f"{path!r} has an optimizer's state, and the model does not say which optimizer",
            hint="--drop-optimizer leaves it out; or give a model that was compiled and saved",
        )
    if has_state and optimizer is not None:
        names = {group: str(each.get("name", "")) for group, each in cargo.attributes.items()}
        tensors = [item.tensor for item in cargo.items]
        yield from check_state(tensors, names, model.config, optimizer, path)
    if optimizer is not None and not has_state:
        message = "the weights come without the optimizer's state: training would begin anew"
        yield Finding("optimizer-begins-anew", message, path)
    yield from config_dangers(model.config, path)


def _compiled(model: SavedConfig) -> dict[str, object] | None:
    compiled = model.config.get("compile_config")
    return compiled if isinstance(compiled, dict) else None


def put(cargo: Cargo, dest: str, options: Options) -> None:
    """See `Putter`. Members are stored as they are, so that HDF5 can be read in place."""
    model = saved_config(options.model)
    now = datetime.now().astimezone()
    # The version is that of the Keras which wrote the config; the time is local, as Keras's is.
    metadata = {**model.metadata, "date_saved": f"{now:%Y-%m-%d@%H:%M:%S}"}
    # Its own name for the time being, as the place of the values is only known in a file.
    weights = dest + ".weights"
    try:
        write_hdf5(cargo, cargo.items, cargo.attributes, weights)
        with zipfile.ZipFile(dest, "x") as archive:
            archive.writestr(METADATA, json.dumps(metadata))
            archive.writestr(CONFIG, model.raw)
            for name, blocks in asset_blocks(options.model, model.assets):
                with archive.open(name, "w", force_zip64=True) as out:
                    out.writelines(blocks)
            with (
                open(weights, "rb") as file,
                archive.open(WEIGHTS, "w", force_zip64=os.path.getsize(weights) >= 2**31) as out,
            ):
                while block := file.read(_BLOCK_BYTES):
                    out.write(block)
    finally:
        if os.path.exists(weights):
            os.unlink(weights)


def confirm(cargo: Cargo, made: Contents, options: Options) -> None:
    """See `Confirmer`: names, config, metadata and assets are those of `--model`."""
    keras_weights.confirm(cargo, made, options)
    model = saved_config(options.model)
    assert isinstance(made, KerasArchive), "it was written as such"
    members = made.members
    require_same("the config", members.read(CONFIG), model.raw)
    metadata = json.loads(members.read(METADATA))
    require_same(
        "the metadata", {**metadata, "date_saved": ""}, {**model.metadata, "date_saved": ""}
    )
    require_same(
        "the list of members", set(members.files()), {CONFIG, METADATA, WEIGHTS, *model.assets}
    )
    for name, blocks in asset_blocks(options.model, model.assets):
        require_same_bytes(name, members.blocks(name), blocks)


CONVERTER = Streamed(load, put, confirm)
