from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ckptsel.errors import DamagedError, MissingExtraError
from ckptsel.formats import format_of
from ckptsel.formats.tensorflow.leveldb_table import MAGIC
from ckptsel.formats.tensorflow.v1 import FORMAT
from tests.formats.conformance import FormatConformance
from tests.formats.damage import content_of, exercise, findings_of
from tests.formats.samples import Sample
from tests.formats.tensorflow import table_writer as raw

if TYPE_CHECKING:
    from pathlib import Path

STEPS = 70_000
CUT = np.arange(35, dtype="float32").reshape(5, 7)


@pytest.fixture(scope="session")
def values() -> dict[str, Any]:
    """Every type of elements that version 1 saves, also empty and scalar."""
    chance = np.random.default_rng(6)
    found: dict[str, Any] = {
        "large/kernel": chance.integers(-9, 9, (400, 400)).astype("int32"),
        "later/kernel": chance.normal(size=(300, 300)).astype("float32"),
        "dense/kernel": chance.normal(size=(30, 40)).astype("float32"),
        "dense/kernel/Adam": chance.normal(size=(30, 40)).astype("float32"),
        "empty": np.zeros((0, 3), "float32"),
        "text": np.array([b"", b"\xff\x00", b"x" * 300], object),
        "half": np.array([1.5, -np.inf, -0.0], "float16"),
        "double": np.float64(-0.0),
        "global_step": np.int64(STEPS),
    }
    for name in ("int8", "int16", "int32", "int64", "uint8", "uint16"):
        limits = np.iinfo(name)
        found[name] = np.array([limits.min, 0, 1, 127, limits.max], name)
    found["bool"] = np.array([True, False])
    return found


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]) -> str:
    """What TensorFlow 1's Saver writes, with a variable that is cut in three."""
    return save(tmp_path_factory.mktemp("v1") / "model.ckpt-70000", values)


def save(path: Path, values: dict[str, Any]) -> str:
    """Write variables with a Saver of version 1."""
    import tensorflow as tf  # noqa: PLC0415

    v1 = tf.compat.v1
    with tf.Graph().as_default():
        for name, value in values.items():
            v1.get_variable(name, initializer=tf.constant(value), use_resource=False)
        v1.get_variable(
            "cut/kernel",
            initializer=tf.constant(CUT),
            partitioner=v1.fixed_size_partitioner(3, axis=1),
            use_resource=False,
        )
        saver = v1.train.Saver(write_version=v1.train.SaverDef.V1)
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            return str(saver.save(session, str(path)))


class TestTensorFlowV1(FormatConformance):
    """A table of version 1 keeps what all formats keep."""

    module = "tensorflow.v1"
    has_checksums = True

    @pytest.fixture
    def sample(self, written: str, values: dict[str, Any]) -> Sample:
        """A checkpoint that TensorFlow wrote, and what it was given to write."""
        tensors = {name: np.asarray(value) for name, value in values.items()}
        return Sample(written, FORMAT.name, {**tensors, "cut/kernel": CUT}, STEPS)

    def damaged_file(self, path: str) -> str:
        """The table; `.meta` beside it is the graph, and larger."""
        return path

    def value_offset(self, path: str, sample: Sample) -> int:
        """Floats stand as they are in memory."""
        return content_of(path).index(sample.tensors["dense/kernel"].tobytes()) + 100

    def test_tells_weights_from_slots(self, sample: Sample) -> None:
        """There is no graph of objects: names tell."""
        with FORMAT.open(sample.path) as contents:
            roles = {tensor.path: tensor.role for tensor in contents.tensors}
        assert roles["dense/kernel"] == roles["cut/kernel"] == "weight"
        assert roles["dense/kernel/Adam"] == "optimizer"
        assert roles["global_step"] == roles["text"] == "other"


def test_tensorflow_lists_and_reads_the_same(written: str) -> None:
    """Names, shapes and values, but for those which it does not read in Python."""
    unread = {"cut/kernel", "half", "uint16"}
    import tensorflow as tf  # noqa: PLC0415

    reader = tf.train.load_checkpoint(written)
    with FORMAT.open(written) as contents:
        listed = [(tensor.path, list(tensor.shape)) for tensor in contents.tensors]
        assert listed == tf.train.list_variables(written)
        for tensor in contents.tensors:
            if tensor.path not in unread:
                expected = reader.get_tensor(tensor.path)
                assert contents.read(tensor).tolist() == np.asarray(expected, object).tolist()


def test_complex_numbers(tmp_path: Path) -> None:
    """TensorFlow writes them in version 1, and does not read them in Python."""
    values = np.array([1 + 2j, -3.5j], "complex64")
    with FORMAT.open(save(tmp_path / "x", {"c": values})) as contents:
        found = {tensor.path: contents.read(tensor) for tensor in contents.tensors}
    assert found["c"].tobytes() == values.tobytes()


def test_a_flipped_bit_is_found_anywhere(written: str, tmp_path: Path) -> None:
    """Every block has a checksum; only the footer's padding means nothing."""
    path = str(tmp_path / "model.ckpt")
    whole = content_of(written)
    body = len(whole) - 48
    for at in (*range(0, body, body // 60), *range(body - 40, body)):
        changed = bytearray(whole)
        changed[at] ^= 1 << at % 8
        (tmp_path / "model.ckpt").write_bytes(changed)
        exercise(path, FORMAT)
        assert findings_of(path, FORMAT, "full"), at


def test_the_index_of_version_2_is_not_version_1(tmp_path: Path) -> None:
    """Both are tables; what comes first in them tells them apart."""
    path = tmp_path / "renamed"
    path.write_bytes(raw.bundle((b"a", raw.entry())))
    assert format_of(str(path)) is None
    with pytest.raises(DamagedError):
        FORMAT.open(str(path))


def test_another_table_is_no_checkpoint(tmp_path: Path) -> None:
    """LevelDB's own files end in the same magic number."""
    path = tmp_path / "000005.ldb"
    path.write_bytes(raw.table(raw.block((b"key", b"value"))))
    assert path.read_bytes().endswith(MAGIC)
    assert not FORMAT.recognise(str(path), path.read_bytes())


def test_a_file_that_changes_while_it_is_read(written: str, tmp_path: Path) -> None:
    """What was there when the file was opened, and is gone, is damage as well."""
    path = tmp_path / "x"
    path.write_bytes(content_of(written))
    with FORMAT.open(str(path)) as contents:
        path.write_bytes(b"")
        assert contents.facts.step is None
        assert {finding.code for finding in contents.damage("full")} == {"checksum-mismatch"}
        with pytest.raises(DamagedError, match="became shorter"):
            contents.read(contents.tensors[0])


def _tensor(name: bytes, kind: int, sizes: tuple[int, ...], *slices: bytes) -> bytes:
    dims = raw.message(*((2, raw.message((1, size))) for size in sizes))
    parts = [(4, part) for part in slices]
    return raw.message((1, raw.message((1, name), (2, dims), (3, kind), *parts)))


def _checkpoint(meta: bytes, *values: tuple[bytes, bytes]) -> bytes:
    return raw.table(raw.block((b"", raw.message((1, meta))), *values))


FULL = raw.message((1, b""))  # a slice of one dimension, all of it
KEY = b"\x00a\x00\x01\x01\x01\x80\x7f"


@pytest.mark.parametrize(
    "meta",
    [
        _tensor(b"a", 1, (2**40, 2**40), FULL),
        _tensor(b"a", 1, (2,), raw.message((1, raw.message((1, 1), (2, 5))))),
        _tensor(b"a", 1, (2,), FULL, FULL),
        _tensor(b"a", 1, ()) + _tensor(b"a", 1, ()),
        b"\xff",
    ],
    ids=["too large", "a slice too long", "a slice twice", "a tensor twice", "no message"],
)
def test_a_hostile_list_is_refused(meta: bytes, tmp_path: Path) -> None:
    """What contradicts the format is refused at once, though its checksums are right."""
    path = tmp_path / "x"
    path.write_bytes(_checkpoint(meta))
    with pytest.raises(DamagedError):
        FORMAT.open(str(path))


@pytest.mark.parametrize(
    ("kind", "size", "value"),
    [
        (1, 2**40, raw.message((5, bytes(8)))),
        (1, 2, raw.message((5, bytes(7)))),
        (1, 2, b""),
        (3, 2, raw.message((7, b"\xff" * 40))),
        (3, 1, raw.message((7, b"\xff" * 40 + b"\x01"))),
        (3, 2, raw.message((7, 5))),
        (7, 2**40, raw.message((8, b"x"))),
    ],
    ids=[
        *("huge", "cut off", "none", "without end", "long", "one number", "strings"),
    ],
)
def test_values_that_do_not_fit_are_refused(
    kind: int, size: int, value: bytes, tmp_path: Path
) -> None:
    """No memory is taken for what is only claimed."""
    path = tmp_path / "x"
    stored = raw.message((2, raw.message((3, value))))
    path.write_bytes(_checkpoint(_tensor(b"a", kind, (size,), FULL), (KEY, stored)))
    with FORMAT.open(str(path)) as contents, pytest.raises(DamagedError):
        contents.read(contents.tensors[0])


def test_a_slice_that_is_missing(tmp_path: Path) -> None:
    """It is listed, and not there."""
    path = tmp_path / "x"
    path.write_bytes(_checkpoint(_tensor(b"a", 1, (2,), FULL), (b"z", b"")))
    with FORMAT.open(str(path)) as contents, pytest.raises(DamagedError, match="'a' is not in it"):
        contents.read(contents.tensors[0])


def test_a_type_that_version_1_had_not(tmp_path: Path) -> None:
    """It is listed, and its values are refused."""
    path = tmp_path / "x"
    path.write_bytes(_checkpoint(_tensor(b"a", 14, (2,), FULL), (KEY, b"")))
    with FORMAT.open(str(path)) as contents, pytest.raises(MissingExtraError, match="bfloat16"):
        contents.read(contents.tensors[0])
