"""The arrays in a folder of Orbax: zarr, either as files or in an OCDBT database.

zarr's JSON is read by hand; OCDBT and all values need the package tensorstore, which only this
module imports, inside of functions. Source: the zarr specifications 2 and 3.
"""

from __future__ import annotations

import glob
import math
import os
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ckptsel.errors import DamagedError, MissingExtraError
from ckptsel.formats.contents import PIECE_BYTES, Tensor
from ckptsel.formats.orbax.layout import TREE, read_if_there
from ckptsel.formats.strict_json import parse_object
from ckptsel.storage import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

HINT = "pip install 'ckptsel[orbax]'"

_MANIFEST = "manifest.ocdbt"
_METADATA = {".zarray": "zarr", "zarr.json": "zarr3"}  # File → tensorstore's name of the driver.
_METADATA_BYTES = 2**20
# Pieces that lie in one chunk must not unpack it anew each time.
_CACHE_BYTES = 2**30
_WIDENED = ("bfloat16", "float8")


class OrbaxArrays:
    """The arrays in one folder; a name leads to each.

    Attributes:
        folder: the folder with `_METADATA` in it.
        is_ocdbt: whether they are in a database, and not in files.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.is_ocdbt = os.path.exists(os.path.join(folder, _MANIFEST))

    @property
    def is_listable(self) -> bool:
        """Whether shapes can be read."""
        return not self.is_ocdbt or find_spec("tensorstore") is not None

    def describe(self, name: str) -> tuple[tuple[int, ...], str]:
        """An array's shape and dtype.

        Raises:
            DamagedError: if it is missing, or its metadata make no sense.
        """
        what = f"the array {name!r} in {self.folder!r}"
        for file in _METADATA:
            data = self._read(f"{name}/{file}")
            if data is not None:
                shape, dtype = _shape_and_dtype(parse_object(data, f"{file} of {what}"))
                break
        else:
            raise DamagedError(f"{what} is not there")
        # The limits of numpy, also for arrays without elements.
        if shape is None or len(shape) > 64 or math.prod(n for n in shape if n) >= 2**63:
            raise DamagedError(f"{what} has a shape that makes no sense")
        if dtype is None:
            raise DamagedError(f"{what} has a type that is not known")
        return shape, dtype

    def pieces(self, name: str, tensor: Tensor) -> Iterator[NDArray[Any]]:
        """An array's values. See `Contents.pieces`.

        Raises:
            DamagedError: if tensorstore cannot read them.
            MissingExtraError: without tensorstore, or if neither numpy nor float32 holds them.
        """
        import numpy as np  # noqa: PLC0415

        if find_spec("tensorstore") is None:
            raise MissingExtraError(f"values in {self.folder!r} need tensorstore", hint=HINT)
        is_wide = tensor.dtype.startswith(_WIDENED)
        if not is_wide and not hasattr(np, tensor.dtype):
            says = f"{tensor.path!r} is of type {tensor.dtype}, whose values are not read"
            raise MissingExtraError(says, hint="JAX can read it")
        limit = PIECE_BYTES // (4 if is_wide else np.dtype(tensor.dtype).itemsize)
        for values in self._parts(name, limit):
            flat = values.reshape(-1)
            yield flat.astype("float32") if is_wide else flat.astype(tensor.dtype)

    def _parts(self, name: str, limit: int) -> Iterator[NDArray[Any]]:
        import numpy as np  # noqa: PLC0415
        import tensorstore  # noqa: PLC0415

        self._refuse_pipes()
        driver = next((d for f, d in _METADATA.items() if self._read(f"{name}/{f}")), "zarr")
        if self.is_ocdbt:
            kvstore = {"driver": "ocdbt", "base": self._base, "path": f"{name}/"}
        else:
            kvstore = {**self._base, "path": os.path.join(self.folder, name, "")}
        spec = {
            "driver": driver,
            "kvstore": kvstore,
            "context": {"cache_pool": {"total_bytes_limit": _CACHE_BYTES}},
            "recheck_cached_data": "open",
            "fill_missing_data_reads": not self._stores_all,
        }
        try:
            array = tensorstore.open(spec, read=True, open=True).result()
            for part in _cut(array, limit):
                yield np.asarray(part.read().result())
        # Content that makes no sense ends with whatever error tensorstore has for it.
        except Exception as error:  # noqa: BLE001
            raise DamagedError(f"{name!r} in {self.folder!r} cannot be read: {error}") from None

    def _refuse_pipes(self) -> None:
        """See that there is nothing below the folder that tensorstore would wait for.

        Raises:
            DamagedError: if there is.
        """
        if self._odd_file:
            says = f"{self._odd_file!r} is no file, but a pipe or a device"
            raise DamagedError(says, hint="Orbax writes none")

    @cached_property
    def _odd_file(self) -> str:
        for at, _, names in os.walk(self.folder):
            for name in names:
                file = os.path.join(at, name)
                if os.path.exists(file) and not os.path.isfile(file):
                    return file
        return ""

    def _read(self, key: str) -> bytes | None:
        """Some metadata; None if there are none.

        Raises:
            DamagedError: if they are too large, or cannot be read.
        """
        if self.is_ocdbt:
            return self._read_database(key)
        inside = os.path.normpath(key)
        if inside.startswith((os.pardir + os.sep, os.sep)) or "\0" in key:
            raise DamagedError(f"{key!r} leads out of {self.folder!r}")
        file = os.path.join(self.folder, inside)
        if not os.path.isfile(file):
            return None
        try:
            with open_regular(file) as opened:
                return opened.read(_METADATA_BYTES)
        except OSError as error:
            raise DamagedError(f"{file!r} cannot be read: {error.strerror}") from None

    def _read_database(self, key: str) -> bytes | None:
        self._refuse_pipes()
        try:
            found = self._database.read(key).result()
        # As above.
        except Exception as error:  # noqa: BLE001
            raise DamagedError(f"{self.folder!r} cannot be read: {error}") from None
        return bytes(found.value)[:_METADATA_BYTES] if found.state == "value" else None

    @cached_property
    def _database(self) -> Any:
        return _open_database(self._base)

    @cached_property
    def _stores_all(self) -> bool:
        """Whether what is missing is lost; in older folders it may be all zeros."""
        file = os.path.join(self.folder, TREE)
        return bool(read_if_there(file).get("store_array_data_equal_to_fill_value"))

    @property
    def _base(self) -> dict[str, str]:
        return {"driver": "file", "path": os.path.join(os.path.abspath(self.folder), "")}

    def broken_parts(self) -> Iterator[str]:
        """What is wrong with the databases of single processes, which the whole was merged from.

        The whole takes values from their files, but not their directories; that these cannot be
        read says that a file was cut off. Without tensorstore nothing is looked at.
        """
        if find_spec("tensorstore") is None or self._odd_file:
            return
        inside = glob.escape(os.path.abspath(self.folder))
        for folder in sorted(glob.glob(os.path.join(inside, "ocdbt.process_*"))):
            database = {"driver": "file", "path": os.path.join(folder, "")}
            try:
                _open_database(database).list().result()
            # As above.
            except Exception as error:  # noqa: BLE001
                yield f"{folder!r} cannot be read: {error}"

    def manifest_is_whole(self) -> bool:
        """Whether the database's manifest is as long as it says.

        Source: tensorstore/kvstore/ocdbt: a magic number, then the length of eight bytes.
        """
        file = os.path.join(self.folder, _MANIFEST)
        try:
            with open_regular(file) as opened:
                head = opened.read(12)
            return head[:4] == b"\x0c\xdb\x3a\x2a" and int.from_bytes(
                head[4:], "little"
            ) == os.path.getsize(file)
        except OSError:
            return False


def _open_database(base: dict[str, str]) -> Any:
    import tensorstore  # noqa: PLC0415

    return tensorstore.KvStore.open({"driver": "ocdbt", "base": base}).result()


def files_in(folder: str) -> list[str]:
    """Every file below a folder that is no link, in order."""
    found = (os.path.join(at, name) for at, _, names in os.walk(folder) for name in names)
    return sorted(file for file in found if os.path.isfile(file) and not os.path.islink(file))


def _shape_and_dtype(raw: dict[str, Any]) -> tuple[tuple[int, ...] | None, str | None]:
    """Shape and dtype in zarr's metadata; None for what makes no sense."""
    import numpy as np  # noqa: PLC0415

    shape, dtype = raw.get("shape"), raw.get("data_type", raw.get("dtype"))
    is_shape = isinstance(shape, list) and all(type(n) is int and n >= 0 for n in shape)
    name = dtype if isinstance(dtype, str) and dtype.isidentifier() else None
    if isinstance(dtype, str) and dtype[:1] in "<>|":
        try:
            name = np.dtype(dtype).name
        except TypeError:
            name = None
    return tuple(shape) if is_shape and shape is not None else None, name


def _cut(array: Any, limit: int) -> Iterator[Any]:
    """Parts of so many elements at most, in order."""
    if array.size <= limit:
        if array.size:
            yield array
        return
    rows = limit // (array.size // array.shape[0])
    for at in range(0, array.shape[0], max(1, rows)):
        # tensorstore refuses what reaches beyond the end.
        part = array[at : min(at + rows, array.shape[0])] if rows else array[at]
        yield from _cut(part, limit)
