"""The names of the callback's files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ckptsel import Pattern
from ckptsel.errors import PatternError, UsageError
from ckptsel.keras.names import checked_pattern, default_pattern, formatted, free_name

if TYPE_CHECKING:
    from pathlib import Path

METRICS = {"val_loss": 0.25, "val/acc": 0.5}


@pytest.mark.parametrize(
    ("monitor", "by_batch", "expected"),
    [
        ("val_loss", False, "epoch=003-val_loss=0.2500.keras"),
        ("val_loss", True, "epoch=003-batch=00007-val_loss=0.2500.keras"),
        ("val/acc", False, "epoch=003-val_acc=0.5000.keras"),
        ("a.b", False, "epoch=003.keras"),
    ],
)
def test_default_names(monitor: str, by_batch: bool, expected: str) -> None:
    """Names tell epoch and monitor, and are read back by ckptsel itself."""
    pattern = default_pattern(monitor, weights_only=False, by_batch=by_batch)
    name = formatted(pattern, 3, 7 if by_batch else None, METRICS)
    assert name == expected
    assert checked_pattern(pattern, weights_only=False, by_batch=by_batch) == pattern
    assert Pattern(pattern).parse(name).status == "ok"


@pytest.mark.parametrize(
    ("text", "weights_only", "by_batch", "says"),
    [
        ("best.keras", False, False, "no field"),
        ("{val_loss:.4f}.keras", False, False, "no {epoch}"),
        ("{val_loss:.4f}.keras", False, True, "no {epoch} or {batch}"),
        ("{batch}.keras", False, False, "only where save_freq"),
        ("{epoch}.h5", False, False, "have to end in .keras"),
        ("{epoch}.weights.h5", False, False, "save_weights_only=False"),
        ("{epoch}.keras", True, False, "have to end in .weights.h5"),
        ("/tmp/{epoch}.keras", False, False, "leads out of the folder"),
        ("../{epoch}.keras", False, False, "leads out of the folder"),
        ("{epoch.keras", False, False, "brace"),
    ],
)
def test_refused_patterns(text: str, weights_only: bool, by_batch: bool, says: str) -> None:
    """What would mix files up, or what Keras would refuse, is refused at once."""
    with pytest.raises(PatternError) as caught:
        checked_pattern(text, weights_only=weights_only, by_batch=by_batch)
    assert says in f"{caught.value.message} {caught.value.hint}"


def test_a_field_that_was_not_logged() -> None:
    """The error lists what there is, and what was probably meant."""
    with pytest.raises(UsageError) as caught:
        formatted("{epoch}-{val_los:.4f}.keras", 1, None, METRICS)
    assert caught.value.message == (
        "the pattern asks for 'val_los', which was not logged; there are 'val/acc', 'val_loss'"
    )
    assert caught.value.hint == "did you mean 'val_loss'?"


def test_a_form_that_does_not_fit() -> None:
    """A field that cannot be printed so is told of."""
    with pytest.raises(UsageError, match="cannot be filled in"):
        formatted("{epoch}-{val_loss:d}.keras", 1, None, METRICS)


def test_taken_names_get_a_number(tmp_path: Path) -> None:
    """Nothing that is there is overwritten, not even a link that leads nowhere."""
    folder = str(tmp_path)
    assert free_name(folder, "w.weights.h5") == "w.weights.h5"
    (tmp_path / "w.weights.h5").touch()
    (tmp_path / "w-v1.weights.h5").symlink_to("nowhere")
    assert free_name(folder, "w.weights.h5") == "w-v2.weights.h5"
    assert free_name(folder, "w.keras") == "w.keras"
