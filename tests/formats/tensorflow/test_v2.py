from __future__ import annotations

import os
import random
import subprocess
import sys
import tracemalloc
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pytest

from ckptsel.errors import DamagedError, MissingExtraError
from ckptsel.formats import format_of
from ckptsel.formats.contents import PIECE_BYTES
from ckptsel.formats.tensorflow.v2 import FORMAT
from tests.formats.conformance import FormatConformance
from tests.formats.damage import content_of, exercise, findings_of
from tests.formats.tensorflow import table_writer as raw
from tests.formats.tensorflow.bundles import WRITERS, many, sample_of, save

if TYPE_CHECKING:
    from pathlib import Path

    from tests.formats.samples import Sample


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sample]:
    """One checkpoint of every writer."""
    folder = tmp_path_factory.mktemp("bundles")
    return {name: sample_of(name, folder / name) for name in WRITERS}


class TestTensorFlowV2(FormatConformance):
    """Every bundle keeps what all formats keep."""

    module = "tensorflow.v2"
    has_checksums = True
    truncations: ClassVar[int] = 15
    flips: ClassVar[int] = 30

    @pytest.fixture(params=list(WRITERS))
    def sample(self, request: pytest.FixtureRequest, samples: dict[str, Sample]) -> Sample:
        """A checkpoint that TensorFlow wrote."""
        return samples[request.param]

    def damaged_file(self, path: str) -> str:
        """Values are in the data files; below, the index is damaged in ways of its own."""
        folder, name = os.path.split(path)
        data = (entry for entry in sorted(os.listdir(folder)) if entry.startswith(name + ".data-"))
        return os.path.join(folder, next(data))

    def value_offset(self, path: str, sample: Sample) -> int:  # noqa: ARG002
        """Every byte of a data file is of some value."""
        return os.path.getsize(path) // 2

    def test_the_index_can_be_named_instead(self, sample: Sample) -> None:
        """What the shell completes to, `X.index`, is the same checkpoint."""
        with FORMAT.open(sample.path + ".index") as contents:
            assert [tensor.path for tensor in contents.tensors] == list(sample.tensors)
        assert format_of(sample.path + ".index") == FORMAT

    def test_a_cut_index_is_still_recognised(self, sample: Sample, tmp_path: Path) -> None:
        """It is reported as damaged, not as something unknown; even when nothing is left."""
        path = sample.copy_to(tmp_path)
        for keep in (os.path.getsize(path + ".index") // 2, 0):
            os.truncate(path + ".index", keep)
            assert format_of(path) == FORMAT
            with pytest.raises(DamagedError, match="cut off"):
                FORMAT.open(path)

    def test_a_damaged_index_is_found(self, sample: Sample, tmp_path: Path) -> None:
        """An index cut anywhere, or with one bit flipped anywhere but in its padding."""
        path = sample.copy_to(tmp_path)
        whole = content_of(path + ".index")
        chance = random.Random(4)
        for _ in range(60):
            keep = chance.randrange(len(whole))
            _write(path + ".index", whole[:keep])
            assert findings_of(path, FORMAT, "quick"), keep
        body = len(whole) - 48
        for _ in range(120):
            at = chance.randrange(body)
            _write(path + ".index", _flipped(whole, at, chance.randrange(8)))
            exercise(path, FORMAT)
            assert findings_of(path, FORMAT, "quick"), at
        for at in range(body, len(whole)):
            _write(path + ".index", _flipped(whole, at, chance.randrange(8)))
            exercise(path, FORMAT)


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)


def _flipped(data: bytes, at: int, bit: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1 << bit
    return bytes(changed)


def test_roles_follow_the_graph_of_objects(samples: dict[str, Sample]) -> None:
    """Kernels that Keras 3 stores under `optimizer/` are weights, and know their layers."""
    with FORMAT.open(samples["keras3"].path) as contents:
        found = {tensor.path: tensor for tensor in contents.tensors}
        kernel = found["optimizer/_trainable_variables/0/.ATTRIBUTES/VARIABLE_VALUE"]
        assert (kernel.role, kernel.layer, kernel.shape) == ("weight", "first", (4, 3))
        assert contents.facts.framework == "keras 3"
        roles = [tensor.role for tensor in contents.tensors]
    # kernel and bias of two layers, four of the normalisation; two moments for each of the
    # six trainable ones, iterations and learning rate; the graph
    counts = [roles.count(role) for role in ("weight", "optimizer", "other")]
    assert counts == [8, 14, 1]


@pytest.mark.parametrize("name", ["keras2", "keras2-slots"])
def test_keras_2_tells_weights_from_state(samples: dict[str, Sample], name: str) -> None:
    """Slots beside a weight are the optimizer's, whichever optimizer it was."""
    with FORMAT.open(samples[name].path) as contents:
        assert contents.facts.framework == "keras 2"
        weights = {tensor.path for tensor in contents.tensors if tensor.role == "weight"}
        layers = {tensor.layer for tensor in contents.tensors if tensor.role == "weight"}
    assert layers == {"first", "norm", "last"}
    assert len(weights) == 8
    assert not any("optimizer" in path.lower() for path in weights)


def test_without_a_graph_names_tell(samples: dict[str, Sample]) -> None:
    """TensorFlow 1's Saver leaves no graph: slots are known by the optimizers' names."""
    with FORMAT.open(samples["partitioned"].path) as contents:
        roles = {tensor.path: tensor.role for tensor in contents.tensors}
    assert roles["dense0/kernel"] == roles["cut1/bfloat16"] == "weight"
    assert roles["dense0/kernel/Adam_1"] == roles["beta1_power"] == "optimizer"
    assert roles["global_step"] == "other"


def test_the_number_of_saves_is_no_step(tmp_path: Path) -> None:
    """`save_counter` counts saves; a step and an epoch that the user tracked are facts."""
    import tensorflow as tf  # noqa: PLC0415

    checkpoint = tf.train.Checkpoint(
        weight=tf.Variable([1.0]), epoch=tf.Variable(4), step=tf.Variable(9)
    )
    checkpoint.save(str(tmp_path / "model"))
    with FORMAT.open(checkpoint.save(str(tmp_path / "model"))) as contents:
        facts = contents.facts
        roles = {tensor.path.split("/")[0]: tensor.role for tensor in contents.tensors}
    assert (facts.step, facts.epoch, dict(facts.more)) == (9, 4, {"saves": "2"})
    assert (roles["weight"], roles["epoch"], roles["step"]) == ("weight", "other", "other")


def test_a_scaled_loss_leaves_steps_out(tmp_path: Path) -> None:
    """Those whose gradients were not finite; as tf_keras's LossScaleOptimizer is saved."""
    counted = {"optimizer/_iterations/.ATTRIBUTES/VARIABLE_VALUE": np.int64(10)}
    scale = {"optimizer/loss_scale/current_loss_scale/.ATTRIBUTES/VARIABLE_VALUE": np.float32(8)}
    with FORMAT.open(save(tmp_path / "plain", counted)) as contents:
        assert (contents.facts.step, contents.step) == (10, 10)
    with FORMAT.open(save(tmp_path / "scaled", {**counted, **scale})) as contents:
        assert (contents.facts.step, contents.step) == (10, None)


def test_two_optimizers_that_disagree_give_no_step(tmp_path: Path) -> None:
    """Of two different iterations neither is the checkpoint's."""
    path = save(
        tmp_path / "gan",
        {
            f"{part}_optimizer/_iterations/.ATTRIBUTES/VARIABLE_VALUE": np.int64(steps)
            for part, steps in (("generator", 10), ("critic", 50))
        },
    )
    with FORMAT.open(path) as contents:
        assert contents.facts.step is None
        assert {tensor.role for tensor in contents.tensors} == {"optimizer"}


def test_an_index_of_several_blocks(tmp_path: Path) -> None:
    """Twenty thousand tensors are listed in TensorFlow's order, and read."""
    import tensorflow as tf  # noqa: PLC0415

    path = many(tmp_path)
    with FORMAT.open(path) as contents:
        listed = [(tensor.path, list(tensor.shape)) for tensor in contents.tensors]
        assert listed == tf.train.list_variables(path)
        assert [contents.read(contents.tensors[at])[0] for at in (0, 12_345, -1)] == [
            *(0.0, 12_345.0, 19_999.0)
        ]


def test_the_state_of_an_iterator(tmp_path: Path) -> None:
    """Variants have checksums of their own kind; their values are TensorFlow's alone."""
    import tensorflow as tf  # noqa: PLC0415

    iterator = iter(tf.data.Dataset.range(100).shuffle(10).batch(2))
    next(iterator)
    path = tf.train.Checkpoint(data=iterator).write(str(tmp_path / "iterator"))
    with FORMAT.open(path) as contents:
        assert list(contents.damage("full")) == []
        (state,) = (tensor for tensor in contents.tensors if tensor.dtype == "variant")
        assert state.role == "other"
        with pytest.raises(MissingExtraError, match="variant"):
            list(contents.pieces(state))
    data = path + ".data-00000-of-00001"
    whole = content_of(data)
    for at in range(0, len(whole), 97):
        _write(data, _flipped(whole, at, at % 8))
        assert {finding.code for finding in findings_of(path, FORMAT, "full")} == {
            "checksum-mismatch"
        }, at


@pytest.mark.parametrize("name", ["float8_e5m2", "float8_e4m3fn"])
def test_float8_is_widened(name: str, tmp_path: Path) -> None:
    """Every one of the 256 numbers, but for the sign of NaN, is TensorFlow's."""
    import tensorflow as tf  # noqa: PLC0415

    codes = np.arange(256, dtype="uint8").view(tf.as_dtype(name).as_numpy_dtype)
    path = save(tmp_path / "narrow", {"a": codes})
    expected = tf.train.load_checkpoint(path).get_tensor("a").astype("float32")
    with FORMAT.open(path) as contents:
        (tensor,) = contents.tensors
        assert (tensor.dtype, tensor.size_bytes) == (name, 256)
        np.testing.assert_array_equal(contents.read(tensor), expected)


def test_pieces_are_small_and_in_order(tmp_path: Path) -> None:
    """A tensor of several pieces, whole and in slices, is TensorFlow's; memory stays flat."""
    import tensorflow as tf  # noqa: PLC0415

    values = np.random.default_rng(5).normal(size=(3000, 2500)).astype("float32")
    for columns in ("0,1000", "1000,1500"):
        first, count = map(int, columns.split(","))
        tf.raw_ops.SaveV2(
            prefix=str(tmp_path / columns),
            tensor_names=["cut"],
            shape_and_slices=[f"3000 2500 -:{columns}"],
            tensors=[values[:, first : first + count]],
        )
    save(tmp_path / "whole", {"half": tf.cast(values, tf.bfloat16), "whole": values})
    prefix = str(tmp_path / "all")
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=[str(tmp_path / name) for name in ("0,1000", "1000,1500", "whole")],
        destination_prefix=prefix,
    )
    half = tf.cast(tf.cast(values, tf.bfloat16), tf.float32).numpy()
    with FORMAT.open(prefix) as contents:
        for tensor in contents.tensors:
            at, expected = 0, (half if tensor.path == "half" else values).reshape(-1)
            tracemalloc.start()
            for piece in contents.pieces(tensor):
                assert 0 < piece.nbytes <= PIECE_BYTES
                assert np.array_equal(piece, expected[at : at + piece.size])
                at += piece.size
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert at == expected.size
            assert peak < 6 * PIECE_BYTES


def test_two_tensors_can_be_read_in_turns(samples: dict[str, Sample]) -> None:
    """Pieces of tensors in different data files do not disturb each other."""
    sample = samples["sharded"]
    with FORMAT.open(sample.path) as contents:
        pairs = zip(contents.tensors, map(contents.pieces, contents.tensors), strict=True)
        waiting = [(tensor, next(pieces)) for tensor, pieces in pairs]
        for tensor, piece in waiting:
            assert piece.tobytes() == sample.tensors[tensor.path].tobytes()


def test_a_missing_shard(samples: dict[str, Sample], tmp_path: Path) -> None:
    """It is named, and the tensors of the others can still be read."""
    path = samples["sharded"].copy_to(tmp_path)
    lost = path + ".data-00002-of-00003"
    os.remove(lost)
    for level in ("quick", "full"):
        (finding,) = findings_of(path, FORMAT, level)
        assert (finding.code, finding.path) == ("missing-shard", lost)
    with FORMAT.open(path) as contents:
        for tensor in contents.tensors:
            if tensor.path in {"dense1/kernel", "cut1/float32"}:
                with pytest.raises(DamagedError, match="data-00002-of-00003' is missing"):
                    contents.read(tensor)
            elif tensor.path.startswith(("dense0", "cut0")):
                values = samples["sharded"].tensors[tensor.path]
                assert contents.read(tensor).tobytes() == values.tobytes()


def test_a_short_shard_is_found_without_reading_it(
    samples: dict[str, Sample], tmp_path: Path
) -> None:
    """The index tells how long each data file has to be."""
    path = samples["keras3"].copy_to(tmp_path)
    data = path + ".data-00000-of-00001"
    size = os.path.getsize(data)
    os.truncate(data, size - 1)
    (finding,) = findings_of(path, FORMAT, "quick")
    assert finding.code == "shard-truncated"
    assert f"{size - 1} bytes of {size}: 1 tensor " in finding.message


def test_a_changed_value_is_named(samples: dict[str, Sample], tmp_path: Path) -> None:
    """The finding says which tensor it was."""
    path = samples["keras2"].copy_to(tmp_path)
    data = path + ".data-00000-of-00001"
    name = "layer_with_weights-0/kernel/.ATTRIBUTES/VARIABLE_VALUE"
    whole = content_of(data)
    at = whole.index(samples["keras2"].tensors[name].tobytes())
    _write(data, _flipped(whole, at + 5, 3))
    assert findings_of(path, FORMAT, "quick") == []
    (finding,) = findings_of(path, FORMAT, "full")
    assert finding.code == "checksum-mismatch"
    assert name in finding.message


def test_a_changed_slice_is_named(samples: dict[str, Sample], tmp_path: Path) -> None:
    """The finding says of which tensor it was a slice."""
    path = samples["partitioned"].copy_to(tmp_path)
    data = path + ".data-00000-of-00001"
    row = samples["partitioned"].tensors["cut0/float32"][1].tobytes()
    whole = content_of(data)
    _write(data, _flipped(whole, whole.index(row), 3))
    (finding,) = findings_of(path, FORMAT, "full")
    assert "'cut0/float32 (slice)'" in finding.message


def test_a_damaged_graph_is_no_obstacle(samples: dict[str, Sample], tmp_path: Path) -> None:
    """Without the graph of objects there still are the keys."""
    path = samples["keras3"].copy_to(tmp_path)
    data = path + ".data-00000-of-00001"
    whole = content_of(data)
    _write(data, _flipped(whole, whole.index(b"_trainable_variables_indices"), 0))
    with FORMAT.open(path) as contents:
        roles = [tensor.role for tensor in contents.tensors]
        assert contents.facts.step == 2
    assert [roles.count(role) for role in ("weight", "optimizer", "other")] == [8, 14, 1]


BIG = 2**60
HOSTILE = {
    "no header": raw.table(raw.block((b"a", raw.entry()))),
    "big-endian": raw.table(raw.block((b"", raw.message((1, 1), (2, 1))))),
    "a header that is no message": raw.table(raw.block((b"", b"\xff\xff"))),
    "no blocks": raw.table(),
    "negative shards": raw.table(raw.block((b"", raw.message((1, -1))))),
    "a block that is elsewhere": raw.table(raw.block(raw.HEADER), handles=[(0, BIG)]),
    "a block far away": raw.table(raw.block(raw.HEADER), handles=[(BIG, 4)]),
    "blocks that overlap": raw.table(raw.block(raw.HEADER), handles=[(0, 20), (0, 20)]),
    "a block of no bytes": raw.table(b""),
    "too many restarts": raw.table(raw.block(raw.HEADER)[:-4] + b"\xff" * 4),
    "a key longer than its block": raw.table(b"\x00" + raw.varint(BIG) + b"\x00a" + bytes(8)),
    "a value longer than its block": raw.table(b"\x00\x01" + raw.varint(BIG) + b"a" + bytes(8)),
    "a prefix that is not there": raw.table(raw.block(raw.HEADER, (b"a", b""), shared=7)),
    "keys out of order": raw.bundle((b"b", raw.entry()), (b"a", raw.entry())),
    "an entry that is no message": raw.bundle((b"a", b"\x0f")),
    "a field longer than its message": raw.bundle((b"a", b"\x12" + raw.varint(BIG))),
    "a number that does not end": raw.bundle((b"a", b"\x08" + b"\xff" * 11)),
    "a negative offset": raw.bundle((b"a", raw.entry(offset=-1))),
    "a negative shape": raw.bundle((b"a", raw.entry(shape=(-1,)))),
    "a shape that overflows": raw.bundle((b"a", raw.entry(shape=(2**40, 2**40)))),
    "too many dimensions": raw.bundle((b"a", raw.entry(shape=(1,) * 33))),
    "a shape that is no message": raw.bundle((b"a", raw.message((1, 1), (2, 5)))),
    "a dtype that is a text": raw.bundle((b"a", raw.message((1, b"x")))),
    "a slice that is too long": raw.bundle(
        (b"a", raw.entry(shape=(4,), more=raw.message((7, raw.message((1, raw.message((2, 5))))))))
    ),
    "a slice without dimensions": raw.bundle(
        (b"a", raw.entry(shape=(4,), more=raw.message((7, b""))))
    ),
    "compression": raw.table(raw.block(raw.HEADER), compression=1),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_index_is_refused(name: str, tmp_path: Path) -> None:
    """What contradicts the format is refused at once, though its checksums are right."""
    _write(str(tmp_path / "x.index"), HOSTILE[name])
    with pytest.raises(DamagedError, match=r"x\.index"):
        FORMAT.open(str(tmp_path / "x"))


def _cut(start: int, length: int) -> bytes:
    return raw.message((7, raw.message((1, raw.message((1, start), (2, length))))))


def _slice_key(start: int, length: int) -> bytes:
    return b"\x00a\x00\x01\x01\x01" + bytes([0x80 + start, 0x80 + length])


# entries of an index that can be opened, and whose tensors cannot be as it says
LIARS = {
    "a size that does not fit": [(b"a", raw.entry(shape=(3,), size=8))],
    "a huge tensor": [(b"a", raw.entry(shape=(2**40,), size=2**42))],
    "many huge strings": [(b"a", raw.entry(7, shape=(2**40,), size=2**41))],
    "more strings than bytes": [(b"a", raw.entry(7, shape=(2**40,), size=4))],
    "far beyond the data": [(b"a", raw.entry(offset=BIG))],
    "another shard": [(b"a", raw.entry(shard=2**30))],
    "the same bytes": [(bytes([97 + n]), raw.entry(size=4)) for n in range(3)],
    "strings that are longer": [(b"a", raw.entry(7, shape=(1,), size=8))],
    "a slice that is missing": [(b"a", raw.entry(shape=(4,), more=_cut(0, 3)))],
    "a slice of another type": [
        (_slice_key(0, 1), raw.entry(3, (1,))),
        (b"a", raw.entry(shape=(2,), more=_cut(0, 1))),
    ],
    "slices that leave a gap": [
        (_slice_key(0, 1), raw.entry(shape=(1,))),
        (b"a", raw.entry(shape=(2,), more=_cut(0, 1))),
    ],
    "slices of the same bytes": [
        (_slice_key(0, 1), raw.entry(shape=(1,))),
        (_slice_key(1, 1), raw.entry(shape=(1,))),
        (b"a", raw.entry(shape=(2,), more=_cut(0, 1) + _cut(1, 1))),
    ],
}


@pytest.mark.parametrize("name", LIARS)
def test_an_index_that_lies_is_found(name: str, tmp_path: Path) -> None:
    """Claims are compared with each other and with the files, before memory is taken."""
    _write(str(tmp_path / "x.index"), raw.bundle(*LIARS[name]))
    _write(str(tmp_path / "x.data-00000-of-00001"), b"\x7f" + bytes(7))
    path = str(tmp_path / "x")
    tracemalloc.start()
    exercise(path, FORMAT)
    assert tracemalloc.get_traced_memory()[1] < 10 * 2**20
    tracemalloc.stop()
    assert findings_of(path, FORMAT, "full")
    with FORMAT.open(path) as contents:
        last = contents.tensors[-1]
        with pytest.raises(DamagedError):
            contents.read(last)


def test_keys_that_grow_are_refused(tmp_path: Path) -> None:
    """Keys that share all of the key before them would fill the memory."""
    grown = raw.block(raw.HEADER)[:-8]
    for length in range(60_000):
        grown += raw.varint(length) + b"\x01\x00a"
    _write(str(tmp_path / "x.index"), raw.table(grown + bytes(4) + b"\x01\x00\x00\x00"))
    tracemalloc.start()
    with pytest.raises(DamagedError):
        FORMAT.open(str(tmp_path / "x"))
    assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
    tracemalloc.stop()


def test_a_file_that_changes_while_it_is_read(samples: dict[str, Sample], tmp_path: Path) -> None:
    """What was there when the check began, and is gone, is damage as well."""
    path = samples["keras3"].copy_to(tmp_path)
    data = path + ".data-00000-of-00001"
    with FORMAT.open(path) as contents:
        assert list(contents.damage("quick")) == []
        os.truncate(data, 0)
        assert {finding.code for finding in contents.damage("full")} == {"checksum-mismatch"}
        with pytest.raises(DamagedError, match="became shorter"):
            contents.read(contents.tensors[1])
        os.remove(data)
        contents.close()
        with pytest.raises(DamagedError, match="cannot be read: No such file"):
            contents.read(contents.tensors[1])


def test_a_dtype_of_the_future(tmp_path: Path) -> None:
    """It is listed, and its bytes are checked; its values are refused."""
    _write(str(tmp_path / "x.index"), raw.bundle((b"a", raw.entry(77, (2,)))))
    _write(str(tmp_path / "x.data-00000-of-00001"), bytes(4))
    with FORMAT.open(str(tmp_path / "x")) as contents:
        (tensor,) = contents.tensors
        assert (tensor.dtype, tensor.shape, tensor.size_bytes) == ("unknown-77", (2,), 0)
        with pytest.raises(MissingExtraError):
            list(contents.pieces(tensor))
        (finding,) = contents.damage("full")
        assert finding.code == "checksum-mismatch"


def test_listing_needs_no_numpy(samples: dict[str, Sample]) -> None:
    """A small checkpoint is looked at faster than numpy is imported."""
    code = (
        "import sys; from ckptsel.formats.tensorflow.v2 import FORMAT\n"
        "with FORMAT.open(sys.argv[1]) as c:\n"
        "    c.tensors, c.facts, list(c.damage('full'))\n"
        "sys.exit('numpy' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, samples["keras3"].path], check=True)
