"""What the worker answers where a package fails in its own way."""

from __future__ import annotations

import errno
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from ckptsel.conversion.rebuild import worker

if TYPE_CHECKING:
    from collections.abc import Callable

    Answer = Callable[..., dict[str, object]]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Answer:
    """The answer to a job that fails by this error."""

    def answer(error: Exception, module: str = "lite", do: str = "write") -> dict[str, object]:
        def fail(job: object) -> None:
            del job
            raise error

        stand_in = SimpleNamespace(**{do: fail})
        monkeypatch.setattr(worker, "import_module", lambda _: stand_in)
        return worker.answer({"module": module, "do": do})  # type: ignore[typeddict-item]

    return answer


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (OSError(errno.EFBIG, "File too large"), errno.EFBIG),
        (RuntimeError("{{function_node SaveV2}} x; No space left on device [Op:SaveV2]"), 28),
        (RuntimeError("{{function_node SaveV2}} x; File too large [Op:SaveV2]"), errno.EFBIG),
    ],
)
def test_a_full_disk(failing: Answer, error: Exception, number: int) -> None:
    """It is one in whatever words: TensorFlow raises no OSError."""
    assert failing(error)["errno"] == number


@pytest.mark.parametrize(
    ("module", "do", "says"),
    [
        ("lite", "write", "TensorFlow cannot write this: no"),
        ("onnx_graph", "write", "tf2onnx cannot write this: no"),
        ("onnx_graph", "check", "ONNX Runtime cannot load what was written: no"),
    ],
)
def test_who_failed(failing: Answer, module: str, do: str, says: str) -> None:
    """The package is named, for it decides what can be done."""
    answer = failing(ValueError("no"), module, do)
    assert answer["message"] == says
    assert ("tf2onnx" in str(answer["hint"])) == (module == "onnx_graph")


def test_the_reason_of_a_long_text() -> None:
    """What Keras says last is the reason; of other long texts both ends are kept."""
    assert worker.shortened(ValueError("x" * 900 + " Exception encountered: why")) == "why"
    text = worker.shortened(ValueError("first " + "x" * 900 + " last"))
    assert text.startswith("first ")
    assert text.endswith(" last")
    assert worker.shortened(ValueError()) == "ValueError"
