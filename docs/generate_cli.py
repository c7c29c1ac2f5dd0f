"""Write docs/cli.md, the command reference, from the program's own help.

python docs/generate_cli.py           write it
python docs/generate_cli.py --check   exit with 1 if it is not up to date
"""

from __future__ import annotations

import sys
from pathlib import Path

from typer.testing import CliRunner

from ckptsel.cli.app import COMMANDS, app
from ckptsel.errors import ExitCode

REFERENCE = Path(__file__).with_name("cli.md")
EXIT_CODES = {
    ExitCode.OK: "done; a reader that closes its pipe early is no failure",
    ExitCode.ERROR: "an error: the location is missing, the disk is full, `--strict` objects",
    ExitCode.USAGE: "wrong usage: an unknown option, a malformed pattern, an unclear monitor",
    ExitCode.NOTHING_FOUND: "nothing found to select",
    ExitCode.CONDITION_NOT_MET: "a `--require` condition was not met",
    ExitCode.DAMAGE: "damage found",
    ExitCode.INTERRUPTED: "interrupted",
    ExitCode.TERMINATED: "terminated by SIGTERM; what was half copied is cleared away",
}


def reference() -> str:
    """The whole page."""
    parts = [
        "# Command reference",
        "<!-- Written by docs/generate_cli.py. Edit the help in ckptsel/cli instead. -->",
        "What is printed, and its JSON, is described in [output.md](output.md).",
        "## ckptsel",
        _help(),
    ]
    for command in COMMANDS:
        parts += [f"## ckptsel {command}", _help(command)]
    parts += ["## Exit codes", "| code | meaning |\n|---|---|\n" + _exit_codes()]
    return "\n\n".join(parts) + "\n"


def _help(*command: str) -> str:
    # The width is set, so that the page does not depend on whose terminal writes it.
    result = CliRunner().invoke(
        app, [*command, "--help"], prog_name="ckptsel", env={"COLUMNS": "80"}
    )
    return f"```text\n{result.stdout.strip()}\n```"


def _exit_codes() -> str:
    return "\n".join(f"| {code.value} | {EXIT_CODES[code]} |" for code in ExitCode)


def main(argv: list[str]) -> int:
    """Write or check the page.

    Args:
        argv: the arguments.

    Returns:
        The exit code.
    """
    page = reference()
    if "--check" not in argv:
        REFERENCE.write_text(page, encoding="utf-8")
        return 0
    if REFERENCE.exists() and REFERENCE.read_text(encoding="utf-8") == page:
        return 0
    print(f"{REFERENCE.name} is not up to date: python docs/generate_cli.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
