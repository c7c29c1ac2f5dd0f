"""Imports run downwards only, and heavy things are imported where they are used.

All import statements count: those inside functions, and those that only types need.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ckptsel

ROOT = Path(ckptsel.__file__).parent
# From top to bottom: a module may import what stands below it. A folder is one room.
ROOMS = (
    "__main__",
    "cli",
    "__init__",
    "api",
    "keras",
    "runs",
    "which",
    "transfer",
    "conversion",
    "verification",
    "comparison",
    "inspection",
    "selection",
    "ranking",
    "history",
    "search",
    "sources",
    "formats",
    "naming",
    "training_log",
    "strict_json",
    "storage",
    "record",
    "checkpoint",
    "errors",
)
# The modules or rooms in which packages from elsewhere may be imported.
WORKER = {
    f"conversion.rebuild.{name}"
    for name in ("lite", "onnx_graph", "prefix", "savedmodel", "subject", "whole")
}
FROM_ELSEWHERE = {
    "typer": {"cli"},
    "rich": {"cli.output"},
    "h5py": {"formats", "conversion"},
    "keras": {"keras", *WORKER},
    "numpy": {"formats", "conversion", "comparison", "inspection", "verification", "keras"},
    "tensorflow": WORKER,
    "tf2onnx": {"conversion.rebuild.onnx_graph"},
    "onnxruntime": {"conversion.rebuild.onnx_graph"},
    "google_crc32c": {"formats"},
    "torch": {"formats"},
    "tensorstore": {"formats"},
    "typing_extensions": {"formats"},
    "google": {"sources.tensorboard_events"},  # protobuf, which tensorboard brings
    "pyarrow": {"sources.parquet_table"},
    "tensorboard": {"sources.tensorboard_events"},
    "yaml": {"sources.reading.yaml_text"},
}

MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in sorted(ROOT.rglob("*.py"))
}


def room(module: str) -> int:
    """The index of a module's room; the package itself is `__init__`."""
    return ROOMS.index(module.partition(".")[0] or "__init__")


def imports(source: str) -> set[str]:
    """The full names of the modules that a source imports, and of what it takes from them."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            # `from ckptsel import storage` takes a module.
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def inside(source: str) -> set[str]:
    """The modules of ckptsel that a source imports, without the package's name."""
    names = {name[len("ckptsel.") :] for name in imports(source) if name.startswith("ckptsel.")}
    # The version is a constant of the package, which is loaded before any of its modules.
    names.discard("__version__")
    found = set()
    for name in names:
        whole, above = name, name.rpartition(".")[0]
        # `errors.CkptselError` is a class of `errors`; `best` a function of the package.
        found.add(whole if whole in MODULES else above)
    return found


def test_every_module_has_a_room() -> None:
    """A new module gets its place in the list, or a folder that has one."""
    assert {module.partition(".")[0] for module in MODULES} <= {*ROOMS}
    assert len({*ROOMS}) == len(ROOMS)


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_downwards(module: str) -> None:
    """A module imports from rooms below its own, or from its own folder."""
    for imported in inside(MODULES[module].read_text("utf-8")):
        assert room(imported) >= room(module), f"{module} imports {imported or 'ckptsel'}"


def test_the_rooms_of_naming_know_no_files() -> None:
    """Names are strings: nothing in naming can reach a disk."""
    for module, path in MODULES.items():
        if module.startswith("naming."):
            assert not {"storage", "scan", "grouping"} & inside(path.read_text("utf-8")), module


@pytest.mark.parametrize("module", MODULES)
def test_packages_from_elsewhere(module: str) -> None:
    """Typer stays in the command line, Rich in one module; nothing else comes from elsewhere."""
    for name in imports(MODULES[module].read_text("utf-8")):
        package = name.partition(".")[0]
        if package != "ckptsel" and package not in sys.stdlib_module_names:
            allowed = FROM_ELSEWHERE.get(package, set())
            assert {module, module.partition(".")[0]} & allowed, f"{module} imports {package}"


def test_the_checks_see_imports() -> None:
    """Imports within functions and for types are seen, under all spellings."""
    source = (
        "from typing import TYPE_CHECKING\n"
        "import ckptsel.search.scan\n"
        "from ckptsel import storage, __version__, best\n"
        "if TYPE_CHECKING:\n    from ckptsel.naming.read import Table\n"
        "def f():\n    import rich.text\n    from ckptsel.cli.app import app\n"
    )
    assert inside(source) == {"search.scan", "storage", "", "naming.read", "cli.app"}
    assert "rich.text" in imports(source)
    assert room("cli.app") < room("") < room("naming.read") < room("storage")


def loaded(code: str) -> set[str]:
    """The modules that a fresh Python has loaded after this code."""
    code += "\nimport sys; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return {*result.stdout.split()}


def test_importing_costs_nothing() -> None:
    """`import ckptsel` loads no other module of it, and nothing of what it needs."""
    found = {name for name in loaded("import ckptsel") if name.startswith("ckptsel")}
    assert found == {"ckptsel"}


def test_the_api_is_light(tmp_path: Path) -> None:
    """A search from Python needs neither the command line nor what opens checkpoints."""
    for name in ("w-val_loss=0.5.keras", "w-val_loss=0.4.h5"):
        (tmp_path / name).touch()
    found = loaded(f"import ckptsel; ckptsel.best({str(tmp_path)!r})")
    packages = {name.partition(".")[0] for name in found}
    assert not packages & {"typer", "rich", "numpy", "h5py", "tensorflow", "keras", "pydantic"}
    assert "ckptsel.selection" in found
    assert not any(name.startswith("ckptsel.cli") for name in found)
