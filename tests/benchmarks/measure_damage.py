"""Measures which damage `verify` finds in which format, for docs/damage.md.

    python -m tests.benchmarks.measure_damage [SEED]

Each file is that of a model of 64 units, so that, as in real ones, most bytes are values. It is
cut at random places and, starting from the whole one each time, single bits are flipped; in a
checkpoint of several files, by their size. A flip is harmless if all that is read from the
file, tensors and config, is what it was.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from ckptsel.errors import CkptselError
from ckptsel.formats import open_contents
from ckptsel.verification.verify import verify
from tests.formats.mutations import Damaged, mutations
from tests.formats.small_samples import PATHS, write_small_samples

UNITS = 64
TRUNCATIONS, FLIPS = 200, 500


def measure(name: str, samples: str, seed: int) -> str:
    """One row of the table: a format, and the shares."""
    cut = flipped = quick = harmless = silent = 0
    with tempfile.TemporaryDirectory() as folder:
        damaged = Damaged(os.path.join(samples, name), folder)
        path = os.path.join(folder, PATHS[name])
        whole = _digest(path)
        size = sum(map(len, damaged.whole.values()))
        found = mutations(damaged.whole, seed, TRUNCATIONS, FLIPS, by_size=True)
        for mutation in found:
            damaged.write(mutation.file, mutation.data)
            is_found = not verify(path).is_sound
            if mutation.kind == "truncated":
                cut += is_found
            else:
                flipped += is_found
                quick += not verify(path, level="quick").is_sound
                if not is_found:
                    is_same = _digest(path) == whole
                    harmless += is_same
                    silent += not is_same
            damaged.mend(mutation.file)
    shares = [cut / TRUNCATIONS, *(n / FLIPS for n in (flipped, quick, harmless, silent))]
    cells = " | ".join(f"{share:.1%}" for share in shares)
    return f"| {name} | {size / 1000:.0f} kB | {cells} |"


def _digest(path: str) -> str:
    """What is read from a checkpoint, in short; "" if it cannot be."""
    found = hashlib.sha256()
    try:
        with open_contents(path) as contents:
            found.update(json.dumps(contents.config).encode())
            for tensor in contents.tensors:
                found.update(f"{tensor.path} {tensor.shape} {tensor.dtype}".encode())
                for piece in contents.pieces(tensor):
                    found.update(repr(piece.tolist()).encode())
    except CkptselError:
        return ""
    return found.hexdigest()


def main(seed: int) -> None:
    """Print the table."""
    print("| format | size | cut: found | flipped bit: found | by `quick` | harmless | changed |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as samples, ProcessPoolExecutor(2) as pool:
        write_small_samples(samples, UNITS)
        for row in pool.map(partial(measure, samples=samples, seed=seed), PATHS):
            print(row, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
