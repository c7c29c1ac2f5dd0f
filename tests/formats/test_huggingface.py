"""Folders as Hugging Face's Trainer writes them, and as strangers might."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ckptsel.errors import DamagedError
from ckptsel.formats import format_of, open_contents
from ckptsel.formats.huggingface import FORMAT
from tests.formats.conformance import FormatConformance
from tests.formats.samples import Sample

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ckptsel.formats.contents import Contents

INDEX = "model.safetensors.index.json"

# The keys that transformers' TrainerState.save_to_json writes, shortened.
STATE: dict[str, Any] = {
    "best_metric": 0.25,
    "best_model_checkpoint": "out/checkpoint-400",
    "epoch": 2.5,
    "global_step": 500,
    "is_local_process_zero": True,
    "log_history": [
        {"epoch": 2.0, "eval_loss": 0.25, "eval_runtime": 1.5, "step": 400},
        {"epoch": 2.5, "learning_rate": 0.001, "loss": 0.5, "step": 500},
        {"epoch": 2.5, "eval_loss": 0.75, "eval_samples_per_second": 9.0, "step": 500},
    ],
    "max_steps": 1000,
}


def arrays() -> dict[str, NDArray[Any]]:
    """Three layers."""
    chance = np.random.default_rng(0)
    return {f"layers.{n}.weight": chance.random((40, 30)).astype("f4") for n in range(3)}


def write_shards(folder: Path) -> None:
    """Two shards and their index, as `save_pretrained` lays them out."""
    save_file = pytest.importorskip("safetensors.numpy").save_file
    folder.mkdir()
    names = list(arrays())
    parts = {"model-00001-of-00002.safetensors": names[:2]}
    parts["model-00002-of-00002.safetensors"] = names[2:]
    for file, inside in parts.items():
        save_file({name: arrays()[name] for name in inside}, folder / file)
    weight_map = {name: file for file, inside in parts.items() for name in inside}
    index = {"metadata": {"total_size": 14400}, "weight_map": weight_map}
    (folder / INDEX).write_text(json.dumps(index))


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sharded folder with its history."""
    path = tmp_path_factory.mktemp("out") / "checkpoint-500"
    write_shards(path)
    (path / "trainer_state.json").write_text(json.dumps(STATE))
    return path


def codes(findings: Any) -> list[str]:
    """The codes of findings."""
    return [finding.code for finding in findings]


def damage(folder: Path) -> list[str]:
    """The codes of the damage in a folder."""
    with FORMAT.open(str(folder)) as contents:
        return codes(contents.damage("full"))


class HuggingFaceConformance(FormatConformance):
    """What every format keeps; the optimizer's state is in a file of its own."""

    module = "huggingface"

    def test_has_weights(self, contents: Contents) -> None:
        """All tensors are weights."""
        assert {tensor.role for tensor in contents.tensors} == {"weight"}


class TestShards(HuggingFaceConformance):
    """Weights in two files of safetensors."""

    @pytest.fixture
    def sample(self, folder: Path) -> Sample:
        """Two shards, an index, and the history."""
        return Sample(str(folder), "huggingface", arrays(), step=500, learning_rate=0.001)


class TestSingleFile(HuggingFaceConformance):
    """Weights in one file, and no history."""

    @pytest.fixture
    def sample(self, tmp_path_factory: pytest.TempPathFactory) -> Sample:
        """What `save_pretrained` leaves of a small model."""
        save_file = pytest.importorskip("safetensors.numpy").save_file
        path = tmp_path_factory.mktemp("sound") / "model"
        path.mkdir()
        save_file(arrays(), path / "model.safetensors")
        (path / "config.json").write_text("{}")
        return Sample(str(path), "huggingface", arrays())


def test_facts(folder: Path) -> None:
    """Metrics are those of this step; the best so far is said to be that."""
    with open_contents(str(folder)) as contents:
        facts = contents.facts
    assert (facts.step, facts.epoch, facts.learning_rate) == (500, None, 0.001)
    assert facts.metrics == {"eval_loss": 0.75}
    assert facts.more["epoch"] == "2.5"
    assert facts.more["best_metric"] == "0.25"


def test_whole_epochs(folder: Path) -> None:
    """An epoch that is whole is a number of its own."""
    (folder / "trainer_state.json").write_text(json.dumps({**STATE, "epoch": 3.0}))
    with open_contents(str(folder)) as contents:
        assert contents.facts.epoch == 3


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"log_history": 1, "epoch": "x", "global_step": True},
        {"log_history": [1, {"step": [], "eval_loss": "x"}], "epoch": 1e400, "global_step": 1e18},
        {"epoch": float("nan"), "global_step": 10**30, "log_history": [{"learning_rate": None}]},
    ],
)
def test_odd_histories(folder: Path, state: dict[str, Any]) -> None:
    """Values that make no sense are left out."""
    (folder / "trainer_state.json").write_text(json.dumps(state))
    with open_contents(str(folder)) as contents:
        assert contents.facts.epoch is None
        assert contents.facts.metrics == {}
    assert damage(folder) == []


@pytest.mark.parametrize("text", ["", "[", "[1]", "[" * 10_000, '{"a": 1, "a": 2}'])
def test_a_broken_history_is_damage(folder: Path, text: str) -> None:
    """What the Trainer cannot resume from is said; the weights are read all the same."""
    (folder / "trainer_state.json").write_text(text)
    assert damage(folder) == ["trainer-state"]
    with open_contents(str(folder)) as contents:
        assert len(contents.tensors) == 3
        with pytest.raises(DamagedError):
            _ = contents.facts


def test_a_missing_shard(folder: Path) -> None:
    """A shard that the index names and that is gone is damage, and named."""
    (folder / "model-00002-of-00002.safetensors").unlink()
    assert damage(folder) == ["missing-shard"]
    with open_contents(str(folder)) as contents, pytest.raises(DamagedError, match="00002-of"):
        _ = contents.tensors


def test_shards_that_were_swapped(folder: Path) -> None:
    """A shard that does not hold what the index says is damage."""
    first, second = (folder / f"model-0000{n}-of-00002.safetensors" for n in (1, 2))
    first.write_bytes(second.read_bytes())
    assert damage(folder) == ["missing-tensor"]


def test_a_shard_that_is_none(folder: Path) -> None:
    """A shard of another kind is damage."""
    (folder / "model-00002-of-00002.safetensors").write_text("oid sha256:0123")
    assert damage(folder) == ["damaged"]


@pytest.mark.parametrize(
    "index",
    [
        "[]",
        "[" * 10_000,
        "{}",
        '{"weight_map": []}',
        '{"weight_map": {}}',
        '{"weight_map": {"a": 1}}',
        '{"weight_map": {"a": "../model.safetensors"}}',
        '{"weight_map": {"a": "/etc/passwd"}}',
        '{"weight_map": {"a": ".."}}',
        '{"weight_map": {"a": ""}}',
    ],
)
def test_an_index_that_makes_no_sense(folder: Path, index: str) -> None:
    """An index is no way out of the folder."""
    (folder / INDEX).write_text(index)
    with pytest.raises(DamagedError):
        FORMAT.open(str(folder))


@pytest.mark.parametrize("name", ["a\\u0000b", "a\\nb", "\\ud800"])
def test_names_of_shards_that_no_file_has(folder: Path, name: str) -> None:
    """Names that the system does not take are missing shards."""
    (folder / INDEX).write_text(f'{{"weight_map": {{"a": "{name}"}}}}')
    assert damage(folder) == ["missing-shard"]
    with open_contents(str(folder)) as contents, pytest.raises(DamagedError):
        _ = contents.tensors


def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    """A pipe in the place of a shard is a missing shard."""
    shard = folder / "model-00002-of-00002.safetensors"
    shard.unlink()
    os.mkfifo(shard)
    assert damage(folder) == ["missing-shard"]
    with open_contents(str(folder)) as contents, pytest.raises(DamagedError):
        _ = contents.tensors


def test_pickles_beside_the_weights(folder: Path) -> None:
    """Resuming unpickles them: what they would call is named, but for what is never loaded."""
    torch = pytest.importorskip("torch")
    torch.save({"state": {0: torch.ones(2)}}, folder / "optimizer.pt")
    torch.save(torch.nn.Linear(2, 2), folder / "rng_state.pth")
    torch.save(torch.nn.Linear(2, 2), folder / "training_args.bin")
    (folder / "scheduler.pt").write_bytes(b"something")
    with open_contents(str(folder)) as contents:
        found = {os.path.basename(finding.path): finding.code for finding in contents.dangers()}
        assert contents.facts.more["optimizer"] == "optimizer.pt"
    assert found == {
        "optimizer.pt": "pickle",
        "rng_state.pth": "pickle-code",
        "scheduler.pt": "not-looked-into",
    }


def test_weights_of_pytorch(tmp_path: Path) -> None:
    """`pytorch_model.bin` is read as PyTorch's archive; safetensors beside it would come first."""
    torch = pytest.importorskip("torch")
    torch.save({"layers.0.weight": torch.ones(2, 3)}, tmp_path / "pytorch_model.bin")
    assert format_of(str(tmp_path)) is FORMAT
    with open_contents(str(tmp_path)) as contents:
        (tensor,) = contents.tensors
        assert (tensor.path, tensor.shape, contents.lists_tensors) == (
            "layers.0.weight",
            (2, 3),
            True,
        )
        assert contents.read(tensor).tolist() == [[1.0] * 3] * 2
        assert codes(contents.dangers()) == ["pickle"]
    write_shards(tmp_path / "both")
    (tmp_path / "pytorch_model.bin").rename(tmp_path / "both" / "pytorch_model.bin")
    with open_contents(str(tmp_path / "both")) as contents:
        assert len(contents.tensors) == 3
