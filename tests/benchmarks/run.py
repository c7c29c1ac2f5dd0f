"""The command: `python tests/benchmarks/run.py`."""

import os
import sys

if __name__ == "__main__":
    # A script sees the modules beside it; these are a package, seen from two folders up.
    sys.path[0] = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
    from tests.benchmarks.suite import main

    sys.exit(main())
