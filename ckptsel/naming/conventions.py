"""The frameworks' habits, as data: suffixes, markers of unfinished writes, and traps in names."""

from __future__ import annotations

import re
from typing import NamedTuple

SUFFIXES: dict[str, str] = {
    ".weights.h5": "weights.h5",
    ".weights.json": "sharded weights",
    ".keras": "keras",
    ".h5": "h5",
    ".hdf5": "h5",
    ".hd5": "h5",
    ".hdf": "h5",
    ".ckpt": "ckpt",
    ".pth.tar": "pth",
    ".pth": "pth",
    ".pt": "pt",
    ".safetensors": "safetensors",
    ".tf": "savedmodel",
}
"""Suffix → kind of a checkpoint that counts whatever its name says. The longest one wins."""

GENERAL_SUFFIXES: dict[str, str] = {
    ".bin": "bin",
    ".npz": "npz",
    ".pkl": "pkl",
    ".msgpack": "msgpack",
    ".zip": "zip",
}
"""Suffixes that other files share: a checkpoint only where the name carries a value."""

UNFINISHED = re.compile(r"\.tmp$|\.orbax-checkpoint-tmp|-unfinished$|^\.ckptsel-")
"""Names of writes that were never completed; source: Orbax's TMP_DIR_SUFFIX, NeMo's marker."""


class Trap(NamedTuple):
    """A habit that makes a name say something else than it seems to.

    Attributes:
        code: the finding's code.
        says: what is said when it applies.
        source: where the habit is written down.
    """

    code: str
    says: str
    source: str


# fairseq's `checkpoint.best_{metric}_{value:.3f}{random digits}.pt`.
FAIRSEQ_NAME = re.compile(r"(checkpoint\.best_.+_)-?\d+\.\d{3}\d+\.pt$")
FAIRSEQ_TAIL = r"(?<=\.\d{3})\d+\.pt"
FAIRSEQ_DIGITS = Trap(
    "fairseq-random-digits",
    "fairseq appends random digits to the value; three decimals were read",
    "fairseq/checkpoint_utils.py: rand_sfx in save_checkpoint",
)

LIGHTNING_ZERO = Trap(
    "lightning-zero",
    "Lightning writes 0 for a metric that was not logged; a printed zero does not compete"
    " (--allow-zero lets it)",
    "lightning ModelCheckpoint._format_checkpoint_name: metrics.setdefault(name, 0)",
)

# The counter of Lightning, and of BestCheckpoint, for a name that exists; source:
# ModelCheckpoint.STARTING_VERSION.
LIGHTNING_VERSION = re.compile(r"-v(\d+)(?:\.ckpt|\.keras|\.weights\.h5)$")

# ignite's `{prefix}_{name}_{step}_{score_name}={score:.4f}.pt`: one `=`, four decimals.
IGNITE_NAME = re.compile(r"^[^=]*_[^=]*=-\d+\.\d{4}\.pt$")
IGNITE_SIGN = Trap(
    "ignite-inverted-sign",
    "these look like pytorch-ignite's scores, of which the highest is best: a loss stands"
    " negated. With a --pattern they are taken as they are printed",
    "ignite/handlers/checkpoint.py: score_function, 'objects with highest scores will be retained'",
)
