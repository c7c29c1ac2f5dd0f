"""TensorFlow's operations that reach outside of a graph: files, the network, Python.

A SavedModel is a program; these are the instructions that numbers have no need of. Not among
them are SaveV2, RestoreV2 and MergeV2Checkpoints, with which every SavedModel loads its own
variables, nor tables that are read from its own assets.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ckptsel.formats.tensorflow.protobuf_wire import Message, fields

if TYPE_CHECKING:
    from collections.abc import Iterator

_READS = "reads files"
_WRITES = "writes files"
_PYTHON = "runs Python code of the process that loads it"
_NETWORK = "opens connections"

_DANGEROUS = {
    **dict.fromkeys(("PyFunc", "PyFuncStateless", "EagerPyFunc"), _PYTHON),
    **dict.fromkeys(
        (
            *("ReadFile", "MatchingFiles", "ImmutableConst", "Restore", "RestoreSlice"),
            *("WholeFileReader", "WholeFileReaderV2", "TextLineReader", "TextLineReaderV2"),
            *("FixedLengthRecordReader", "FixedLengthRecordReaderV2"),
            *("TFRecordReader", "TFRecordReaderV2", "LMDBReader", "MatchingFilesDataset"),
            *("TextLineDataset", "TFRecordDataset", "TFRecordDatasetV2", "LMDBDataset"),
            *("FixedLengthRecordDataset", "FixedLengthRecordDatasetV2", "SqlDataset"),
            *("ExperimentalCSVDataset", "CSVDataset", "CSVDatasetV2", "ExperimentalSqlDataset"),
            *("LoadDataset", "DatasetFromGraph", "SnapshotDataset", "SnapshotDatasetV2"),
        ),
        _READS,
    ),
    **dict.fromkeys(
        (
            *("WriteFile", "Save", "SaveSlices", "SaveDataset", "SaveDatasetV2"),
            *("DatasetToTFRecord", "ExperimentalDatasetToTFRecord", "DebugIdentityV2"),
            *("CreateSummaryFileWriter", "CreateSummaryDbWriter"),
        ),
        _WRITES,
    ),
    **dict.fromkeys(
        (
            *("DataServiceDataset", "DataServiceDatasetV2", "RegisterDataset", "RpcClient"),
            *("RpcServer", "RpcCall", "DebugIdentity", "DebugNanCount", "DebugNumericSummary"),
        ),
        _NETWORK,
    ),
}


def dangerous_ops(graph_def: bytes | memoryview) -> Iterator[tuple[str, int, str]]:
    """Operations that reach outside: name, how often, and what they do.

    Raises:
        MalformedError: if the GraphDef cannot be read.
    """
    counts: Counter[str] = Counter()
    for node in _nodes(graph_def):
        op = Message(node).text(2)
        if op in _DANGEROUS:
            counts[op] += 1
    for op, count in sorted(counts.items()):
        yield op, count, _DANGEROUS[op]


def _nodes(graph_def: bytes | memoryview) -> Iterator[bytes | memoryview]:
    """The NodeDefs of a GraphDef and of the functions in its library."""
    for number, value in fields(graph_def):
        if isinstance(value, int):
            continue
        if number == 1:
            yield value
        elif number == 2:
            for function in Message(value).parts(1):
                yield from Message(function).parts(3)
