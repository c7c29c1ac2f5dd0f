"""The options of every command that looks for checkpoints, and the Query that they make."""

# ruff: noqa: PLC0415 - what only some calls need is imported by those calls.
from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

from ckptsel.cli import options  # noqa: TC001 - the signature is read when a command is made
from ckptsel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from ckptsel.search.query import Query

_OF_RANKING = frozenset(
    {
        "monitors", "mode", "smooth", "pareto", "per_run", "tie", "allow_zero", "no_logs",
        "logs_only", "metrics", "key",
    }
)  # fmt: skip


def query(
    *,
    locations: options.Locations = None,
    monitors: options.Monitors,
    mode: options.Mode = "auto",
    patterns: options.Patterns,
    max_depth: options.MaxDepth = None,
    include: options.Include,
    exclude: options.Exclude,
    files_from: options.FilesFrom = None,
    files0_from: options.Files0From = None,
    per_run: options.PerRun = False,
    smooth: options.Smooth = None,
    pareto: options.Pareto = False,
    tie: options.Tie = None,
    strict: options.Strict = False,
    allow_zero: options.AllowZero = False,
    no_logs: options.NoLogs = False,
    logs_only: options.LogsOnly = False,
    metrics: options.Metrics,
    key: options.Key = None,
) -> Query:
    """What is asked for, from the options that say it."""
    from ckptsel import storage
    from ckptsel.search.query import Query, parse_monitor

    sources = [bool(locations), files_from is not None, files0_from is not None]
    if sum(sources) > 1:
        raise UsageError("give only one of LOCATION, --files-from and --files0-from")
    if no_logs and logs_only:
        raise UsageError("--no-logs and --logs-only contradict each other")
    files = None
    if files_from is not None:
        files = storage.lines(files_from, separator=b"\n")
    elif files0_from is not None:
        files = storage.lines(files0_from, separator=b"\0")
    monitor, of_monitor = parse_monitor(monitors[0]) if monitors else (None, "auto")
    if "auto" not in (mode, of_monitor) and mode != of_monitor:
        raise UsageError(f"--mode {mode} and --monitor {monitors[0]} contradict each other")
    return Query(
        locations=tuple(locations or (".",)),
        files=files,
        patterns=tuple(patterns),
        monitor=monitor,
        mode=mode if mode != "auto" else of_monitor,
        max_depth=max_depth,
        include=tuple(include),
        exclude=tuple(exclude),
        tie=tie,
        per_run=per_run,
        strict=strict,
        allow_zero=allow_zero,
        further=tuple(monitors[1:]),
        pareto=pareto,
        smooth=smooth,
        logs="ignore" if no_logs else "only" if logs_only else "use",
        metrics=tuple(metrics),
        key=key,  # type: ignore[arg-type]  # Query refuses others
    )


def with_query(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command every option of `query`, and the Query as its first argument.

    Typer reads options from a function's signature. Without this, each command would
    repeat a dozen parameters, and forget one.
    """
    return _with(command, ())


def with_runs(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `query` but those of which several are the best."""
    return _with(command, {"per_run", "pareto"})


def with_places(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `query` that say where to look, and not what is best."""
    return _with(command, _OF_RANKING)


def _with(command: Callable[..., None], without: Collection[str]) -> Callable[..., None]:
    all_options = inspect.signature(query, eval_str=True, locals={"Query": Any}).parameters
    shared = {name: each for name, each in all_options.items() if name not in without}
    signature = inspect.signature(command, eval_str=True, locals={"Query": Any})
    own = list(signature.parameters.values())[1:]

    @functools.wraps(command)
    def wrapper(**values: Any) -> None:
        # Options that can be repeated have no default that Python knows of.
        left_out: dict[str, Any] = {name: [] for name in ("monitors", "metrics") if name in without}
        asked = query(**left_out, **{name: values.pop(name) for name in shared})
        command(asked, **values)

    parameters = [*own, *shared.values()]
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {each.name: each.annotation for each in parameters}
    return wrapper
