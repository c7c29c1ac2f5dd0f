"""Files of several models beside one log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ckptsel.errors import MonitorNotFoundError
from tests.folders import make
from tests.selecting import codes, ranked

if TYPE_CHECKING:
    from pathlib import Path

CSV = "epoch,val_loss\n0,0.5\n1,0.3\n2,0.4\n3,0.2\n"
VALUES = {1: "0.50", 2: "0.30", 3: "0.40"}


def beside(here: Path, *names: str) -> set[str]:
    """What is said of these files beside one log."""
    make(here, *names)
    (here / "training.csv").write_text(CSV)
    return codes(ranked())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(("resnet", "vgg"), ("model", "vgg"), ("model_lr0.02", "model_lr0.3"), ("model", "test")),
        *(("model", "model-v2"), ("model", "new_model"), ("run_20260101", "run_20260102")),
        *(("resnet18_best", "resnet50_best"), ("cnn", "lstm"), ("lr0.1", "lr0.3")),
    ],
)
@pytest.mark.parametrize("epochs", [(1, 2, 3), (2, 3)])
def test_of_one_time(here: Path, one: str, other: str, epochs: tuple[int, ...]) -> None:
    """Of the same epochs, or within those of the other: it is said, or the log is not used."""
    names = [f"{one}_{n:02d}.keras" for n in (1, 2, 3)]
    make(here, *names, *(f"{other}_{n:02d}.keras" for n in epochs))
    (here / "training.csv").write_text(CSV)
    try:
        assert "log-shared" in codes(ranked())
    except MonitorNotFoundError:
        assert any(character.isdigit() for character in one)
    assert "log-shared" not in codes(ranked(include=(f"{other}_*",)))


def test_between_each_other(here: Path) -> None:
    """As with `save_best_only` in both."""
    names = ["resnet_01.keras", "resnet_03.keras", "vgg_02.keras", "vgg_04.keras"]
    assert "log-shared" in beside(here, *names)


def test_a_field_of_text(here: Path) -> None:
    """A pattern may read all of them."""
    beside(here, *(f"{model}_{n:02d}.keras" for model in ("resnet18", "vgg16") for n in (1, 2)))
    assert "log-shared" in codes(ranked(patterns=("{model}_{epoch:02d}.keras",)))


@pytest.mark.parametrize("valued", [("resnet",), ("resnet", "vgg")])
def test_values_in_the_names(here: Path, valued: tuple[str, ...]) -> None:
    """They show whose log it is, if all have them."""
    names = [
        f"{model}_{n:02d}-{loss}.keras" if model in valued else f"{model}_{n:02d}.keras"
        for model in ("resnet", "vgg")
        for n, loss in VALUES.items()
    ]
    assert ("log-shared" in beside(here, *names)) is (len(valued) == 1)


@pytest.mark.parametrize(
    "names",
    [
        *(
            [f"{word}_{n:02d}.keras" for word in words for n in (1, 2, 3)]
            for words in (
                *(("cp", "best"), ("G", "D"), ("model", "optimizer"), ("valloss", "valacc")),
                *(
                    ("raw", "swa"),
                    ("encoder", "decoder"),
                    ("best_loss", "best_acc"),
                    ("ep", "epoch"),
                    ("unet", "unet_final"),
                    ("unet", "unet_lora"),
                    ("epoch", "snapshot_epoch"),
                    ("model", "model_interrupted"),
                    ("vae", "encoder"),
                ),
            )
        ),
        ["cp-01.weights.h5", "cp-02.weights.h5", "full-01.keras", "full-02.keras"],
        [f"m_{n:02d}{suffix}" for suffix in (".keras", ".weights.h5") for n in (1, 2, 3)],
        ["warmup_01.keras", "warmup_02.keras", "main_03.keras", "main_04.keras"],
        ["val_loss_01.keras", "val_loss_02.keras", "val_acc_01.keras", "val_acc_02.keras"],
    ],
)
def test_of_one_training(here: Path, names: list[str]) -> None:
    """Of two callbacks, in two formats, one after the other."""
    assert "log-shared" not in beside(here, *names)


def test_versions(here: Path) -> None:
    """Lightning's `-v1` says that a file of the name was there: of another moment, or training."""
    names = [f"epoch={n}{version}.ckpt" for version in ("", "-v1") for n in (1, 2, 3)]
    assert "log-shared" in beside(here, *names)


@pytest.mark.parametrize(
    ("best", "column"),
    [
        ("best_coco_bbox_mAP_epoch_11", "coco/bbox_mAP"),
        ("best_pascal_voc_mAP_epoch_11", "pascal_voc/mAP"),
        ("best_accuracy_top1_epoch_11", "accuracy/top1"),
    ],
)
def test_the_metric_that_it_was_saved_by(here: Path, best: str, column: str) -> None:
    """The log's own words are no model's name: so MMEngine's `save_best` calls its files."""
    make(here, *(f"epoch_{n}.pth" for n in (10, 11, 12)), f"{best}.pth")
    log = here / "20240131_120000" / "vis_data" / "scalars.json"
    log.parent.mkdir(parents=True)
    with log.open("w") as file:
        for n in range(1, 13):
            print(
                f'{{"loss": {1 / n}, "epoch": {n}, "iter": {n * 100}, "step": {n * 100}}}',
                file=file,
            )
            print(f'{{"{column}": {0.3 + n / 100}, "step": {n}}}', file=file)
    ranking = ranked(column, mode="max")
    assert ranking.logs[0].joined == 4
    assert "log-shared" not in codes(ranking)


def test_numbers_of_columns(here: Path) -> None:
    """Those of `top1` and `top5` are not those of two folds."""
    make(here, *(f"fold{fold}_best_{n:02d}.keras" for fold in (1, 5) for n in (1, 2, 3)))
    (here / "training.csv").write_text("epoch,val_top1,val_top5\n0,0.5,0.6\n1,0.6,0.7\n2,0.7,0.8\n")
    assert "log-shared" in codes(
        ranked("val_top1", mode="max", patterns=("{model}_best_{epoch:02d}.keras",))
    )
