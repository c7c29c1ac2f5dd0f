"""TensorFlow's operations that reach outside of a graph: files, the network, Python.

A SavedModel is a program; these are the instructions that numbers have no need of. Some are
harmless as long as they say nothing odd: a print to the terminal, a cache in the memory, a table
from the model's own assets, and SaveV2 and its kin, with which every SavedModel loads and saves
its variables at the place that the caller names.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ckptsel.formats.tensorflow.flow import Flow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ckptsel.formats.tensorflow.protobuf_wire import Message

_READS = "reads files"
_WRITES = "writes files"
_PYTHON = "runs Python code of the process that loads it"
_NETWORK = "opens connections"
_ENDS = "ends the process"

DANGEROUS = {
    **dict.fromkeys(("PyFunc", "PyFuncStateless", "EagerPyFunc"), _PYTHON),
    "Abort": _ENDS,
    **dict.fromkeys(
        (
            *("ReadFile", "MatchingFiles", "ImmutableConst", "Restore", "RestoreSlice"),
            *("WholeFileReader", "WholeFileReaderV2", "TextLineReader", "TextLineReaderV2"),
            *("FixedLengthRecordReader", "FixedLengthRecordReaderV2", "RecordInput"),
            *("TFRecordReader", "TFRecordReaderV2", "LMDBReader", "MatchingFilesDataset"),
            *("TextLineDataset", "TFRecordDataset", "TFRecordDatasetV2", "LMDBDataset"),
            *("FixedLengthRecordDataset", "FixedLengthRecordDatasetV2", "SqlDataset"),
            *("ExperimentalCSVDataset", "CSVDataset", "CSVDatasetV2", "ExperimentalSqlDataset"),
            *("ExperimentalMatchingFilesDataset", "ExperimentalLMDBDataset"),
            *("LoadDataset", "DatasetFromGraph", "SnapshotDataset", "SnapshotDatasetV2"),
            *("SnapshotDatasetReader", "SnapshotNestedDatasetReader", "SnapshotChunkDataset"),
            *("ListSnapshotChunksDataset", "LoadAndRemapMatrix", "GenerateVocabRemapping"),
        ),
        _READS,
    ),
    **dict.fromkeys(
        (
            *("WriteFile", "Save", "SaveSlices", "SaveDataset", "SaveDatasetV2"),
            *("DatasetToTFRecord", "ExperimentalDatasetToTFRecord", "DistributedSave"),
            *("CreateSummaryFileWriter", "CreateSummaryDbWriter", "DebugIdentityV2"),
        ),
        _WRITES,
    ),
    **dict.fromkeys(
        (
            *("DataServiceDataset", "DataServiceDatasetV2", "DataServiceDatasetV3"),
            *("DataServiceDatasetV4", "RegisterDataset", "RegisterDatasetV2", "RemoteCall"),
            *("RpcClient", "RpcServer", "RpcCall"),
        ),
        _NETWORK,
    ),
    **dict.fromkeys(
        ("DebugIdentity", "DebugIdentityV3", "DebugNanCount", "DebugNumericSummary"),
        "writes files or opens connections",
    ),
    "FileSystemSetConfiguration": "changes how files are reached",
}
"""Operation → what it does, whatever its inputs are."""

# Source: valid_output_streams_ in core/kernels/logging_ops.cc; else it is `file://` and a path.
_STREAMS = frozenset(
    (b"", b"stdout", b"stderr", b"log(info)", b"log(warning)", b"log(error)", b"log(fatal)")
)


def _is_descriptor(source: bytes) -> bool:
    """Source: GetDescriptorPool in core/util/proto/descriptors.cc; else it is a path."""
    return source in (b"", b"local://") or source.startswith(b"bytes://")


BY_ATTRIBUTE: dict[str, tuple[str, Callable[[bytes], bool], str]] = {
    "PrintV2": ("output_stream", _STREAMS.__contains__, _WRITES),
    "EncodeProto": ("descriptor_source", _is_descriptor, _READS),
    "DecodeProtoV2": ("descriptor_source", _is_descriptor, _READS),
    "FixedUnigramCandidateSampler": ("vocab_file", b"".__eq__, _READS),
}
"""Operation → an attribute, which values of it are harmless, and what it does with others."""

BY_PATH: dict[str, tuple[tuple[int, ...], Callable[[Flow, str, str], bool], str]] = {
    **dict.fromkeys(
        ("InitializeTableFromTextFile", "InitializeTableFromTextFileV2"),
        ((1,), Flow.is_asset, _READS),
    ),
    **dict.fromkeys(("CacheDataset", "CacheDatasetV2"), ((1,), Flow.is_empty, _WRITES)),
    "SaveV2": ((0,), Flow.is_given, _WRITES),
    "RestoreV2": ((0,), Flow.is_given, _READS),
    "MergeV2Checkpoints": ((0, 1), Flow.is_given, _WRITES),
}
"""Operation → which inputs are paths, where a harmless one comes from, and what it does."""


def dangerous_ops(meta_graph: Message, object_graph: Message) -> Iterator[tuple[str, int, str]]:
    """Operations that reach outside: name, how often, and what they do.

    Args:
        meta_graph: a MetaGraphDef.
        object_graph: the SavedObjectGraph in it, which tells what functions are called with.

    Raises:
        MalformedError: if they cannot be read.
    """
    flow = Flow(meta_graph, object_graph)
    found: Counter[tuple[str, str]] = Counter()
    paths: list[tuple[str, str, list[str]]] = []
    for scope, node in flow.nodes():
        op = node.text(2)
        if op in DANGEROUS:
            found[op, DANGEROUS[op]] += 1
        elif op in BY_ATTRIBUTE:
            name, is_harmless, what = BY_ATTRIBUTE[op]
            if not is_harmless(_attribute(node, name)):
                found[op, what] += 1
        elif op in BY_PATH:
            paths.append((op, scope, node.texts(3)))
    for op, scope, inputs in paths:
        places, is_harmless_path, what = BY_PATH[op]
        given = [inputs[place] for place in places if place < len(inputs)]
        if not all(is_harmless_path(flow, scope, path) for path in given):
            found[op, what] += 1
    for (op, what), count in sorted(found.items()):
        yield op, count, what


def _attribute(node: Message, name: str) -> bytes:
    """A text among a node's attributes; b"" if it is not set.

    What is no text, but a name that is filled in when a function is called, is given as such.
    """
    for entry in node.messages(5):
        if entry.text(1) == name:
            value = entry.message(2)
            return bytes(value.parts(2)[-1]) if 2 in value else b"is filled in"
    return b""
