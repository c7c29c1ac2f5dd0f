"""Operations that reach outside of a graph: the list is whole, and what is harmless is so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from ckptsel.formats.tensorflow.ops import BY_ATTRIBUTE, BY_PATH, DANGEROUS
from ckptsel.formats.tensorflow.saved_model import FORMAT
from tests.formats.tensorflow import table_writer as raw

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# How TensorFlow calls what leads to a file, another machine, or Python.
_SUSPICIOUS = re.compile(
    r"file|path|prefix|^dir|_dir$|logdir|address|_ur[li]s?$|pattern|_source|_stream$|^target$"
    r"|protocol|^token$|^scheme$|driver"
)
# Operations that have an input or an attribute of such a name, and reach nothing by it.
_HARMLESS = {
    # A regular expression.
    *("RegexFullMatch", "RegexReplace", "StaticRegexFullMatch", "StaticRegexReplace"),
    # A path in a beam, a prefix of a sequence or of counters, which way a recurrent layer goes.
    *("CTCBeamSearchDecoder", "BoostedTreesCreateEnsemble", "BoostedTreesDeserializeEnsemble"),
    *("SetStatsAggregatorDataset", "ExperimentalSetStatsAggregatorDataset"),
    *("CudnnRNN", "CudnnRNNBackprop", "CudnnRNNBackpropV2", "CudnnRNNBackpropV3", "CudnnRNNV2"),
    *("CudnnRNNV3", "CudnnRNNParamsSize", "CudnnRNNCanonicalToParams"),
    *("CudnnRNNCanonicalToParamsV2", "CudnnRNNParamsToCanonical", "CudnnRNNParamsToCanonicalV2"),
    # Whether texts that are given are names of files, for whoever shards them.
    "TensorSliceDataset",
}


def test_the_list_is_held_against_tensorflow() -> None:
    """What has an input that sounds of files or machines is judged; what is listed exists."""
    import tensorflow as tf  # noqa: PLC0415
    from tensorflow.python.framework import op_def_registry  # noqa: PLC0415

    judged = {*DANGEROUS, *BY_ATTRIBUTE, *BY_PATH}
    assert [name for name in judged if op_def_registry.get(name) is None] == []
    assert judged.isdisjoint(_HARMLESS)
    unjudged = {}
    for name in dir(tf.raw_ops):
        definition = op_def_registry.get(name)
        if definition is None or name in judged | _HARMLESS:
            continue
        parts = [part.name for part in (*definition.input_arg, *definition.attr)]
        hits = [part for part in parts if _SUSPICIOUS.search(part)]
        if hits:
            unjudged[name] = hits
    assert unjudged == {}


def _dangers(path: str) -> list[str]:
    with FORMAT.open(path) as contents:
        return [finding.message.partition("operation ")[2] for finding in contents.dangers()]


def _saved(tmp_path: Path, function: Callable[[Any], Any]) -> str:
    import tensorflow as tf  # noqa: PLC0415

    module = tf.Module()
    module.call = tf.function(function, input_signature=[tf.TensorSpec([], tf.string)])
    path = str(tmp_path / "model")
    tf.saved_model.save(module, path, signatures=module.call)
    return path


def _print_to_a_file(text: Any) -> dict[str, Any]:
    import tensorflow as tf  # noqa: PLC0415

    tf.print(text, output_stream="file:///tmp/printed")
    return {"text": text}


def _encode(text: Any) -> dict[str, Any]:
    import tensorflow as tf  # noqa: PLC0415

    sizes = tf.ones([1, 1], tf.int32)
    values = [tf.reshape(text, [1, 1])]
    more = {"field_names": ["a"], "message_type": "m", "descriptor_source": "/etc/passwd"}
    return {"text": tf.raw_ops.EncodeProto(sizes=sizes, values=values, **more)}


def _cache_in_a_file(text: Any) -> dict[str, Any]:
    import tensorflow as tf  # noqa: PLC0415

    values = tf.data.Dataset.from_tensors(text).cache("/tmp/cached")
    return {"text": values.reduce(text, lambda _, value: value)}


def _save_elsewhere(text: Any) -> dict[str, Any]:
    import tensorflow as tf  # noqa: PLC0415

    more = {"prefix": "/tmp/stolen", "tensor_names": ["a"], "shape_and_slices": [""]}
    tf.raw_ops.SaveV2(tensors=[text], **more)
    return {"text": text}


def _table_of_passwords(text: Any) -> dict[str, Any]:
    import tensorflow as tf  # noqa: PLC0415

    table = tf.raw_ops.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64)
    tf.raw_ops.InitializeTableFromTextFileV2(
        table_handle=table, filename="/etc/passwd", key_index=-2, value_index=-1
    )
    default = tf.constant(0, tf.int64)
    found = tf.raw_ops.LookupTableFindV2(table_handle=table, keys=text, default_value=default)
    return {"line": found}


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (_print_to_a_file, "PrintV2, which writes files"),
        (_encode, "EncodeProto, which reads files"),
        (_cache_in_a_file, "CacheDatasetV2, which writes files"),
        (_save_elsewhere, "SaveV2, which writes files"),
        (_table_of_passwords, "InitializeTableFromTextFileV2, which reads files"),
    ],
)
def test_paths_that_the_graph_brings_along(
    function: Callable[[Any], Any], says: str, tmp_path: Path
) -> None:
    """Harmless operations are dangers where they are told a path."""
    assert _dangers(_saved(tmp_path, function)) == [says]


def test_the_same_operations_without_a_path(tmp_path: Path) -> None:
    """A print to the terminal and a cache in the memory are none, nor how variables are saved."""
    import tensorflow as tf  # noqa: PLC0415

    def call(text: Any) -> dict[str, Any]:
        tf.print(text)
        tf.print(text, output_stream=tf.compat.v1.logging.INFO)
        values = tf.data.Dataset.from_tensors(text).cache()
        return {"text": values.reduce(text, lambda _, value: value)}

    assert _dangers(_saved(tmp_path, call)) == []


def test_a_table_from_an_asset_is_none(tmp_path: Path) -> None:
    """A vocabulary that the model brings along is read from its own folder."""
    import tensorflow as tf  # noqa: PLC0415

    words = tmp_path / "words.txt"
    words.write_text("a\nb\n")
    lookup = tf.lookup
    lines, numbers = lookup.TextFileIndex.WHOLE_LINE, lookup.TextFileIndex.LINE_NUMBER
    initializer = lookup.TextFileInitializer(str(words), tf.string, lines, tf.int64, numbers)
    module = tf.Module()
    module.table = lookup.StaticVocabularyTable(initializer, 1)
    module.call = tf.function(
        lambda text: {"number": module.table.lookup(text)},
        input_signature=[tf.TensorSpec([1], tf.string)],
    )
    path = str(tmp_path / "model")
    tf.saved_model.save(module, path, signatures=module.call)
    assert _dangers(path) == []


def test_a_model_of_tensorflow_1(tmp_path: Path) -> None:
    """Its Saver keeps the place to load from in the graph, to be fed with another."""
    import tensorflow as tf  # noqa: PLC0415

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        variable = v1.get_variable("v", [3])
        given = v1.placeholder(tf.float32, [3])
        session.run(v1.global_variables_initializer())
        more = {"inputs": {"x": given}, "outputs": {"y": given * variable}}
        v1.saved_model.simple_save(session, str(tmp_path / "model"), **more)
    assert _dangers(str(tmp_path / "model")) == []


def _attribute(name: bytes, value: bytes) -> tuple[int, bytes]:
    return (5, raw.message((1, name), (2, value)))


def test_what_a_call_fills_in_is_not_trusted(tmp_path: Path) -> None:
    """An attribute may be a name whose value the caller of a function gives."""
    filled_in = raw.message((9, b"S"))
    node = raw.message((1, b"p"), (2, b"PrintV2"), _attribute(b"output_stream", filled_in))
    function = raw.message((1, raw.message((1, b"f"))), (3, node))
    graph = raw.message((2, raw.message((1, function))))
    path = tmp_path / "saved_model.pb"
    path.write_bytes(raw.message((1, 1), (2, raw.message((2, graph)))))
    assert _dangers(str(tmp_path)) == ["PrintV2, which writes files"]


def test_paths_in_circles_end(tmp_path: Path) -> None:
    """Nodes and functions that feed each other are looked at once; nobody gives such a path."""

    def node(name: bytes, op: bytes, *more: tuple[int, bytes | int]) -> tuple[int, bytes]:
        return (1, raw.message((1, name), (2, op), *more))

    called = _attribute(b"f", raw.message((10, raw.message((1, b"f")))))
    argument = raw.message((1, b"f"), (2, raw.message((1, b"x"))))
    inner = [(3, part) for _, part in (node(b"s", b"SaveV2", (3, b"x")),)]
    again = (3, raw.message((1, b"c"), (2, b"PartitionedCall"), (3, b"x"), called))
    function = raw.message((1, argument), *inner, again)
    graph = raw.message(
        node(b"a", b"Identity", (3, b"b:0")),
        node(b"b", b"Identity", (3, b"a:0"), (3, b"^gone")),
        node(b"call", b"PartitionedCall", (3, b"a:0"), called),
        (2, raw.message((1, function))),
    )
    path = tmp_path / "saved_model.pb"
    path.write_bytes(raw.message((1, 1), (2, raw.message((2, graph)))))
    assert _dangers(str(tmp_path)) == ["SaveV2, which writes files"]
