"""A process of its own that copies one file, for tests that limit, interrupt or kill it."""

from __future__ import annotations

import resource
import signal
import sys
import time
from pathlib import Path

from ckptsel.errors import CkptselError
from ckptsel.transfer.copy import copy
from tests.transfer.rankings import checkpoint, ranking


def wait_to_be_killed(_: int) -> None:
    """Say that the copy has begun, and never go on."""
    print("copying", flush=True)
    time.sleep(600)


if __name__ == "__main__":
    source, dest, how = sys.argv[1:]
    # Whatever is started in the background of a shell script inherits a deaf ear for Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    on_bytes = None
    if how == "wait":
        on_bytes = wait_to_be_killed
    else:
        # Python would leave cut bytecode for other processes: it does not look how much it wrote.
        sys.dont_write_bytecode = True
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(how), int(how)))
    try:
        copy(ranking(checkpoint(Path(source))), dest, on_bytes=on_bytes)
    except CkptselError as error:
        print(type(error).__name__, error.message)
