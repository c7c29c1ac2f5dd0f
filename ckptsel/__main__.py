"""`ckptsel` and `python -m ckptsel`."""

from __future__ import annotations

import gc


def main() -> None:
    """Run the command line, and end the process with its exit code."""
    # Imports make thousands of objects and no garbage. Looking for it less often saves a
    # tenth of a short call, and a long one is still kept clean.
    gc.set_threshold(100_000)

    from ckptsel.cli.app import app  # noqa: PLC0415 - after the line above

    app(prog_name="ckptsel")


if __name__ == "__main__":
    main()
