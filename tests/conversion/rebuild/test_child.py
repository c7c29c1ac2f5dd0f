"""The process in which Keras runs: what it does not let in, and what comes of its death."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ckptsel.conversion.rebuild import child
from ckptsel.conversion.rebuild.worker import PARENT
from ckptsel.errors import ConversionError, MissingExtraError

if TYPE_CHECKING:
    from pathlib import Path

JOB = {"do": "write"}


def test_the_real_program(hard: Path, here: Path) -> None:
    """A strange `keras.py` in the current folder is not run, and nothing of TensorFlow is shown."""
    for name in ("keras.py", "tensorflow.py", "h5py.py"):
        (here / name).write_text("raise SystemExit('a stranger ran')")
    folders = [*map(os.path.abspath, filter(None, sys.path))]
    code = (
        f"import sys; sys.path[:] = {folders!r};"
        "from ckptsel.__main__ import main; sys.argv[0] = 'ckptsel'; main()"
    )
    command = ["export", str(hard / "two.keras"), "--to", "served/"]
    done = subprocess.run(
        [sys.executable, "-c", code, *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "served\n"
    assert done.stderr.startswith("ckptsel: exported ")
    assert done.stderr.count("\n") == 1
    assert sorted(os.listdir("served")) == [
        "assets",
        "fingerprint.pb",
        "saved_model.pb",
        "variables",
    ]
    assert sorted(os.listdir(".")) == [
        "h5py.py", "keras.py", "served", "served.ckptsel.json", "tensorflow.py",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        ("import os; os.kill(os.getpid(), 9)", "was killed by signal 9", "short of memory"),
        ("import os; os.abort()", f"was killed by signal {int(signal.SIGABRT)}", "said last"),
        ("import sys; sys.exit('no such thing')", "ended with 1", "said last"),
    ],
)
def test_a_process_that_dies(
    code: str, message: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an error with its last words, and never a result."""
    monkeypatch.setattr(child, "_CODE", f"import sys; sys.stderr.write('last words\\n'); {code}")
    with pytest.raises(ConversionError, match=message) as caught:
        child.ask(JOB)
    assert hint in caught.value.hint
    assert caught.value.details[0] == "last words"


def test_what_is_printed_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a library writes to stdout, the answer is read from elsewhere."""
    code = (
        "import os, sys; sys.path[:] = sys.argv[1:];"
        "from ckptsel.conversion.rebuild import worker;"
        "worker.answer = lambda job: (print('noise'), os.write(1, b'noise'), {'said': []})[2];"
        "worker.main()"
    )
    monkeypatch.setattr(child, "_CODE", code)
    assert child.ask(JOB) == ()


def test_answers() -> None:
    """Each kind of answer becomes what it stands for."""
    (finding,) = child.understood({"said": [["one-row", "text", "x"]]})
    assert (finding.code, finding.message, finding.path) == ("one-row", "text", "x")
    with pytest.raises(OSError, match="full"):
        child.understood({"errno": 28, "message": "full"})
    for kind, is_missing in ((ConversionError, False), (MissingExtraError, True)):
        with pytest.raises(kind, match="no"):
            child.understood({"message": "no", "hint": "", "is_missing": is_missing})


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow is the backend whatever is set, no GPU is touched, and Keras is Keras 3."""
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "1")
    found = child.environment()
    assert found["KERAS_BACKEND"] == "tensorflow"
    assert found["CUDA_VISIBLE_DEVICES"] == "-1"
    assert "TF_USE_LEGACY_KERAS" not in found


def test_what_a_killed_process_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its temporary files stand beside the destination, and go with it."""
    code = (
        "import os, sys, tempfile; folder = tempfile.mkdtemp();"
        "sys.stderr.write(folder); sys.stderr.flush(); os.kill(os.getpid(), 9)"
    )
    monkeypatch.setattr(child, "_CODE", code)
    with pytest.raises(ConversionError) as caught:
        child.ask({"do": "write", "dest": str(tmp_path / "made.tflite")})
    assert caught.value.details[0].startswith(str(tmp_path / ".rebuild-"))
    assert not [*tmp_path.iterdir()]


def test_what_tensorflow_says_at_every_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not hide the last words."""
    noise = "I0000 00:00:17.1 1 port.cc:153] oneDNN\\n\\nWARNING: All log messages before absl\\n"
    code = f"import sys; sys.stderr.write('the reason\\n' + '{noise}' * 5); sys.exit(1)"
    monkeypatch.setattr(child, "_CODE", code)
    with pytest.raises(ConversionError) as caught:
        child.ask(JOB)
    assert caught.value.details == ("the reason",)


def test_nobody_asks_any_more() -> None:
    """If the process that asked has died, the one with Keras ends as well."""
    environment = {**child.environment(), PARENT: "1"}
    with subprocess.Popen(child.command(), stdin=subprocess.PIPE, env=environment) as process:
        assert process.wait(timeout=60) == 1
