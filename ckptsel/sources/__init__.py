"""Exact values from the logs beside the checkpoints, one file a kind of log.

A new kind is a module here with a KIND, and a line in the tuple below.
"""

from __future__ import annotations

import os
import re
from fnmatch import translate
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckptsel.sources.log import LogKind

# The module of a kind, and the globs by which its files are known: names, or paths if there is a
# slash in them. The first one that
# recognises a file's content reads it, and where two logs tell the same value, the kind that
# stands first counts. The modules are loaded only where such a file is met.
_KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ckptsel_jsonl", ("ckptsel.jsonl",)),
    ("hf_state", ("trainer_state.json",)),
    ("best_k_models", ("best_k_models.yaml",)),
    ("orbax_metrics", ("*/metrics/metrics",)),
    ("speechbrain_yaml", ("CKPT.yaml",)),
    ("lightning_csv", ("metrics.csv",)),
    ("timm_csv", ("summary.csv",)),
    ("ultralytics_csv", ("results*.csv",)),
    # Keras's own example has `training.log`. What is read as no log, as the lines of a program, is
    # only named where a value is not found.
    ("keras_csv", ("*.csv", "*.tsv", "*.log", "*log*.txt", "*.jsonl")),
    ("history_csv", ("*history*.csv",)),
    ("history_json", ("*history*.json",)),
    ("skorch_history", ("*history*.json",)),
    ("mmengine_json", ("scalars.json",)),
    ("detectron2_json", ("metrics.json",)),
    ("mlflow_files", ("*/metrics/*",)),
    (
        "keras_tensorboard",
        ("*/train/events.out.tfevents.*.v2", "*/validation/events.out.tfevents.*.v2"),
    ),
    ("lightning_tensorboard", ("events.out.tfevents.*",)),
    ("tensorboard_events", ("events.out.tfevents.*",)),
)

# A folder that is a checkpoint → the log in it, which is about this one checkpoint or about those
# up to it.
INSIDE = {
    "huggingface": "trainer_state.json",
    "orbax": "metrics/metrics",
    "speechbrain": "CKPT.yaml",
}


HEAD_BYTES = 4096
"""By so many of its first bytes nearly every log's kind is known."""


@cache
def _names() -> re.Pattern[str]:
    return re.compile(
        "|".join(translate(glob) for _, globs in _KINDS for glob in globs if "/" not in glob)
    )


@cache
def _globs() -> list[tuple[str, re.Pattern[str] | None, re.Pattern[str] | None]]:
    """For each kind its module, and what its files' names and paths match."""
    return [
        (module, _any(g for g in globs if "/" not in g), _any(g for g in globs if "/" in g))
        for module, globs in _KINDS
    ]


def _any(globs: Iterable[str]) -> re.Pattern[str] | None:
    found = "|".join(map(translate, globs))
    return re.compile(found) if found else None


def is_log_name(name: str) -> bool:
    """Whether a file of that name may be a log."""
    return _names().match(name) is not None


def is_folder_of_logs(path: str) -> bool:
    """Whether the files in a folder may be logs, whatever their names: `metrics`, of MLflow."""
    return "metrics" in path.split(os.sep)[-3:]


def kind_of(path: str, name: str) -> tuple[int, LogKind] | None:
    """The kind of a log, with its place among the kinds; None if it is of none, or no file.

    Args:
        path: where it is.
        name: its name, or its path from a folder above it.

    Raises:
        OSError: if it cannot be read.
    """
    if not os.path.isfile(path):
        return None  # a link to a pipe, which nobody may ever write to
    whole = "/" + path.replace(os.sep, "/")
    name = name.rpartition("/")[2]
    head = b""
    with open(path, "rb") as file:
        for place, (module, of_name, of_path) in enumerate(_globs()):
            if (of_name and of_name.match(name)) or (of_path and of_path.match(whole)):
                kind: LogKind = import_module(f"ckptsel.sources.{module}").KIND
                if len(head) < kind.head_bytes:
                    head += file.read(kind.head_bytes - len(head))
                if kind.recognise(head):
                    return place, kind
    return None
