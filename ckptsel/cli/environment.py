"""Options that come from the environment: what is typed beats them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable


def several(*names: str, metavar: str, text: str) -> Any:
    """An option that can be given several times.

    Its environment variable holds one value a line. Typer's own `envvar` would split at
    every space, and file names hold spaces.
    """
    variable = "CKPTSEL_" + names[0].removeprefix("--").upper().replace("-", "_")
    return typer.Option(
        *names,
        metavar=metavar,
        help=f"{text} Can be repeated.  [env var: {variable}, one a line]",
        default_factory=lambda: os.environ.get(variable, "").splitlines(),
        show_default=False,
    )


def beaten_by(*others: str) -> Callable[..., Any]:
    """Drop a value that comes from the environment where one of these options is typed.

    What is typed is what is meant, and a contradiction only between what is typed.
    """

    def callback(ctx: typer.Context, param: typer.CallbackParam, value: Any) -> Any:
        is_typed = _source(ctx, param.name) != "ENVIRONMENT"
        # What is typed has been read before: the environment comes last.
        if is_typed or not any(
            _source(ctx, other) == "COMMANDLINE" and ctx.params.get(other) for other in others
        ):
            return value
        return None

    return callback


def mode_of_monitor(ctx: typer.Context, value: str) -> str:
    """The mode, if the monitor's own is not typed while this comes from the environment."""
    from ckptsel.search.query import parse_monitor  # noqa: PLC0415 - `--help` needs none of it

    is_typed = _source(ctx, "mode") != "ENVIRONMENT"
    # What is typed has been read before: the environment comes last.
    is_said = _source(ctx, "monitors") == "COMMANDLINE" and ctx.params.get("monitors")
    if is_typed or not is_said or parse_monitor(ctx.params["monitors"][0])[1] == "auto":
        return value
    return "auto"


def _source(ctx: typer.Context, name: str | None) -> str:
    source = ctx.get_parameter_source(name or "")
    return source.name if source else ""
