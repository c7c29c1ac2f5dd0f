"""Damages one checkpoint in many ways, and looks at it each time: the process that may crash.

    python -m tests.formats.fuzz_child SAMPLES NAME FOLDER

It prints a JSON object: what escaped, the longest look and the peak of memory. On stderr it
says what it does now, so that a crash is told from where.
"""

from __future__ import annotations

import faulthandler
import json
import os
import random
import re
import resource
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from ckptsel.errors import CkptselError
from ckptsel.inspection.inspect import inspect
from ckptsel.verification.verify import verify
from tests.formats.mutations import Damaged, mutations
from tests.formats.small_samples import PATHS
from tests.formats.special_damage import special_damage

SEED = 7
TRUNCATIONS, FLIPS = 200, 500
CHANGING = 100
LIMIT_SECONDS = 10
# Far above what is allowed, so that it is measured and not just refused.
_ADDRESS_SPACE_BYTES = 16 * 2**30


def _peak_megabytes() -> float:
    """The most memory that this process has held.

    Linux counts it by program, and `ru_maxrss` by process: that would begin with what a large
    parent held when it forked.
    """
    try:
        status = Path("/proc/self/status").read_text("ascii")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    match = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert match is not None
    return int(match[1]) / 1024


class Watch:
    """Looks at checkpoints, and keeps what went wrong."""

    def __init__(self) -> None:
        self.looks = 0
        self.slowest = 0.0
        self.escaped: dict[str, str] = {}
        self.silent: list[str] = []

    def look(self, what: str, path: str, *, must_be_found: bool = False) -> None:
        """Verify and inspect; whatever comes but a finding or a CkptselError is kept."""
        print(what, file=sys.stderr, flush=True)
        self.looks += 1
        found = False
        for call in (verify, _inspect):
            # Dumps the stack and ends the process: a loop in C heeds no other call.
            faulthandler.dump_traceback_later(LIMIT_SECONDS, exit=True)
            started = time.perf_counter()
            try:
                result = call(path)
                found = found or bool(getattr(result, "findings", ()))
            except CkptselError:
                found = True
            except BaseException as error:  # noqa: BLE001 - what escapes is what is looked for
                last = traceback.extract_tb(error.__traceback__)[-1]
                name = f"{type(error).__name__} at {os.path.basename(last.filename)}:{last.lineno}"
                self.escaped.setdefault(f"{call.__name__}: {name}: {error}"[:300], what)
            finally:
                faulthandler.cancel_dump_traceback_later()
            self.slowest = max(self.slowest, time.perf_counter() - started)
        if must_be_found and not found:
            self.silent.append(what)

    def report(self) -> dict[str, Any]:
        """What the parent wants to know."""
        return {
            "looks": self.looks,
            "slowest_seconds": self.slowest,
            "peak_mb": _peak_megabytes(),
            "escaped": self.escaped,
            "silent": self.silent,
        }


def _inspect(path: str) -> object:
    return inspect(path, statistics=True)


def main(samples: str, name: str, folder: str) -> None:
    """Damage a sample in every way."""
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE_BYTES, _ADDRESS_SPACE_BYTES))
    source = os.path.join(samples, name)
    watch = Watch()
    damaged = Damaged(source, os.path.join(folder, "mutated"))
    path = os.path.join(damaged.folder, PATHS[name])
    for mutation in mutations(damaged.whole, SEED, TRUNCATIONS, FLIPS):
        damaged.write(mutation.file, mutation.data)
        watch.look(f"{mutation.file} {mutation.kind} at {mutation.at}", path)
        damaged.mend(mutation.file)
    for special in special_damage(name, source, os.path.join(folder, "special")):
        watch.look(special.what, special.path, must_be_found=special.is_damage)
    _change_while_read(watch, damaged, path)
    print(json.dumps(watch.report()))


def _change_while_read(watch: Watch, damaged: Damaged, path: str) -> None:
    """Look while another thread cuts, changes and mends the files, over and over."""
    ended = threading.Event()
    chance = random.Random(SEED)

    def change() -> None:
        while not ended.is_set():
            for file, whole in damaged.whole.items():
                os.truncate(os.path.join(damaged.folder, file), chance.randrange(len(whole) + 1))
                damaged.write(file, whole)

    writer = threading.Thread(target=change)
    writer.start()
    try:
        for number in range(CHANGING):
            watch.look(f"while it changes, time {number}", path)
    finally:
        ended.set()
        writer.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
