"""A `.keras` with an optimizer's state and no word of which optimizer: Keras 3 can write such."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from ckptsel.transfer.export import export

ARCHIVE = (
    Path(__file__).parents[3]
    / "docs/examples/runs/whole-models/epoch10-val_loss0.2544-val_accuracy0.9178.keras"
)


def test_why_the_state_stays_behind(tmp_path: Path) -> None:
    """That it is left out is said with the reason, which lies in the file."""
    pytest.importorskip("tensorflow")
    source = tmp_path / "m.keras"
    with zipfile.ZipFile(ARCHIVE) as archive, zipfile.ZipFile(source, "w") as again:
        for name in archive.namelist():
            data = archive.read(name)
            if name == "config.json":
                config = {**json.loads(data), "compile_config": None}
                data = json.dumps(config).encode()
            again.writestr(name, data)
    done = export(str(source), str(tmp_path / "o.ckpt"), dry_run=True)
    (finding,) = done.findings
    assert finding.code == "optimizer-left-out"
    assert "does not say which optimizer" in finding.message
