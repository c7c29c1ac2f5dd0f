"""What is broken in a TensorFlow bundle."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.formats.tensorflow.protobuf_wire import MalformedError
from ckptsel.formats.tensorflow.types import STRING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ckptsel.formats.tensorflow.bundle import Bundle, Entry


def index_damage(bundle: Bundle, path: str) -> Iterator[Finding]:
    """Entries that contradict themselves or each other."""
    for entry in (*bundle.entries.values(), *bundle.parts.values()):
        fault = _fault(bundle, entry)
        if fault:
            yield Finding("bad-index", f"the index contradicts itself: {fault}", path)


def _fault(bundle: Bundle, entry: Entry) -> str:
    if entry.slices:
        try:
            bundle.slices_of(entry)
        except MalformedError as error:
            return str(error)
        return ""
    if entry.key in bundle.overlapping:
        return f"{entry.name!r} shares its bytes with others"
    item_bytes = entry.dtype.item_bytes
    if item_bytes and entry.size_bytes != entry.elements * item_bytes:
        return f"{entry.name!r} has {entry.size_bytes} bytes, which does not fit its shape"
    if entry.kind == STRING and entry.size_bytes < entry.elements:
        return f"{entry.name!r} has more strings than bytes"
    return ""


def shard_damage(bundle: Bundle) -> Iterator[Finding]:
    """Data files that are not there, or are shorter than the index says."""
    stored = bundle.stored()
    needed: dict[int, int] = {}
    for entry in stored:
        needed[entry.shard] = max(needed.get(entry.shard, 0), entry.end)
    lost = Counter(entry.shard for entry in stored if not _is_there(bundle, entry))
    for shard, count in lost.items():
        path, size = bundle.shard_path(shard), bundle.shard_bytes(shard)
        tensors = f"{count} {'tensor' if count == 1 else 'tensors'}"
        if size < 0:
            yield Finding("missing-shard", f"{path!r} is missing, with {tensors} in it", path)
        else:
            message = f"{path!r} has {size} bytes of {needed[shard]}: {tensors} cut off or lost"
            yield Finding("shard-truncated", message, path)


def _is_there(bundle: Bundle, entry: Entry) -> bool:
    return bundle.shard_bytes(entry.shard) >= entry.end


def value_damage(
    bundle: Bundle, on_bytes: Callable[[int], None] | None = None
) -> Iterator[Finding]:
    """Tensors whose bytes have another checksum; what is not there was found before."""
    for entry in bundle.stored():
        # bytes that several entries claim are read once, however many claim them
        if entry.key in bundle.overlapping or not _is_there(bundle, entry):
            continue
        path = bundle.shard_path(entry.shard)
        try:
            if bundle.is_sound(entry, on_bytes):
                continue
            message = f"the values of {entry.name!r} fail their checksum"
        except (MalformedError, OSError) as error:
            message = f"the values of {entry.name!r} cannot be read: {error}"
        yield Finding("checksum-mismatch", message, path)
