"""What every format does with damaged files: the part of the conformance suite that breaks them."""

from __future__ import annotations

import os
import random
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

import pytest

from ckptsel.checkpoint import Finding
from ckptsel.errors import CkptselError, DamagedError
from ckptsel.formats.contents import PIECE_BYTES, Contents, Format, Level, Tensor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.formats.samples import Sample


def findings_of(path: str, found: Format, level: Level) -> list[Finding]:
    """The damage of a checkpoint; an error on opening it counts as one finding."""
    try:
        with found.open(path) as contents:
            return list(contents.damage(level))
    except DamagedError as error:
        return [Finding(error.code, error.message, path)]


def exercise(path: str, found: Format) -> None:
    """Do all that can be done with a checkpoint; only a CkptselError may come of it."""

    def use() -> None:
        with found.open(path) as contents:
            _clear(lambda: list(contents.damage("quick")))
            _clear(lambda: list(contents.damage("full")))
            _clear(lambda: list(contents.dangers()))
            _clear(lambda: (contents.facts, contents.config, contents.optimizer_config))
            for tensor in contents.tensors:
                _clear(partial(_drain, contents, tensor))

    _clear(use)


def _drain(contents: Contents, tensor: Tensor) -> None:
    for piece in contents.pieces(tensor):
        assert piece.nbytes <= PIECE_BYTES


def _clear(look: Callable[[], object]) -> None:
    try:
        look()
    except CkptselError as error:
        assert str(error)  # noqa: PT017


class DamageConformance:
    """What holds for damaged checkpoints of every format; see `FormatConformance`.

    Attributes:
        module: the format's module below `ckptsel.formats`.
        has_checksums: whether a changed byte among the values is found.
        never_imported: packages that reading must not load.
        own_foreign: keys of `foreign_files` that this format may recognise after all.
        truncations: how many cut files are tried in the fuzz test.
        flips: how many files with one flipped bit are tried in the fuzz test.
    """

    module: ClassVar[str]
    has_checksums: ClassVar[bool] = False
    never_imported: ClassVar[tuple[str, ...]] = ("tensorflow", "keras", "tf_keras", "torch")
    own_foreign: ClassVar[frozenset[str]] = frozenset()
    truncations: ClassVar[int] = 60
    flips: ClassVar[int] = 120

    @pytest.fixture
    def sample(self) -> Sample:
        """A sound checkpoint of this format."""
        raise NotImplementedError

    @property
    def format(self) -> Format:
        """The format under test."""
        found: Format = import_module(f"ckptsel.formats.{self.module}").FORMAT
        return found

    def damaged_file(self, path: str) -> str:
        """Which file of a copied checkpoint gets truncated and changed: the largest."""
        folder = os.path.dirname(path)
        files = [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names]
        return max(files, key=os.path.getsize)

    def value_offset(self, path: str, sample: Sample) -> int:
        """Where, in `damaged_file`, a byte of some tensor's values stands."""
        with open(path, "rb") as file:
            data = file.read()
        largest = max(sample.tensors.values(), key=lambda values: values.nbytes)
        at = data.find(largest.tobytes())
        assert at >= 0, "override value_offset"
        return at + largest.nbytes // 2

    @pytest.mark.parametrize("keep", [0.0, 0.05, 0.5, 0.9, 0.999])
    def test_a_truncated_file_is_found(self, sample: Sample, tmp_path: Path, keep: float) -> None:
        """Whatever is cut off, it is noticed."""
        path = sample.copy_to(tmp_path)
        damaged = self.damaged_file(path)
        os.truncate(damaged, int(os.path.getsize(damaged) * keep))
        assert findings_of(path, self.format, "full")

    def test_a_missing_last_byte_is_found(self, sample: Sample, tmp_path: Path) -> None:
        """One byte less is a truncated file."""
        path = sample.copy_to(tmp_path)
        damaged = self.damaged_file(path)
        os.truncate(damaged, os.path.getsize(damaged) - 1)
        assert findings_of(path, self.format, "full")

    def test_a_changed_value_is_found(self, sample: Sample, tmp_path: Path) -> None:
        """With checksums a flipped bit among the values is damage."""
        if not self.has_checksums:
            pytest.skip("this format has no checksums")
        path = sample.copy_to(tmp_path)
        damaged = self.damaged_file(path)
        at = self.value_offset(damaged, sample)
        with open(damaged, "r+b") as file:
            file.seek(at)
            (byte,) = file.read(1)
            file.seek(at)
            file.write(bytes([byte ^ 0x10]))
        assert findings_of(path, self.format, "full")

    def test_nothing_but_clear_errors(self, sample: Sample, tmp_path: Path) -> None:
        """Cut anywhere or changed anywhere, a file gives findings or a CkptselError."""
        chance = random.Random(2)
        path = sample.copy_to(tmp_path)
        damaged = self.damaged_file(path)
        whole = content_of(damaged)
        for _ in range(self.truncations):
            _write(damaged, whole[: chance.randrange(len(whole))])
            exercise(path, self.format)
        for _ in range(self.flips):
            changed = bytearray(whole)
            changed[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
            _write(damaged, bytes(changed))
            exercise(path, self.format)


def content_of(path: str) -> bytes:
    """All bytes of a file."""
    with open(path, "rb") as file:
        return file.read()


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
