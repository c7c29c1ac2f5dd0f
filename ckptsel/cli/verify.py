"""`ckptsel verify`: are the checkpoints whole, finite, and safe to load?"""

# ruff: noqa: PLC0415 - what only some calls need is imported by those calls.
from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from ckptsel.cli import options, output
from ckptsel.cli.printing import output_name
from ckptsel.cli.progress import progress
from ckptsel.cli.query_options import with_places
from ckptsel.cli.reports import text
from ckptsel.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

    from ckptsel.selection import Query
    from ckptsel.verification.verify import Verdict

EXAMPLES = (
    "ckptsel verify runs/mnist",
    "ckptsel verify model.keras --strict && python serve.py model.keras",
    "ckptsel verify runs --jobs 4 -o paths > damaged.txt",
)


@with_places
def run(
    query: Query,
    *,
    level: options.Level = "full",
    allow_nonfinite: options.AllowNonfinite = False,
    jobs: options.Jobs = 1,
    output_format: options.Output = None,
    null: options.Null = False,
) -> None:
    """Say whether the checkpoints are whole, finite, and safe to load.

    The exit code is 5 if any is damaged; under --strict, also if one is not safe to load.
    -o paths prints those. Nothing in a file is run or unpickled.
    """
    from ckptsel.cli.progress import reading
    from ckptsel.cli.reports.verify import VerifyReport
    from ckptsel.verification.verify import verify_all

    chosen = output_name(output_format, null=null, default="table")
    sizes = _found(query)
    verdicts: list[Verdict] = []
    total = sum(size for size in sizes.values() if size > 0) if level == "full" else -1
    with reading(total) as on_bytes, _executor(min(jobs, len(sizes))) as executor:
        for verdict in verify_all(
            sizes,
            level=level,
            allow_nonfinite=allow_nonfinite,
            on_bytes=on_bytes,
            executor=executor,
        ):
            verdicts.append(verdict)
            if executor is not None and on_bytes is not None:
                # What other processes read is known only when they are done with it.
                on_bytes(max(0, sizes[verdict.path]))
    report = VerifyReport(verdicts, sizes, level=level, strict=query.strict)
    if chosen.startswith("paths"):
        output.findings(report.reasons())
    output.write(report, chosen)
    if report.bad():
        raise typer.Exit(ExitCode.DAMAGE)


def _found(query: Query) -> dict[str, int]:
    """What is to be verified, with sizes; what was noticed on the way is said."""
    from ckptsel.verification.candidates import candidates

    with progress(lambda files: text.count(files, "file") + "…") as tick:
        found = candidates(query, tick)
    output.findings(found.findings)
    return found.sizes


@contextmanager
def _executor(jobs: int) -> Iterator[Executor | None]:
    """Where several checkpoints are verified at a time; None for one after another."""
    if jobs <= 1:
        yield None
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # A fresh process each: a fork would take over the state of what is loaded, as HDF5's.
    executor = ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)
