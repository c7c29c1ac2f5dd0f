"""Labels that two numbers claim, and numbers that are not what their label says."""

from __future__ import annotations

import pytest

from ckptsel.naming.parse import read_names


def read(*names: str) -> str:
    """What one name says alone, or the first of several says beside its siblings."""
    reading, *_ = read_names(names, single=len(names) == 1)
    return " ".join(f"{m.name}={m.text}" for m in reading.metrics if m.labelled)


@pytest.mark.parametrize(
    "name, values",
    [
        # Labels behind their numbers.
        ("0.93acc_0.12loss.pt", "acc=0.93 loss=0.12"),
        ("12epoch_0.93acc.pt", "epoch=12 acc=0.93"),
        ("0.93_acc_0.12_loss.pt", "acc=0.93 loss=0.12"),
        ("model_0.93_acc.pt", "acc=0.93"),
        ("5_0.31_loss_0.93_acc.pt", ""),
        ("12_acc.pt", ""),
        # Between two numbers.
        ("0.93acc_12.pt", ""),
        ("0.93_acc_12.pt", ""),
        ("12epoch_0.93.pt", "epoch=12"),
        ("12epochs_0.93.pt", ""),
        ("50k_0.93.pt", ""),
        ("s4ep12.pt", "epoch=12"),
        ("epoch12loss0.5acc0.93.pt", "epoch=12 loss=0.5 acc=0.93"),
        ("unet3d_loss_0.5.pt", "loss=0.5"),
        ("acc=0.93valid_loss=0.57.pt", "acc=0.93 valid_loss=0.57"),
        # Integers under a metric's label.
        ("acc_93.pt", "acc=93"),
        ("acc_69_52.pt", ""),
        ("loss_2153.pt", ""),
        ("loss_1_0.35.pt", ""),
        ("loss1_0.35_loss2_0.4.pt", ""),
        ("hit10_0.55.pt", ""),
        ("best_acc_007.pt", ""),
        ("best_acc_7.pt", ""),
        ("model_test_3.pt", ""),
        ("map_0.5_0.42.pt", ""),
        ("map_0.42_0.5.pt", "map=0.42"),
        ("missing=0.ckpt", "missing=0"),
        # Told apart by the word before.
        ("D_loss_0.5_G_loss_0.6.pt", "D_loss=0.5 G_loss=0.6"),
        ("tr_loss_0.5_vl_loss_0.6.pt", "tr_loss=0.5 vl_loss=0.6"),
        ("loss_0.5_loss_0.6.pt", "loss=0.5 loss_2=0.6"),
    ],
)
def test_one_name(name: str, values: str) -> None:
    """A label that two numbers claim is nobody's; one that is plain is its number's."""
    assert read(name) == values


@pytest.mark.parametrize(
    "names, values",
    [
        (("best_acc_1.pt", "best_acc_30.pt"), ""),
        (("best_acc_91.pt", "best_acc_93.pt"), "acc=91"),
        (("acc_0.5_0.91.pt", "acc_0.5_0.93.pt"), ""),
        (("acc_0.91_0.5.pt", "acc_0.93_0.5.pt"), "acc=0.91"),
        (("loss_1_0.5.pt", "loss_2_0.4.pt"), ""),
        (("epoch_1_loss_0.5.pt", "epoch_2_loss_0.4.pt"), "epoch=1 loss=0.5"),
        (("0.5_loss_1_epoch.pt", "0.4_loss_2_epoch.pt"), "loss=0.5"),
    ],
)
def test_siblings(names: tuple[str, ...], values: str) -> None:
    """Siblings show which number varies, and which label cannot be its own."""
    assert read(*names) == values
