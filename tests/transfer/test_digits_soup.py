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
    from typing import Literal

RUNS = Path(__file__).parents[2] / "docs" / "examples" / "runs"
EVALUATE = Path(__file__).parent / "evaluate_digits.py"

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"{name} is not there")
    for name in ("keras", "sklearn")
]


@pytest.mark.parametrize(
    "run, monitor, suffix",
    [("whole-models", "val_accuracy", ".keras"), ("every-epoch", "val_loss", ".weights.h5")],
)
def test_never_worse_than_its_best_member(
    run: str, monitor: Literal["val_accuracy", "val_loss"], suffix: str, tmp_path: Path
) -> None:
    """The value on record is what Keras gets from the soup itself, and no less than the best's."""
    words = (sys.executable, str(EVALUATE), "{path}")
    greedy = Greedy(shlex.join(words).replace("'{path}'", "{path}"), "max")
    chosen = members.best(Query((str(RUNS / run),), monitor=monitor), 3)
    done = average(chosen, f"{tmp_path}/soup{suffix}", greedy=greedy)
    # The mean of one is that one, and so the first value is the best member's.
    best, *_ = [trial.value for trial in done.trials]
    assert measure(greedy, done.dest) == max(t.value for t in done.trials if t.kept) >= best
    assert len(done.trials) == 3
    if monitor == "val_accuracy":
        metric = chosen.rows[0].metric
        assert metric is not None
        assert best == pytest.approx(metric.value, abs=5e-5)
