"""The objects of an HDF5 file, each once, without leaving the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ckptsel.formats.hdf5.dataset import HDF5_ERRORS

if TYPE_CHECKING:
    from collections.abc import Iterator

Met: TypeAlias = Literal["group", "dataset", "external-link", "broken"]

# Far beyond any model; a chain of groups must not make paths grow with its square.
_MAX_PATH = 4096


def objects(root: Any) -> Iterator[tuple[str, Met, Any]]:
    """Every object that hard links lead to, each once, so that cycles end.

    Soft links stay in the file, and what they lead to has a hard link, too; Keras writes none.
    Links to other files are told, and not followed.

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


def _reason(error: BaseException) -> str:
    return str(error).strip() or type(error).__name__
