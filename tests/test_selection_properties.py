"""What holds for any names: order, permutation, NaN, and the best few."""

from __future__ import annotations

import math
import os
import tempfile
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ckptsel.errors import MonitorNotFoundError
from ckptsel.search.query import Query
from ckptsel.selection import select

TEXTS = st.sampled_from(["0.10", "0.2", "0.20", "nan", "inf", "-inf", "-0.30", "0.00", "1e-05"])
ENTRIES = st.lists(st.tuples(st.integers(0, 3), TEXTS), min_size=1, max_size=7, unique=True)


@settings(max_examples=60, deadline=None)
@given(ENTRIES, st.sampled_from(["min", "max"]), st.randoms(use_true_random=False))
def test_properties(entries: list[tuple[int, str]], mode: str, random: Any) -> None:
    """A permutation changes nothing, NaN never wins, and the best few are the list's first."""
    names = [f"e={epoch}-val_loss={text}.h5" for epoch, text in entries]
    shuffled = names.copy()
    random.shuffle(shuffled)
    rankings = []
    for order in (names, shuffled):
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in order]
            for path in paths:
                open(path, "w").close()
            patterns = tuple(f"e={{epoch}}-val_loss={{val_loss{spec}}}.h5" for spec in (":.2f", ""))
            query = Query(files=tuple(paths), patterns=patterns, monitor="val_loss", mode=mode)
            found = select(query)
            rankings.append([(r.rank, r.checkpoint.name, r.tied, r.reason) for r in found.rows])
            placed = [row for row in rankings[-1] if row[0]]
            for keep in (1, 2, 3):
                try:
                    few = select(query, keep=keep).rows
                except MonitorNotFoundError:
                    few = ()
                head = [(r.rank, r.checkpoint.name, r.tied, r.reason) for r in few]
                assert head == placed[:keep]
    assert rankings[0] == rankings[1]
    values = [float(name.partition("loss=")[2][:-3]) for rank, name, *_ in rankings[0] if rank]
    assert all(map(math.isfinite, values))
    assert values == sorted(values, reverse=mode == "max")
    assert len(values) == sum(math.isfinite(float(text)) for _, text in entries)
    ranks = [rank for rank, *_ in rankings[0]]
    assert ranks == [*range(1, len(values) + 1), *[None] * (len(entries) - len(values))]
