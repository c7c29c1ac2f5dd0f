"""What a user would write in Python instead of `ckptsel best`: a contestant, not a module."""

import re
import sys
from pathlib import Path

VAL_LOSS = re.compile(r"val_loss(\d+\.\d+)\.weights\.h5$")

best_value, best_path = float("inf"), None
for path in Path(sys.argv[1]).rglob("*.h5"):
    if found := VAL_LOSS.search(path.name):
        value = float(found[1])
        if value < best_value:
            best_value, best_path = value, path
print(best_path)
