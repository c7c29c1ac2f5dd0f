"""The text beside a number, and what it calls the number."""

from __future__ import annotations

import pytest

from ckptsel.naming.labels import Label, label_after, label_of


def told(label: Label | None) -> str:
    """A label in short: its name, its role unless it is a metric, and whether it was guessed."""
    if label is None:
        return ""
    role = "" if label.role == "metric" else f" ({label.role})"
    return label.name + role + ("" if label.known else "?")


@pytest.mark.parametrize(
    "before, label",
    [
        ("val_loss=", "val_loss"),
        ("val_loss_", "val_loss"),
        ("val_loss-", "val_loss"),
        ("val_loss", "val_loss"),
        ("val_loss: ", "val_loss"),
        ("val_loss(", "val_loss"),
        ("val_loss[", "val_loss"),
        ("val_loss%3D", "val_loss"),
        ("val-wer-", "val-wer"),
        ("val/loss=", "val/loss"),
        ("-val:loss=", "val:loss"),
        ("loss\uff1a", "loss"),
        ("_error_rate_", "error_rate"),
        ("valLoss", "valLoss"),
        ("-vloss", "vloss"),
        ("_Val_F1-score_", "Val_F1-score"),
        ("_acc_val_", "acc_val"),
        ("resnet_acc_", "acc"),
        ("_val_", "val"),
        ("mAP@0.50=", "mAP@0.50"),
        ("mAP@[0.5:0.95]=", "mAP@[0.5:0.95]"),
        ("val_ndcg_10=", "val_ndcg_10"),
        ("top_1_accuracy=", "top_1_accuracy"),
        ("_top1_", "top1"),
        ("_bbox_mAP_50_", "bbox_mAP_50"),
        ("_AP50_", "AP50"),
        # Whole identifiers before `=`, without the file's own words.
        ("-my_thing=", "my_thing"),
        ("best_model_my_thing=", "my_thing"),
        ("resnet_val_my_thing=", "val_my_thing"),
        # What stands before a metric makes another one of it.
        ("train_loss_", "train_loss"),
        ("no_loss_", "no_loss"),
        ("without_loss_", "without_loss"),
        ("neg_loss_", "neg_loss"),
        ("_total_loss_", "total_loss"),
        ("_cls_loss_", "cls_loss"),
        ("_D_loss_", "D_loss"),
        ("_dice_loss_", "dice_loss"),
        ("_bce_dice_loss_", "bce_dice_loss"),
        ("_val_seg_loss_", "val_seg_loss"),
        ("val_dense_1_loss_", "val_dense_1_loss"),
        ("dense_1_accuracy_", "dense_1_accuracy"),
        ("_val_best_loss_", "loss"),
        # Settings.
        ("_lr", "lr (setting)"),
        ("_lr=", "lr (setting)"),
        ("_fold", "fold (setting)"),
        ("-v", "v (setting)"),
        ("_batch_size_", "batch_size (setting)"),
        # No labels.
        ("", ""),
        ("weights.", ""),
        ("_best_", ""),
        ("_val_loss_best_", ""),
        ("модель_", "модель?"),
        ("_précision_", "précision?"),
        ("_foo", "foo?"),
    ],
)
def test_label_before(before: str, label: str) -> None:
    """The label ends right before the number, but for what separates the two."""
    assert told(label_of(before, "", first=False, decimal=True)) == label


@pytest.mark.parametrize(
    "before, label",
    [
        ("epoch", "epoch (epoch)"),
        ("Epoch_", "epoch (epoch)"),
        ("model_ep", "epoch (epoch)"),
        ("_epoch=", "epoch (epoch)"),
        ("sample_epoch=", "epoch (epoch)"),
        ("model.epoch=", "epoch (epoch)"),
        ("test@epoch=", "epoch (epoch)"),
        ("-global_step", "global_step (step)"),
        ("_iter_", "iter (step)"),
        ("_it", "it (step)"),
        ("_it_", "it (step)?"),
        ("_e", "epoch (epoch)"),
        (".ckpt-", "step (step)"),
        ("_ckpt_", ""),
        ("_batch", "batch (step)"),
        ("_val_loss_", "val_loss"),
    ],
)
def test_counter(before: str, label: str) -> None:
    """Before an integer, a counter's word is a counter."""
    assert told(label_of(before, "", first=False, decimal=False)) == label


@pytest.mark.parametrize(
    "before, after, label",
    [
        ("", "epoch", "epoch (epoch)"),
        ("model_", "ep-", "epoch (epoch)"),
        ("", "e-step=", "epoch (epoch)"),
        ("_", "steps", "steps (step)"),
        ("", "epochs_", ""),
        ("", "east", ""),
        ("_step", "epoch", "step (step)"),
    ],
)
def test_counter_behind(before: str, after: str, label: str) -> None:
    """`12epoch` counts as `epoch12` does."""
    assert told(label_of(before, after, first=True, decimal=False)) == label


@pytest.mark.parametrize(
    "before, first, decimal, label",
    [
        ("mymodel_", True, True, ""),
        ("mae_E", False, True, ""),
        ("mymodel", True, True, "mymodel?"),
        ("_mymodel_", False, True, "mymodel?"),
        ("_test_", False, True, "test"),
        ("_test_", False, False, "test?"),
        ("d_loss_", False, True, "loss"),
        ("d_loss_", True, True, "d_loss"),
    ],
)
def test_place_and_kind(before: str, first: bool, decimal: bool, label: str) -> None:
    """The same text says more or less, depending on where it stands and before what."""
    assert told(label_of(before, "", first=first, decimal=decimal)) == label


def test_step_after_epoch() -> None:
    """In `_e30_s3930` the `s` is a step; alone it is nothing."""
    assert told(label_of("_s", "", first=False, decimal=False, previous="_e")) == "step (step)"
    assert told(label_of("_s", "", first=False, decimal=False)) == "s?"


@pytest.mark.parametrize(
    "after, label",
    [
        ("acc", "acc"),
        ("_acc_", "acc"),
        ("-val_loss-", "val_loss"),
        (" loss,", "loss"),
        ("epoch", "epoch (epoch)"),
        ("_steps_", "steps (step)"),
        ("e_", ""),
        ("accent", ""),
        ("_best_acc", ""),
        ("_acc_best", ""),
        ("x224", ""),
        ("", ""),
    ],
)
def test_label_after(after: str, label: str) -> None:
    """A label behind a number is all of the text up to the next one."""
    assert told(label_after(after)) == label


def test_hugging_face_folders_count_steps() -> None:
    """`checkpoint-500` alone is a step; timm's `checkpoint-12.pth.tar` is none by this rule."""
    label = label_of("checkpoint-", "", first=True, decimal=False)
    assert label is not None
    assert (label.name, label.role) == ("step", "step")
    assert label_of("checkpoint-", ".pth.tar", first=True, decimal=False) is None
