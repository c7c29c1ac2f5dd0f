"""What must hold before the first byte of a copy is written."""

from __future__ import annotations

import os
import re
import shutil
import stat
from typing import TYPE_CHECKING

from ckptsel import storage
from ckptsel.errors import DestinationError
from ckptsel.transfer.atomic import already_there
from ckptsel.transfer.failures import reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ckptsel.transfer.placed import Placed

_ELSEWHERE = "choose another destination"


def check_free(target: str, *, is_folder: bool, force: bool) -> None:
    """A name must be free; with `force`, taken by the same kind of thing at most.

    Raises:
        DestinationError: if it is not.
    """
    if not os.path.lexists(target):
        return
    mode = os.lstat(target).st_mode
    is_there_folder = stat.S_ISDIR(mode)
    if is_there_folder and not is_folder:
        raise DestinationError(f"{target!r} is a folder", hint=_ELSEWHERE)
    # Whoever writes `--to /dev/null --force` does not want to be rid of the device.
    if not (is_there_folder or stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        raise DestinationError(f"{target!r} is no regular file", hint=_ELSEWHERE)
    if not force:
        raise already_there(target)
    if is_folder and not is_there_folder:
        raise DestinationError(f"{target!r} is no folder, and the copy is one", hint=_ELSEWHERE)


def check_apart(sources: Iterable[str], targets: Sequence[str]) -> None:
    """No target may be a source, lie in one, or hold one.

    Raises:
        CopyError: if a source is gone.
        DestinationError: if one does.
    """
    places = [(target, os.path.realpath(target), _identity(target)) for target in targets]
    for source in sources:
        real = os.path.realpath(source)
        with reading(source):
            identity = storage.identity(source)
        for target, place, there in places:
            if there == identity:
                raise DestinationError(f"{target!r} is {source!r} itself", hint=_ELSEWHERE)
            if _lies_in(place, real):
                raise DestinationError(f"{target!r} lies inside {source!r}", hint=_ELSEWHERE)
            if _lies_in(real, place):
                raise DestinationError(f"{target!r} holds {source!r}", hint=_ELSEWHERE)


def _identity(path: str) -> tuple[int, int] | None:
    try:
        return storage.identity(path)
    except OSError:
        return None


def _lies_in(path: str, folder: str) -> bool:
    return path.startswith(os.path.join(folder, ""))


def check_folder(folder: str, targets: Iterable[str], size_bytes: int) -> None:
    """The folder must be there or possible, writable, and have room.

    Args:
        folder: what the targets go into; it may be missing.
        targets: the paths to be written in it.
        size_bytes: of all of them together.

    Raises:
        DestinationError: if it does not.
    """
    longest = longest_name_bytes(folder)
    for target in targets:
        if len(os.fsencode(os.path.basename(target))) > longest:
            raise DestinationError(
                f"{target!r}: the name is too long, as {longest} bytes is all there can be",
                hint="choose a shorter destination",
            )
    place = nearest_folder(folder)
    if not os.access(place, os.W_OK | os.X_OK):
        shown = "the current folder" if place == os.curdir else repr(place)
        raise DestinationError(
            f"{shown} cannot be written to: it is read-only, or there is no permission",
            hint=f"get permission to write there, or {_ELSEWHERE}",
        )
    usage = shutil.disk_usage(place)
    # Some network file systems know no sizes and say 0 to everything.
    if usage.total and usage.free < size_bytes:
        raise DestinationError(
            f"{place!r} has {usage.free:,} bytes free, and the copy needs {size_bytes:,}",
            hint="free some space, or choose another disk",
        )


def nearest_folder(folder: str) -> str:
    """The folder, or the nearest above it that exists.

    Raises:
        DestinationError: if something else than a folder is in the way.
    """
    while not os.path.isdir(folder or os.curdir):
        if os.path.lexists(folder):
            raise DestinationError(f"{folder!r} is not a folder", hint=_ELSEWHERE)
        folder = os.path.dirname(folder)
    return folder or os.curdir


def longest_name_bytes(folder: str) -> int:
    """How long a file name can be there, in bytes."""
    try:
        return os.pathconf(nearest_folder(folder), "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):
        return 255


def leftovers(plan: Placed) -> tuple[str, ...]:
    """Shards at the destination that would be taken for parts of the copy, and are not."""
    name = os.path.basename(plan.dest)
    stem = re.escape(name.removesuffix(".weights.json"))
    if name.endswith(".weights.json"):
        shard = re.compile(stem + r"_\d{5}\.weights\.h5")
    elif plan.is_tensorflow:
        shard = re.compile(stem + r"(\.data-\d{5}-of-\d{5}|\.meta)")
    else:
        return ()
    targets = {target for _, target in plan.files}
    try:
        names = sorted(os.listdir(plan.folder or os.curdir))
    except OSError:
        return ()
    paths = (os.path.join(plan.folder, each) for each in names if shard.fullmatch(each))
    return tuple(path for path in paths if path not in targets)
