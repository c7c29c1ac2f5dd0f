"""Damage that chance would not hit on: each kind once, made from a sound checkpoint."""

from __future__ import annotations

import os
import random
import shutil
import struct
import zipfile
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import h5py

from tests.formats.small_samples import PATHS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEEP = b'{"a":' * 10_000 + b"1" + b"}" * 10_000
HUGE = 2**60


class Special(NamedTuple):
    """One damaged checkpoint.

    Attributes:
        what: how it was damaged.
        path: what is opened.
        is_damage: whether something has to be found; a strange link is no damage.
    """

    what: str
    path: str
    is_damage: bool = True


def special_damage(name: str, source: str, folder: str) -> Iterator[Special]:
    """Every special damage of one sample, each in a fresh copy of it."""
    path = os.path.join(folder, PATHS[name])
    for what, change, is_damage in _changes(name, path):
        shutil.copytree(source, folder)
        change()
        yield Special(what, path, is_damage)
        shutil.rmtree(folder)
    for file in _files(source):
        shutil.copytree(source, folder)
        _into_pipe(os.path.join(folder, file))
        # Not every file is needed: what lies beside the weights may be missing, or anything.
        yield Special(f"a pipe instead of {file}", path, is_damage=False)
        shutil.rmtree(folder)
    if os.path.isfile(os.path.join(source, PATHS[name])):
        for suffix in (".keras", ".h5", ".weights.h5", ".safetensors", ".index", ".pt", ".npz", ""):
            os.makedirs(folder)
            wrong = os.path.join(folder, "wrong" + suffix)
            shutil.copyfile(os.path.join(source, PATHS[name]), wrong)
            yield Special(f"under the suffix {suffix!r}", wrong, is_damage=False)
            shutil.rmtree(folder)


def _changes(name: str, path: str) -> Iterator[tuple[str, Callable[[], object], bool]]:
    noise = random.Random(3).randbytes(5000)
    folder = path if "." not in PATHS[name] else os.path.dirname(path)
    for what, data in (("random bytes", noise), ("zeros", bytes(5000)), ("no bytes", b"")):
        yield what, partial(_replace_main, path, data), True
    yield "a folder instead of the file", lambda: _into_folder(_main_file(path)), True
    yield "deep JSON in every JSON file", lambda: _deep_json(folder), name in _NEEDS_JSON
    if name in ("keras", "keras-npz"):
        yield "no config", lambda: _rezip(path, {"config.json": None}), True
        yield "deep config", lambda: _rezip(path, {"config.json": DEEP}), True
        yield "deep metadata", lambda: _rezip(path, {"metadata.json": DEEP}), True
    if name in ("weights.h5", "legacy-whole", "legacy-weights"):
        yield "cyclic links", lambda: _cycles(path), False
        yield "an end at 2^60", lambda: _patch(path, 40, struct.pack("<Q", HUGE)), True
    if name == "legacy-whole":
        yield "deep config", lambda: _deep_attribute(path), True
    if name == "keras-folder":
        yield "cyclic links", lambda: _cycles(os.path.join(path, "model.weights.h5")), False
        yield "no config", lambda: os.remove(os.path.join(path, "config.json")), True
    if name == "safetensors":
        yield "a header of 2^60", lambda: _patch(path, 0, struct.pack("<Q", HUGE)), True
        deep = struct.pack("<Q", len(DEEP)) + DEEP
        yield "a deep header", lambda: _replace(path, deep), True
    if name in ("tf-checkpoint", "tf-v1"):
        index = path if name == "tf-v1" else f"{path}.index"
        yield "blocks of 2^60", lambda: _patch(index, -48, _varint(HUGE) * 4), True
    if name in ("npz", "torch", "keras"):
        yield "a directory at 2^32", lambda: _patch(path, -6, b"\xfe\xff\xff\xff"), True
        yield "members of 2^32", lambda: _lying_sizes(path), True


_NEEDS_JSON = frozenset({"sharded", "keras-folder", "huggingface"})


def _main_file(path: str) -> str:
    """The file itself, or the largest one of a checkpoint of several."""
    if os.path.isfile(path):
        return path
    folder = path if os.path.isdir(path) else os.path.dirname(path)
    files = [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names]
    return max(sorted(files), key=os.path.getsize)


def _replace_main(path: str, data: bytes) -> None:
    _replace(_main_file(path), data)


def _replace(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)


def _files(folder: str) -> list[str]:
    found = (os.path.join(at, name) for at, _, names in os.walk(folder) for name in names)
    return sorted(os.path.relpath(file, folder) for file in found)


def _into_pipe(path: str) -> None:
    """To open it would be to wait for whoever writes into it."""
    os.remove(path)
    os.mkfifo(path)


def _into_folder(path: str) -> None:
    os.remove(path)
    os.mkdir(path)


def _deep_json(folder: str) -> None:
    for at, _, names in os.walk(folder):
        for name in names:
            file = os.path.join(at, name)
            with open(file, "rb") as opened:
                is_json = opened.read(1) == b"{"
            if is_json:
                _replace(file, DEEP)


def _rezip(path: str, change: dict[str, bytes | None]) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**members, **change}.items():
            if data is not None:
                archive.writestr(name, data)


def _patch(path: str, at: int, data: bytes) -> None:
    with open(path, "rb") as file:
        whole = bytearray(file.read())
    at %= len(whole)
    whole[at : at + len(data)] = data
    _replace(path, bytes(whole))


def _lying_sizes(path: str) -> None:
    with open(path, "rb") as file:
        whole = bytearray(file.read())
    at = whole.find(b"PK\x01\x02")
    while at >= 0:
        whole[at + 20 : at + 28] = b"\xfe\xff\xff\xff" * 2
        at = whole.find(b"PK\x01\x02", at + 1)
    _replace(path, bytes(whole))


def _cycles(path: str) -> None:
    with h5py.File(path, "r+") as file:
        inner = next(iter(file))
        file[f"{inner}/up"] = file["/"]
        file[f"{inner}/self"] = file[inner]
        file["soft"] = h5py.SoftLink("/soft")
        file[f"{inner}/soft"] = h5py.SoftLink(f"/{inner}/soft/deeper")
        file["elsewhere"] = h5py.ExternalLink(os.path.basename(path), "/elsewhere")


def _deep_attribute(path: str) -> None:
    with h5py.File(path, "r+") as file:
        del file.attrs["model_config"]
        # Too long for an attribute in the old layout, so it is of a variable length.
        file.attrs["model_config"] = DEEP.decode()


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])
