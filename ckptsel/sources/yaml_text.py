"""YAML in logs: scalars as the texts that stand there, from files that strangers wrote."""

from __future__ import annotations

import os

from ckptsel.checkpoint import Finding
from ckptsel.sources.lines import encoding_of

# Such a file holds a line or two a checkpoint. PyYAML reads about 1 MB in a second.
MAX_BYTES = 2**20


def mapping(path: str, findings: list[Finding]) -> dict[str, str]:
    """The texts in a mapping; what is nested in it is left out.

    Returns:
        Key → text; nothing, with a finding, if it is no mapping or cannot be read.

    Raises:
        OSError: if the file cannot be read.
    """
    said = ""
    found: object = None
    if (size := os.stat(path).st_size) > MAX_BYTES:
        said = f"too large to be such a log: {size} bytes"
    else:
        try:
            import yaml  # noqa: PLC0415 - only where such a file is met
        except ImportError:
            said = "cannot be read without PyYAML: pip install 'ckptsel[yaml]'"
            findings.append(Finding("log-needs-extra", said, path, strict=True))
            return {}
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES)
        try:
            text = data.decode(encoding_of(data))
            # Makes texts, lists and mappings and nothing else, whatever a tag asks for.
            found = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
            said = f"is no YAML: {str(error).splitlines()[0] if str(error) else error!r}"
        else:
            said = "" if isinstance(found, dict) else "holds no mapping"
    if said:
        findings.append(Finding("log-malformed", said, path, strict=True))
    if not isinstance(found, dict):
        return {}
    return {k: v for k, v in found.items() if isinstance(k, str) and isinstance(v, str)}
