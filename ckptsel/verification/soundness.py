"""The best checkpoints that are sound: from the top, and no more are opened than needed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ckptsel.checkpoint import Finding
from ckptsel.errors import DamagedError, NothingFoundError
from ckptsel.selection import select
from ckptsel.training_log.identity import sha256_of
from ckptsel.verification.severity import gravest
from ckptsel.verification.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ckptsel.checkpoint import Checkpoint, Ranked, Ranking
    from ckptsel.search.query import Query
    from ckptsel.verification.verify import Verdict


@dataclass(frozen=True, slots=True)
class Sound:
    """What is left of a ranking if damaged checkpoints do not compete.

    Attributes:
        ranking: its first rows are sound, and ranked anew; those behind were not opened.
        rows: the sound rows that were asked for, or fewer if there are not so many.
        rejected: the damaged ones that were passed over, best first, as they had ranked.
        verdicts: path → verdict, of every checkpoint that was opened.
    """

    ranking: Ranking
    rows: tuple[Ranked, ...]
    rejected: tuple[Ranked, ...] = ()
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)


def verified(
    rows: Iterable[Ranked], *, strict: bool, on_bytes: Callable[[int], None] | None = None
) -> dict[str, Verdict]:
    """Verify rows as they are: path → verdict.

    Raises:
        DamagedError: if `strict`, and one is damaged or not safe to load.
    """
    verdicts: dict[str, Verdict] = {}
    for row in rows:
        _look(row, verdicts, strict, on_bytes)
    return verdicts


def sound(
    query: Query,
    ranking: Ranking,
    number: int | None,
    *,
    keep: int | None,
    on_bytes: Callable[[int], None] | None = None,
) -> Sound:
    """Take the best checkpoints that are sound.

    Args:
        query: what was asked for.
        ranking: what `select` answered.
        number: how many are wanted; None for one of each run.
        keep: how many rows `select` was asked for.
        on_bytes: is told now and then how many more bytes have been read.

    Returns:
        The sound rows, with those behind them. A damaged one gives way to the next; with
        `query.per_run`, to the next of its run.

    Raises:
        DamagedError: if none is sound; if `query.strict`, also if one that had to be opened is
            damaged or not safe to load.
        TieError: for a tie of the sound ones, if `query.tie` is `error`.
    """
    verdicts: dict[str, Verdict] = {}

    def is_sound(row: Ranked) -> bool:
        return _look(row, verdicts, query.strict, on_bytes)

    if query.pareto:
        return _sound_front(query, ranking, number, is_sound, verdicts)
    rows, rejected = _take(_placed(ranking), number, is_sound, per_run=query.per_run)
    # What is to be said of ties depends on how many are passed over: see _findings.
    quiet = replace(query, strict=False, per_run=False)
    quiet = replace(quiet, tie="later") if query.tie == "error" else quiet
    behind = ranking
    complete = not rejected
    while not complete:
        # In a run whose best is damaged, the next may be far behind the best of other runs.
        keep = None if keep is None or query.per_run else 2 * keep + 8
        behind = select(quiet, keep=keep)
        placed = _placed(behind)
        rows, rejected = _take(placed, number, is_sound, per_run=query.per_run)
        complete = keep is None or len(rows) == number or len(placed) < keep
    if not rows:
        raise _none_sound(rejected, verdicts)
    gone = {row.checkpoint.path for row in (*rows, *rejected)}
    rest = [row for row in _placed(behind) if row.checkpoint.path not in gone]
    if query.per_run:
        rest = []
    ordered = [replace(row, rank=rank) for rank, row in enumerate([*rows, *rest], 1)]
    left = [row for row in ranking.rows if row.rank is None]
    return Sound(
        ranking=replace(
            ranking,
            rows=(*ordered, *left),
            findings=_findings(query, ranking, number, len(rejected)),
        ),
        rows=tuple(ordered[: len(rows)]),
        rejected=tuple(rejected),
        verdicts=verdicts,
    )


def _sound_front(
    query: Query,
    ranking: Ranking,
    number: int | None,
    is_sound: Callable[[Ranked], bool],
    verdicts: dict[str, Verdict],
) -> Sound:
    """The front of what is sound: behind a damaged one, what it beat comes in again."""
    rejected: list[Ranked] = []
    front = ranking
    while True:
        damaged = [row for row in _placed(front) if not is_sound(row)]
        if not damaged:
            break
        rejected += damaged
        gone = frozenset(row.checkpoint.path for row in rejected)
        try:
            front = select(replace(query, strict=False, rejected=gone))
        except NothingFoundError:
            raise _none_sound(rejected, verdicts) from None
        if not _placed(front):
            raise _none_sound(rejected, verdicts)
    rows = tuple(_placed(front)[:number])
    return Sound(front, rows, tuple(rejected), verdicts)


def _none_sound(rejected: Sequence[Ranked], verdicts: Mapping[str, Verdict]) -> DamagedError:
    first = rejected[0].checkpoint.path
    return DamagedError(
        f"no checkpoint is sound: {len(rejected)} could be ranked, and all are damaged",
        details=tuple(_why(verdicts, row) for row in rejected[:5]),
        hint=f"`ckptsel verify {first}` tells all that is wrong with it",
    )


def _findings(
    query: Query, ranking: Ranking, number: int | None, rejected: int
) -> tuple[Finding, ...]:
    """What was noticed, and what is to be said of the places behind those that were rejected.

    Raises:
        TieError: for a tie there, if `query.tie` is `error`.
    """
    if not rejected or number is None or query.per_run:
        return ranking.findings
    further = select(replace(query, strict=False), keep=number + rejected + 1).findings
    return tuple(dict.fromkeys((*ranking.findings, *further)))


def _placed(ranking: Ranking) -> list[Ranked]:
    return [row for row in ranking.rows if row.rank is not None]


def _take(
    rows: Iterable[Ranked],
    number: int | None,
    is_sound: Callable[[Ranked], bool],
    *,
    per_run: bool,
) -> tuple[list[Ranked], list[Ranked]]:
    """The first sound rows, of each run one if asked for, and the damaged ones before them."""
    taken: list[Ranked] = []
    rejected: list[Ranked] = []
    runs: set[str] = set()
    for row in rows:
        if len(taken) == number:
            break
        run = row.checkpoint.run
        if per_run and run in runs:
            continue
        if is_sound(row):
            taken.append(row)
            runs.add(run)
        else:
            rejected.append(row)
    return taken, rejected


def _look(
    row: Ranked,
    verdicts: dict[str, Verdict],
    strict: bool,
    on_bytes: Callable[[int], None] | None,
) -> bool:
    """Whether a row is sound; each is opened once.

    Raises:
        DamagedError: if `strict`, and it is damaged or not safe to load.
    """
    path = row.checkpoint.path
    if path not in verdicts:
        verdicts[path] = _as_saved(row.checkpoint, verify(path, on_bytes=on_bytes))
    verdict = verdicts[path]
    if strict and not (verdict.is_sound and verdict.is_safe):
        raise DamagedError(
            f"under --strict: {_why(verdicts, row)}",
            hint="without --strict the next best that is sound is taken",
        )
    return verdict.is_sound


def _as_saved(checkpoint: Checkpoint, verdict: Verdict) -> Verdict:
    """With a finding if these are not the bytes that a log tells of."""
    saved = checkpoint.saved
    if saved is None or not saved.sha256 or not verdict.is_sound:
        return verdict
    try:
        if sha256_of(checkpoint.path) == saved.sha256:
            return verdict
    except OSError:
        return verdict
    said = "its SHA-256 is not the one that the log has: it was changed, or is another file"
    findings = gravest((*verdict.findings, Finding("not-as-saved", said, verdict.path)))
    return replace(verdict, findings=findings)


def _why(verdicts: Mapping[str, Verdict], row: Ranked) -> str:
    """The gravest finding about a row."""
    finding = verdicts[row.checkpoint.path].findings[0]
    return f"{replace(finding, path=row.checkpoint.path).said} ({finding.code})"
