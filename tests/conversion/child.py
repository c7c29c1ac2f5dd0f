"""A process of its own that exports one file, for tests that limit or kill it."""

from __future__ import annotations

import resource
import signal
import sys
import time

from ckptsel.conversion import cargo
from ckptsel.errors import CkptselError
from ckptsel.transfer.export import export

if __name__ == "__main__":
    source, dest, how = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if how == "wait":
        blocks = cargo.Cargo.blocks

        def wait(self: cargo.Cargo, item: cargo.Item) -> object:
            """Say that writing has begun, and never go on."""
            print("writing", flush=True)
            time.sleep(600)
            return blocks(self, item)

        cargo.Cargo.blocks = wait  # type: ignore[method-assign,assignment]
    else:
        # Python would leave cut bytecode for other processes: it does not look how much it wrote.
        sys.dont_write_bytecode = True
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(how), int(how)))
    try:
        export(source, dest, force=True)
    except CkptselError as error:
        print(type(error).__name__, error.message)
