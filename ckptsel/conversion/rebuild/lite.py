"""A whole model, or a SavedModel → TensorFlow Lite."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np

from ckptsel.checkpoint import Finding
from ckptsel.conversion.rebuild.predictions import weak_comparison
from ckptsel.conversion.rebuild.rebuilt import SIGNATURE, Rebuilt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckptsel.conversion.rebuild.predictions import Compared
    from ckptsel.conversion.rebuild.subject import Subject
    from ckptsel.conversion.rebuild.worker import Job

CONVERTER = Rebuilt("lite", is_exact=False, takes_half=True)


def write(job: Job) -> list[Finding]:
    """In the worker: with TensorFlow Lite's own operations only, which run everywhere.

    Recurrent layers have such operations for batches of a known size only; then it is 1.
    """
    from ckptsel.conversion.rebuild.subject import Saved, load  # noqa: PLC0415

    subject = load(job)
    try:
        made, said = _converted(subject, None, job), list[Finding]()
    except Exception:
        if isinstance(subject, Saved):
            raise
        made = _converted(subject, 1, job)
        message = "takes one row at a time: its recurrent layers cannot be had for any number"
        said = [Finding("one-row", message, job["dest"])]
    with open(job["dest"], "xb") as file:
        file.write(made)
    return said


def _converted(subject: Subject, batch: int | None, job: Job) -> bytes:
    import tensorflow as tf  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        path = subject.save(folder + "/model", batch)
        converter = tf.lite.TFLiteConverter.from_saved_model(path, signature_keys=[SIGNATURE])
        if job["half"]:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        made: bytes = converter.convert()
        return made


def check(job: Job) -> list[Finding]:
    """In the worker: the interpreter predicts what the model does."""
    import tensorflow as tf  # noqa: PLC0415

    from ckptsel.conversion.rebuild.predictions import compare  # noqa: PLC0415
    from ckptsel.conversion.rebuild.subject import load  # noqa: PLC0415

    # From memory: the interpreter maps a file, and would hold on to it.
    with open(job["dest"], "rb") as file:
        run = tf.lite.Interpreter(model_content=file.read()).get_signature_runner()
    shapes = [details["shape_signature"] for details in run.get_input_details().values()]
    is_one_row = any(len(shape) and shape[0] == 1 for shape in shapes)

    def predict(values: Mapping[str, Any]) -> dict[str, Any]:
        if not is_one_row:
            return dict(run(**values))
        rows = max(len(value) for value in values.values())
        single = [
            run(**{name: value[row : row + 1] for name, value in values.items()})
            for row in range(rows)
        ]
        return {name: np.concatenate([each[name] for each in single]) for name in single[0]}

    return compared(compare(load(job), predict, half=job["half"]), job["dest"])


def compared(found: Compared, path: str) -> list[Finding]:
    """What is said where only predictions could be compared."""
    message = (
        f"predictions on inputs drawn at random were compared, not the tensors: they differ by"
        f" {found.worst:.0e} of the largest value, and {found.allowed:.0e} is allowed"
    )
    if found.not_finite:
        message += f"; {found.not_finite} values are NaN or infinite in both"
    return [Finding("predictions-compared", message, path), *weak_comparison(found, path)]
