"""The field's words: metrics and which way they are good, counters, settings, short names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ckptsel.checkpoint import Mode, Role

_LOWER_IS_BETTER = """
    loss losses cost error err errors error_rate perplexity ppl bpb bpc bits_per_byte
    mae mse rmse mape smape msle rmsle mrrmse nrmse medae logcosh log_cosh hinge squared_hinge
    mean_absolute_error mean_squared_error root_mean_squared_error absolute_error squared_error
    mean_absolute_percentage_error mean_squared_logarithmic_error
    crossentropy cross_entropy binary_crossentropy categorical_crossentropy
    sparse_categorical_crossentropy bce ce nll kl kld kl_divergence kullback_leibler_divergence
    divergence poisson wer cer ter per eer der mer fid kid lpips brier brier_score ece crps
    chamfer hausdorff hd95 assd asd epe ade fde made nme regret l1 l2 rel_l2
"""
_HIGHER_IS_BETTER = """
    accuracy acc accu racc binary_accuracy categorical_accuracy sparse_categorical_accuracy
    top_k_categorical_accuracy sparse_top_k_categorical_accuracy balanced_accuracy
    auc auroc aucroc roc_auc auprc aucpr pr_auc prauc roc average_precision
    f1 f1_score f1score f2 f0.5 fbeta fmeasure f_measure fscore f_score micro_f1
    macro_f1 weighted_f1
    precision recall sensitivity specificity tpr tnr ppv npv
    top1 top5 acc1 acc5 prec1 prec5 map_50 map_75 map50_95 ap_50 ap_75
    iou miou mean_io_u mean_iou io_u binary_io_u one_hot_io_u one_hot_mean_io_u jaccard jsi giou
    dice dice_score dice_coef dice_coefficient dsc map map50 ap ap50 ap75 aps apm apl mar pck pckh
    ndcg mrr hit hits hit_rate success success_rate win_rate
    bleu sacrebleu bleu1 bleu2 bleu3 bleu4 rouge rouge1 rouge2 rougel rouge_l
    meteor cider chrf comet spice
    psnr ssim ms_ssim r2 r2_score r2score r_squared explained_variance
    pearson spearman kendall corr correlation pcc scc srcc plcc ccc
    mcc matthews kappa cohen_kappa qwk
    reward return returns mean_reward ep_rew_mean likelihood log_likelihood
"""
_UNBOUNDED = {"loss", "losses", "cost", "nll", "likelihood", "log_likelihood", "reward", "return"}
_UNBOUNDED |= {"returns", "mean_reward", "ep_rew_mean", "r2", "r2_score", "explained_variance"}
_UNBOUNDED |= {"pearson", "spearman", "kendall", "corr", "correlation", "mcc", "matthews", "kappa"}
_UNBOUNDED |= {"cohen_kappa", "qwk", "pcc", "scc", "srcc", "plcc", "ccc", "giou", "crossentropy"}
_UNBOUNDED |= {"ssim", "ms_ssim", "psnr", "cross_entropy", "divergence", "kl", "crps", "r_squared"}

DIRECTIONS: dict[str, Mode] = {
    **dict.fromkeys(_LOWER_IS_BETTER.split(), "min"),
    **dict.fromkeys(_HIGHER_IS_BETTER.split(), "max"),
}
"""The curated table: a metric's name, without `val_` and the like, and its good direction."""

_ALWAYS_LOW = {"loss", "losses", "error", "errors"}

TWO_SIDED = {"cosine_similarity", "cosine", "similarity", "elbo", "energy", "score", "margin"}
"""Known names that are minimised by some and maximised by others."""

COUNTERS: dict[str, Role] = {
    **dict.fromkeys(("epoch", "ep", "e", "epoch_idx", "current_epoch"), "epoch"),
    **dict.fromkeys(("step", "steps", "global_step", "current_step", "timesteps"), "step"),
    **dict.fromkeys(("iter", "iters", "iteration", "iterations", "it"), "step"),
    **dict.fromkeys(("batch", "batch_idx", "update", "updates", "num_updates"), "step"),
    **dict.fromkeys(("consumed_samples", "ckpt"), "step"),
}
"""What counts training's progress."""

_SETTINGS = """
    lr learning_rate wd weight_decay bs batch_size batchsize dropout drop do momentum seed fold
    split trial run exp experiment alpha beta gamma sigma lambda tau eps epsilon rho theta
    temperature temp size img img_size image_size dim dims hidden hidden_size layer layers head
    heads embed
    embedding seq seq_len seq_length length len width depth rank rate ratio threshold thresh thr
    patch window stride kernel version ver v worker workers gpu gpus cls class classes num_classes
    epochs n_epochs num_epochs max_epochs stage phase team task part group noise scale factor
    filters n_filters n_layers units channels ch model_name sample_rate difficulty id job session
    ensemble member replica file filename filepath path
"""
SETTINGS = frozenset(_SETTINGS.split())
"""What was chosen before training: never a metric, whatever number stands beside it."""

_STOPWORDS = """
    weights weight model models checkpoint checkpoints ckpt cp best last final latest improvement
    improved net network saved save trained state dict backbone classifier cnn rnn lstm gru the and
    at in of on from to with new old good top_layer improvement file out tmp
"""
STOPWORDS = frozenset(_STOPWORDS.split())
"""Words of names that label nothing."""

QUALIFIERS: tuple[str, ...] = (
    "validation",
    "valid",
    "val",
    "training",
    "train",
    "trn",
    "testing",
    "test",
)
SPLITS = (*QUALIFIERS, "eval", "dev")
"""Parts of the data: one that stands alone before a decimal names the value on that part."""

QUALIFIERS = (*SPLITS, "holdout", "ema")
TAILS: tuple[str, ...] = (
    "score",
    "mean",
    "avg",
    "micro",
    "macro",
    "weighted",
    "coef",
    "coefficient",
    "metrics",
)
TAILS += ("metric", "multilabel", "px", "step", "epoch", "top1", "top5", "total")
INVERTERS = {"neg", "negative", "minus", "inverse", "inv", "no", "non", "not", "without", "wo"}
"""Words that turn the meaning of what follows; whoever writes them must say what is meant."""

_HEADS = """
    mean avg average micro macro weighted balanced running total smooth per class main aux
    cls reg box bbox obj seg mask rpn pixel global local gen generator disc discriminator adv
    recon reconstruction rec style content perceptual actor critic policy value focal triplet
    contrastive huber ctc att attention mlm nsp
"""
HEADS = (*_HEADS.split(), *sorted(INVERTERS))
"""Words before a metric that make another one of it: `cls_loss` and `no_loss` are no `loss`."""

LAYER = "(?:main_|aux_)?output|dense|conv[123]d|head|branch|out|activation|sequential|logits"
"""Names that Keras gives to layers (a regular expression): one's metric is `dense_1_loss`."""

# COCO's sizes of objects: torchmetrics' `map_small`, MMDetection's `bbox_mAP_s`.
_SIZES = frozenset(("small", "medium", "large", "s", "m", "l"))
_BY_SIZE = frozenset(("map", "mar", "ap"))
OF_TASK = re.compile(r" ?\([a-z]\)$", re.IGNORECASE)
"""How ultralytics tells boxes, masks and poses apart: `metrics/mAP50-95(B)`."""
# What would be no metric elsewhere. MMDetection's and MMPose's average recall, `coco/AR@100` and
# `AR_s@1000`; detectron2's precision of one class, `bbox/AP-person`, and `panoptic_seg/PQ`.
_OF_COCO = re.compile(
    r"(?:^|[/_])AR(?:_[sml])?@\d+$|^coco/AR\b|^(?:bbox|segm|keypoints)/AP-|panoptic(?:_seg)?/[PSR]Q\b"
)

_SEPARATORS = re.compile(r"[\s_\-/.:@]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SPELLINGS = {"valid": "val", "validation": "val", "training": "train", "testing": "test"}
_SPELLINGS |= {"acc": "accuracy", "accu": "accuracy", "aucroc": "auc", "auroc": "auc"}
_GLUED = {"vloss": "valloss", "vacc": "valaccuracy", "valacc": "valaccuracy"}
_GLUED |= {"trainacc": "trainaccuracy", "rocauc": "auc", "perplexity": "ppl"}


def _normal(name: str) -> str:
    """Lower case, one kind of separator: `Val/Loss`, `val-loss` and `valLoss` become one."""
    return _SEPARATORS.sub("_", _CAMEL.sub("_", name).lower()).strip("_")


def canonical(name: str) -> str:
    """The form in which spellings meet: `val-acc`, `val/accuracy`, `valAcc` → `valaccuracy`."""
    joined = "".join(_SPELLINGS.get(word, word) for word in _normal(name).split("_"))
    return _GLUED.get(joined, joined)


def _phrase(name: str) -> str | None:
    """The known metric that a full name speaks of, None if unknown or if two disagree.

    Qualifiers (`val_`), Keras output names (`dense_1_loss`), numbers (`top_5`, `ndcg@10`) and
    closing words (`iou_mean`) are passed over.
    """
    name = OF_TASK.sub("", name)
    for text in (name.lower(), _CAMEL.sub("_", name).lower()):
        words = [word for part in _SEPARATORS.split(text) if (word := part.strip("[]"))]
        if INVERTERS & set(words):
            return None
        words = [word for word in words if word not in QUALIFIERS and not word.isdigit()]
        while len(words) > 1 and words[-1] in TAILS and "_".join(words) not in DIRECTIONS:
            words.pop()
        if len(words) > 1 and words[-1] in _SIZES and words[-2] in _BY_SIZE:
            words.pop()
        for start in range(len(words)):
            phrase = "_".join(words[start:])
            if phrase in TWO_SIDED:
                return None
            if phrase in _ALWAYS_LOW:
                return phrase  # dice_loss falls, though dice rises
            if phrase in DIRECTIONS:
                before = {DIRECTIONS.get(word) for word in words[:start]} - {None}
                return None if before - {DIRECTIONS[phrase]} else phrase
    return None


def direction(name: str) -> Mode | None:
    """Which way a metric is good, None where the curated table cannot say."""
    if _OF_COCO.search(name):
        return "max"
    phrase = _phrase(name)
    return DIRECTIONS[phrase] if phrase else None


def keras2_direction(name: str) -> Mode:
    """What `mode="auto"` of tf_keras and of Keras up to 3.10 would decide.

    Source: `ModelCheckpoint.__init__` in tf_keras 2.x: "acc" in the monitor, or a monitor that
    starts with "fmeasure", is maximised; everything else is minimised.
    """
    return "max" if "acc" in name or name.startswith("fmeasure") else "min"


def is_never_negative(name: str) -> bool:
    """Whether a minus before this metric's number can only be a separator."""
    phrase = _phrase(name)
    return phrase is not None and phrase not in _UNBOUNDED


def role_of(name: str) -> Role:
    """What a labelled number is: an epoch, a step, a setting, or (otherwise) a metric."""
    word = _normal(name)
    if word in COUNTERS:
        return COUNTERS[word]
    # Lightning's `per-{epoch}`; what it calls `loss_epoch` and `loss_step` are metrics.
    last = name.lower().rpartition("-")[2]
    if last != name.lower() and last in ("epoch", "step"):
        return COUNTERS[last]
    if word in SETTINGS or word.split("_")[0] in ("n", "num"):
        return "setting"
    return "metric"


def is_number_name(name: str) -> bool:
    """Whether a field of this name can only hold a number: epochs, steps, known metrics."""
    return role_of(name) in ("epoch", "step") or _phrase(name) is not None
