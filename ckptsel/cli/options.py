"""The options that several commands share, each written once."""

# ruff: noqa: PLC0415 - what only some calls need is imported by those calls.
from __future__ import annotations

import functools
import inspect
import os
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ckptsel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ckptsel.selection import Query

OutputName = Literal["table", "json", "jsonl", "csv", "tsv", "paths", "paths0"]


def _several(*names: str, metavar: str, text: str) -> Any:
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


Locations = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="LOCATION...",
        help="Folders to look in, or checkpoint files.  [default: .]",
        show_default=False,
    ),
]
Monitor = Annotated[
    str | None,
    typer.Option(
        "--monitor",
        "-m",
        metavar="NAME",
        envvar="CKPTSEL_MONITOR",
        help="The metric to rank by, such as val_loss. Not needed where the names hold only one.",
    ),
]
Mode = Annotated[
    Literal["min", "max", "auto"],
    typer.Option(
        "--mode",
        envvar="CKPTSEL_MODE",
        help="Whether low or high is good; auto knows the usual metrics.",
    ),
]
Patterns = Annotated[
    list[str],
    _several(
        "--pattern",
        "-p",
        metavar="PATTERN",
        text="What the training code was given to name its files, such as"
        " 'weights.{epoch:02d}-{val_loss:.2f}.keras'. Without it, it is learned from the names.",
    ),
]
MaxDepth = Annotated[
    int | None,
    typer.Option(
        "--max-depth",
        metavar="N",
        min=1,
        envvar="CKPTSEL_MAX_DEPTH",
        help="How many folders deep to look; 1 is the locations' own files.",
    ),
]
Include = Annotated[
    list[str],
    _several("--include", metavar="GLOB", text="Only what matches."),
]
Exclude = Annotated[
    list[str],
    _several("--exclude", metavar="GLOB", text="Nothing that matches."),
]
FilesFrom = Annotated[
    str | None,
    typer.Option(
        "--files-from",
        metavar="FILE",
        help="Take the checkpoints listed in FILE, one a line, instead of looking; - is stdin.",
    ),
]
Files0From = Annotated[
    str | None,
    typer.Option(
        "--files0-from",
        metavar="FILE",
        help="The same for names that end with a NUL byte, as from find -print0.",
    ),
]
PerRun = Annotated[
    bool,
    typer.Option("--per-run", envvar="CKPTSEL_PER_RUN", help="The best of each training run."),
]
Tie = Annotated[
    Literal["later", "earlier", "error"],
    typer.Option(
        "--tie",
        envvar="CKPTSEL_TIE",
        help="Which of two checkpoints with the same value comes first, by epoch or step.",
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        envvar="CKPTSEL_STRICT",
        help="Make an error of what is otherwise only noted: ties, values that are no numbers, ….",
    ),
]
AllowZero = Annotated[
    bool,
    typer.Option(
        "--allow-zero",
        envvar="CKPTSEL_ALLOW_ZERO",
        help="Take a printed 0.0000 as a value. Lightning also prints it for a missing one.",
    ),
]
Top = Annotated[
    int | None,
    typer.Option("--top", metavar="N", min=1, show_default=False, help="The N best."),
]
Require = Annotated[
    list[str],
    _several(
        "--require",
        metavar="CONDITION",
        text="Exit with 4 unless it is met, such as 'val_loss<=0.3'.",
    ),
]
Template = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="TEMPLATE",
        help="Print a line each, such as '{path} {val_loss:.4f}'. Fields: path, name, run, epoch,"
        " step, kind, rank, size_bytes, modified, value, monitor, and each metric.",
    ),
]
Output = Annotated[
    OutputName | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FORMAT",
        envvar="CKPTSEL_OUTPUT",
        show_default=False,
        help="One of table, json, jsonl, csv, tsv, paths, paths0.",
    ),
]
Null = Annotated[
    bool,
    typer.Option("-0", help="End each path with a NUL byte: -o paths0. For xargs -0."),
]


def query(
    *,
    locations: Locations = None,
    monitor: Monitor = None,
    mode: Mode = "auto",
    patterns: Patterns,
    max_depth: MaxDepth = None,
    include: Include,
    exclude: Exclude,
    files_from: FilesFrom = None,
    files0_from: Files0From = None,
    per_run: PerRun = False,
    tie: Tie = "later",
    strict: Strict = False,
    allow_zero: AllowZero = False,
) -> Query:
    """What is asked for, from the options that say it."""
    from ckptsel import storage
    from ckptsel.selection import Query

    sources = [bool(locations), files_from is not None, files0_from is not None]
    if sum(sources) > 1:
        raise UsageError("give only one of LOCATION, --files-from and --files0-from")
    files = None
    if files_from is not None:
        files = storage.lines(files_from, separator=b"\n")
    elif files0_from is not None:
        files = storage.lines(files0_from, separator=b"\0")
    return Query(
        locations=tuple(locations or (".",)),
        files=files,
        patterns=tuple(patterns),
        monitor=monitor,
        mode=mode,
        max_depth=max_depth,
        include=tuple(include),
        exclude=tuple(exclude),
        tie=tie,
        per_run=per_run,
        strict=strict,
        allow_zero=allow_zero,
    )


def with_query(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command every option of `query`, and the Query as its first argument.

    Typer reads options from a function's signature. Without this, each command would
    repeat a dozen parameters, and forget one.
    """
    shared = inspect.signature(query, eval_str=True, locals={"Query": Any}).parameters
    signature = inspect.signature(command, eval_str=True, locals={"Query": Any})
    own = list(signature.parameters.values())[1:]

    @functools.wraps(command)
    def wrapper(**values: Any) -> None:
        asked = query(**{name: values.pop(name) for name in shared})
        command(asked, **values)

    parameters = [*own, *shared.values()]
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {each.name: each.annotation for each in parameters}
    return wrapper
