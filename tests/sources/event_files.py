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


def version() -> bytes:
    """The record that every file begins with."""
    return record(Event(wall_time=1.0, file_version="brain.Event:2").SerializeToString())


def scalar(tag: str, value: float, step: int, when: float) -> bytes:
    """The record of one value; `when` is in seconds since 1970."""
    summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
    return record(Event(wall_time=when, step=step, summary=summary).SerializeToString())


def events(*scalars: tuple[str, float, int]) -> bytes:
    """A file with these scalars: tag, value, step; a second lies between them."""
    records = (scalar(*each, float(when)) for when, each in enumerate(scalars, 2))
    return b"".join((version(), *records))
