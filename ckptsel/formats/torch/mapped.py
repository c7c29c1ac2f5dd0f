"""Values out of a mapped file that may shrink at any moment.

Whoever touches mapped memory behind the new end of its file is ended by SIGBUS. A system call that
is told to copy from there fails with EFAULT instead: so the kernel copies, into a file of our own.
"""

from __future__ import annotations

import mmap
from tempfile import TemporaryFile
from typing import Any

from ckptsel.formats.contents import PIECE_BYTES


def owned(value: Any) -> Any:
    """The same tensor in memory of our own; its mapped memory is never touched by this process.

    Args:
        value: a strided PyTorch tensor on the CPU.

    Returns:
        A tensor of the same shape, strides, dtype and values. One whose values span more than
        `PIECE_BYTES` lies in an unnamed temporary file.

    Raises:
        OSError: EFAULT if the file has become too short; else if there is no room for a copy.
    """
    import torch  # noqa: PLC0415

    if not value.numel():
        return value
    pairs = zip(value.shape, value.stride(), strict=True)
    span = 1 + sum((length - 1) * stride for length, stride in pairs)
    itemsize = value.element_size()
    raw = torch.empty(0, dtype=torch.uint8).set_(
        value.untyped_storage(), value.storage_offset() * itemsize, (span * itemsize,), (1,)
    )
    copied = torch.frombuffer(_copied(raw.numpy()), dtype=value.dtype)
    found = copied.as_strided(value.shape, value.stride())
    # Two flags say that values are meant to be taken otherwise than they are stored.
    found = found.conj() if value.is_conj() else found
    return found.neg() if value.is_neg() else found


def _copied(raw: Any) -> bytearray | mmap.mmap:
    """What stands there, copied by the kernel."""
    with TemporaryFile(buffering=0) as file:
        left = memoryview(raw)
        while left:
            left = left[file.write(left) :]
        if raw.nbytes > PIECE_BYTES:
            return mmap.mmap(file.fileno(), raw.nbytes)
        file.seek(0)
        return bytearray(file.read())
