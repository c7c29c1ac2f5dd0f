"""The Typer app: its commands, and what an error becomes."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup
from typer.main import get_command

from ckptsel import __version__
from ckptsel.cli import output
from ckptsel.errors import CkptselError

# Each is a module here with a function `run` and its EXAMPLES.
COMMANDS = (
    "list",
    "runs",
    "best",
    "which",
    "copy",
    "export",
    "average",
    "verify",
    "parse",
    "inspect",
    "diff",
)
# Click's own formatter and tracebacks: Rich's take longer to import than a command takes.
_PLAIN: dict[str, Any] = {"rich_markup_mode": None, "pretty_exceptions_enable": False}


class Commands(TyperGroup):
    """The commands, each imported only when it is needed: a call needs one."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # The names are enough for the order of the help and for "Did you mean".
        self.commands = cast("dict[str, Any]", dict.fromkeys(COMMANDS))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """The command of that name; None if there is none."""
        if cmd_name not in self.commands:
            return None
        module = import_module(f"ckptsel.cli.{cmd_name}")
        app = typer.Typer(add_completion=False, **_PLAIN)
        examples = "\n".join(f"  {line}" for line in module.EXAMPLES)
        # \b keeps Click from joining the lines of a paragraph.
        app.command(cmd_name, epilog=f"\b\nExamples:\n{examples}")(module.run)
        return get_command(app)

    def invoke(self, ctx: Any) -> Any:
        """Run a command; the one place where an error becomes an exit code."""
        try:
            return super().invoke(ctx)
        except CkptselError as error:
            output.error(error)
            raise typer.Exit(error.exit_code) from None
        except BrokenPipeError:
            # The reader has all that it wanted (`ckptsel list | head`), so this is no
            # failure; one of the reader's own is seen in its own exit code.
            output.abandon(sys.stdout)
            raise typer.Exit from None


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"ckptsel {__version__}")
        raise typer.Exit


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    **_PLAIN,
)


@app.callback()
def root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Find the best checkpoint in a folder, by the metric in the file names."""
