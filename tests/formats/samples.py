"""Sound checkpoints of real frameworks, and files that are none."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Sample:
    """A sound checkpoint, and what the framework that wrote it reads in it.

    Attributes:
        path: what is opened: a file, a folder or a prefix; alone in its folder.
        kind: the name of its format.
        tensors: path → values, as `Contents.read` has to give them: bfloat16 as float32,
            strings as an object array of bytes.
        step: the optimizer's iterations, None where the file has none.
        learning_rate: None where the file has none.
    """

    path: str
    kind: str
    tensors: Mapping[str, NDArray[Any]]
    step: int | None = None
    learning_rate: float | None = None

    @property
    def files(self) -> list[str]:
        """Every file of the checkpoint."""
        folder = os.path.dirname(self.path)
        return sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names)

    def copy_to(self, folder: Path, name: str = "") -> str:
        """Copy the checkpoint into another folder, under another name if one is given."""
        target = os.path.join(folder, name or os.path.basename(self.path))
        for file in self.files:
            if file.startswith(self.path):
                to = target + file[len(self.path) :]
            else:
                to = os.path.join(folder, os.path.relpath(file, os.path.dirname(self.path)))
            os.makedirs(os.path.dirname(to), exist_ok=True)
            shutil.copyfile(file, to)
        return target


def foreign_files() -> dict[str, bytes]:
    """Contents that are no checkpoint at all, some of which begin like one."""
    chance = random.Random(1)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("letter.txt", "no checkpoint")
    return {
        "empty": b"",
        "zeros": bytes(8192),
        "random": chance.randbytes(8192),
        "text": b"epoch,loss\n1,0.5\n",
        "json": json.dumps({"weight": [1, 2, 3]}).encode(),
        "deep-json": b"[" * 100_000,
        "zip": archive.getvalue(),
        "zip-magic": b"PK\x03\x04" + chance.randbytes(8192),
        "hdf5-magic": b"\x89HDF\r\n\x1a\n" + chance.randbytes(8192),
        "pickle": b"\x80\x02}q\x00.",
    }
