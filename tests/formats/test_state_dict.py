"""Roles by the names that training code gives."""

from __future__ import annotations

import pytest

from ckptsel.formats.state_dict import role_of

OPTIMIZERS = (
    "optimizer", "optimizers", "optim", "opt", "opt_state", "optimizerG", "optimizerD", "optG",
    "optimizer1", "g_optimizer", "netG_optimizer", "optim_state_dict", "optimizer_state", "d_opt",
    "optimizerState", "optimizer-state", "optim.state", "last_optimizer_state", "opt_g",
    "trainer/optimizer", "module/optimizer", "states/optimizer/0", "state/optimizerG", "gan/g_opt",
    "optimiser", "agent/opts/1", "optimizerstates",
)  # fmt: skip


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name: str) -> None:
    """Wherever in a path they stand."""
    assert role_of(f"{name}/state/0/anything") == "optimizer"


@pytest.mark.parametrize(
    "path",
    [
        "adam/state/0/exp_avg",
        "solver/state/12/step",
        "trainer.adam.state.0.exp_avg_sq",
        "momentum_buffer",
        "optimizer.state.0.mu",
        "optim.mu",
    ],
)
def test_what_only_optimizers_keep(path: str) -> None:
    """PyTorch's names of moments tell it where the optimizer is called anything."""
    assert role_of(path) == "optimizer"


@pytest.mark.parametrize(
    "path",
    [
        "model/optical_flow.weight",
        "optical/weight",
        "options/w",
        "params/opt_block/kernel",
        "model/adopt.weight",
        "adoption/kernel",
        "state/0/conv.weight",
        "state_dict/opt.weight",
        "step",
        "net/step",
        "sum",
        "opt.decoder.embed.weight",
        "opt_net.weight",
        "optimal_transport/w",
        "optional.weight",
    ],
)
def test_weights(path: str) -> None:
    """What only looks alike is a weight: else it would not be averaged."""
    assert role_of(path) == "weight"


@pytest.mark.parametrize("path", ["callbacks/a/b", "lr_schedulers/0/x", "scaler/scale", "rng/cpu"])
def test_others(path: str) -> None:
    """What belongs to the training loop."""
    assert role_of(path) == "other"


def test_long_names_take_no_time() -> None:
    """Patterns see a part of a hostile path only."""
    assert role_of("a_" * 10**6 + "/b" * 10**6) == "weight"
