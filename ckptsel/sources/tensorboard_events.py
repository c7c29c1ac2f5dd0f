"""TensorBoard's event files: scalars, one by one, each with a step.

Read by the package `tensorboard` (extra `tensorboard`), whose loaders import TensorFlow wherever it
is installed, which takes seconds. Its own reader for machines without TensorFlow is used instead.

A step is whatever was given to it: an epoch, or an iteration. So it counts as either, but only
where values in the names agree.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from ckptsel.checkpoint import Finding
from ckptsel.naming.vocabulary import SPLITS
from ckptsel.sources.log import LogKind
from ckptsel.sources.reading.moments import Part
from ckptsel.sources.reading.reopened import reopened
from ckptsel.sources.reading.together import alone, each_file, inner_path
from ckptsel.sources.reading.trainings import Written, moments_by_training

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ckptsel.sources.log import LogRow
    from ckptsel.sources.reading.moments import Moment
    from ckptsel.sources.reading.trainings import Training

HEADER = b"brain.Event:"
"""Every event file's first record says its version."""

# A tensor of one number takes less.
_MAX_SCALAR_BYTES = 256
# No record of a training is larger; a whole one is held in memory.
_MAX_RECORD_BYTES = 2**28


class Scalar(NamedTuple):
    """One value.

    Attributes:
        tag: as it was logged.
        text: the number.
        step: as it was logged.
        when: seconds since 1970.
        place: the file from the run's folder, and the record's number in it.
    """

    tag: str
    text: str
    step: int
    when: float
    place: str


def recognise(head: bytes) -> bool:
    """Whether a file begins as event files do."""
    return HEADER in head[:64]


def read_together(
    run: str,
    paths: Sequence[str],
    findings: list[Finding],
    part_of: Callable[[str, Scalar], Part | None],
) -> Iterator[LogRow]:
    """The rows of several event files; see `moments_of`."""
    for _, moment in moments_of(run, paths, findings, part_of):
        yield moment.row()


def moments_of(
    run: str,
    paths: Sequence[str],
    findings: list[Finding],
    part_of: Callable[[str, Scalar], Part | None],
) -> Iterator[tuple[Training, Moment]]:
    """What stands in several event files, training by training, each in the order of time.

    Args:
        run: the run's folder.
        paths: the files.
        findings: takes what is wrong; the extra, if it is not installed.
        part_of: the folder of a file from the run's, a scalar → the part of a row that it is.
    """

    def parts(path: str, inner: str, findings: list[Finding]) -> Iterator[tuple[float, Part]]:
        folder = inner.rpartition("/")[0]
        for scalar in scalars(path, inner, findings):
            part = part_of(folder, scalar)
            if part is not None:
                yield scalar.when, part

    inner = [inner_path(run, path) for path in paths]
    files = each_file(run, paths, findings, parts)
    of_files = zip(_trainings(inner), inner, files, strict=True)
    written = (
        Written(training, path.rpartition("/")[0], found) for training, path, found in of_files
    )
    return moments_by_training(written, run, findings)


# Behind the time come the host and the process, then a count: of TensorFlow 2, and of PyTorch.
_PROCESS = re.compile(r".*\.tfevents\.\d+\.(.+\.\d+)\.\d+(?!\d)")


def _trainings(inner: Sequence[str]) -> list[str]:
    """For each file the training that it is of, as far as folders and names tell.

    Keras writes to `train` and `validation` of one folder. Of several processes that wrote to one
    folder, each has its own, since they may have done so at the same time.
    """
    folders = [path.rpartition("/")[0] for path in inner]
    processes = [found[1] if (found := _PROCESS.match(path)) else "" for path in inner]
    above = [_training_folder(folder) for folder in folders]
    seen: dict[str, str] = {}
    shared: set[str] = set()
    for folder, process, training in zip(folders, processes, above, strict=True):
        if seen.setdefault(folder, process) != process:
            shared.add(training)
    return [
        f"{training}//{process}" if training in shared else training
        for training, process in zip(above, processes, strict=True)
    ]


def _training_folder(folder: str) -> str:
    """The folder of a training: that above `train`, `validation` and the like."""
    before, _, last = folder.rpartition("/")
    return before if last.lower() in SPLITS else folder


def scalars(path: str, inner: str, findings: list[Finding]) -> Iterator[Scalar]:
    """The scalars of one file; what is wrong with it becomes findings."""
    try:
        from google.protobuf.message import DecodeError  # noqa: PLC0415 - only where one is met
        from tensorboard.compat.proto.event_pb2 import Event  # noqa: PLC0415
        from tensorboard.compat.tensorflow_stub import errors  # noqa: PLC0415
        from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import (  # noqa: PLC0415
            PyRecordReader_New,
        )
        from tensorboard.util.tensor_util import make_ndarray  # noqa: PLC0415
    except ImportError:
        said = "cannot be read without TensorBoard: pip install 'ckptsel[tensorboard]'"
        findings.append(Finding("log-needs-extra", said, path, strict=True))
        return
    number = 0
    # A run may have thousands of such files, which are read by turns.
    with reopened(path) as file:
        reader = PyRecordReader_New(path)
        # Its own handle would open the file anew for each few bytes.
        size = min(os.stat(path).st_size, _MAX_RECORD_BYTES)
        reader.file_handle = bounded = _Bounded(file, size)
        try:
            while True:
                reader.GetNext()
                number += 1
                event = Event.FromString(reader.record())
                for value in event.summary.value:
                    text = _text(value, make_ndarray)
                    if text is not None:
                        place = f"{inner}:{number}"
                        yield Scalar(value.tag, text, event.step, event.wall_time, place)
        except errors.OutOfRangeError:
            return
        except errors.DataLossError as error:
            if "truncated" in str(error) and not bounded.was_refused:
                said = f"ends within record {number + 1}: it is still being written, or was cut"
                findings.append(Finding("log-half-line", said, path))
                return
            said = f"record {number + 1} is damaged; the log was read up to there"
        except DecodeError:
            said = f"record {number} is no event; the log was read up to there"
        findings.append(Finding("log-malformed", said, path, strict=True))


class _Bounded:
    """A file that does not try to read what is not there, however long a record claims to be."""

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file = file
        self._most = most
        self.was_refused = False

    def read(self, count: int) -> bytes:
        """At most that many bytes; none if that is more than any record of the file has."""
        if count > self._most:
            self.was_refused = True
            return b""
        return self._file.read(count)


def _text(value: Any, array_of: Callable[[Any], Any]) -> str | None:
    """A scalar's number: as it was before TensorFlow 2, or a tensor of one element.

    Source: tensorboard/plugins/scalar/metadata.py; what is no scalar says so by its plugin.
    """
    if value.HasField("simple_value"):
        return repr(value.simple_value)
    tensor = value.tensor
    plugin = value.metadata.plugin_data.plugin_name
    if plugin not in ("", "scalars") or tensor.ByteSize() > _MAX_SCALAR_BYTES:
        return None
    try:
        array = array_of(tensor)
        return repr(float(array.item())) if array.size == 1 and array.dtype.kind in "fiu" else None
    except (TypeError, ValueError, AttributeError):
        return None


_SPLITS = {"validation": "val_", "valid": "val_", "val": "val_", "eval": "eval_", "test": "test_"}


def named(folder: str, tag: str) -> str:
    """The metric's name: that of the folder says on which part of the data it was measured."""
    return _SPLITS.get(folder.rpartition("/")[2].lower(), "") + tag


def _part(folder: str, scalar: Scalar) -> Part | None:
    values = {named(folder, scalar.tag): scalar.text}
    return Part(scalar.place, values, scalar.step, scalar.step)


def _read_together(run: str, paths: Sequence[str], findings: list[Finding]) -> Iterator[LogRow]:
    return read_together(run, paths, findings, _part)


KIND = LogKind(
    "tensorboard",
    recognise,
    alone(_read_together),
    {"step": None, "epoch": None},
    unit="record",
    read_together=_read_together,
    epochs_alike=True,
    only_by_values=frozenset({"step", "epoch"}),
)
