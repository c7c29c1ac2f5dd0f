"""Ways to damage a checkpoint, the same on every run."""

from __future__ import annotations

import os
import random
import shutil
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Mutation(NamedTuple):
    """One file of a checkpoint with other bytes in it.

    Attributes:
        kind: `truncated` or `flipped`.
        file: which file, relative to the folder.
        at: where: the new length in bytes, or the bit.
        data: the file's new bytes.
    """

    kind: str
    file: str
    at: int
    data: bytes


class Damaged:
    """A checkpoint's folder, copied to where it can be broken and mended again."""

    def __init__(self, source: str, folder: str) -> None:
        shutil.copytree(source, folder, dirs_exist_ok=True)
        self.folder = folder
        self.whole: dict[str, bytes] = {}
        for at, folders, names in os.walk(folder):
            folders.sort()
            for name in sorted(names):
                path = os.path.join(at, name)
                with open(path, "rb") as file:
                    self.whole[os.path.relpath(path, folder)] = file.read()

    def write(self, file: str, data: bytes) -> None:
        """Give a file other bytes, in place: a new file each time would be slow."""
        with open(os.path.join(self.folder, file), "wb") as opened:
            opened.write(data)

    def mend(self, file: str) -> None:
        """Give a file its own bytes again."""
        self.write(file, self.whole[file])


def mutations(
    whole: dict[str, bytes], seed: int, truncations: int, flips: int, *, by_size: bool = False
) -> Iterator[Mutation]:
    """Files cut at random offsets, and files with one bit flipped.

    Args:
        whole: the files and their bytes.
        seed: what the places depend on.
        truncations: how many are cut.
        flips: how many have a bit flipped.
        by_size: whether a file is chosen as often as it is large, as chance does; otherwise
            all are chosen alike, so that small files are tried as well.
    """
    chance = random.Random(seed)
    files = sorted(file for file, data in whole.items() if data)
    weights = [len(whole[file]) if by_size else 1 for file in files]
    for number in range(truncations + flips):
        (file,) = chance.choices(files, weights)
        data = whole[file]
        if number < truncations:
            size = chance.randrange(len(data))
            yield Mutation("truncated", file, size, data[:size])
        else:
            bit = chance.randrange(8 * len(data))
            changed = bytearray(data)
            changed[bit // 8] ^= 1 << bit % 8
            yield Mutation("flipped", file, bit, bytes(changed))
