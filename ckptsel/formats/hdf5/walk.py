"""The objects of an HDF5 file, each once, without leaving the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ckptsel.formats.hdf5.dataset import HDF5_ERRORS

if TYPE_CHECKING:
    from collections.abc import Iterator

Met: TypeAlias = Literal["group", "dataset", "external-link", "soft-link", "dangling", "broken"]

# Far beyond any model; a chain of groups must not make paths grow with its square.
_MAX_PATH = 4096
_MAX_STEPS = 100  # Soft links may lead in circles.


def objects(root: Any) -> Iterator[tuple[str, Met, Any]]:
    """Every object that hard links lead to, each once, so that cycles end.

    Soft links stay in the file; they are told, and whether they lead anywhere. Links to other files
    are told, and not followed.

    Args:
        root: h5py's id of the file.

    Yields:
        Path, what was met, and h5py's id of a group or dataset, or why it is broken.
    """
    import h5py  # noqa: PLC0415

    seen: set[int] = set()
    todo: list[tuple[str, Any]] = [("", root)]
    while todo:
        at, group = todo.pop()
        links: list[tuple[bytes, int, int]] = []
        try:
            group.links.iterate(
                lambda name, info, links=links: links.append((name, info.type, info.u)),
                info=True,
            )
        except HDF5_ERRORS as error:
            yield at, "broken", _reason(error)
        for name, kind, address in sorted(links):
            path = f"{at}/{name.decode('utf-8', 'surrogateescape')}".lstrip("/")
            if kind == h5py.h5l.TYPE_EXTERNAL:
                yield path, "external-link", None
            elif kind == h5py.h5l.TYPE_SOFT:
                yield path, _soft(root, group, name), None
            if kind != h5py.h5l.TYPE_HARD or address in seen:
                continue
            seen.add(address)
            if len(path) > _MAX_PATH:
                yield path[:40] + "…", "broken", "nested too deep"
                continue
            try:
                identifier = h5py.h5o.open(group, name)
            except HDF5_ERRORS as error:
                yield path, "broken", _reason(error)
                continue
            if isinstance(identifier, h5py.h5g.GroupID):
                todo.append((path, identifier))
                yield path, "group", identifier
            elif isinstance(identifier, h5py.h5d.DatasetID):
                yield path, "dataset", identifier


def _soft(root: Any, group: Any, name: bytes) -> Met:
    """Whether a soft link leads to an object of this file, by soft links too; but not by others.

    HDF5 would open another file for an external link on the way: so the way is gone by hand.
    """
    import h5py  # noqa: PLC0415

    try:
        here, todo = group, name.split(b"/")
        for _ in range(_MAX_STEPS):
            while todo and todo[0] in (b"", b"."):
                todo.pop(0)
            if not todo:
                return "soft-link"
            link = here.links.get_info(todo[0])
            if link.type == h5py.h5l.TYPE_SOFT:
                target = here.links.get_val(todo[0])
                here = h5py.h5g.open(root, b"/") if target.startswith(b"/") else here
                todo = [*target.split(b"/"), *todo[1:]]
            elif link.type == h5py.h5l.TYPE_HARD:
                found = h5py.h5o.open(here, todo.pop(0))
                if not isinstance(found, h5py.h5g.GroupID) and any(todo):
                    return "dangling"
                here = found
            else:
                return "soft-link"  # to another file, which is told where that link stands
    except HDF5_ERRORS:
        pass
    return "dangling"


def _reason(error: BaseException) -> str:
    return str(error).strip() or type(error).__name__
