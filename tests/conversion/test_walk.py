"""The whole table: what is possible loads and predicts the same, all else is refused, and why."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ckptsel.conversion.sources import kind_of
from ckptsel.conversion.table import SOURCES, TABLE
from ckptsel.conversion.targets import TARGETS
from ckptsel.errors import ConversionError
from ckptsel.transfer.export import Options, export
from tests.conversion.conftest import run
from tests.formats.orbax import samples as orbax

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conversion.conftest import Samples


def test_the_table_is_whole() -> None:
    """Every pair has a row, and what is impossible says why."""
    assert set(TABLE) == {(source, target) for source in SOURCES for target in TARGETS}
    for row in TABLE.values():
        assert row.module or row.why, row


def jobs_of(samples: Samples, folder: Path) -> list[dict[str, Any]]:
    """Every sample with every target that it can become; where Keras works, one of each kind."""
    jobs = []
    seen: Counter[tuple[str, str]] = Counter()
    for entry in samples.entries:
        for number, target in enumerate(TARGETS.values()):
            module = TABLE[entry["kind"], target.name].module
            pair = (entry["kind"], target.name)
            seen[pair] += 1
            # Another model for every target, so that each is rebuilt and placed often enough.
            if module.startswith("rebuild.") and seen[pair] != 1 + number % 3:
                continue
            if module:
                suffix = target.suffixes[0] if target.suffixes else ""
                dest = str(folder / f"{entry['sample']}-to-{target.name.replace('.', '-')}{suffix}")
                jobs.append({**entry, "target": target.name, "dest": dest})
    return jobs


def options_for(job: dict[str, Any], samples: Samples) -> Options:
    """`--model` where it is needed."""
    if not TABLE[job["kind"], job["target"]].needs_model:
        return Options()
    # tf_keras keeps no learning rate, so that Keras 3 would skip the state.
    drops = job["sample"].startswith("k2-weights")
    return Options(model=str(samples.folder / f"{job['model']}.json"), drop_optimizer=drops)


@pytest.mark.usefixtures("one_worker")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_every_possible_pair(samples: Samples, tmp_path: Path) -> None:
    """Converted, loaded with the real framework, and asked to predict: the same as before."""
    jobs = jobs_of(samples, tmp_path)
    for job in jobs:
        options = options_for(job, samples)
        # Once it is put together, a model is a model: its comparison takes seconds.
        check = not (options.model and TABLE[job["kind"], job["target"]].extras)
        done = export(job["path"], job["dest"], options, chosen=job["target"], check=check)
        assert done.is_checked == check, job
    index = tmp_path / "jobs.json"
    index.write_text(json.dumps(jobs))
    run("walk_loader", str(samples.folder), str(index))
    failed = [path.read_text() for path in tmp_path.glob("*.failed")]
    assert not failed, "\n".join(failed)
    for job in jobs:
        pair = f"{job['sample']} to {job['target']}"
        before = np.load(samples.folder / f"{job['sample']}.npy")
        np.testing.assert_allclose(np.load(job["dest"] + ".npy"), before, rtol=1e-4, err_msg=pair)
    walked = {(job["kind"], job["target"]) for job in jobs}
    possible = {pair for pair, row in TABLE.items() if row.module and pair[0] != "orbax"}
    assert walked == possible


@pytest.mark.parametrize("source", [*SOURCES])
def test_every_impossible_pair(source: str, samples: Samples, tmp_path: Path) -> None:
    """It is refused with its reason, and with what can be had instead; nothing is written."""
    paths = [entry["path"] for entry in samples.entries if entry["kind"] == source]
    path = paths[0] if paths else f"{orbax.DATA}/orbax-ocdbt"
    assert kind_of(path) == source
    for target in TARGETS.values():
        row = TABLE[source, target.name]
        if not row.module:
            dest = str(tmp_path / ("x" + (target.suffixes[0] if target.suffixes else "")))
            with pytest.raises(ConversionError) as caught:
                export(path, dest, chosen=target.name)
            assert row.why in caught.value.message
            assert ("torch.save" if source == "torch-legacy" else "npz") in caught.value.hint
    assert not [*tmp_path.iterdir()]


def test_orbax(tmp_path: Path) -> None:
    """A real step of Orbax, whose writer is not installed here: the values are what was saved."""
    pytest.importorskip("tensorstore")
    for name in ("o.npz", "o.safetensors"):
        export(f"{orbax.DATA}/orbax-ocdbt", str(tmp_path / name))
    from safetensors.numpy import load_file  # noqa: PLC0415

    expected = orbax.expected()
    for found in (dict(np.load(tmp_path / "o.npz")), load_file(str(tmp_path / "o.safetensors"))):
        for path, values in expected.items():
            (key,) = [name for name in found if name.endswith(path)]
            np.testing.assert_array_equal(found[key].astype(values.dtype), values)


def test_the_optimizer_of_tf_keras(samples: Samples, tmp_path: Path) -> None:
    """Keras 3 would skip its state with a warning: it is refused, and not passed on as kept."""
    (entry,) = [e for e in samples.entries if e["sample"] == "k2-weights-sequential"]
    options = Options(model=str(samples.folder / f"{entry['model']}.json"))
    with pytest.raises(ConversionError, match="Keras would not load them") as caught:
        export(entry["path"], str(tmp_path / "m.keras"), options)
    assert "--drop-optimizer" in caught.value.hint
