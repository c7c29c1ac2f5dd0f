"""Weights → the layout of Keras 3: `.weights.h5`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.conversion.cargo import Cargo, Streamed, itemized, plain_cargo
from ckptsel.conversion.hdf5_file import write_hdf5
from ckptsel.conversion.keras_paths import other_classes, paths_of
from ckptsel.conversion.layered import LAYERED, layers_of, optimizer_left_out
from ckptsel.conversion.model_config import config_for
from ckptsel.conversion.read_back import require_same
from ckptsel.formats.keras.archive import KerasArchive
from ckptsel.formats.keras.weights import KerasWeights

if TYPE_CHECKING:
    from ckptsel.conversion.converter import Options
    from ckptsel.formats.contents import Contents

KEEPS = frozenset({"bfloat16"})


def load(contents: Contents, path: str, options: Options) -> Cargo:
    """See `Loader`. Files of Keras 3 stay as they are; others are mapped by the model's config."""
    if contents.kind not in LAYERED:
        return plain_cargo(
            contents, path, options, keeps=KEEPS, attributes=_names(contents, options)
        )
    layered = layers_of(contents, path)
    config = config_for(contents, options)
    placed = paths_of(layered, config, path)
    items, findings = itemized(
        ((place.path, place.tensor) for place in placed), path, options, keeps=KEEPS
    )
    names = {place.path.rpartition("/")[0]: {"name": place.layer} for place in placed}
    if untold := [*dict.fromkeys(place.layer for place in placed if place.is_untold)]:
        message = (
            f"{', '.join(untold)} has a gamma or a beta, not both, and the weights have no names"
            " that say which"
        )
        findings = (*findings, Finding("doubtful-fit", message, path, strict=True))
    if others := other_classes(contents.config, config):
        findings = (*findings, Finding("doubtful-fit", "; ".join(others), path, strict=True))
    if layered.optimizer_bytes and not options.drop_optimizer:
        findings = (*findings, optimizer_left_out(path))
    return Cargo(path, contents, items, layered.optimizer_bytes, names, findings)


def _names(contents: Contents, options: Options) -> dict[str, dict[str, str]]:
    """The groups of a file of Keras 3, and the names of layers that they carry."""
    assert isinstance(contents, (KerasArchive, KerasWeights)), "the table names only these"
    found = contents.group_names
    return {
        group: {"name": name} if name else {}
        for group, name in found.items()
        if not (options.drop_optimizer and group.partition("/")[0] == "optimizer")
    }


def put(cargo: Cargo, dest: str, options: Options) -> None:
    """See `Putter`."""
    del options
    write_hdf5(cargo, cargo.items, cargo.attributes, dest)


def confirm(cargo: Cargo, made: Contents, options: Options) -> None:
    """See `Confirmer`: each group has the name of its layer."""
    del options
    assert isinstance(made, (KerasArchive, KerasWeights)), "it was written as one of these"
    wanted = {group: each["name"] for group, each in cargo.attributes.items() if each.get("name")}
    found = {group: name for group, name in made.group_names.items() if name}
    require_same("the layers' names", found, wanted)


CONVERTER = Streamed(load, put, confirm)
