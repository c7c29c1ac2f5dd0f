"""What `verify` and `--verify` found, as data and as text; and the progress of reading."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from ckptsel.cli import output, text
from ckptsel.cli.progress import progress
from ckptsel.verification.severity import severity_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ckptsel.checkpoint import Finding
    from ckptsel.verification.verify import Verdict


def verdict_record(verdict: Verdict) -> dict[str, object]:
    """A verdict within the record of a checkpoint."""
    return {
        "sound": verdict.is_sound,
        "findings": [finding_record(finding) for finding in verdict.findings],
    }


def finding_record(finding: Finding) -> dict[str, object]:
    """A finding inside a file, for JSON."""
    return {
        "code": finding.code,
        "severity": severity_of(finding.code),
        "message": finding.message,
        "path": finding.path,
    }


def in_short(verdict: Verdict) -> str:
    """A verdict for a column: `sound`, `damage: CODE`, `danger: CODE`."""
    grave = verdict.of("damage") or verdict.of("danger")
    return f"{severity_of(grave[0].code)}: {grave[0].code}" if grave else "sound"


def say(verdicts: Mapping[str, Verdict]) -> None:
    """Say on stderr which checkpoints were passed over and why, and what else was found."""
    found: list[Finding] = []
    for verdict in verdicts.values():
        if verdict.is_sound:
            found += [_told(finding, severity_of(finding.code)) for finding in verdict.findings]
        else:
            found.append(replace(_told(verdict.findings[0], "passed over"), path=verdict.path))
    output.findings(found)


def _told(finding: Finding, how: str) -> Finding:
    return replace(finding, message=f"{how}: {finding.message} ({finding.code})")


# Of the longest line that tells progress.
_WIDTH = len("1023.9 MiB of 1023.9 MiB read, 59 min left…")


@contextmanager
def reading(total_bytes: int = -1) -> Iterator[Callable[[int], None] | None]:
    """Show on a terminal how much has been read and, if the total is known, the time left.

    Yields:
        What to call with the number of further bytes; None where nobody would see it.
    """
    started = monotonic()

    def line(done: int) -> str:
        if total_bytes <= 0:
            return f"{text.size(done)} read…"
        done = min(done, total_bytes)
        left = (monotonic() - started) * (total_bytes - done) / max(1, done)
        line = f"{text.size(done)} of {text.size(total_bytes)} read, {text.age(left)} left…"
        # The line before may have been longer, and is written over.
        return line.ljust(_WIDTH)

    with progress(line) as tick:
        total = 0

        def add(amount: int) -> None:
            nonlocal total
            total += amount
            if tick is not None:
                tick(total)

        yield add if tick is not None else None
