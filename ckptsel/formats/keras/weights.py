"""Keras 3 and tf_keras weights: `.weights.h5`, one HDF5 file with datasets at `…/vars/N`."""

from __future__ import annotations

from contextlib import closing
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from ckptsel.checkpoint import Finding
from ckptsel.errors import DamagedError
from ckptsel.formats.contents import Contents, Facts, Format, Level, Tensor
from ckptsel.formats.hdf5.file import Hdf5, open_hdf5
from ckptsel.formats.hdf5.superblock import is_hdf5
from ckptsel.formats.keras.state import (
    metric_values,
    optimizers,
    skips_steps,
    step_and_rate,
    tensor_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from ckptsel.formats.hdf5.dataset import Stored

_LEGACY_MARKS = ("layer_names", "layer_names0", "model_config", "training_config")


class Store(Protocol):
    """Where the weights are: one HDF5 file, or shards. The methods are those of `Hdf5`."""

    dangers: list[Finding]

    @property
    def groups(self) -> set[str]: ...  # noqa: D102

    @property
    def datasets(self) -> dict[str, Stored]: ...  # noqa: D102

    def text(self, path: str, name: str, /) -> str: ...  # noqa: D102

    def pieces(self, path: str) -> Iterator[NDArray[Any]]: ...  # noqa: D102

    def damage(  # noqa: D102
        self,
        level: Level,
        on_bytes: Callable[[int], None] | None = None,
        *,
        read_all: bool = True,
    ) -> Iterator[Finding]: ...

    def close(self) -> None: ...  # noqa: D102


class KerasWeights(Contents):
    """Open weights."""

    kind = "weights.h5"

    def __init__(self, path: str, hdf5: Store, close: Callable[[], None]) -> None:
        self._path = path
        self._hdf5 = hdf5
        self._close = close

    @cached_property
    def _tensors(self) -> tuple[Tensor, ...]:
        names: dict[str, str] = {}

        def layer_of(group: str) -> str:
            if group not in names:
                names[group] = name_of(self._hdf5, group)
            return names[group]

        datasets = self._hdf5.datasets
        found = optimizers(datasets, layer_of)
        return tuple(tensor_of(stored, layer_of, found) for stored in datasets.values())

    @property
    def tensors(self) -> Sequence[Tensor]:
        """Every tensor; `vars/2` before `vars/10`. Groups come by name: HDF5 sorts them."""
        return self._tensors

    @property
    def path(self) -> str:
        """The path that it was opened by."""
        return self._path

    @property
    def group_names(self) -> dict[str, str]:
        """Every group in the file → the name that Keras gave it, "" for most."""
        _ = self._hdf5.datasets  # Seen on the way.
        return {group: name_of(self._hdf5, group) for group in sorted(self._hdf5.groups)}

    @property
    def facts(self) -> Facts:
        """Step, learning rate and model name; metrics where tf_keras left their totals.

        Raises:
            DamagedError: if a value cannot be read.
        """
        tensors = {tensor.path: tensor for tensor in self.tensors}
        scalars = [t.path for t in self.tensors if not t.shape and t.dtype.startswith("float")]
        step, rate = step_and_rate(tensors, self.scalar)
        means = metric_values(scalars, self.scalar)
        return Facts(
            step=step,
            skips_steps=skips_steps(tensors),
            learning_rate=rate,
            model_name=name_of(self._hdf5, "vars"),
            metrics={name: value for name, (value, _) in means.items()},
            samples={name: count for name, (_, count) in means.items()},
        )

    def scalar(self, path: str) -> Any:
        """The value of a tensor without axes.

        Raises:
            DamagedError: if it cannot be read.
        """
        return next(self._hdf5.pieces(path))[0]

    def pieces(self, tensor: Tensor) -> Iterator[NDArray[Any]]:
        """See `Contents.pieces`."""
        return self._hdf5.pieces(tensor.path)

    def damage(
        self,
        level: Level,
        on_bytes: Callable[[int], None] | None = None,
        *,
        read_all: bool = True,
    ) -> Iterator[Finding]:
        """See `Contents.damage`. Plain HDF5 has no checksums: a changed value is not found.

        Args:
            level: see `Contents.damage`.
            on_bytes: see `Contents.damage`.
            read_all: see `Hdf5.damage`.
        """
        yield from self._hdf5.damage(level, on_bytes, read_all=read_all)
        for group in sorted({path.rpartition("/")[0] for path in self._hdf5.datasets}):
            yield from self._name_damage(group)
        if not self._hdf5.datasets:
            # What a save leaves behind that fails for a full disk: it opens, and is empty.
            yield Finding("no-weights", "holds no weights: no datasets at all", self._path)

    def _name_damage(self, group: str) -> Iterator[Finding]:
        try:
            self._hdf5.text(group, "name")
        except DamagedError as error:
            yield Finding("unreadable-object", error.message, self._path)

    def dangers(self) -> Iterator[Finding]:
        """See `Contents.dangers`."""
        _ = self._hdf5.datasets
        yield from self._hdf5.dangers

    def close(self) -> None:
        """See `Contents.close`."""
        self._hdf5.close()
        self._close()


def name_of(hdf5: Store, group: str) -> str:
    """The name that Keras gave a `vars` group, "" if none.

    Source: `_save_state` and `H5IOStore._create_h5_group` in keras/src/saving/saving_lib.py.
    """
    try:
        return hdf5.text(group, "name")
    except DamagedError:
        return ""


def is_legacy(hdf5: Hdf5) -> bool:
    """Whether it is laid out as Keras 2 did.

    Raises:
        DamagedError: if the root cannot be read.
    """
    return any(hdf5.attribute("", mark) is not None for mark in _LEGACY_MARKS)


def _recognise(path: str, head: bytes) -> bool:
    if not is_hdf5(path, head):
        return False
    try:
        file, hdf5 = open_hdf5(path)
    except DamagedError:
        # It cannot be looked into; the name is the only hint as to what it was.
        return path.endswith(".weights.h5") or not path.endswith((".h5", ".hdf5"))
    with closing(file), closing(hdf5):
        try:
            if is_legacy(hdf5):
                return False
        except DamagedError:
            return True
        has_groups = any(
            at.rpartition("/")[2] == "vars" and met == "group" for at, met, _ in hdf5.objects()
        )
        # No datasets at all: a save that failed may have left just the root.
        return has_groups or not hdf5.datasets


def _open(path: str) -> Contents:
    file, hdf5 = open_hdf5(path)
    return KerasWeights(path, hdf5, file.close)


FORMAT = Format("weights.h5", _recognise, _open)
