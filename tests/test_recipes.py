"""The pages of docs/recipes, run as they stand, with real TensorFlow and the real command."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import ckptsel
from ckptsel.training_log.events import Saved
from ckptsel.training_log.log import LOG_NAME
from ckptsel.training_log.parse import read_line

if TYPE_CHECKING:
    from collections.abc import Callable

RECIPES = Path(__file__).parent.parent / "docs" / "recipes"
NEEDED = ("tensorflow", "sklearn")

pytestmark = [
    pytest.mark.skipif(shutil.which("bash") is None, reason="the pages are written for bash"),
    *(
        # find_spec, because importing TensorFlow only to see whether it is there takes seconds.
        pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"{name} is not there")
        for name in NEEDED
    ),
]

BLOCK = re.compile(r"^```(?P<language>python|bash)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"# (?P<name>\w+\.(?:py|sh))\n")
RESULT = re.compile(
    r"^(?P<path>\S+) gives (?P<metric>\w+)=(?P<value>\d\.\d{4})$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Played:
    """What a page printed, and the folder in which it ran."""

    stdout: str
    stderr: str
    folder: Path

    def result(self) -> re.Match[str]:
        """The line with the loaded path and the reproduced metric; it is the last one."""
        found = list(RESULT.finditer(self.stdout))
        assert found, self.stdout
        assert self.stdout.endswith(found[-1].group() + "\n")
        return found[-1]

    def names(self) -> list[str]:
        """The names that the training wrote, in the order of the epochs."""
        return sorted(os.listdir(self.folder / "checkpoints"))


@pytest.fixture
def play(tmp_path: Path) -> Callable[[str], Played]:
    """Run a page: blocks that begin with a file's name are files, the others one bash script."""
    commands = tmp_path / "commands"
    folder = tmp_path / "page"
    commands.mkdir()
    folder.mkdir()
    # Whether or not this ckptsel is installed, it is the one under test that the page gets.
    for name, module in (("python", ""), ("ckptsel", " -m ckptsel")):
        command = commands / name
        command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)}{module} "$@"\n')
        command.chmod(0o755)
    root = Path(ckptsel.__file__).parent.parent
    env = {key: value for key, value in os.environ.items() if not key.startswith("CKPTSEL_")} | {
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{root}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep),
    }

    def run(page: str) -> Played:
        script = ["set -eu\n"]
        for block in BLOCK.finditer((RECIPES / page).read_text(encoding="utf-8")):
            code = block["code"]
            if named := FILE_NAME.match(code):
                (folder / named["name"]).write_text(code, encoding="utf-8")
            else:
                assert block["language"] == "bash", "a python block needs a file's name"
                script.append(code)
        done = subprocess.run(
            ["bash", "-c", "".join(script)],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return Played(done.stdout, done.stderr, folder)

    return run


def test_every_page_has_a_test() -> None:
    """A recipe that is added without a test is noticed."""
    assert {path.name for path in RECIPES.glob("*.md")} == {
        "average-the-best-five.md",
        "best-by-accuracy.md",
        "custom-metric.md",
        "lightning-or-hugging-face.md",
        "nothing-saved.md",
        "resume-without-losing-the-best.md",
        "savedmodel-for-ci.md",
    }


def test_best_by_accuracy(play: Callable[[str], Played]) -> None:
    """The usual recipe loads the last file that save_best_only kept, and its accuracy."""
    played = play("best-by-accuracy.md")
    result = played.result()
    assert "latest_checkpoint: None\n" in played.stdout
    # Keras keeps only what improved, so the latest file is the best of them.
    assert result["path"] == f"checkpoints/{played.names()[-1]}"
    assert result["metric"] == "val_accuracy"
    assert result["path"].endswith(f"-{result['value']}.weights.h5")


def test_average_the_best_five(play: Callable[[str], Played]) -> None:
    """The mean and the soup are loaded, and the soup is no worse than the best."""
    played = play("average-the-best-five.md")
    result = played.result()
    gives = {each["path"]: float(each["value"]) for each in RESULT.finditer(played.stdout)}
    best = max(name.partition("=")[2].removesuffix(".weights.h5") for name in played.names())
    first = next(iter(gives))
    assert first.endswith(f"={best}.weights.h5")
    assert gives[first] == float(best)
    assert [*gives][1] == "mean.weights.h5"
    assert result["path"] == "soup.weights.h5"
    assert float(result["value"]) >= float(best)


def test_custom_metric(play: Callable[[str], Played]) -> None:
    """With --mode max the highest F1 is loaded, which is not the latest, and is reproduced."""
    played = play("custom-metric.md")
    result = played.result()
    names = played.names()
    values = [name.partition("=")[2] for name in names]
    assert len(names) == 16
    assert max(values) == f"{result['value']}.weights.h5"
    assert values[-1] != max(values)
    assert result["metric"] == "val_macro_f1"
    assert result["path"].endswith(f"-val_macro_f1={result['value']}.weights.h5")


def test_nothing_saved(play: Callable[[str], Played]) -> None:
    """Both scripts and the Python code meet an empty folder, and later the best weights."""
    played = play("nothing-saved.md")
    result = played.result()
    before, _, _ = played.stdout.partition("starting afresh: ")
    assert before == "exit code 3\nnothing to evaluate yet\n"
    values = [name.partition("=")[2] for name in played.names()]
    assert max(values) == f"{result['value']}.weights.h5"
    assert result["path"].endswith(f"-val_accuracy={result['value']}.weights.h5")


def test_resume_without_losing_the_best(play: Callable[[str], Played]) -> None:
    """After a kill the training knows what was best, and the best of all is loaded."""
    played = play("resume-without-losing-the-best.md")
    result = played.result()
    first, killed, second, _ = played.stdout.splitlines()
    assert (first, killed) == ("best so far: None in None", "killed")
    log = (played.folder / "checkpoints" / LOG_NAME).read_text("utf-8").splitlines()
    saved = [event for event in map(read_line, map(str.encode, log)) if isinstance(event, Saved)]
    assert [event.epoch for event in saved] == [*range(1, 13)]
    values = [event.metrics["val_accuracy"] for event in saved]
    assert second.startswith(f"best so far: {max(values[:8])} in checkpoints/epoch=00")
    assert f"{max(values):.4f}" == result["value"]
    assert len(played.names()) in (4, 5)


def test_savedmodel_for_ci(play: Callable[[str], Played]) -> None:
    """What is served was made of the best checkpoint, and has its accuracy."""
    played = play("savedmodel-for-ci.md")
    result = played.result()
    assert played.stdout.startswith("serving/1\n")
    values = [name.partition("=")[2] for name in played.names()]
    assert max(values) == f"{result['value']}.keras"
    assert result["path"].endswith(f"/checkpoints/{max(played.names(), key=lambda n: n[3:])}")


def test_lightning_or_hugging_face(play: Callable[[str], Played]) -> None:
    """What ckptsel finds in the logs is what the frameworks called the best, and not the last."""
    for name in ("lightning", "transformers"):
        pytest.importorskip(name)
    played = play("lightning-or-hugging-face.md")
    ours = re.findall(r"^ckptsel's: (\S+)$", played.stdout, re.MULTILINE)
    theirs = re.findall(r"'s own: (\S+)$", played.stdout, re.MULTILINE)
    assert len(ours) == 2
    assert [os.path.basename(path) for path in ours] == [os.path.basename(path) for path in theirs]
    assert [os.path.basename(path) for path in ours] == ["epoch=6-step=28.ckpt", "checkpoint-28"]
    assert "lightning:metrics.csv:22" in played.stdout
    weights = "model.safetensors"
    best = (played.folder / ours[1] / weights).read_bytes()
    assert (played.folder / "best-model" / weights).read_bytes() == best
