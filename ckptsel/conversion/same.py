"""The same format again: without the optimizer, or in another type; nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.conversion.cargo import Streamed, plain_cargo
from ckptsel.conversion.rewrite import rewrite

if TYPE_CHECKING:
    from ckptsel.conversion.cargo import Cargo
    from ckptsel.conversion.converter import Options
    from ckptsel.formats.contents import Contents


def load(contents: Contents, path: str, options: Options) -> Cargo:
    """See `Loader`: what is expected to come out."""
    bfloat16 = frozenset() if contents.kind == "h5" else frozenset({"bfloat16"})
    cargo = plain_cargo(contents, path, options, keeps=bfloat16)
    if cargo.optimizer_bytes and contents.optimizer_config is not None:
        message = "the model stays compiled, and its optimizer begins anew: Keras warns of it"
        finding = Finding("optimizer-begins-anew", message, path)
        cargo = replace(cargo, findings=(*cargo.findings, finding))
    return cargo


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
