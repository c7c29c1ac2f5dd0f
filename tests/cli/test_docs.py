"""The documentation of the command line says what the program does."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest
from typer.main import get_command

from ckptsel.cli.app import COMMANDS, app
from ckptsel.cli.options import OutputName
from ckptsel.cli.reports.ranking import RankingReport
from ckptsel.cli.reports.ranking_record import FIXED
from ckptsel.errors import ExitCode
from tests.cli.rankings import three

if TYPE_CHECKING:
    from types import ModuleType

DOCS = Path(__file__).parents[2] / "docs"
pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="only the source tree has docs")


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """The script that writes docs/cli.md."""
    spec = importlib.util.spec_from_file_location("generate_cli", DOCS / "generate_cli.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def section(page: str, heading: str) -> str:
    """The text below a heading."""
    return page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def test_up_to_date(generator: ModuleType) -> None:
    """docs/cli.md is what the program would write now."""
    assert generator.main(["--check"]) == 0


def test_a_stale_page_is_noticed(
    generator: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """--check fails on a page that is missing or differs, and passes once it is written."""
    monkeypatch.setattr(generator, "REFERENCE", tmp_path / "cli.md")
    assert generator.main(["--check"]) == 1
    assert "python docs/generate_cli.py" in capsys.readouterr().err
    assert generator.main([]) == 0
    assert generator.main(["--check"]) == 0
    with (tmp_path / "cli.md").open("a") as page:
        page.write("x")
    assert generator.main(["--check"]) == 1


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_documented(name: str) -> None:
    """Each command has a section that names each of its parameters, with help and an example."""
    group: Any = get_command(app)
    command = group.get_command(None, name)
    text = section((DOCS / "cli.md").read_text(encoding="utf-8"), f"ckptsel {name}")
    for parameter in command.params:
        assert parameter.help, parameter.name
        for option in parameter.opts if parameter.param_type_name == "option" else ():
            assert re.search(rf"(^|\s|,){re.escape(option)}\b", text), option
    assert f"    ckptsel {name} " in section_of_examples(text)


def section_of_examples(text: str) -> str:
    """What stands below "Examples:"."""
    return text.partition("\n  Examples:\n")[2]


def test_every_exit_code_is_documented() -> None:
    """Each exit code has a row."""
    text = section((DOCS / "cli.md").read_text(encoding="utf-8"), "Exit codes")
    codes = [int(code) for code in re.findall(r"^\| (\d+) \|", text, flags=re.MULTILINE)]
    assert codes == [code.value for code in ExitCode]


def test_every_key_is_documented() -> None:
    """The tables of docs/output.md name the keys of the JSON, all and in order."""
    ranking = three()
    document = RankingReport("best", ranking, ranking.rows).document()
    best = document["best"]
    assert isinstance(best, dict)
    text = (DOCS / "output.md").read_text(encoding="utf-8")
    keys = re.findall(r"^\| `(\w+)` \|", section(text, "JSON"), flags=re.MULTILINE)
    assert keys == ["schema", *document, *best]


def test_every_format_and_column_is_documented() -> None:
    """docs/output.md has each output format, and the columns in their order."""
    text = section((DOCS / "output.md").read_text(encoding="utf-8"), "Formats")
    assert re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE) == [*get_args(OutputName)]
    columns = re.search(r"columns of csv and tsv: ([^.]*)\.", text)
    assert columns is not None
    assert re.findall(r"`(\w+)`", columns[1]) == [*FIXED]
