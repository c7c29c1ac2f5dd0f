"""What the scalars in a TensorFlow checkpoint say of its training."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ckptsel.formats.contents import Facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_VALUE = r"(/\.ATTRIBUTES/VARIABLE_VALUE)?$"
_FACTS = {
    "step": re.compile(r"(^|/)(_iterations|iter)" + _VALUE),  # the optimizer's
    "counted": re.compile(r"^(global_)?step" + _VALUE),  # the user's
    "epoch": re.compile(r"^epoch" + _VALUE),
    "learning_rate": re.compile(r"(^|/)_?learning_rate" + _VALUE),
    # a LossScaleOptimizer's
    "scale": re.compile(r"(^|/)loss_scale/current_loss_scale" + _VALUE),
    "saves": re.compile(r"^save_counter" + _VALUE),
}


def facts_of(names: Iterable[str], scalar: Callable[[str], float | None], framework: str) -> Facts:
    """Step, epoch and learning rate; where two values disagree, neither is a fact.

    Args:
        names: the tensors' keys.
        scalar: key → its value, None if it is no scalar or cannot be read.
        framework: what wrote the checkpoint.
    """
    found: dict[str, set[float]] = {fact: set() for fact in _FACTS}
    for name in names:
        for fact, pattern in _FACTS.items():
            if pattern.search(name) and (value := scalar(name)) is not None:
                found[fact].add(value)
    is_scaled = bool(found["scale"])
    only = {fact: values.pop() for fact, values in found.items() if len(values) == 1}
    counts = {fact: value for fact, value in only.items() if isinstance(value, int)}
    return Facts(
        step=counts.get("step", counts.get("counted")),
        skips_steps="step" in counts and is_scaled,
        epoch=counts.get("epoch"),
        learning_rate=only.get("learning_rate"),
        framework=framework,
        # how often it was saved, which is neither a step nor an epoch
        more={"saves": str(counts["saves"])} if "saves" in counts else {},
    )
