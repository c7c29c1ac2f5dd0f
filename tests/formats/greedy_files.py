"""Small files that ask for much time or memory: what chance would not hit on, each kind once.

Run as a process of its own, `python -m tests.formats.greedy_files NAME FOLDER`: it writes the file,
looks at it, and prints what the watch saw.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_MEGABYTE = 2**20


def _header(entries: dict[str, object]) -> bytes:
    data = json.dumps(entries).encode()
    return struct.pack("<Q", len(data)) + data


def _entry(elements: int, begin: int) -> dict[str, object]:
    offsets = [begin, begin + 4 * elements]
    return {"dtype": "F32", "shape": [elements], "data_offsets": offsets}


def _shared_bytes(folder: str) -> str:
    """20,000 tensors over the same 8 MB."""
    path = os.path.join(folder, "m.safetensors")
    size = 2 * _MEGABYTE
    with open(path, "wb") as file:
        file.write(_header({f"t{number}": _entry(size, 0) for number in range(20_000)}))
        file.write(bytes(4 * size))
    return path


def _backtracking_name(folder: str) -> str:
    """A name on which a careless pattern takes a time with its square."""
    path = os.path.join(folder, "m.safetensors")
    with open(path, "wb") as file:
        file.write(_header({"lr_" * 60_000 + "!/x": _entry(1, 0)}) + bytes(4))
    return path


def _views(folder: str) -> str:
    """Thousands of PyTorch tensors that share one storage."""
    import torch  # noqa: PLC0415

    path = os.path.join(folder, "m.pt")
    values = torch.zeros(2 * _MEGABYTE)
    torch.save({f"w{number}": values.view(-1) for number in range(5_000)}, path)
    return path


def _chunks(folder: str, shape: tuple[int, int], chunks: tuple[int, int]) -> str:
    import h5py  # noqa: PLC0415

    path = os.path.join(folder, "m.weights.h5")
    with h5py.File(path, "w") as file:
        group = file.create_group("layers/dense/vars")
        options = {"chunks": chunks, "compression": "gzip", "compression_opts": 9}
        group.create_dataset("0", shape, "f4", **options)[...] = 0
    return path


def _high_chunks(folder: str) -> str:
    """Chunks that are as high as the array: every row of it touches all of them."""
    return _chunks(folder, (30, _MEGABYTE + 1), (30, 65_536))


def _large_chunks(folder: str) -> str:
    """One chunk of 124 MB."""
    return _chunks(folder, (31, _MEGABYTE), (31, _MEGABYTE))


def _npy(descr: str, shape: str, *, fortran: bool = False) -> bytes:
    text = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + text.ljust(117).encode() + b"\n"


def _zip(path: str, members: dict[str, bytes]) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def _long_pickle(folder: str) -> str:
    """An array of objects whose pickle does nothing, for long."""
    pickled = b"\x80\x04" + b"N0" * (60 * _MEGABYTE) + b"N."
    return _zip(os.path.join(folder, "m.npz"), {"a.npy": _npy("|O", "(1,)") + pickled})


def _large_text(folder: str) -> str:
    """An array of objects whose pickle is one text."""
    size = 120 * _MEGABYTE
    pickled = b"\x80\x04X" + struct.pack("<I", size) + b"a" * size + b"."
    return _zip(os.path.join(folder, "m.npz"), {"a.npy": _npy("|O", "(1,)") + pickled})


def _fortran(folder: str) -> str:
    """An array that has to be turned round."""
    head = _npy("<f4", "(5600, 5600)", fortran=True)
    return _zip(os.path.join(folder, "m.npz"), {"a.npy": head + bytes(4 * 5600 * 5600)})


def _many_objects(folder: str) -> str:
    """Two JSON members that take fifty times their size in memory."""
    unit = b'{"a":0},'
    inner = (unit * (16 * _MEGABYTE // len(unit) - 1000))[:-1]
    body = b'{"class_name":"Functional","config":{"layers":[]},"x":[' + inner + b"]}"
    return _zip(os.path.join(folder, "m.keras"), {"config.json": body, "metadata.json": body})


def _never_stored(folder: str) -> str:
    """400 arrays of Orbax, of which no value is stored."""
    tree = {}
    layout: dict[str, object] = {"compressor": None, "filters": None, "order": "C"}
    layout |= {"chunks": [1000, 1000], "shape": [8000, 8000], "dtype": "<f4"}
    layout |= {"fill_value": 0, "zarr_format": 2}
    for number in range(400):
        name = f"a{number}"
        os.makedirs(os.path.join(folder, name))
        with open(os.path.join(folder, name, ".zarray"), "w", encoding="utf-8") as file:
            json.dump(layout, file)
        key = {"key": name, "key_type": 2}
        value = {"value_type": "np.ndarray", "skip_deserialize": False}
        tree[f"('{name}',)"] = {"key_metadata": [key], "value_metadata": value}
    with open(os.path.join(folder, "_METADATA"), "w", encoding="utf-8") as file:
        json.dump({"tree_metadata": tree}, file)
    return folder


WRITERS: dict[str, tuple[Callable[[str], str], str]] = {
    "shared-bytes": (_shared_bytes, "safetensors-offsets"),
    "backtracking-name": (_backtracking_name, "only-state"),
    "views": (_views, "compression-bomb"),
    "high-chunks": (_high_chunks, ""),
    "large-chunks": (_large_chunks, "values-not-read"),
    "long-pickle": (_long_pickle, "pickle-code"),
    "large-text": (_large_text, "pickle-code"),
    "fortran": (_fortran, ""),
    "many-objects": (_many_objects, "bad-json"),
    "never-stored": (_never_stored, "compression-bomb"),
}
"""Name → what writes it into an empty folder and gives its path, and what has to be found."""


def main(name: str, folder: str) -> None:
    """Write one, and look at it."""
    import subprocess  # noqa: PLC0415

    from tests.formats.fuzz_child import Watch  # noqa: PLC0415

    # Written by a process of its own, so that what it needed is not counted.
    code = "import sys; from tests.formats.greedy_files import WRITERS; "
    code += "print(WRITERS[sys.argv[1]][0](sys.argv[2]))"
    command = [sys.executable, "-c", code, name, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    path = done.stdout.strip()
    watch = Watch()
    watch.look(name, path)
    print(json.dumps({"path": path, **watch.report()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
