"""Step folders of Orbax: what is in those below `data/`, and how they were written.

They were written by orbax-checkpoint 0.12.8 and JAX 0.10.2 on CPython 3.11:

    python -m tests.formats.orbax.samples tests/formats/orbax/data
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from typing import Any

import numpy as np

DATA = os.path.join(os.path.dirname(__file__), "data")
LAYOUTS = ("orbax-ocdbt", "orbax-zarr", "orbax-zarr3")


def kernel() -> Any:
    """The largest array: noise, so that no file of metadata is larger."""
    return np.random.default_rng(0).random((40, 30)).astype("f4")


def state(bfloat16: Any = np.float32) -> dict[str, Any]:
    """What is saved: nested, with a list, a scalar, a type that numpy lacks, and empty parts."""
    return {
        "params": {"dense": {"kernel": kernel(), "bias": np.array([1.5, -2, 3], bfloat16)}},
        "opt_state": [{"mu": np.arange(3, dtype="f4")}, {"count": np.array(7, "i4")}],
        "step": 7,
        "empty": {},
        "none": None,
    }


def expected(prefix: str = "") -> dict[str, Any]:
    """Path → values, as `Contents.read` has to give them."""
    saved = state()
    return {
        f"{prefix}opt_state/0/mu": saved["opt_state"][0]["mu"],
        f"{prefix}opt_state/1/count": saved["opt_state"][1]["count"],
        f"{prefix}params/dense/bias": saved["params"]["dense"]["bias"],
        f"{prefix}params/dense/kernel": saved["params"]["dense"]["kernel"],
        f"{prefix}step": np.array(7, "i8"),
    }


def write(layout: str, folder: str) -> str:
    """Have Orbax write a step folder of one layout; where it is."""
    import jax.numpy as jnp  # noqa: PLC0415
    import orbax.checkpoint as ocp  # noqa: PLC0415

    saved = state()
    saved["params"]["dense"]["bias"] = jnp.array([1.5, -2, 3], jnp.bfloat16)
    if layout == "orbax-ocdbt":
        with ocp.CheckpointManager(folder) as manager:
            items = ocp.args.Composite(
                state=ocp.args.StandardSave(saved), metrics=ocp.args.JsonSave({"val_loss": 0.5})
            )
            manager.save(3, args=items, custom_metadata={"run": "first"})
        return os.path.join(folder, "3")
    handler = ocp.PyTreeCheckpointHandler(use_ocdbt=False, use_zarr3=layout == "orbax-zarr3")
    target = os.path.join(folder, "step")
    with ocp.Checkpointer(handler) as checkpointer:
        checkpointer.save(target, {**saved, "name": "a text"})
    return target


def leaf(*keys: object, value_type: object = "np.ndarray") -> dict[str, Any]:
    """An entry of the tree."""
    return {
        "key_metadata": [{"key": key, "key_type": 2} for key in keys],
        "value_metadata": {"value_type": value_type, "skip_deserialize": False},
    }


if __name__ == "__main__":
    for name in LAYOUTS:
        with tempfile.TemporaryDirectory() as temporary:
            written = write(name, temporary)
            shutil.copytree(written, os.path.join(sys.argv[1], name))
