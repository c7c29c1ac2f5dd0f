"""The tables of timm and ultralytics, shaped by hand after their sources; skorch wrote its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.folders import make
from tests.selecting import codes, places, ranked
from tests.sources.reading import read

SKORCH = Path(__file__).parent / "data" / "skorch" / "history.json"
TIMM = (
    "epoch,train_loss,eval_loss,eval_top1,lr\n0,6.9,6.8,1.5,0.1\n1,5.9,5.8,9.25,0.1\n2,5,4.8,9,0\n"
)
NEW = "epoch,time,train/box_loss,metrics/mAP50(B)\n1,9.1,1.5,0.1\n2,18.2,1.25,0.75\n3,27.1,1,0.5\n"


def test_timm(here: Path) -> None:
    """Names count epochs from 0, as the table does."""
    make(here, *(f"checkpoint-{n}.pth.tar" for n in range(3)))
    (here / "summary.csv").write_text(TIMM)
    ranking = ranked("eval_top1", mode="max")
    assert places(ranking)[0] == (1, "checkpoint-1.pth.tar")
    assert [(log.kind, log.offset) for log in ranking.logs] == [("timm", 0)]
    assert codes(ranking) == set()


def test_timm_assumed(here: Path) -> None:
    """Where only some were kept, the habit is taken, which is not Keras's, and it is said."""
    make(here, "checkpoint-1.pth.tar", "checkpoint-2.pth.tar")
    (here / "summary.csv").write_text(TIMM)
    ranking = ranked("eval_top1", mode="max")
    assert ranking.rows[0].metric is not None
    assert ranking.rows[0].metric.value == 9.25
    assert "log-base-assumed" in codes(ranking)


def padded(text: str) -> str:
    """As ultralytics wrote it before version 8.3, and YOLOv5."""
    return (
        "\n".join(",".join(f"{cell:>23}" for cell in line.split(",")) for line in text.splitlines())
        + "\n"
    )


@pytest.mark.parametrize("text", [NEW, padded(NEW)])
def test_ultralytics(here: Path, text: str) -> None:
    """The table counts from 1, the names from 0; titles are padded or not."""
    make(here, *(f"train/weights/{name}.pt" for name in ("epoch0", "epoch1", "epoch2", "best")))
    (here / "train/results.csv").write_text(text)
    ranking = ranked("metrics/mAP50(B)", mode="max")
    assert places(ranking)[0] == (1, "train/weights/epoch1.pt")
    assert ranking.rows[0].metric is not None
    assert ranking.rows[0].metric.source == "ultralytics:results.csv:3"
    assert "log-base-assumed" not in codes(ranking)
    assert [(log.kind, log.offset) for log in ranking.logs] == [("ultralytics", -1)]


def test_ultralytics_assumed(here: Path) -> None:
    """Names count one less than the table, which is said so, and medians are around these."""
    make(here, "weights/epoch1.pt", "weights/epoch2.pt")
    (here / "results.csv").write_text(NEW + "4,30,1,0.25\n")
    ranking = ranked("metrics/mAP50(B)", smooth=3)
    (said,) = (f.message for f in ranking.findings if f.code == "log-base-assumed")
    assert said.startswith("that names count one epoch less than the log is assumed: ultralytics")
    assert [(r.checkpoint.epoch, r.smoothed) for r in ranking.rows] == [(1, 0.5), (2, 0.5)]


def test_yolov5(tmp_path: Path) -> None:
    """Its table counts from 0, which the first row tells."""
    text = padded("epoch,train/box_loss,metrics/mAP_0.5\n0,0.1,0.2\n1,0.1,0.3\n")
    kind, rows, said = read(tmp_path / "results.csv", text)
    assert (kind, [row.epoch for row in rows], said) == ("ultralytics", [0, 1], [])
    _, rows, _ = read(tmp_path / "results.csv", NEW)
    assert [row.epoch for row in rows] == [0, 1, 2]


YOLOV5 = "epoch,train/box_loss,train/obj_loss,metrics/mAP_0.5,val/obj_loss,x/lr0,x/lr1\n"
YOLOV5_CLASSES = "epoch,train/loss,test/loss,metrics/accuracy_top1,lr/0\n"
TIMED = "epoch,time,train/box_loss,train/dfl_loss,metrics/mAP50(B),lr/pg0\n"
UNTIMED = "epoch,train/box_loss,train/dfl_loss,metrics/mAP50(B),lr/pg0\n"


@pytest.mark.parametrize(
    "header, first, epoch",
    [
        (YOLOV5, 0, 0), (YOLOV5, 1, 1), (YOLOV5, 10, 10), (YOLOV5_CLASSES, 10, 10),
        (TIMED, 1, 0), (TIMED, 10, 9),
        (UNTIMED, 0, 0), (UNTIMED, 1, 0), (UNTIMED, 10, None),
    ],
)  # fmt: skip
def test_tables_of_yolo(tmp_path: Path, header: str, first: int, epoch: int | None) -> None:
    """Titles, as both packages write them, tell the count; where they do not, there are no rows."""
    behind = ",0.5" * header.count(",")
    text = header + f"{first}{behind}\n{first + 1}{behind}\n"
    for each in (text, padded(text)):
        _, rows, said = read(tmp_path / "results.csv", each)
        assert [row.epoch for row in rows] == ([] if epoch is None else [epoch, epoch + 1])
        assert said == ([] if epoch is not None else ["log-base-assumed"])


@pytest.mark.parametrize(
    "first, second, epochs, said",
    [
        # A second training by another version, which counts otherwise.
        ((UNTIMED, 0, 1, 2), (TIMED, 1, 2, 3), [0, 1, 2, 0, 1, 2], []),
        ((UNTIMED, 0, 1, 2), (TIMED, 8, 9), [0, 1, 2, 7, 8], []),
        ((UNTIMED, 0, 1), (UNTIMED.replace("lr", "x,lr"), 8), [0, 1], ["log-base-assumed"]),
        # The same titles: begun again, or resumed.
        ((UNTIMED, 1, 2, 3), ("", 1, 2), [0, 1, 2, 0, 1], []),
        ((UNTIMED, 1, 2, 3), ("", 0, 1), [0, 1, 2, 0, 1], []),
        ((UNTIMED, 1, 2, 3), (UNTIMED, 2, 3), [0, 1, 2, 1, 2], []),
        ((UNTIMED, 0, 1, 2), ("", 2, 3), [0, 1, 2, 2, 3], []),
        ((YOLOV5, 0, 1, 2), ("", 1, 2), [0, 1, 2, 1, 2], []),
        # Resumed at 1, or begun by one that counts from 1?
        ((UNTIMED, 0, 1, 2), ("", 1, 2), [0, 1, 2], ["log-base-assumed"]),
    ],
)
def test_a_table_of_yolo_that_was_gone_on_with(
    tmp_path: Path, first: tuple[object, ...], second: tuple[object, ...], epochs: list[int],
    said: list[str],
) -> None:  # fmt: skip
    """What the first part counted from is not believed of a second one."""
    text, titles = "", ""
    for header, *counted in (first, second):
        titles = str(header) or titles
        text += str(header) + "".join(f"{n}{',0.5' * titles.count(',')}\n" for n in counted)
    _, rows, codes_said = read(tmp_path / "results.csv", text)
    assert ([row.epoch for row in rows], codes_said) == (epochs, said)


def test_skorch(here: Path) -> None:
    """What skorch wrote: a list of epochs, counted from 1 as in the names."""
    make(here, *(f"params_{n}.pt" for n in (1, 2, 3, 4)))
    shutil.copy(SKORCH, here)
    ranking = ranked("valid_loss")
    assert places(ranking)[0] == (1, "params_4.pt")
    assert ranking.rows[0].metric is not None
    assert ranking.rows[0].metric.source == "skorch:history.json:4"
    assert {m.name for m in ranking.rows[0].checkpoint.metrics if m.source != "name"} == {
        "train_loss",
        "valid_loss",
    }
    assert [(log.by, log.offset) for log in ranking.logs] == [("epoch", 0)]
    assert codes(ranking) == set()


@pytest.mark.parametrize(
    "text, rows, said",
    [("[]", 0, []), ("[1]", 0, ["log-malformed"]), ("[", 0, ["log-malformed"]),
     ('[{"epoch": 1, "a": NaN}, {"a": 1}]', 1, ["log-malformed"])],
)  # fmt: skip
def test_skorch_that_is_malformed(tmp_path: Path, text: str, rows: int, said: list[str]) -> None:
    """An entry without an epoch is said."""
    kind, found, codes_said = read(tmp_path / "history.json", text)
    assert (kind, len(found), codes_said) == ("skorch", rows, said)


def test_another_table_of_that_name(tmp_path: Path) -> None:
    """What has not their columns is a table like any other."""
    for name in ("results.csv", "summary.csv"):
        assert read(tmp_path / name, "epoch,val_loss\n0,0.5\n")[0] == "csv"
        assert read(tmp_path / name, "a,b\n0,0.5\n")[0] == ""
