"""A checkpoint written anew: the same format, the same everything, other values."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ckptsel.errors import ConversionError
from ckptsel.formats import open_contents

if TYPE_CHECKING:
    from ckptsel.conversion.rewriting.job import Job, Values

# The name of a format → its module in `rewriting`, which has a function `rewrite`.
_WRITERS = {
    "keras": "keras_archive",
    "weights.h5": "hdf5",
    "h5": "hdf5",
    "sharded weights": "sharded",
    "npz": "npz",
    "safetensors": "safetensors",
    "tf-checkpoint": "tensorflow",
    "torch": "torch",
}
# The others → why they are not written.
_REFUSED = {
    "tf-checkpoint-v1": "TensorFlow itself has not written version 1 for years",
    "torch-legacy": "PyTorch itself writes archives since 1.6",
    "savedmodel": "a SavedModel holds its values in its graph, too, and Keras has to export it",
    "huggingface": "a folder of many files; give its weights' file",
    "orbax": "only Orbax itself writes its folders",
}


def rewrite(
    source: str,
    dest: str,
    values: Values,
    *,
    drop_optimizer: bool = False,
    dtype: str | None = None,
) -> None:
    """Write a checkpoint of the source's format, in which the tensors hold other values.

    Attributes, configs, the order of everything, layouts and compression are the source's.
    Values are streamed: memory stays flat but for compressed arrays, of which a row of chunks
    is held. Nothing of the source is executed. What was written is opened and its tensors
    compared with what they have to be, by name, shape and type.

    Args:
        source: a file, folder or TensorFlow prefix.
        dest: a path at which nothing is yet. What the checkpoint's other files are called
            follows from it. However this ends, what stands there is to be removed, or kept, by
            the caller.
        values: is given a tensor of the source; its new values, flat and in order, in pieces of
            any size and any float type; or None to leave it as it is. A narrower type is rounded
            to once, to the nearest. Called once a tensor, and iterated in the order of the file.
        drop_optimizer: leave the optimizer's state out.
        dtype: `float16`, `bfloat16`, `float32` or `float64`, for the weights that are floats.

    Raises:
        ConversionError: if this format cannot be written, or not so; if a value is too large
            for its type.
        DamagedError: if the source cannot be read.
        LocationNotFoundError: if there is nothing at `source`.
        UnknownFormatError: if it is of no known format.
        OSError: if the new one cannot be written.
    """
    with open_contents(source) as contents:
        kind, tensors = contents.kind, tuple(contents.tensors)
    check_can_rewrite(source, kind)
    if kind == "h5" and dtype == "bfloat16":
        raise ConversionError(
            f"{source!r}: Keras's old HDF5 files cannot hold bfloat16",
            hint="float16 and float32 they can; .weights.h5 and .keras hold bfloat16, too",
        )
    from ckptsel.conversion.rewriting.job import Job  # noqa: PLC0415 - loads numpy

    listed = {tensor.path: tensor for tensor in tensors}
    job = Job(source, dest, listed, values, drop_optimizer, dtype)
    import_module(f"ckptsel.conversion.rewriting.{_WRITERS[kind]}").rewrite(job)
    _check(job)


def check_can_rewrite(source: str, kind: str) -> None:
    """Whether checkpoints of that format can be written.

    Raises:
        ConversionError: if not.
    """
    if kind not in _WRITERS:
        why = _REFUSED.get(kind)
        raise ConversionError(
            f"{source!r} is a {kind}, which is not written" + (f": {why}" if why else ""),
            hint="`ckptsel export` may be able to make something else of it",
        )


def _check(job: Job) -> None:
    """The new checkpoint must have the tensors that it should have.

    Raises:
        ConversionError: if not; a fault of this program.
    """
    expected = {
        path: (tensor.shape, job.dtype_of(path))
        for path, tensor in job.tensors.items()
        if not job.is_dropped(path)
    }
    with open_contents(job.dest) as contents:
        found = {tensor.path: (tensor.shape, tensor.dtype) for tensor in contents.tensors}
    wrong = sorted(path for path, _ in set(expected.items()) ^ set(found.items()))
    if wrong:
        raise ConversionError(f"{wrong[0]} is not as it should be in what was written")
