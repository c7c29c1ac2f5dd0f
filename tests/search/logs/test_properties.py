"""However runs and logs are cut, rounded and shuffled: no wrong value in silence."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from ckptsel.errors import MonitorNotFoundError, StrictError
from ckptsel.search.query import Query
from ckptsel.selection import select
from tests.folders import make
from tests.selecting import codes

if TYPE_CHECKING:
    from random import Random

LOSSES = st.lists(st.floats(0.01, 9.99), min_size=2, max_size=8, unique=True)


@settings(max_examples=30, deadline=None)
@given(
    LOSSES,
    st.integers(1, 4),
    st.sampled_from([0, 1]),
    st.sampled_from(["w-{}-val_loss={}.keras", "w.{}-{}.keras"]),
    st.randoms(use_true_random=False),
)
def test_rounding_and_order_hide_no_best(
    losses: list[float], digits: int, first: int, form: str, chance: Random
) -> None:
    """However values are rounded into names and a log's rows stand: the best, or it is said."""
    names = [form.format(f"{i:02d}", f"{v:.{digits}f}") for i, v in enumerate(losses, first)]
    rows = [f"{i},0,{loss!r}\n" for i, loss in enumerate(losses)]
    answers = []
    for _ in range(2):
        with TemporaryDirectory() as folder:
            make(Path(folder), *names)
            (Path(folder) / "log.csv").write_text("epoch,lr,val_loss\n" + "".join(rows))
            ranking = select(Query((folder,), monitor="val_loss"), keep=2)
            answers.append((ranking.rows[0].checkpoint.name, codes(ranking)))
        chance.shuffle(rows)
    assert answers[0] == answers[1]
    name, said = answers[0]
    assert name == names[losses.index(min(losses))] or "log-base-assumed" in said


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_of_parts_of_runs_and_logs_nothing_wrong_is_silent(data: st.DataObject) -> None:
    """Some files of a run, some rows of its log, even of two runs: the right values, or it is said.

    Files of Keras count one more than its log; others count in either way, and names may hold
    the value or not. A log that was begun anew begins with what was trained then; one that begins
    with 1 is taken for one that counts from there.
    """
    first, suffix = data.draw(st.sampled_from([(1, "keras"), (1, "pt"), (0, "pt")]))
    losses = data.draw(LOSSES)
    total = len(losses)
    digits = data.draw(st.sampled_from([None, 2, 4]))
    kept = data.draw(st.sets(st.integers(0, total - 1), min_size=1))
    begin = data.draw(st.sampled_from([0, *range(2, total)]))
    end = data.draw(st.integers(begin + 1, total))
    is_second = data.draw(st.booleans())
    if is_second:
        begin, end = 0, total
    rows = [f"{i},0,{losses[i]!r}\n" for i in range(begin, end)]
    if is_second:
        # A run before this one wrote to the same log, and all of its files are gone.
        others = data.draw(LOSSES)
        rows = [f"{i},0,{loss!r}\n" for i, loss in enumerate(others)] + rows
    truth = {
        f"w-{i + first:02d}{'' if digits is None else f'-{losses[i]:.{digits}f}'}.{suffix}": losses[
            i
        ]
        for i in kept
    }
    with TemporaryDirectory() as folder:
        make(Path(folder), *truth)
        (Path(folder) / "log.csv").write_text("epoch,lr,val_loss\n" + "".join(rows))
        try:
            ranking = select(Query((folder,), monitor="val_loss", strict=True))
        except (MonitorNotFoundError, StrictError):
            return
    for row in ranking.rows:
        if row.metric is not None and row.metric.source != "name":
            assert row.metric.value == truth[row.checkpoint.name]
