"""Reads event files with TensorBoard's own EventFileLoader, and does nothing with what they say.

`event_file_loader.py FILE…`: with the reader for machines without TensorFlow, whose import would
take longer than all the rest.
"""

from __future__ import annotations

import sys
from types import ModuleType

sys.modules["tensorboard.compat.notf"] = ModuleType("tensorboard.compat.notf")

from tensorboard.backend.event_processing.event_file_loader import EventFileLoader  # noqa: E402

for path in sys.argv[1:]:
    for _ in EventFileLoader(path).Load():
        pass
