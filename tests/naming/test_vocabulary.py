"""What is known of the field's words."""

from __future__ import annotations

import pytest

from ckptsel.naming import vocabulary as words


@pytest.mark.parametrize(
    "name",
    [
        "accuracy",
        "val_acc",
        "valAcc",
        "val/accuracy",
        "val_auc",
        "val_f1",
        "f1-score",
        "val_precision",
        "val_recall",
        "val_iou",
        "val_mean_io_u",
        "iou_mean",
        "dice_coef",
        "mAP",
        "mAP@0.50",
        "val_ndcg_10",
        "precision@10",
        "top_5_accuracy",
        "top1",
        "psnr",
        "bleu4",
        "r2",
        "ep_rew_mean",
        "val_output_1_accuracy",
        "Jaccard",
        # ultralytics: boxes, masks and poses; classification.
        "metrics/mAP50-95(B)",
        "metrics/mAP50(M)",
        "metrics/precision(B)",
        "metrics/recall(P)",
        "metrics/mAP_0.5:0.95",
        "metrics/accuracy_top1",
        "mAP50-95",
        "mAP@[.5:.95]",
        # MMDetection, MMPose, MMSegmentation.
        "bbox_mAP",
        "coco/bbox_mAP",
        "coco/segm_mAP_50",
        "coco/bbox_mAP_s",
        "AR@100",
        "coco/AR_s@1000",
        "coco/AR",
        "PCK",
        "mFscore",
        # detectron2, torchmetrics.
        "bbox/AP",
        "segm/APs",
        "bbox/AP-person",
        "panoptic_seg/PQ",
        "map_small",
        "val_map_50",
    ],
)
def test_high_is_good(name: str) -> None:
    """Metrics that rise, whatever stands before and behind their names."""
    assert words.direction(name) == "max"


@pytest.mark.parametrize(
    "name",
    [
        "loss",
        "val_loss",
        "Val_Loss",
        "valLoss",
        "val/loss",
        "dense_1_loss",
        "dice_loss",
        "val_iou_loss",
        "accuracy_loss",
        "wer",
        "val_cer",
        "ppl",
        "perplexity",
        "mae",
        "val_mean_absolute_error",
        "rmse",
        "fid",
        "eer",
        "val_nll",
        "val/dfl_loss",
        "train/box_loss",
        "NME",
    ],
)
def test_low_is_good(name: str) -> None:
    """Metrics that fall; a loss falls, whatever it is the loss of."""
    assert words.direction(name) == "min"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "foo",
        "val_loss_acc_penalty",
        "loss_weight",
        "mse_accuracy",
        "learning_rate",
        "lr",
        "epoch",
        "score",
        "val_score",
        "cosine_similarity",
        "elbo",
        "energy",
        "neg_val_loss",
        "negative_loss",
        "no_loss",
        "inverse_accuracy",
        "ar",
        "AR_12",
        "model(B)",
        "size_s",
        "bbox/large",
    ],
)
def test_unknown_direction(name: str) -> None:
    """Neither guessed for unknown names, nor for those that some minimise and others maximise."""
    assert words.direction(name) is None


def test_tables_agree() -> None:
    """No word is both a metric and a setting, a counter, or a word that labels nothing."""
    metrics = set(words.DIRECTIONS)
    assert metrics.isdisjoint(words.TWO_SIDED)
    assert metrics.isdisjoint(words.INVERTERS)
    assert metrics.isdisjoint(words.SETTINGS)
    assert metrics.isdisjoint(words.COUNTERS)
    assert metrics.isdisjoint(words.STOPWORDS)
    for name, mode in words.DIRECTIONS.items():
        assert words.direction(name) in (mode, None), name


@pytest.mark.parametrize(
    "name, mode",
    [
        ("val_loss", "min"),
        ("val_acc", "max"),
        ("accuracy", "max"),
        ("fmeasure", "max"),
        ("val_fmeasure", "min"),
        ("val_auc", "min"),
        ("val_f1", "min"),
        ("val_precision", "min"),
        ("val_loss_acc_penalty", "max"),
    ],
)
def test_keras2_direction(name: str, mode: str) -> None:
    """What mode="auto" of tf_keras decides, right or wrong."""
    assert words.keras2_direction(name) == mode


@pytest.mark.parametrize(
    "names",
    [
        ("val_acc", "val-acc", "val/acc", "val acc", "valAcc", "ValAcc", "val_accuracy", "valacc"),
        ("val_loss", "valid_loss", "validation/loss", "Val_Loss", "val.loss", "vloss"),
        ("train_loss", "training_loss"),
        ("auc", "auroc", "roc_auc", "AUROC"),
        ("ppl", "perplexity"),
        ("mAP@0.50", "mAP_0.50"),
    ],
)
def test_canonical(names: tuple[str, ...]) -> None:
    """Spellings of one metric meet."""
    assert len({words.canonical(name) for name in names}) == 1


def test_canonical_keeps_apart() -> None:
    """Different metrics do not."""
    names = ["loss", "val_loss", "train_loss", "no_loss", "val_acc", "acc", "val_f1", "f1", "top1"]
    assert len({words.canonical(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    "name, role",
    [
        ("epoch", "epoch"),
        ("Epoch", "epoch"),
        ("ep", "epoch"),
        ("current_epoch", "epoch"),
        ("step", "step"),
        ("global_step", "step"),
        ("iter", "step"),
        ("consumed_samples", "step"),
        ("lr", "setting"),
        ("fold", "setting"),
        ("seed", "setting"),
        ("batch_size", "setting"),
        ("epochs", "setting"),
        ("n_heads", "setting"),
        ("num_workers", "setting"),
        ("val_loss", "metric"),
        ("foo", "metric"),
        ("epoch_loss", "metric"),
        ("seed_acc", "metric"),
    ],
)
def test_role(name: str, role: str) -> None:
    """Counters count, settings were chosen before, and all else may be a metric."""
    assert words.role_of(name) == role


@pytest.mark.parametrize(
    "name, never",
    [
        ("acc", True),
        ("val_f1", True),
        ("wer", True),
        ("loss", False),
        ("dice_loss", False),
        ("reward", False),
        ("r2", False),
        ("pearson", False),
        ("foo", False),
    ],
)
def test_never_negative(name: str, never: bool) -> None:
    """Before an accuracy's number a minus can only separate."""
    assert words.is_never_negative(name) is never


@pytest.mark.parametrize(
    "name, only",
    [("epoch", True), ("global_step", True), ("val_loss", True), ("run", False), ("name", False)],
)
def test_number_names(name: str, only: bool) -> None:
    """An untyped field is a number where its name says so, and may be a label elsewhere."""
    assert words.is_number_name(name) is only
