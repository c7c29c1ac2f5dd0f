"""The same format again: without the optimizer, or in another type; nothing else changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.conversion.cargo import Streamed, plain_cargo
from ckptsel.conversion.rewrite import rewrite

if TYPE_CHECKING:
    from ckptsel.conversion.cargo import Cargo
    from ckptsel.conversion.converter import Options
    from ckptsel.formats.contents import Contents


def load(contents: Contents, path: str, options: Options) -> Cargo:
    """See `Loader`: what is expected to come out."""
    bfloat16 = frozenset() if contents.kind == "h5" else frozenset({"bfloat16"})
    return plain_cargo(contents, path, options, keeps=bfloat16)


def put(cargo: Cargo, dest: str, options: Options) -> None:
    """See `Putter`."""
    rewrite(
        cargo.path,
        dest,
        lambda _: None,
        drop_optimizer=options.drop_optimizer,
        dtype=options.dtype,
    )


CONVERTER = Streamed(load, put)
