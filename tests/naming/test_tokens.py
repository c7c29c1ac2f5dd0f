"""What in a name could be a value, and what is a date, a hash, a size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckptsel.naming.tokens import stem_length, tokenize


def shown(name: str) -> str:
    """The tokens, apart; the opaque ones in angle brackets."""
    return " ".join(
        f"<{token.text}>" if token.kind == "opaque" else token.text for token in tokenize(name)
    )


@pytest.mark.parametrize(
    "name, tokens",
    [
        ("weights.10-0.35.hdf5", "10 0.35"),
        ("ep056-loss1.2-val_loss0.31.h5", "056 1.2 0.31"),
        ("12epoch.pth", "12"),
        ("0.5611", "0.5611"),
        ("model_0.5611", "0.5611"),
        ("93%.pt", "93%"),
        ("12,0.93.pt", "12 0.93"),
        # An exponent has its sign.
        ("loss=7.995e-05.ckpt", "7.995e-05"),
        ("loss=7e+01.ckpt", "7e+01"),
        ("loss=7e-01%.ckpt", "7e-01"),
        ("68e-step=50.ckpt", "68 50"),
        ("68e15.ckpt", "<68> 15"),
        # A minus is a sign, or separates.
        ("val_loss=-1.5.ckpt", "-1.5"),
        ("val_loss%3D-1.5.ckpt", "-1.5"),
        ("loss_-1.5.pt", "-1.5"),
        ("loss:-1.5.pt", "-1.5"),
        ("loss-1.5.pt", "1.5"),
        ("loss_-1.pt", "1"),
        ("a--0.9999.ckpt", "0.9999"),
        ("loss_+0.5.pt", "+0.5"),
        # Not finite.
        ("val_loss=nan.ckpt", "nan"),
        ("val_loss=-inf.ckpt", "-inf"),
        ("banana_inferno.pt", ""),
        # Two numbers with a point between them.
        ("003.0.1234.h5", "003 0.1234"),
        ("12.0.1234.h5", "12 0.1234"),
        ("0.345.12.h5", "0.345 12"),
        ("3.45.12.h5", "<3.45.12>"),
        ("weights1.05-0.31.h5", "1 05 0.31"),
        ("inceptionv3.05-0.31.h5", "3 05 0.31"),
        ("v2.1.0-0.5.pt", "<2.1.0> 0.5"),
        ("0012.345.h5", "<0012.345>"),
        ("1.2.3.4.h5", "<1.2.3.4>"),
        # A comma is a decimal one, one of thousands, or separates: nothing tells.
        ("acc=93,25.pth", "<93,25>"),
        ("loss_1,234.5.pt", "<1,234.5>"),
        # Dates, times, hashes, sizes.
        ("20210927_3.pt", "<20210927> 3"),
        ("20210927-101112_3.pt", "<20210927-101112> 3"),
        ("2024-01-21_15-48-32_e5.pt", "<2024-01-21_15-48-32> 5"),
        ("2024.01.21_5.pt", "<2024.01.21> 5"),
        ("27.04.2017_21:07:34_31_0.70.h5", "<27.04.2017_21:07:34> 31 0.70"),
        ("05_30_16_05_23.h5", "<05_30_16_05_23>"),
        ("1699999999_3.pt", "<1699999999> 3"),
        ("a1b2c3d4-3.pt", "<a1b2c3d4> 3"),
        ("6f1e2a3b-1234-4abc-9def-1234567890ab_3.pt", "<6f1e2a3b-1234-4abc-9def-1234567890ab> 3"),
        ("resnet50_224x224_b4.h5", "50 <224> 224 4"),
        ("llama-7b-25hz.pt", "<7> <25>"),
        # Digits of labels.
        ("f1_0.62.pt", "0.62"),
        ("f10.62.pt", "0.62"),
        ("f1score_0.62.pt", "0.62"),
        ("val_R2:0.95.pt", "0.95"),
        ("r2score_0.62.pt", "0.62"),
        ("top_1_accuracy=0.345.ckpt", "0.345"),
        ("top1_0.345_top5_0.6.pt", "0.345 0.6"),
        ("mAP@0.50=0.20.pt", "0.20"),
        ("AP@[0.5:0.95]=0.2.pt", "0.2"),
        ("best_bbox_mAP_50_epoch_24.pth", "24"),
        ("val_ndcg_10=0.12.ckpt", "0.12"),
        ("val_dense_1_loss_0.5.h5", "0.5"),
        ("dense_12_accuracy=0.5.h5", "0.5"),
        ("x%3D0.5.pt", "0.5"),
        ("psnr31.25dB_12.pt", "31.25 12"),
        # A number glued to the next label.
        ("acc=0.93valid_loss=0.57.pt", "0.93 0.57"),
        ("epoch12loss0.5acc0.93.pt", "12 0.5 0.93"),
        ("0.93acc.pt", "0.93"),
        ("0.93accent.pt", "<0.93>"),
    ],
)
def test_tokens(name: str, tokens: str) -> None:
    """Numbers that could be values are found; what only looks like one is opaque."""
    assert shown(name) == tokens


@pytest.mark.parametrize(
    "name, stem",
    [
        ("w.h5", "w"),
        ("w.weights.h5", "w"),
        ("w-0.5.pth.tar", "w-0.5"),
        ("w-0.56", "w-0.56"),
        ("w-0.56.onnx", "w-0.56"),
        ("a.b/w", "a.b/w"),
        ("checkpoint-500", "checkpoint-500"),
        ("w.0.5611", "w.0.5611"),
    ],
)
def test_stem(name: str, stem: str) -> None:
    """A suffix begins with a letter, so that no decimals are taken for one."""
    assert name[: stem_length(name)] == stem


@given(st.text("0123456789.-_=e%,aexfvloss/:+ ", max_size=40) | st.text(max_size=30))
def test_tokens_are_of_the_name(name: str) -> None:
    """They stand in order, apart, within the stem, and hold the name's own characters."""
    end = 0
    for token in tokenize(name):
        assert end <= token.start < token.end <= stem_length(name)
        assert token.text == name[token.start : token.end]
        end = token.end


@pytest.mark.parametrize("piece", ["1.", "val_", "1_", "a1", "loss_0.5_", "=1", "1e-5", "valtrain"])
def test_long_names(piece: str) -> None:
    """A name of a thousand characters, of whatever kind, is cut without trouble."""
    assert len(tokenize(piece * 200)) <= 400
