"""YAML in logs: scalars as the texts that stand there, from files that strangers wrote."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from ckptsel.checkpoint import Finding
from ckptsel.sources.reading.json_text import same_keys
from ckptsel.sources.reading.lines import encoding_of

if TYPE_CHECKING:
    from collections.abc import Iterable

# Such a file holds a line or two a checkpoint. PyYAML reads about 1 MB in a second.
MAX_BYTES = 2**20


class Scalar(NamedTuple):
    """What stands behind a key.

    Attributes:
        text: as it stands there.
        line: the key's, counted from 1.
    """

    text: str
    line: int


def mapping(path: str, findings: list[Finding], max_bytes: int = MAX_BYTES) -> dict[str, Scalar]:
    """The texts in a mapping; what is nested in it is left out, and what has one key twice.

    Args:
        path: the file.
        findings: takes what is wrong with it.
        max_bytes: a larger file is none of that kind.

    Returns:
        Key → text; nothing, with a finding, if it is no mapping or cannot be read.

    Raises:
        OSError: if the file cannot be read.
    """
    said = ""
    found: dict[str, Scalar] = {}
    if (size := os.stat(path).st_size) > max_bytes:
        said = f"too large to be such a log: {size} bytes"
    else:
        try:
            import yaml  # noqa: PLC0415 - only where such a file is met
        except ImportError:
            said = "cannot be read without PyYAML: pip install 'ckptsel[yaml]'"
            findings.append(Finding("log-needs-extra", said, path, strict=True))
            return {}
        with open(path, "rb") as file:
            data = file.read(max_bytes)
        try:
            # Nothing is built of what stands there: no tag is asked, no alias multiplied.
            text = data.decode(encoding_of(data))
            node = yaml.compose(text, Loader=yaml.BaseLoader)
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
            said = f"is no YAML: {str(error).splitlines()[0] if str(error) else error!r}"
        else:
            if not text.endswith("\n"):
                # What is cut off is YAML all the same: `0.53` of `0.53125`.
                said = "the last line has no end: it was cut, and nothing was taken"
            elif isinstance(node, yaml.MappingNode):
                found, said = _scalars(node.value)
            else:
                said = "holds no mapping"
    if said:
        findings.append(Finding("log-malformed", said, path, strict=True))
    return found


def _scalars(pairs: Iterable[tuple[Any, Any]]) -> tuple[dict[str, Scalar], str]:
    """The pairs of texts, but for keys that stand twice; and what is to be said of these."""
    found: dict[str, Scalar] = {}
    seen: set[str] = set()
    twice: dict[str, None] = {}
    for key, value in pairs:
        if not isinstance(key.value, str):
            continue
        if key.value in seen:
            twice[key.value] = None
        elif isinstance(value.value, str):
            found[key.value] = Scalar(value.value, key.start_mark.line + 1)
        seen.add(key.value)
    for key in twice:
        found.pop(key, None)
    return found, same_keys([*twice]) if twice else ""
