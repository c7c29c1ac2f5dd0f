"""What a conversion is: the seam between the table and the modules that do it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from ckptsel.checkpoint import Finding

FloatName: TypeAlias = Literal["float16", "bfloat16", "float32"]

DEFAULT_SHARD_BYTES = 5 * 2**30
"""The largest shard; Keras's own default (`max_shard_size` of ShardedH5IOStore)."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to convert.

    Attributes:
        drop_optimizer: leave the optimizer's state out.
        dtype: of the weights in the new checkpoint, where they are floats; None as they are.
        model: a saved model, or a config from `model.to_json()`, that the weights belong to;
            "" for none.
        unsafe: let Keras load what may run code of the file's, such as Lambda layers.
        shard_bytes: the largest shard of sharded weights; None for `DEFAULT_SHARD_BYTES`.
    """

    drop_optimizer: bool = False
    dtype: FloatName | None = None
    model: str = ""
    unsafe: bool = False
    shard_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a conversion will come to, as far as a look at the source tells.

    Attributes:
        size_bytes: about how large the new checkpoint will be.
        optimizer_bytes: of the optimizer's state that is left out.
        findings: what there is to say about it.
        proof: what takes too long for a look, and must hold before the new checkpoint takes its
            name; raises as `Converter.look` does. None if the look has seen all.
        compares_source: whether `Converter.check` compares the source with its own checksums.
    """

    size_bytes: int = 0
    optimizer_bytes: int = 0
    findings: tuple[Finding, ...] = ()
    proof: Callable[[], None] | None = None
    compares_source: bool = False


class Converter(Protocol):
    """What writes one kind of checkpoint. A module of this room has one as `CONVERTER`.

    All three are given the path of the source and the options. They raise ConversionError if
    it cannot be done, DamagedError if the source cannot be read, and OSError if the disk fails.
    """

    def look(self, source: str, options: Options) -> Outlook:
        """Find out whether it can be done, from what is quickly read; nothing is written."""

    def write(self, source: str, dest: str, options: Options) -> tuple[Finding, ...] | None:
        """Write the new checkpoint; `dest` has its final name, in a folder that is otherwise empty.

        What else stands there afterwards belongs to it: shards, the files of a prefix.

        Returns:
            What there is to say that could not be known before.
        """

    def check(self, source: str, dest: str, options: Options) -> tuple[Finding, ...] | None:
        """Read the new checkpoint back, and compare it with the source.

        Returns:
            What there is to say about the comparison.

        Raises:
            ConversionError: if it is not what it should be.
        """
