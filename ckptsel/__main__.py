"""`ckptsel` and `python -m ckptsel`."""

from __future__ import annotations

from ckptsel.cli.app import main

if __name__ == "__main__":
    main()
