"""The config of the model that weights belong to: from the source itself, or from `--model`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ckptsel.errors import ConversionError, DamagedError, UnreadableError
from ckptsel.formats import format_of, open_contents
from ckptsel.formats.keras.archive import CONFIG, METADATA, WEIGHTS, WEIGHTS_NPZ, KerasArchive
from ckptsel.formats.strict_json import parse_object
from ckptsel.storage import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ckptsel.conversion.converter import Options
    from ckptsel.formats.contents import Contents

# What a text file with a config may have, at most; as for the config in a `.keras`.
_LARGEST_BYTES = 16 * 2**20
# The members of a `.keras` that are no assets.
_APART = frozenset({CONFIG, METADATA, WEIGHTS, WEIGHTS_NPZ})


@dataclass(frozen=True, slots=True)
class SavedConfig:
    """A model without its weights.

    Attributes:
        config: its config.
        raw: the config as it stood in the file.
        metadata: that of a `.keras`, empty for a config alone.
        assets: the names of further members of a `.keras`, as vocabularies: see `asset_blocks`.
    """

    config: Mapping[str, Any]
    raw: bytes
    metadata: Mapping[str, Any]
    assets: tuple[str, ...] = ()


def config_for(contents: Contents, options: Options) -> Mapping[str, Any]:
    """The config that the weights of an open checkpoint belong to.

    Raises:
        ConversionError: if there is none.
        DamagedError: if it cannot be read.
    """
    if options.model:
        return saved_config(options.model).config
    config = contents.config
    if config is None:
        raise ConversionError(
            "the weights do not tell which model they belong to",
            hint="give --model with a saved .keras, or with the JSON of model.to_json()",
        )
    return config


def saved_config(path: str) -> SavedConfig:
    """What `--model` names.

    Raises:
        ConversionError: if it is neither a saved model nor a config, or one of Keras 2.
        DamagedError, LocationNotFoundError, UnreadableError: if it cannot be read.
    """
    found = format_of(path)
    if found is None:
        if os.path.isdir(path):
            raise _no_config(path)
        try:
            with open_regular(path) as file:
                raw = file.read(_LARGEST_BYTES + 1)
        except OSError as error:
            raise UnreadableError(f"cannot read {path!r}: {error.strerror}") from None
        if len(raw) > _LARGEST_BYTES or not raw.lstrip().startswith(b"{"):
            raise _no_config(path)
        config = parse_object(raw, repr(path))
        return SavedConfig(_checked(config, path), raw, {})
    with found.open(path) as contents:
        if not isinstance(contents, KerasArchive) or contents.config is None:
            raise _no_config(path)
        members = contents.members
        odd = [*members.damage("quick", None), *members.dangers()]
        if odd:
            raise DamagedError(
                f"{path!r} is not sound: {odd[0].message}",
                hint="ckptsel verify shows all that is wrong with it",
            )
        if contents.is_of_keras_2:
            raise _of_keras_2(path)
        metadata = members.read(METADATA) if METADATA in members.names else b"{}"
        return SavedConfig(
            _checked(contents.config, path),
            members.read(CONFIG),
            parse_object(metadata, f"{METADATA} in {path!r}"),
            tuple(name for name in members.files() if name not in _APART),
        )


def asset_blocks(path: str, names: Sequence[str]) -> Iterator[tuple[str, Iterator[bytes]]]:
    """The assets of the `.keras` that `--model` names, one after the other, piece by piece.

    Raises:
        DamagedError: if they cannot be read.
    """
    if not names:
        return  # A config alone is no checkpoint, and has none.
    with open_contents(path) as contents:
        assert isinstance(contents, KerasArchive), "nothing else has assets"
        for name in names:
            yield name, contents.members.blocks(name)


def _checked(config: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    if not isinstance(config.get("class_name"), str):
        raise _no_config(path)
    # Since 3.0 every config names the module that its class is from.
    if not isinstance(config.get("module"), str):
        raise _of_keras_2(path)
    return config


def _of_keras_2(path: str) -> ConversionError:
    return ConversionError(
        f"{path!r} has a config of Keras 2, which Keras 3 cannot be relied on to read",
        hint="make it with Keras 3: model.to_json(), or model.save('model.keras')",
    )


def _no_config(path: str) -> ConversionError:
    return ConversionError(
        f"{path!r} is neither a saved .keras nor a model's config",
        hint="give --model with a saved .keras, or with the JSON of model.to_json()",
    )
