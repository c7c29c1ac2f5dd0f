"""The process in which Keras runs: what it breaks, prints or remembers stays there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

from ckptsel.checkpoint import Finding
from ckptsel.conversion.rebuild.worker import PARENT
from ckptsel.errors import ConversionError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Mapping

# `-I`, and a path without the current folder: a stranger's `keras.py` there is not imported.
_CODE = (
    "import sys; sys.path[:] = sys.argv[1:]; "
    "from ckptsel.conversion.rebuild.worker import main; main()"
)
_PACKAGE = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 3))
_SETTINGS = {
    "KERAS_BACKEND": "tensorflow",
    # Nothing is computed that a GPU is worth, and one may be busy with a training.
    "CUDA_VISIBLE_DEVICES": "-1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
# What TensorFlow says at every start.
_CHATTER = re.compile(r"[IW]\d{4} |WARNING: All log messages before|To enable the following|\s*$")
_SHOWN = 5  # So many of the last lines are shown of a process that died.


def command() -> list[str]:
    """What starts the process."""
    here = os.path.abspath(os.curdir)
    folders = [folder for folder in map(os.path.abspath, filter(None, sys.path)) if folder != here]
    if _PACKAGE not in folders:
        folders.insert(0, _PACKAGE)
    return [sys.executable, "-I", "-c", _CODE, *folders]


def environment() -> dict[str, str]:
    """What the process finds set."""
    found = {**os.environ, **_SETTINGS}
    found[PARENT] = str(os.getpid())
    # With it, `tf.keras` would be Keras 2.
    found.pop("TF_USE_LEGACY_KERAS", None)
    return found


def ask(job: Mapping[str, object]) -> tuple[Finding, ...]:
    """Have a job done by a new process, and wait for it.

    Args:
        job: see `worker.Job`.

    Returns:
        What the process says about it.

    Raises:
        ConversionError: if it cannot be done, or the process died.
        MissingExtraError: if a package is not installed there.
        OSError: if the disk fails.
    """
    folder = os.path.dirname(str(job.get("dest", ""))) or None
    # What a process leaves behind that is killed goes with this folder.
    with (
        tempfile.TemporaryDirectory(prefix=".rebuild-", dir=folder) as work,
        tempfile.TemporaryFile() as noise,
    ):
        done = subprocess.run(
            command(),
            input=json.dumps(job).encode() + b"\n",
            stdout=subprocess.PIPE,
            stderr=noise,
            check=False,
            env={**environment(), **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), work)},
        )
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            noise.seek(0)
            said = noise.read().decode("utf-8", "replace").splitlines()
            last = [line for line in said if not _CHATTER.match(line)][-_SHOWN:]
            raise _died(done.returncode, tuple(last)) from None
    return understood(answer)


def understood(answer: Mapping[str, Any]) -> tuple[Finding, ...]:
    """What the process answered. Returns and raises as `ask` does."""
    if "errno" in answer:
        raise OSError(answer["errno"], answer["message"])
    if "message" in answer:
        kind = MissingExtraError if answer["is_missing"] else ConversionError
        raise kind(answer["message"], hint=answer["hint"])
    return tuple(Finding(*said) for said in answer["said"])


def _died(code: int, last: tuple[str, ...]) -> ConversionError:
    how = f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
    hint = "the machine may be short of memory" if code == -9 else "what it said last is above"
    return ConversionError(
        f"the process in which Keras runs {how}, without an answer", hint=hint, details=last
    )
