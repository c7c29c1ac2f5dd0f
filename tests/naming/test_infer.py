"""Patterns learned from names that stand together."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from ckptsel.naming.form import Form, Reading
from ckptsel.naming.infer import learn
from ckptsel.naming.parse import NameReading, read_names
from ckptsel.naming.pattern import Pattern

EPOCHS = (1, 2, 9, 10, 37, 100)


def siblings(template: str) -> list[str]:
    """A folder of names as a training run leaves them."""
    return [
        template.format(
            epoch=e, step=17 * e, loss=2.5 / e, acc=1 - 0.7 / e, hash=f"{e * 99991:08x}"
        )
        for e in EPOCHS
    ]


def patterns(names: list[str]) -> list[str]:
    """The texts of what is learned."""
    return [pattern.text for pattern in learn(names)[0]]


def values(reading: NameReading) -> dict[str, Any]:
    """What one name says."""
    return {metric.name: metric.value for metric in reading.metrics}


@pytest.mark.parametrize(
    "template, learned",
    [
        ("weights.{epoch:02d}-{loss:.2f}.hdf5", "weights.{0:02d}-{1:.2f}.hdf5"),
        ("epoch={epoch:02d}-val_loss={loss:.2f}.ckpt", None),
        ("ep{epoch:03d}-loss{loss:.3f}.h5", "ep{epoch:03d}-loss{loss:.3f}.h5"),
        ("val_loss_{loss:.4f}.pt", "val_loss_{val_loss:.4f}.pt"),
        ("val_loss-{loss:.4f}.pt", "val_loss-{val_loss:.4f}.pt"),
        ("val_loss{loss:.4f}.pt", "val_loss{val_loss:.4f}.pt"),
        ("val-wer-{loss:.3f}.pt", "val-wer-{val-wer:.3f}.pt"),
        ("{epoch}epoch.pth", "{epoch:d}epoch.pth"),
        ("acc={acc:.2f}valid_loss={loss:.2f}.pt", "acc={acc:.2f}valid_loss={valid_loss:.2f}.pt"),
        ("f1_{acc:.2f}.pt", "f1_{f1:.2f}.pt"),
        ("top_1_accuracy={acc:.3f}.ckpt", "top_1_accuracy={top_1_accuracy:.3f}.ckpt"),
        ("mAP@0.50={acc:.2f}.pt", "mAP@0.50={mAP@0.50:.2f}.pt"),
        ("val_ndcg_10={acc:.2f}.pt", "val_ndcg_10={val_ndcg_10:.2f}.pt"),
        ("loss={loss:.2e}.ckpt", "loss={loss:.2e}.ckpt"),
        ("acc_{acc:.1%}.ckpt", "acc_{acc:.1%}.ckpt"),
        ("{epoch}-{loss}.h5", "{0:d}-{1}.h5"),
        ("{loss:+.2f}.h5", "{0:+.2f}.h5"),
        ("{epoch:d}e-step={step:d}.ckpt", "{epoch:d}e-step={step:d}.ckpt"),
        # Constant numbers are literals, whatever stands beside them.
        ("resnet50_224x224_b4_{epoch:02d}.h5", "resnet50_224x224_b4_{0:02d}.h5"),
        ("seed42_fold3_lr0.001_loss{loss:.2f}.h5", "seed42_fold3_lr0.001_loss{loss:.2f}.h5"),
        ("2024-01-21_15-48-32_e{epoch}.pt", "2024-01-21_15-48-32_e{epoch:d}.pt"),
        ("tf2_run-7_{loss:.2f}-v1.h5", "tf2_run-7_{0:.2f}-v1.h5"),
        # What varies and is no number is text.
        ("{hash}_epoch{epoch}.pt", "{text:s}_epoch{epoch:d}.pt"),
        # Labels that say more than the metric.
        ("D_loss_{loss:.2f}_G_loss_{acc:.2f}.pt", "D_loss_{D_loss:.2f}_G_loss_{G_loss:.2f}.pt"),
        ("best_bbox_mAP_50_epoch_{epoch}.pth", "best_bbox_mAP_50_epoch_{epoch:d}.pth"),
        ("{{x}}_epoch{epoch}.pt", "{{x}}_epoch{epoch:d}.pt"),
    ],
)
def test_learned(template: str, learned: str | None) -> None:
    """Constant tokens are literals, and tokens that vary are fields, called by their labels."""
    names = siblings(template)
    expected = learned or template.replace("{loss", "{val_loss")
    assert patterns(names) == [expected]
    assert all(Pattern(expected).parse(name).status == "ok" for name in names)


def test_several_patterns() -> None:
    """A folder may hold the names of several callbacks."""
    first = siblings("weights.{epoch:02d}-{loss:.2f}.h5")
    second = siblings("epoch={epoch}-val_loss={loss:.3f}.ckpt")
    assert sorted(patterns(first + second)) == [
        "epoch={epoch:d}-val_loss={val_loss:.3f}.ckpt",
        "weights.{0:02d}-{1:.2f}.h5",
    ]


@pytest.mark.parametrize(
    "name, says, free",
    [
        ("epoch=02-val_loss=0.32-v1.ckpt", {"epoch": 2, "val_loss": 0.32}, []),
        ("weights.10-0.35.hdf5", {}, [10, 0.35]),
        ("mymodel_0.45.h5", {}, [0.45]),
        ("resnet50_fold1_lr0.001_acc0.93.h5", {"acc": 0.93}, []),
        ("20240121_val_loss_0.345.h5", {"val_loss": 0.345}, []),
        ("model_no_loss_0.35.h5", {"no_loss": 0.35}, []),
        ("best_model_9_val_acc=0.7700.pt", {"val_acc": 0.77}, [9]),
        ("last.ckpt", {}, []),
    ],
)
def test_one_name_alone(name: str, says: dict[str, float], free: list[float]) -> None:
    """It is read by its labels only; its other numbers are kept without a label."""
    (reading,) = read_names([name], single=True)
    assert {m.name: m.value for m in reading.metrics if m.labelled} == says
    assert [m.value for m in reading.metrics if not m.labelled] == free


def test_alone_among_others() -> None:
    """A name that is alone in its shape is left out where that is asked for."""
    names = ["epoch=02-val_loss=0.32.ckpt", "last.ckpt"]
    assert patterns(names) == ["epoch={epoch:02d}-val_loss={val_loss:.2f}.ckpt"]
    assert learn(names, alone=False) == ([], {})


@pytest.mark.parametrize(
    "names, learned, refused",
    [
        (["a--0.9999.ckpt", "a--0.8888.ckpt"], [], 2),
        (["val_loss--0.3.ckpt", "val_loss--0.2.ckpt"], [], 2),
        # A metric that is never negative.
        (["acc--0.93.ckpt", "acc--0.91.ckpt"], ["acc--{acc:.2f}.ckpt"], 0),
        # Two dashes separate in another place, too.
        (["x--3--0.93.ckpt", "x--4--0.91.ckpt"], ["x--{0:d}--{1:.2f}.ckpt"], 0),
        # A sibling without a second dash has a minus.
        (
            ["nll-0.93.ckpt", "nll-0.91.ckpt", "nll--0.11.ckpt"],
            ["nll-{nll:.2f}.ckpt"],
            0,
        ),
    ],
)
def test_two_dashes(names: list[str], learned: list[str], refused: int) -> None:
    """A minus or a separator: siblings decide, otherwise the name is reported."""
    found, reasons = learn(names)
    assert [pattern.text for pattern in found] == learned
    assert list(reasons.values()) == ["'--' before the value: a minus, or a separator?"] * refused


@pytest.mark.parametrize(
    "names, learned, first",
    [
        (
            ["lr1e-4_loss0.5.pt", "lr3e-5_loss0.4.pt"],
            "lr{lr:s}_loss{loss:.1f}.pt",
            {"lr": "1e-4", "loss": 0.5},
        ),
        (["tol1e-5_loss0.5.pt", "tol1e-5_loss0.4.pt"], "tol1e-5_loss{loss:.1f}.pt", {"loss": 0.5}),
        (["loss1e-5.pt", "loss3e-5.pt"], "loss{loss:s}.pt", {"loss": "1e-5"}),
    ],
)
def test_numbers_written_by_hand(names: list[str], learned: str, first: dict[str, Any]) -> None:
    """What no format prints is a text, and the values beside it are read all the same."""
    assert patterns(names) == [learned]
    assert values(read_names(names)[0]) == first


def test_fairseq() -> None:
    """Of fairseq's names only three decimals are read."""
    (reading,) = read_names(["checkpoint.best_loss_3.45678.pt"])
    assert values(reading) == {"loss": 3.456}
    assert [finding.code for finding in reading.findings] == ["fairseq-random-digits"]


def test_large_folder() -> None:
    """What a sample of a large folder does not show is learned all the same."""
    names = [f"ep{e:05d}-loss{1 / e:.3f}.h5" for e in range(1, 5000)]
    names.insert(2, "epoch=7-step=9.ckpt")
    assert set(patterns(names)) == {
        "ep{epoch:05d}-loss{loss:.3f}.h5",
        "epoch={epoch:d}-step={step:d}.ckpt",
    }


def test_many_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is parsed by few of the patterns of other shapes, however many there are."""
    count = 0
    parse = Form.parse

    def counting(form: Form, text: str) -> Reading:
        nonlocal count
        count += 1
        return parse(form, text)

    monkeypatch.setattr(Form, "parse", counting)
    words = ["".join(letters) for letters in itertools.product("abcdef", repeat=3)]
    names = [f"model_{e}_{word}_loss_{e / 8:.3f}.h5" for word in words for e in (1, 2, 3)]
    assert len(learn(names)[0]) == len(words)
    assert count < 10 * len(names)


@pytest.mark.parametrize(
    "names, label, expected",
    [
        # One name without a dash shows that it is a minus in the others.
        (["m1-val_loss-0.50.h5", "m2-val_loss0.30.h5"], "val_loss", [-0.5, 0.3]),
        (["m1-elbo0.5.h5", "m2-elbo1.5.h5", "m3-elbo-0.3.h5"], "elbo", [0.5, 1.5, -0.3]),
        # All have one: it separates.
        (["m1-elbo-0.5.h5", "m2-elbo-1.5.h5"], "elbo", [0.5, 1.5]),
        (["m1-elbo-0.5.h5", "m2-elbo--1.5.h5"], "elbo", [0.5, -1.5]),
        # What is never negative has no minus, however many names have no dash.
        (["m1-acc-0.5.h5", "m2-acc0.3.h5"], "acc", [0.5, 0.3]),
        (["m1-acc-0.5.h5", "m2-acc0.3.h5", "m3-acc0.4.h5"], "acc", [0.5, 0.3, 0.4]),
        (["m-epoch-1.h5", "m-epoch2.h5", "m-epoch3.h5"], "epoch", [1, 2, 3]),
    ],
)
def test_a_dash_in_some_of_the_names(names: list[str], label: str, expected: list[float]) -> None:
    """A minus, or another way of writing the same names."""
    assert [values(one)[label] for one in read_names(names)] == expected


def test_more_dashes_than_none() -> None:
    """One odd name among many does not make all others negative, nor do they decide."""
    names = ["m1-loss-0.5.h5", "m2-loss-1.5.h5", "m3-loss0.3.h5"]
    found, reasons = learn(names)
    assert [pattern.text for pattern in found] == ["m3-loss{loss:.1f}.h5"]
    assert list(reasons) == names[:2]
    assert "a minus, or a separator?" in reasons[names[0]]


def test_lightnings_prefix_of_a_counter() -> None:
    """`per-{epoch:02d}` becomes `per-epoch=05`; `loss_epoch` is a metric."""
    (reading,) = read_names(["per-epoch=05-loss_epoch=0.5.ckpt"], single=True)
    roles = {metric.name: metric.role for metric in reading.metrics}
    assert roles == {"per-epoch": "epoch", "loss_epoch": "metric"}
