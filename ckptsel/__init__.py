"""Find the best checkpoint in a folder of checkpoints, by the metric in their names or logs.

>>> import ckptsel
>>> best = ckptsel.best("docs/examples/runs/whole-models", monitor="val_loss", mode="min")
>>> best.checkpoint.path
'docs/examples/runs/whole-models/epoch10-val_loss0.2544-val_accuracy0.9178.keras'
>>> best.metric.value
0.2543772757053375
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ckptsel.api import best, export, find
    from ckptsel.checkpoint import Checkpoint, Finding, Metric, Monitor, Ranked, Ranking
    from ckptsel.errors import (
        AmbiguousMonitorError,
        CkptselError,
        CkptselWarning,
        ConversionError,
        DamagedError,
        DestinationError,
        DirectionError,
        LocationNotFoundError,
        ModelMismatchError,
        MonitorNotFoundError,
        NothingFoundError,
        PatternError,
        PatternMismatchError,
        StrictError,
        TieError,
        UsageError,
    )
    from ckptsel.naming.pattern import Pattern, Reading

__version__ = "0.1.0"

# name → the module that has it. They are loaded at first use: `import ckptsel` costs next to
# nothing, and the command line loads only what one command needs.
_HOMES = {
    "best": "ckptsel.api",
    "export": "ckptsel.api",
    "find": "ckptsel.api",
    "Checkpoint": "ckptsel.checkpoint",
    "Finding": "ckptsel.checkpoint",
    "Metric": "ckptsel.checkpoint",
    "Monitor": "ckptsel.checkpoint",
    "Ranked": "ckptsel.checkpoint",
    "Ranking": "ckptsel.checkpoint",
    "AmbiguousMonitorError": "ckptsel.errors",
    "CkptselError": "ckptsel.errors",
    "CkptselWarning": "ckptsel.errors",
    "ConversionError": "ckptsel.errors",
    "DamagedError": "ckptsel.errors",
    "DestinationError": "ckptsel.errors",
    "DirectionError": "ckptsel.errors",
    "LocationNotFoundError": "ckptsel.errors",
    "ModelMismatchError": "ckptsel.errors",
    "MonitorNotFoundError": "ckptsel.errors",
    "NothingFoundError": "ckptsel.errors",
    "PatternError": "ckptsel.errors",
    "PatternMismatchError": "ckptsel.errors",
    "StrictError": "ckptsel.errors",
    "TieError": "ckptsel.errors",
    "UsageError": "ckptsel.errors",
    "Pattern": "ckptsel.naming.pattern",
    "Reading": "ckptsel.naming.pattern",
}

__all__ = [
    "AmbiguousMonitorError",
    "Checkpoint",
    "CkptselError",
    "CkptselWarning",
    "ConversionError",
    "DamagedError",
    "DestinationError",
    "DirectionError",
    "Finding",
    "LocationNotFoundError",
    "Metric",
    "ModelMismatchError",
    "Monitor",
    "MonitorNotFoundError",
    "NothingFoundError",
    "Pattern",
    "PatternError",
    "PatternMismatchError",
    "Ranked",
    "Ranking",
    "Reading",
    "StrictError",
    "TieError",
    "UsageError",
    "__version__",
    "best",
    "export",
    "find",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        msg = f"module 'ckptsel' has no attribute {name!r}"
        raise AttributeError(msg)
    found: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
