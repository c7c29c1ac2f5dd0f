"""What training with PyTorch saves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ckptsel.formats import open_contents

if TYPE_CHECKING:
    from pathlib import Path

    from ckptsel.checkpoint import Finding


def trained(torch: Any) -> tuple[Any, Any]:
    """A small model and its optimizer, after one step."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(40, 30), torch.nn.BatchNorm1d(30))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.25)
    model(torch.rand(8, 40)).square().sum().backward()
    optimizer.step()
    return model, optimizer


CALLBACK = "ModelCheckpoint{'monitor': 'val_loss'}"


def lightning(torch: Any) -> dict[str, Any]:
    """A dictionary with the keys of Lightning's `dump_checkpoint`."""
    model, optimizer = trained(torch)
    return {
        "epoch": 3,
        "global_step": 40,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": model.state_dict(),
        "loops": {"fit_loop": {"state_dict": {}}},
        "callbacks": {CALLBACK: {"best_model_score": torch.ones(())}},
        "optimizer_states": [optimizer.state_dict()],
        "lr_schedulers": [],
    }


def codes(findings: Any) -> list[str]:
    """The codes of findings."""
    return [finding.code for finding in findings]


def dangers(path: Path) -> list[Finding]:
    """What makes a file unsafe."""
    with open_contents(str(path)) as contents:
        return list(contents.dangers())
