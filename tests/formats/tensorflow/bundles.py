"""TensorFlow checkpoints of version 2, written by TensorFlow and by both Keras."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.formats.samples import Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

STEPS = 2
LEARNING_RATE = 0.0125

_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


def keras3(folder: Path) -> str:
    """A Keras 3 model and its optimizer, tracked by a tf.train.Checkpoint."""
    import keras  # noqa: PLC0415
    import tensorflow as tf  # noqa: PLC0415

    model = trained(keras)
    checkpoint = tf.train.Checkpoint(model=model, optimizer=model.optimizer)
    return str(checkpoint.write(str(folder / "keras3")))


def keras2(folder: Path) -> str:
    """What Keras 2 writes for `save_weights` without a suffix."""
    import tf_keras  # noqa: PLC0415

    trained(tf_keras).save_weights(str(folder / "best"))
    return str(folder / "best")


def keras2_slots(folder: Path) -> str:
    """The same with an optimizer of before 2.11, which keeps slots."""
    import tf_keras  # noqa: PLC0415

    model = trained(tf_keras, tf_keras.optimizers.legacy.Adam(LEARNING_RATE))
    model.save_weights(str(folder / "epoch-03.loss0.5"))
    return str(folder / "epoch-03.loss0.5")


def trained(keras: Any, optimizer: Any = None) -> Any:
    """A small model after `STEPS` steps."""
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((4,)),
            layers.Dense(3, name="first"),
            layers.BatchNormalization(name="norm"),
            layers.Dropout(0.1),
            layers.Dense(1, name="last"),
        ]
    )
    optimizer = optimizer or keras.optimizers.Adam(LEARNING_RATE)
    model.compile(optimizer, "mse", metrics=["mae"])
    model.fit(np.ones((8, 4)), np.ones((8, 1)), epochs=STEPS, verbose=0)
    return model


def partitioned(folder: Path) -> str:
    """TensorFlow 1's Saver: variables cut along the first and along the second axis."""
    return _saver(folder / "model.ckpt-7", sharded=False)


def sharded(folder: Path) -> str:
    """The same on two devices, each of which writes a data file."""
    return _saver(folder / "sharded.ckpt", sharded=True)


def _saver(prefix: Path, *, sharded: bool) -> str:
    import tensorflow as tf  # noqa: PLC0415

    v1 = tf.compat.v1
    with tf.Graph().as_default():
        cut = v1.fixed_size_partitioner
        for device, axis in (("/cpu:0", 0), ("/cpu:1", 1)):
            with v1.device(device):
                for kind in ("float32", "bfloat16"):
                    values = np.arange(35, dtype="float32").reshape(5, 7) - axis
                    v1.get_variable(
                        f"cut{axis}/{kind}",
                        initializer=tf.cast(values, kind),
                        partitioner=cut(3, axis),
                        use_resource=False,
                    )
                v1.get_variable(
                    f"dense{axis}/kernel", initializer=np.array([[1, 2], [3, axis]], "float32")
                )
        loss = tf.add_n([tf.reduce_sum(value) for value in v1.trainable_variables("dense")])
        step = v1.train.get_or_create_global_step()
        train = v1.train.AdamOptimizer(LEARNING_RATE).minimize(loss, step)
        saver = v1.train.Saver(sharded=sharded)
        with v1.Session(config=v1.ConfigProto(device_count={"CPU": 2})) as session:
            session.run(v1.global_variables_initializer())
            for _ in range(STEPS):
                session.run(train)
            return str(saver.save(session, str(prefix), write_meta_graph=False))


def dtypes(folder: Path) -> str:
    """Every type of elements that TensorFlow saves and numpy has, also empty and scalar."""
    import tensorflow as tf  # noqa: PLC0415

    chance = np.random.default_rng(3)
    values: dict[str, Any] = {"empty": np.zeros((3, 0, 2), "float32"), "empty_text": [[]]}
    values["empty_text"] = tf.zeros((0, 2), tf.string)
    values["scalar"] = np.float64(-0.0)
    values["text"] = tf.constant([["", "ä"], ["x" * 300, b"\xff\x00"]])
    values["bfloat16"] = tf.cast(chance.normal(size=(9, 5)), tf.bfloat16)
    values["inf"] = np.array([np.inf, -np.inf, -0.0], "float16")
    values["ä/unicode"] = np.ones(2, "float32")
    for name in ("float16", "float32", "float64", "complex64", "complex128"):
        values[name] = chance.normal(size=(4, 3)).astype(name)
    for name in (*_INTEGERS, "bool"):
        values[name] = chance.integers(0, 2, 11).astype(name)
    for name in ("qint8", "quint8", "qint16", "quint16", "qint32"):
        values[name] = tf.bitcast(values[name[1:]], name)
    return save(folder / "dtypes", values)


def slices(folder: Path) -> str:
    """Blocks of a cube, and columns of a matrix, in four data files."""
    import tensorflow as tf  # noqa: PLC0415

    cube = np.arange(6 * 5 * 4, dtype="int32").reshape(6, 5, 4)
    wide = np.arange(70 * 300, dtype="float64").reshape(70, 300)
    written = []
    for row, rows, column, columns in ((0, 2, 0, 64), (2, 1, 64, 65), (3, 3, 129, 171)):
        part = {
            "cube": (f"6 5 4 {row},{rows}:-:0,4", cube[row : row + rows]),
            "wide": (f"70 300 -:{column},{columns}", wide[:, column : column + columns]),
        }
        written.append(str(folder / f"part{row}"))
        tf.raw_ops.SaveV2(
            prefix=written[-1],
            tensor_names=list(part),
            shape_and_slices=[where for where, _ in part.values()],
            tensors=[values for _, values in part.values()],
        )
    written.append(save(folder / "part6", {"whole/kernel": np.ones((2, 2), "float32")}))
    prefix = str(folder / "slices")
    tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=written, destination_prefix=prefix)
    return prefix


def many(folder: Path) -> str:
    """So many tensors that the index has several blocks."""
    values = {
        f"layer_{n // 1000:02d}/{'x' * 90}/{n:05d}": np.array([n], "float32") for n in range(20_000)
    }
    return save(folder / "many", values)


def save(prefix: Path, values: Mapping[str, Any]) -> str:
    """Write tensors under exactly these keys."""
    import tensorflow as tf  # noqa: PLC0415

    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(values),
        shape_and_slices=[""] * len(values),
        tensors=list(values.values()),
    )
    return str(prefix)


# what writes each, and whether the file tells step and learning rate
WRITERS: dict[str, tuple[Callable[[Path], str], int | None, float | None]] = {
    "keras3": (keras3, STEPS, LEARNING_RATE),
    "keras2": (keras2, STEPS, LEARNING_RATE),
    "keras2-slots": (keras2_slots, STEPS, LEARNING_RATE),
    "partitioned": (partitioned, STEPS, None),
    "sharded": (sharded, STEPS, None),
    "dtypes": (dtypes, None, None),
    "slices": (slices, None, None),
}


def sample_of(name: str, folder: Path) -> Sample:
    """A checkpoint, and what tf.train.load_checkpoint reads in it."""
    os.makedirs(folder, exist_ok=True)
    write, step, learning_rate = WRITERS[name]
    path = write(folder)
    return Sample(path, "tf-checkpoint", read_by_tensorflow(path), step, learning_rate)


def read_by_tensorflow(prefix: str) -> dict[str, NDArray[Any]]:
    """Every tensor, as TensorFlow reads it; bfloat16 widened, strings as objects."""
    import tensorflow as tf  # noqa: PLC0415

    reader = tf.train.load_checkpoint(prefix)
    found: dict[str, NDArray[Any]] = {}
    for key, shape in tf.train.list_variables(prefix):
        values = np.asarray(reader.get_tensor(key))
        if values.dtype.name.startswith(("bfloat", "float8")):
            values = values.astype("float32")
        elif values.dtype.names:  # the quantized types: a record of one number
            values = values[values.dtype.names[0]]
        elif values.dtype.kind in "SO":
            values = np.array(reader.get_tensor(key), object)
        assert values.shape == tuple(shape)
        found[key] = values
    return found
