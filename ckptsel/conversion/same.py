"""The same format again: without the optimizer, or in another type; nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.conversion.cargo import Streamed, plain_cargo
from ckptsel.conversion.read_back import require_same, require_same_bytes
from ckptsel.conversion.rewrite import rewrite
from ckptsel.errors import ConversionError
from ckptsel.formats.keras.archive import WEIGHTS, KerasArchive
from ckptsel.formats.keras.legacy import KerasLegacy

if TYPE_CHECKING:
    from collections.abc import Collection

    from ckptsel.conversion.cargo import Cargo
    from ckptsel.conversion.converter import Options
    from ckptsel.formats.contents import Contents


def load(contents: Contents, path: str, options: Options) -> Cargo:
    """See `Loader`: what is expected to come out."""
    if isinstance(contents, KerasArchive) and contents.is_of_keras_2:
        raise ConversionError(
            f"{path!r} is of Keras 2, and Keras 3 cannot be relied on to build its model",
            hint="give --model with the same model's config of Keras 3: a saved .keras, or the JSON"
            " of model.to_json(); .weights.h5 and .h5 need none",
        )
    bfloat16 = frozenset() if contents.kind == "h5" else frozenset({"bfloat16"})
    cargo = plain_cargo(contents, path, options, keeps=bfloat16)
    if cargo.optimizer_bytes and contents.optimizer_config is not None:
        message = "the model stays compiled, and its optimizer begins anew: Keras warns of it"
        finding = Finding("optimizer-begins-anew", message, path)
        cargo = replace(cargo, findings=(*cargo.findings, finding))
    return cargo


def put(cargo: Cargo, dest: str, options: Options) -> None:
    """See `Putter`."""
    rewrite(
        cargo.path,
        dest,
        lambda _: None,
        drop_optimizer=options.drop_optimizer,
        dtype=options.dtype,
    )


def confirm(cargo: Cargo, made: Contents, options: Options) -> None:
    """See `Confirmer`: all but the weights is the source's."""
    del options
    source = cargo.contents
    if isinstance(source, KerasArchive):
        assert isinstance(made, KerasArchive), "it was written as such"
        names = source.members.files()
        require_same("the list of members", made.members.files(), names)
        for name in names:
            if name != WEIGHTS:
                require_same_bytes(name, made.members.blocks(name), source.members.blocks(name))
        kept = {item.path.rpartition("/")[0] for item in cargo.items}
        require_same("the layers' names", *(_names(each, kept) for each in (made, source)))
        return
    assert isinstance(source, KerasLegacy), "the table names only these"
    assert isinstance(made, KerasLegacy), "it was written as such"
    require_same("the config", made.config, source.config)
    require_same("the optimizer", made.optimizer_config, source.optimizer_config)
    layouts = ([*each.layout.items()] for each in (made, source))
    require_same("the order of the layers", *layouts)


def _names(model: KerasArchive, groups: Collection[str]) -> dict[str, str]:
    """Of the groups that hold something; a dropped optimizer's are gone with it."""
    return {group: name for group, name in model.group_names.items() if group in groups}


CONVERTER = Streamed(load, put, confirm)
