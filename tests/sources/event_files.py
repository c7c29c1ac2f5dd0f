"""Event files, record by record, by TensorBoard's own writer."""

from __future__ import annotations

import io

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter


def record(data: bytes) -> bytes:
    """One record with its checksums."""
    file = io.BytesIO()
    RecordWriter(file).write(data)
    return file.getvalue()


def events(*scalars: tuple[str, float, int]) -> bytes:
    """A file with these scalars: tag, value, step; a second lies between them."""
    found = record(Event(wall_time=1.0, file_version="brain.Event:2").SerializeToString())
    for when, (tag, value, step) in enumerate(scalars, 2):
        summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
        event = Event(wall_time=float(when), step=step, summary=summary)
        found += record(event.SerializeToString())
    return found
