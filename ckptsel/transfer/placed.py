"""What a checkpoint is once it has a place: the seam between copies and what is made anew."""

from __future__ import annotations

from typing import Protocol


class Placed(Protocol):
    """A checkpoint and the files that it will consist of."""

    @property
    def dest(self) -> str:
        """Its path, as its owner would say it: the file, the folder, or the prefix."""

    @property
    def folder(self) -> str:
        """The folder that all of it goes into."""

    @property
    def files(self) -> tuple[tuple[str, str], ...]:
        """Where each of its files comes from, and where it goes."""

    @property
    def is_tensorflow(self) -> bool:
        """Whether `tf.train.latest_checkpoint` could find it."""
