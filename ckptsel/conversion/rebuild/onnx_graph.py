"""A whole model, or a SavedModel → ONNX."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

from ckptsel.conversion.rebuild.lite import compared
from ckptsel.conversion.rebuild.rebuilt import Rebuilt
from ckptsel.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckptsel.checkpoint import Finding
    from ckptsel.conversion.rebuild.worker import Job

CONVERTER = Rebuilt("onnx_graph", is_exact=False)


def write(job: Job) -> list[Finding]:
    """In the worker: by tf2onnx, as `model.export(format="onnx")` does, from the signature.

    So inputs and outputs have the names that a SavedModel of the same model has.
    """
    import tensorflow as tf  # noqa: PLC0415
    import tf2onnx  # noqa: PLC0415

    from ckptsel.conversion.rebuild.subject import Saved, load  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        # It has to outlive the call: the variables go when the SavedModel does.
        saved = Saved(load(job).save(folder + "/model", None))
        _, named = saved.call.structured_input_signature
        names = [*named]
        specs = [tf.TensorSpec(spec.shape, spec.dtype, name=name) for name, spec in named.items()]
        function = tf.function(lambda *given: saved.call(**dict(zip(names, given, strict=True))))
        tf2onnx.convert.from_function(function, specs, output_path=job["dest"])
    return []


def check(job: Job) -> list[Finding]:
    """In the worker: ONNX Runtime predicts what the model does."""
    from ckptsel.conversion.rebuild.predictions import compare  # noqa: PLC0415
    from ckptsel.conversion.rebuild.subject import load  # noqa: PLC0415

    try:
        import onnxruntime  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError(
            "onnxruntime, with which the result is compared, is not installed",
            hint="pip install 'ckptsel[onnx]', or export with --no-check",
        ) from error
    session = onnxruntime.InferenceSession(job["dest"], providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]

    def predict(values: Mapping[str, Any]) -> dict[str, Any]:
        return dict(zip(names, session.run(names, dict(values)), strict=True))

    return compared(compare(load(job), predict), job["dest"])
