"""`ckptsel` and `python -m ckptsel`."""

from __future__ import annotations

import gc
import signal
from typing import NoReturn


def main() -> None:
    """Run the command line, and end the process with its exit code."""
    # Imports make thousands of objects and no garbage. Looking for it less often saves a
    # tenth of a short call, and a long one is still kept clean.
    gc.set_threshold(100_000)

    # Batch systems and CI end a job by it. What is half copied is cleared away, as on Ctrl-C.
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)

    from ckptsel.cli.app import app  # noqa: PLC0415 - after the line above

    app(prog_name="ckptsel")


def _terminate(number: int, frame: object) -> NoReturn:  # noqa: ARG001
    # The clearing away is not to be ended by a second one.
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)


if __name__ == "__main__":
    main()
