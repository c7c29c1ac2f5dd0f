"""Whole Keras 3 models: `.keras`, a zip of config, metadata and weights; also as a folder.

Source: `_save_model_to_fileobj` and `_save_model_to_dir` in keras/src/saving/saving_lib.py.
"""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ckptsel.checkpoint import Finding
from ckptsel.errors import DamagedError
from ckptsel.formats.contents import Contents, Facts, Format, Level, Tensor
from ckptsel.formats.keras import config as keras_config
from ckptsel.formats.keras.members import FolderMembers, Members, ZipMembers
from ckptsel.formats.keras.state import compiled_names, owners_of, role_of
from ckptsel.formats.keras.weights import KerasWeights
from ckptsel.formats.strict_json import parse_object
from ckptsel.formats.zip_checks import member_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

CONFIG, METADATA = "config.json", "metadata.json"
WEIGHTS, WEIGHTS_NPZ = "model.weights.h5", "model.weights.npz"


class KerasArchive(Contents):
    """An open model. Its weights are opened when they are first asked for."""

    kind = "keras"
    has_checksums = True

    def __init__(self, path: str, members: Members) -> None:
        self._path = path
        self._members = members
        self._weights_open: KerasWeights | None = None

    @property
    def _weights(self) -> KerasWeights:
        if self._weights_open is None:
            hdf5 = self._members.hdf5(WEIGHTS)
            self._weights_open = KerasWeights(self._path, hdf5, lambda: None)
        return self._weights_open

    @property
    def members(self) -> Members:
        """What the model consists of: config, metadata, weights, and assets of its layers."""
        return self._members

    @property
    def group_names(self) -> dict[str, str]:
        """See `KerasWeights.group_names`."""
        return self._weights.group_names if WEIGHTS in self._members.names else {}

    def _json(self, name: str) -> Mapping[str, Any] | None:
        if name not in self._members.names:
            return None
        return parse_object(self._members.read(name), f"{name} in {self._path!r}")

    @cached_property
    def config(self) -> Mapping[str, Any] | None:
        """The model config. Raises DamagedError if it cannot be read."""
        return self._json(CONFIG)

    @property
    def optimizer_config(self) -> Mapping[str, Any] | None:
        """The optimizer's entry of the compile config. Raises as `config` does."""
        compiled = self.config.get("compile_config") if self.config else None
        return keras_config.optimizer_of(compiled, "optimizer")

    @cached_property
    def _tensors(self) -> tuple[Tensor, ...]:
        if WEIGHTS in self._members.names:
            return self._named(self._weights.tensors)
        if WEIGHTS_NPZ not in self._members.names:
            return ()
        names = self._members.npz_names(WEIGHTS_NPZ)
        return tuple(Tensor(name, (), "object", 0, role_of(f"{name}/vars/0")) for name in names)

    def _named(self, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Layer names from the config, where the weights carry none (tf_keras)."""
        if any(tensor.layer for tensor in tensors):
            return tuple(tensors)
        try:
            names = keras_config.layer_groups(self.config)
        except DamagedError:
            return tuple(tensors)

        def name_of(group: str) -> str:
            return names.get(group.removesuffix("/vars"), "")

        return tuple(
            replace(
                tensor,
                layer=name_of(tensor.path.rpartition("/")[0]),
                owners=owners_of(tensor.path, name_of),
            )
            if tensor.role == "weight"
            else tensor
            for tensor in tensors
        )

    @property
    def tensors(self) -> Sequence[Tensor]:
        """See `Contents.tensors`. In an npz each is a pickled group, whose arrays are unknown."""
        return self._tensors

    @property
    def unlisted(self) -> str:
        """See `Contents.unlisted`: those in an npz are known by their groups only."""
        return "they are pickled" if WEIGHTS_NPZ in self._members.names else ""

    @property
    def facts(self) -> Facts:
        """See `Contents.facts`."""
        version, saved = self._version_and_date()
        found = self._weights.facts if WEIGHTS in self._members.names else Facts()
        compiled = self.config.get("compile_config") if self.config else None
        names = compiled_names(found.metrics, compiled, self.config)
        return replace(
            found,
            metrics={names[name]: value for name, value in found.metrics.items()},
            samples={names[name]: count for name, count in found.samples.items()},
            learning_rate=keras_config.learning_rate(self.optimizer_config, found.learning_rate),
            saved=saved if isinstance(saved, str) else "",
            model_name=keras_config.model_name(self.config) or found.model_name,
            framework=f"keras {version}" if isinstance(version, str) else "keras",
        )

    @property
    def is_of_keras_2(self) -> bool:
        """Whether tf_keras wrote it, as its metadata say. Raises DamagedError as `config` does."""
        version, _ = self._version_and_date()
        return isinstance(version, str) and version.startswith("2.")

    def _version_and_date(self) -> tuple[Any, Any]:
        metadata = self._json(METADATA) or {}
        return metadata.get("keras_version"), metadata.get("date_saved")

    def pieces(self, tensor: Tensor) -> Iterator[NDArray[Any]]:
        """See `Contents.pieces`."""
        if WEIGHTS not in self._members.names:
            raise DamagedError(
                f"{tensor.path} in {self._path!r} is pickled: reading it would run its code",
                hint="Keras 3.15 writes such weights on request, and refuses to load them",
            )
        return self._weights.pieces(tensor)

    def damage(
        self, level: Level, on_bytes: Callable[[int], None] | None = None
    ) -> Iterator[Finding]:
        """See `Contents.damage`. A zip has a CRC-32 of every member; a folder has none."""
        names = self._members.names
        yield from self._members.damage(level, on_bytes)
        if CONFIG not in names:
            yield Finding("missing-member", f"there is no {CONFIG}", self._path)
        yield from self._json_damage(CONFIG)
        yield from self._json_damage(METADATA)
        if WEIGHTS in names:
            try:
                yield from self._weights_damage(level, on_bytes)
            except DamagedError as error:
                yield Finding("unreadable-weights", error.message, self._path)
        elif WEIGHTS_NPZ not in names:
            yield Finding("no-weights", f"there is no {WEIGHTS}", self._path)

    def _json_damage(self, name: str) -> Iterator[Finding]:
        try:
            self._json(name)
        except DamagedError as error:
            yield Finding("bad-json", error.message, self._path)

    def _weights_damage(
        self, level: Level, on_bytes: Callable[[int], None] | None
    ) -> Iterator[Finding]:
        if isinstance(self._members, FolderMembers):
            yield from self._weights.damage(level, on_bytes)
        else:
            # The checksum has read every byte of the member already.
            yield from self._weights.damage(level, None, read_all=False)
        try:
            lost = self.config is not None and self.optimizer_config is None
        except DamagedError:
            return
        if lost and any(tensor.path.startswith("optimizer/") for tensor in self._weights.tensors):
            # keras 3.15.1 forgets the optimizer when the model was saved as `.h5` before.
            message = (
                "has an optimizer's state, but not which optimizer: training starts with another"
            )
            yield Finding("lost-optimizer", message, self._path)

    def dangers(self) -> Iterator[Finding]:
        """See `Contents.dangers`."""
        yield from self._members.dangers()
        try:
            yield from keras_config.config_dangers(self.config, self._path)
            if WEIGHTS in self._members.names:
                yield from self._weights.dangers()
        except DamagedError:
            return  # damage() tells of it
        if WEIGHTS_NPZ in self._members.names:
            says = f"{WEIGHTS_NPZ} holds pickles, which run code"
            yield Finding("pickle-code", says, self._path)

    def close(self) -> None:
        """See `Contents.close`."""
        if self._weights_open is not None:
            self._weights_open.close()
        self._members.close()


def _recognise(path: str, head: bytes) -> bool:
    if not head:
        return os.path.isfile(os.path.join(path, CONFIG)) and (
            any(os.path.isfile(os.path.join(path, name)) for name in (WEIGHTS, WEIGHTS_NPZ))
        )
    if not head.startswith(b"PK"):
        return False
    names = set(member_names(path))
    if not names:
        # The directory at the end is gone; the first member, and the suffix, are hints.
        first = head[30 : 30 + int.from_bytes(head[26:28], "little")]
        return first in (METADATA.encode(), CONFIG.encode()) or path.endswith(".keras")
    return bool(names & {WEIGHTS, WEIGHTS_NPZ}) or names >= {CONFIG, METADATA}


def _open(path: str) -> Contents:
    members: Members = FolderMembers(path) if os.path.isdir(path) else ZipMembers(path)
    if members.names.isdisjoint((CONFIG, METADATA, WEIGHTS, WEIGHTS_NPZ)):
        members.close()
        raise DamagedError(f"{path!r} holds nothing of a Keras model")
    return KerasArchive(path, members)


FORMAT = Format("keras", _recognise, _open)
