"""One table says how grave each finding inside a file is, and it is complete."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import ckptsel
from ckptsel.checkpoint import Finding
from ckptsel.formats.keras import config as keras_config
from ckptsel.verification.severity import SEVERITIES, gravest, severity_of

ROOT = Path(ckptsel.__file__).parent
MODULES = sorted(
    path for room in ("verification", "formats") for path in (ROOT / room).rglob("*.py")
)
DOCS = ROOT.parent / "docs" / "errors.md"
# Findings whose code is no literal, and where it comes from; what is not here is new.
INDIRECT = {
    ("formats/hdf5/file.py", "met"),  # "external-link", of walk
    ("formats/hdf5/file.py", "stored.code"),  # `code` of dataset.Stored
    ("formats/hdf5/file.py", "error.code"),  # of an UnreadValuesError
    ("formats/huggingface.py", "error.code"),  # of a CkptselError
    ("formats/keras/config.py", "code"),  # keys of _MESSAGES
    ("verification/finite.py", "what"),
    ("verification/verify.py", "error.code"),
}
# Codes of errors that verify turns into findings.
ERRORS = {"damaged", "location-not-found", "unknown-format"}


def codes() -> tuple[set[str], set[tuple[str, str]]]:
    """The codes that Findings are made with in the sources; and those that are no literals."""
    found, indirect = {"external-link", *keras_config._MESSAGES, *ERRORS}, set()
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if isinstance(node, ast.Call) and name == "Finding":
                code = node.args[0]
                if isinstance(code, ast.Constant):
                    found.add(str(code.value))
                else:
                    indirect.add((module.relative_to(ROOT).as_posix(), ast.unparse(code)))
            # dataset: `_but(stored, problem, code)` and `Stored(…, code=…)`.
            if isinstance(node, ast.Call) and name == "_but" and len(node.args) > 2:
                found.add(str(ast.literal_eval(node.args[2])))
            if isinstance(node, ast.keyword) and node.arg == "code":
                texts = (each for each in ast.walk(node.value) if isinstance(each, ast.Constant))
                found |= {str(each.value) for each in texts}
    return found, indirect


def constants() -> set[str]:
    """Every string in those sources."""
    trees = [ast.parse(module.read_text("utf-8")) for module in MODULES]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    return {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def test_every_code_has_a_severity() -> None:
    """What a format or verify can find stands in the table."""
    found, indirect = codes()
    assert found <= {*SEVERITIES}, found - {*SEVERITIES}
    assert indirect <= INDIRECT, "say where these codes come from"


def test_no_code_in_the_table_is_stale() -> None:
    """What stands in the table can still be found."""
    assert {*SEVERITIES} <= constants() | ERRORS, {*SEVERITIES} - constants() - ERRORS


@pytest.mark.skipif(not DOCS.is_file(), reason="only the source tree has docs")
@pytest.mark.parametrize("code", SEVERITIES)
def test_every_code_is_explained_with_its_severity(code: str) -> None:
    """docs/errors.md has an anchor for it, and says how grave it is."""
    text = DOCS.read_text("utf-8").partition(f"\n### {code}\n")[2].partition("\n#")[0]
    assert re.findall(r"\b(Damage|Danger|Note)\.", text) == [SEVERITIES[code].capitalize()]


def test_what_nobody_has_judged_is_not_sound() -> None:
    """A code without a place is taken for damage, rather than passed over."""
    assert severity_of("new-and-unknown") == "damage"


def test_the_gravest_come_first_and_each_once() -> None:
    """The order within a severity stays."""
    note, danger = Finding("pickle", "p"), Finding("lambda-layer", "l")
    crc, lost = Finding("zip-crc", "z"), Finding("no-weights", "n")
    assert gravest([note, crc, danger, lost, crc]) == (crc, lost, danger, note)
