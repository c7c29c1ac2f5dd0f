"""Damaged logs of every kind, through all that reads them."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckptsel.errors import CkptselError
from ckptsel.runs import overview
from ckptsel.search.query import Query
from ckptsel.selection import select
from ckptsel.sources import _KINDS
from ckptsel.sources.table import KEYS
from tests.sources.damaged_logs import RUNS, LoggedRun

if TYPE_CHECKING:
    from ckptsel.checkpoint import Ranking


def ranking_of(run: LoggedRun) -> Ranking:
    """The ranking of the run in the current folder."""
    return select(Query(monitor=run.monitor, mode=run.mode))


def logged(ranking: Ranking) -> dict[str, float]:
    """The values that came from the log, exact as they stand there."""
    return {
        row.checkpoint.path.removeprefix("./"): float(row.metric.text)
        for row in ranking.rows
        if row.metric is not None and row.metric.source != "name"
    }


def test_there_is_one_of_each_kind() -> None:
    """A new kind of log needs its run here."""
    kinds = {module.partition("_")[0] for module, _ in _KINDS}
    assert kinds <= {name.partition(" ")[0].partition("_")[0] for name in RUNS} | {"keras"}


@pytest.mark.parametrize("kind", RUNS)
def test_whole(here: Path, kind: str) -> None:
    """Undamaged, each log gives all values, and nothing needs to be said that is grave."""
    run = RUNS[kind]
    run.write(here, run.text)
    ranking = ranking_of(run)
    assert logged(ranking) == {name.rstrip("/"): value for name, value in run.values.items()}
    assert [finding for finding in ranking.findings if finding.strict] == []
    assert len(overview(Query(monitor=run.monitor, mode=run.mode)).runs) == 1


@pytest.mark.parametrize("kind", RUNS)
def test_cut_anywhere(here: Path, kind: str) -> None:
    """A log that was cut gives the values that it has, or something grave is said."""
    run = RUNS[kind]
    values = {name.rstrip("/"): value for name, value in run.values.items()}
    run.write(here, run.text)
    for length in range(0, len(run.text), 1 + len(run.text) // 150):
        (here / run.log).write_bytes(run.text[:length])
        try:
            ranking = ranking_of(run)
        except CkptselError:
            continue
        if not any(finding.strict for finding in ranking.findings):
            assert logged(ranking).items() <= values.items(), run.text[:length]


PIECES = [
    b"\n", b"\r", b'"', b"\0", b"NaN", b"-1.#IND", b"9" * 30, b"1e999", b"{", b"[", b",", b"-",
    b"\xff\xfe", b"\xef\xbb\xbf", b"epoch,val_loss\n", b"- \n", b"&a *a", b"null", b"tensor(0.1)",
]  # fmt: skip
DAMAGE = st.one_of(st.binary(max_size=20), st.sampled_from(PIECES))


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(RUNS)),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), DAMAGE), min_size=1, max_size=3),
)
def test_damaged_anyhow(kind: str, damages: list[tuple[float, int, bytes]]) -> None:
    """Best, runs and smoothed ranks end with an answer or a refusal, and never with a traceback."""
    run = RUNS[kind]
    data = run.text
    for where, length, other in damages:
        start = int(where * len(data))
        data = data[:start] + other + data[start + length :]
    with TemporaryDirectory() as folder:
        run.write(Path(folder), data)
        log = os.path.join(folder, run.log)
        query = Query(locations=(folder,), monitor=run.monitor, mode=run.mode)
        for each in (query, replace(query, smooth=3), replace(query, logs="only")):
            with suppress(CkptselError):
                select(each)
            with suppress(CkptselError):
                overview(each)
        for key in KEYS:
            with suppress(CkptselError):
                select(replace(query, metrics=(log,), key=key))
        assert os.path.exists(log)
