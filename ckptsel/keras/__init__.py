"""For training code: a callback that keeps the best checkpoints, and a loader of the best one.

The only room that imports Keras, and that nothing else imports. Any backend will do.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ckptsel.keras.best_checkpoint import BestCheckpoint
    from ckptsel.keras.loading import load_best_weights

__all__ = ["BestCheckpoint", "load_best_weights"]

# Loaded at first use: most modules of this room need no Keras, and their tests should not wait
# for it.
_HOMES = {"BestCheckpoint": "best_checkpoint", "load_best_weights": "loading"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        msg = f"module 'ckptsel.keras' has no attribute {name!r}"
        raise AttributeError(msg)
    found: object = getattr(import_module(f"ckptsel.keras.{_HOMES[name]}"), name)
    return found


def __dir__() -> list[str]:
    return __all__
