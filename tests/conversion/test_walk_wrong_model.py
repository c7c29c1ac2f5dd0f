"""The whole table with a `--model` that is not the weights' own: every pair refuses it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ckptsel.conversion.table import SOURCES, TABLE
from ckptsel.conversion.targets import TARGETS
from ckptsel.errors import ConversionError, StrictError
from ckptsel.transfer.export import Options, export

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conversion.conftest import Samples

BY_PATH = {"keras", "weights.h5", "sharded weights"}


def asked(samples: Samples) -> list[tuple[dict[str, Any], str]]:
    """Every sample with every target for which `--model` counts."""
    return [
        (entry, target)
        for entry in samples.entries
        for target in TARGETS
        if TABLE[entry["kind"], target].looks_at_model
    ]


def dest_of(folder: Path, target: str) -> str:
    """A path with the target's suffix."""
    suffixes = TARGETS[target].suffixes
    return str(folder / ("x" + (suffixes[0] if suffixes else "")))


def test_a_model_of_other_layers(samples: Samples, tmp_path: Path) -> None:
    """Before Keras is started, and with nothing written."""
    walked = set()
    for entry, target in asked(samples):
        other = "sequential" if entry["model"] == "branches" else "branches"
        options = Options(model=str(samples.folder / f"{other}.json"), drop_optimizer=True)
        for dry_run in (True, False):
            with pytest.raises(ConversionError) as caught:
                export(
                    entry["path"], dest_of(tmp_path, target), options,
                    chosen=target, dry_run=dry_run,
                )  # fmt: skip
            assert entry["path"] in caught.value.message, (entry["sample"], target)
        walked.add((entry["kind"], target))
    assert walked == {pair for pair, row in TABLE.items() if row.looks_at_model}
    assert {source for source, _ in walked} < {*SOURCES}
    assert not [*tmp_path.iterdir()]


def swapped(samples: Samples, folder: Path, model: str) -> str:
    """The config of a model in a model, whose two layers of one shape have each other's names."""
    config = json.loads((samples.folder / f"{model}.json").read_text())
    (body,) = [each for each in config["config"]["layers"] if each["config"]["name"] == "body"]
    names = {"before": "after", "after": "before"}
    for layer in body["config"]["layers"]:
        layer["config"]["name"] = names.get(layer["config"]["name"], layer["config"]["name"])
    path = folder / f"swapped-{model}.json"
    path.write_text(json.dumps(config))
    return str(path)


def test_a_model_with_two_layers_swapped(
    samples: Samples, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Class, counter and shapes agree: where paths place the weights only the names tell."""
    configs = tmp_path_factory.mktemp("configs")
    walked = set()
    for entry, target in asked(samples):
        if entry["model"] not in {"nested", "frozen"} or entry["kind"] not in BY_PATH:
            continue
        model = swapped(samples, configs, entry["model"])
        options = Options(model=model, drop_optimizer=True)
        # tf_keras writes no names into these: then it cannot be told, and is no silent guess.
        error = StrictError if entry["writer"] == "k2" else ConversionError
        with pytest.raises(error):
            export(
                entry["path"], dest_of(tmp_path, target), options,
                chosen=target, dry_run=True, strict=True,
            )  # fmt: skip
        walked.add((entry["kind"], target))
    assert walked == {
        pair for pair, row in TABLE.items() if row.looks_at_model and pair[0] in BY_PATH
    }
    assert not [*tmp_path.iterdir()]


def test_a_model_that_no_pair_asks_for(samples: Samples, tmp_path: Path) -> None:
    """Where `--model` places nothing, that is said, or refused: an error under `--strict`."""
    options = Options(model=str(samples.folder / "nested.json"))
    walked = set()
    for entry in samples.entries:
        for target in TARGETS:
            row = TABLE[entry["kind"], target]
            if row.module and not row.looks_at_model and (entry["kind"], target) not in walked:
                with pytest.raises((ConversionError, StrictError), match=r"--model|its own model"):
                    export(
                        entry["path"], dest_of(tmp_path, target), options,
                        chosen=target, dry_run=True, strict=True,
                    )  # fmt: skip
                walked.add((entry["kind"], target))
    possible = {pair for pair, row in TABLE.items() if row.module and not row.looks_at_model}
    assert walked == {pair for pair in possible if pair[0] != "orbax"}
    assert not [*tmp_path.iterdir()]
