"""The other process: does the jobs that it reads, one a line, and answers each with a line."""

from __future__ import annotations

import errno
import json
import os
import sys
from importlib import import_module
from threading import Thread
from time import sleep
from typing import Any, TypedDict

from ckptsel.errors import ConversionError, MissingExtraError

PARENT = "CKPTSEL_REBUILT_FOR"
"""The variable that names the process which asks."""

_TOLD = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}
_NO_ONNX = "tf2onnx does not know all layers; .tflite and a SavedModel may do"
# Who else than TensorFlow works in which module, and what to do if that fails.
_DOERS = {
    ("onnx_graph", "write"): ("tf2onnx", _NO_ONNX),
    ("onnx_graph", "check"): ("ONNX Runtime", _NO_ONNX),
}
_LONGEST = 400  # Keras puts whole configs into its messages.
# What follows is the reason, and the config stands before it.
_REASON = "Exception encountered: "
_LOOK_SECONDS = 0.5


class Job(TypedDict):
    """What is to be done.

    Attributes:
        do: `write` or `check`.
        module: of this folder; has functions of these names.
        kind: `model` or `savedmodel`.
        source: the path that Keras or TensorFlow loads.
        dest: the new checkpoint.
        compiled: whether the optimizer belongs to it.
        unsafe: whether code in the source may run.
        half: whether weights are rounded to float16.
    """

    do: str
    module: str
    kind: str
    source: str
    dest: str
    compiled: bool
    unsafe: bool
    half: bool


def main() -> None:
    """Do jobs until there are no more. stdout carries answers only; all else goes to stderr."""
    Thread(target=_end_with, args=[int(os.environ[PARENT])], daemon=True).start()
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    for line in sys.stdin.buffer:
        out.write(json.dumps(answer(json.loads(line))).encode() + b"\n")
        out.flush()


def answer(job: Job) -> dict[str, Any]:
    """Do a job.

    Returns:
        `said`, a list of code, message, path and strict; or `message`, `hint` and `is_missing`; or
        `errno` and `message`.
    """
    try:
        module = import_module(f"ckptsel.conversion.rebuild.{job['module']}")
        said = getattr(module, job["do"])(job)
        return {"said": [(each.code, each.message, each.path, each.strict) for each in said]}
    except (ConversionError, MissingExtraError) as error:
        is_missing = isinstance(error, MissingExtraError)
        return {"message": error.message, "hint": error.hint, "is_missing": is_missing}
    except Exception as error:  # noqa: BLE001 - TensorFlow has its own for every occasion
        if number := _full(error):
            return {"errno": number, "message": os.strerror(number)}
        done = "write this" if job["do"] == "write" else "load what was written"
        who, hint = _DOERS.get((job["module"], job["do"]), ("TensorFlow", ""))
        return {
            "message": f"{who} cannot {done}: {shortened(error)}",
            "hint": hint or "nothing was put in place",
            "is_missing": False,
        }


def _full(error: Exception) -> int:
    """The number of an error of the disk, which TensorFlow only tells in words; 0 for another."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return error.errno
    return next((each for each in _TOLD if os.strerror(each) in str(error)), 0)


def shortened(error: Exception) -> str:
    """What an error says, on one line: of a long text its beginning and its end."""
    text = " ".join(str(error).split()) or type(error).__name__
    text = text.rpartition(_REASON)[2]
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]} … {text[-half:]}"


def _end_with(parent: int) -> None:
    """End when the process that asks has died: nobody would take the answer, or clear up."""
    while os.getppid() == parent:
        sleep(_LOOK_SECONDS)
    os._exit(1)
