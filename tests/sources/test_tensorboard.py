"""Event files that are damaged, still being written, or hold what is no scalar."""

from __future__ import annotations

import struct
import sys
from typing import TYPE_CHECKING

import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

from tests.folders import make
from tests.selecting import codes, places, ranked
from tests.sources.event_files import events, record
from tests.sources.reading import read

if TYPE_CHECKING:
    from pathlib import Path

NAME = "events.out.tfevents.1700000000.host"
TWO = events(("val_loss", 0.5, 0), ("val_loss", 0.25, 1))
HUGE = struct.pack("<Q", 2**62)


@pytest.mark.parametrize(
    "data, steps, said",
    [
        (TWO, [0, 1], []),
        (TWO[:-1], [0], ["log-half-line"]),
        (TWO[:-40], [0], ["log-half-line"]),
        (TWO + b"\x07", [0, 1], ["log-half-line"]),
        (TWO[:-9] + b"x" + TWO[-8:], [0], ["log-malformed"]),
        # A length that no file has, with the right checksum.
        (TWO + HUGE + struct.pack("<I", masked_crc32c(HUGE)), [0, 1], ["log-malformed"]),
        (TWO + HUGE + b"1234", [0, 1], ["log-malformed"]),
        (TWO + record(b"\xff\xff"), [0, 1], ["log-malformed"]),
        (TWO + record(b""), [0, 1], []),
    ],
)
def test_records(tmp_path: Path, data: bytes, steps: list[int], said: list[str]) -> None:
    """What is whole is read; the rest is said."""
    kind, rows, codes_said = read(tmp_path / NAME, data)
    assert (kind, [row.step for row in rows], codes_said) == ("tensorboard", steps, said)


def test_what_is_no_scalar(tmp_path: Path) -> None:
    """Texts, histograms, vectors, and tensors that claim to be what they are not."""
    one = TensorProto(dtype=1, float_val=[0.5])
    values = [
        Summary.Value(tag="double", tensor=TensorProto(dtype=2, double_val=[0.1])),
        Summary.Value(tag="half", tensor=TensorProto(dtype=19, half_val=[0x3800])),
        Summary.Value(tag="nan", simple_value=float("nan")),
        Summary.Value(tag="vector", tensor=TensorProto(dtype=1, float_val=[0.5, 0.25])),
        Summary.Value(tag="text", tensor=TensorProto(dtype=7, string_val=[b"0.5"])),
        Summary.Value(tag="short", tensor=TensorProto(dtype=1, tensor_content=b"abc")),
        Summary.Value(tag="unknown", tensor=TensorProto(dtype=999, float_val=[0.5])),
        Summary.Value(tag="nothing"),
    ]
    values.append(Summary.Value(tag="image", tensor=one))
    values[-1].metadata.plugin_data.plugin_name = "images"
    event = Event(wall_time=2.0, step=7, summary=Summary(value=values))
    _, (row,), said = read(tmp_path / NAME, events() + record(event.SerializeToString()))
    assert row.values == {"double": "0.1", "half": "0.5", "nan": "nan"}
    assert said == []


def test_a_training_that_began_again(here: Path) -> None:
    """A second event file of another time: each name gets the row that agrees with it."""
    make(here, "ep0-val_loss=0.50.pt", "ep1-val_loss=0.20.pt", "ep2-val_loss=0.10.pt")
    (here / f"{NAME}.1").write_bytes(events(("val_loss", 0.5, 0), ("val_loss", 0.25, 1)))
    late = events(*[("other", 1.0, 0)] * 9, ("val_loss", 0.201, 1), ("val_loss", 0.1, 2))
    (here / f"{NAME}.2").write_bytes(late)
    ranking = ranked()
    assert [row.metric.value for row in ranking.rows if row.metric] == pytest.approx(
        [0.1, 0.201, 0.5]
    )
    assert [log.joined for log in ranking.logs] == [3]
    assert codes(ranking) == set()


def test_folders_name_the_part_of_the_data(here: Path) -> None:
    """What a training loop of one's own writes to `train` and `val` does not meet."""
    make(here, "ep0-val_loss=0.50.pt", "ep1-val_loss=0.25.pt")
    for folder, values in (("train", (0.9, 0.8)), ("val", (0.5, 0.25))):
        scalars = [("loss", value, step) for step, value in enumerate(values)]
        make(here, f"logs/{folder}/x")
        (here / "logs" / folder / NAME).write_bytes(events(*scalars))
    best = ranked().rows[0].checkpoint
    found = {m.name: m.value for m in best.metrics if m.source != "name"}
    assert found == pytest.approx({"loss": 0.8, "val_loss": 0.25})


def test_without_tensorboard(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named, and the names count."""
    make(here, "ep0-val_loss=0.50.pt", "ep1-val_loss=0.25.pt")
    (here / NAME).write_bytes(TWO)
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto.event_pb2", None)
    ranking = ranked()
    assert places(ranking)[0] == (1, "ep1-val_loss=0.25.pt")
    assert "log-needs-extra" in codes(ranking)
    assert any("ckptsel[tensorboard]" in finding.message for finding in ranking.findings)
