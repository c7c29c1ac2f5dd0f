"""The public calls, which do what the commands do: `ckptsel.find`, `best` and `export`."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Literal

from ckptsel.errors import CkptselWarning
from ckptsel.selection import Query, parse_monitor, select

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckptsel.checkpoint import Ranked, Ranking
    from ckptsel.conversion.converter import FloatName
    from ckptsel.transfer.export import Exported


def find(
    *locations: str | os.PathLike[str],
    monitor: str | Sequence[str] | None = None,
    mode: str = "auto",
    pattern: str | Sequence[str] = (),
    max_depth: int | None = None,
    include: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
    tie: str | None = None,
    per_run: bool = False,
    pareto: bool = False,
    smooth: int | None = None,
    strict: bool = False,
    allow_zero: bool = False,
    logs: str = "use",
    metrics: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
    key: Literal["epoch", "step", "file"] | None = None,
) -> Ranking:
    """Find checkpoints and, if a monitor is given, rank them. What `ckptsel list` shows.

    Args:
        locations: folders, files, TensorFlow prefixes or globs; the current folder if none.
        monitor: the metric to rank by, or several, such as `["val_loss", "val_accuracy:max"]`: of
            those equal in the first, the second decides. None ranks nothing.
        mode: `min`, `max`, or `auto` for the curated table's direction.
        pattern: how names are built, as the training code says it; learned if not given.
        max_depth: 1 for the locations' own files only.
        include: globs, of which a name or path must match one.
        exclude: globs, none of which may match.
        tie: which of equal printed values comes first: `later`, `earlier`, or `error`; `later` and
            a warning if it is not said.
        per_run: rank only the best of each run.
        pareto: with several monitors, rank all than which no other is better in every one.
        smooth: rank by the median of so many values around each epoch, an odd number.
        strict: raise where something would otherwise only be a finding.
        allow_zero: let a zero win that Lightning may have written for "missing".
        logs: `use` the logs beside the checkpoints, `ignore` them, or take metrics from them
            `only`.
        metrics: tables with values of the checkpoints, such as a CSV file.
        key: by which of their columns a checkpoint is found: `epoch`, `step` or `file`; None for
            the only one that they have.

    Returns:
        All checkpoints: the ranked ones, best first, then those without a rank.

    Raises:
        UsageError: for a malformed pattern, an unknown mode or direction, or a monitor that
            could be one of several values.
        LocationNotFoundError: if a location does not exist.
        NothingFoundError: if there is no checkpoint, none that the pattern matches, or none
            that has the monitor.
        TieError: for a tie, if `tie` is `error`.
        StrictError: if `strict`, and there is a grave finding.

    >>> ranking = find("docs/examples/runs/whole-models", monitor="val_accuracy")
    >>> [round(row.metric.value, 4) for row in ranking.rows[:3]]
    [0.9192, 0.9178, 0.9152]
    >>> ranking.monitor.mode
    'max'
    """
    name, mode, further = _monitors(monitor, mode)
    query = Query(
        locations=_paths(locations),
        patterns=_texts(pattern),
        monitor=name,
        mode=mode,
        further=further,
        max_depth=max_depth,
        include=_texts(include),
        exclude=_texts(exclude),
        tie=tie,
        per_run=per_run,
        pareto=pareto,
        smooth=smooth,
        strict=strict,
        allow_zero=allow_zero,
        logs=logs,
        metrics=_files(metrics),
        key=key,
    )
    return select(query, rank=name is not None or query.takes_several)


def best(
    *locations: str | os.PathLike[str],
    monitor: str | Sequence[str] | None = None,
    mode: str = "auto",
    pattern: str | Sequence[str] = (),
    max_depth: int | None = None,
    include: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
    tie: str | None = None,
    smooth: int | None = None,
    strict: bool = False,
    allow_zero: bool = False,
    logs: str = "use",
    metrics: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
    key: Literal["epoch", "step", "file"] | None = None,
) -> Ranked:
    """The best checkpoint. What `ckptsel best` prints the path of.

    Takes the arguments of `find`; with no monitor, the only metric in the names is taken. What
    is doubtful (a tie, an assumed label) is a CkptselWarning; `find` has it as findings.

    Returns:
        The checkpoint, as `.checkpoint`, and the monitor's value with its evidence, `.metric`.

    Raises:
        CkptselError: as `find` does; and NothingFoundError if no value can be ranked.

    >>> best("docs/examples/runs/whole-models", monitor="val_loss").checkpoint.epoch
    10
    """
    name, mode, further = _monitors(monitor, mode)
    query = Query(
        locations=_paths(locations),
        patterns=_texts(pattern),
        monitor=name,
        mode=mode,
        further=further,
        max_depth=max_depth,
        include=_texts(include),
        exclude=_texts(exclude),
        tie=tie,
        smooth=smooth,
        strict=strict,
        allow_zero=allow_zero,
        logs=logs,
        metrics=_files(metrics),
        key=key,
    )
    ranking = select(query, keep=2)
    for finding in ranking.findings:
        if finding.strict:
            warnings.warn(finding.said, CkptselWarning, stacklevel=2)
    return ranking.rows[0]


def export(
    source: str | os.PathLike[str] | Ranking,
    dest: str | os.PathLike[str],
    *,
    target: str | None = None,
    model: str | os.PathLike[str] | None = None,
    drop_optimizer: bool = False,
    dtype: FloatName | None = None,
    unsafe: bool = False,
    check: bool = True,
    force: bool = False,
    strict: bool = False,
) -> Exported:
    """Write a checkpoint in the format that the destination's suffix says: `ckptsel export`.

    What is doubtful about it is a CkptselWarning, and in the result's findings.

    Args:
        source: a checkpoint, or what `find` ranked, whose best one is taken.
        dest: the new path.
        target: the format, where the suffix does not say it: what `--as` takes.
        model: a saved model, or a config from `model.to_json()`, that the weights belong to.
        drop_optimizer: leave the optimizer's state out.
        dtype: `float16`, `bfloat16` or `float32`, for the weights that are floats.
        unsafe: let Keras run code that the file carries.
        check: read the result back and compare it, before it takes its name.
        force: replace what is there.
        strict: raise where something would otherwise only be a finding.

    Raises:
        ConversionError: if it cannot be converted.
        CkptselError: if the source cannot be read, or the destination not be written.
    """
    from ckptsel.transfer.export import Options  # noqa: PLC0415 - finding needs none of it
    from ckptsel.transfer.export import export as core  # noqa: PLC0415

    options = Options(
        drop_optimizer=drop_optimizer,
        dtype=dtype,
        model="" if model is None else os.fspath(model),
        unsafe=unsafe,
    )
    done = core(
        os.fspath(source) if isinstance(source, (str, os.PathLike)) else source,
        os.fspath(dest),
        options,
        chosen=target,
        check=check,
        force=force,
        strict=strict,
    )
    for finding in done.findings:
        if finding.strict:
            warnings.warn(finding.said, CkptselWarning, stacklevel=2)
    return done


def _monitors(
    monitor: str | Sequence[str] | None, mode: str
) -> tuple[str | None, str, tuple[str, ...]]:
    """The first monitor, its mode, and the others."""
    if not monitor:
        return monitor if isinstance(monitor, str) else None, mode, ()
    names = _texts(monitor)
    name, said = parse_monitor(names[0])
    return name, mode if mode != "auto" else said, names[1:]


def _paths(locations: Sequence[str | os.PathLike[str]]) -> tuple[str, ...]:
    return tuple(os.fspath(location) for location in locations) or (".",)


def _files(
    files: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
) -> tuple[str, ...]:
    ones = [files] if isinstance(files, (str, os.PathLike)) else files
    return tuple(os.fspath(one) for one in ones)


def _texts(texts: str | Sequence[str]) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts)
