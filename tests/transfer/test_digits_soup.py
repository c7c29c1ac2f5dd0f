"""The greedy soup of the real trainings in docs/examples, evaluated by Keras."""

from __future__ import annotations

import importlib.util
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ckptsel.search.query import Query
from ckptsel.transfer import members
from ckptsel.transfer.average import average
from ckptsel.transfer.evaluation import Greedy, measure

if TYPE_CHECKING:
    from ckptsel.checkpoint import Mode

RUNS = Path(__file__).parents[2] / "docs" / "examples" / "runs"
EVALUATE = Path(__file__).parent / "evaluate_digits.py"

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"{name} is not there")
    for name in ("keras", "sklearn")
]


@pytest.mark.parametrize(
    "run, monitor, measured, suffix, is_soup",
    [
        ("whole-models", "val_accuracy", "accuracy", ".keras", False),
        ("every-epoch", "val_loss", "loss", ".weights.h5", True),
    ],
)
def test_never_worse_than_its_best_member(
    run: str, monitor: str, measured: str, suffix: str, is_soup: bool, tmp_path: Path
) -> None:
    """The value on record is what Keras gets from the soup itself, and no worse than any member's.

    What the members reach alone stands in their names: it was measured on the same images.
    """
    mode: Mode = "max" if measured == "accuracy" else "min"
    words = (sys.executable, str(EVALUATE), measured, "{path}")
    greedy = Greedy(shlex.join(words).replace("'{path}'", "{path}"), mode)
    chosen = members.best(Query((str(RUNS / run),), monitor=monitor), 3)
    alone = [float(row.metric.value) for row in chosen.rows if row.metric is not None]
    done = average(chosen, f"{tmp_path}/soup{suffix}", greedy=greedy)
    assert done.trials[0].value == pytest.approx(alone[0], abs=5e-5)
    assert len(done.trials) == len(alone) == 3
    assert [row for row, _ in done.members] == [
        row for row, trial in zip(chosen.rows, done.trials, strict=True) if trial.kept
    ]
    sign = 1 if mode == "max" else -1
    reached = measure(greedy, done.dest)
    assert reached == [trial.value for trial in done.trials if trial.kept][-1]
    assert sign * reached >= max(sign * value for value in alone) - 5e-5
    # In one of the two runs a second member makes it better.
    assert any(trial.kept and trial.members > 1 for trial in done.trials) == is_soup
    assert (sign * reached > max(sign * value for value in alone) + 1e-3) == is_soup
