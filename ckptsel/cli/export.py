"""`ckptsel export`: write the best checkpoint in another format."""

# ruff: noqa: PLC0415 - what only some calls need is imported by those calls.
from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ckptsel.cli import choose, options, output
from ckptsel.cli.printing import output_name
from ckptsel.cli.query_options import with_query
from ckptsel.cli.reports import text
from ckptsel.cli.require import check, parse_conditions
from ckptsel.errors import DamagedError, UsageError

if TYPE_CHECKING:
    from ckptsel.checkpoint import Ranking
    from ckptsel.selection import Query
    from ckptsel.verification.soundness import Sound

EXAMPLES = (
    "ckptsel export runs/mnist -m val_loss --to best.weights.h5",
    "ckptsel export model.keras --to model.safetensors --drop-optimizer --dtype float16",
    "ckptsel export weights.h5 --model model.json --to model.keras",
)
_GIB = 2**30

FloatName = Literal["float16", "bfloat16", "float32"]
TargetName = Literal[
    "keras", "weights.h5", "weights.json", "h5", "h5-model", "npz", "safetensors",
    "savedmodel", "tf-checkpoint", "tflite", "onnx",
]  # fmt: skip


@with_query
def run(
    query: Query,
    *,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="DEST",
            envvar="CKPTSEL_TO",
            help="The new path; its suffix says the format.",
        ),
    ],
    target: Annotated[
        TargetName | None,
        typer.Option(
            "--as",
            envvar="CKPTSEL_AS",
            show_default=False,
            help="The format, where the suffix does not say it.",
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            "--model",
            metavar="FILE",
            envvar="CKPTSEL_MODEL",
            show_default=False,
            help="The model that weights belong to: a .keras, or the JSON of model.to_json().",
        ),
    ] = "",
    drop_optimizer: Annotated[
        bool,
        typer.Option(
            "--drop-optimizer",
            envvar="CKPTSEL_DROP_OPTIMIZER",
            help="Leave the optimizer's state out, and say how much that saves.",
        ),
    ] = False,
    dtype: Annotated[
        FloatName | None,
        typer.Option(
            "--dtype",
            envvar="CKPTSEL_DTYPE",
            show_default=False,
            help="Round the weights that are floats to this type.",
        ),
    ] = None,
    max_shard_size: Annotated[
        float | None,
        typer.Option(
            "--max-shard-size",
            metavar="GIB",
            envvar="CKPTSEL_MAX_SHARD_SIZE",
            show_default="5",
            help="The largest shard of a .weights.json, in GiB.",
        ),
    ] = None,
    unsafe: Annotated[
        bool,
        typer.Option(
            "--unsafe",
            envvar="CKPTSEL_UNSAFE",
            help="Let Keras run code that the file carries, such as Lambda layers."
            " Only for files that you trust as you trust a program.",
        ),
    ] = False,
    no_check: Annotated[
        bool,
        typer.Option(
            "--no-check",
            envvar="CKPTSEL_NO_CHECK",
            help="Do not read the result back and compare it.",
        ),
    ] = False,
    require: options.Require,
    verify: options.Verify = False,
    force: Annotated[
        bool, typer.Option("--force", envvar="CKPTSEL_FORCE", help="Replace what is there.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            envvar="CKPTSEL_DRY_RUN",
            help="Check everything, say it, and write nothing.",
        ),
    ] = False,
    output_format: options.Output = None,
    null: options.Null = False,
) -> None:
    """Write the best checkpoint in another format, and print where it is now.

    A checkpoint that is named itself is taken as it is, and needs no --monitor. The result
    is read back and compared before it takes its name, and a record is written beside it.
    """
    from ckptsel.cli.reports.export import ExportReport, done
    from ckptsel.transfer import export as transfer

    if query.takes_several:
        option = "--per-run" if query.per_run else "--pareto"
        raise UsageError(f"{option} gives several checkpoints, and export writes one")
    conditions = parse_conditions(require)
    chosen = output_name(output_format, null=null, default="paths")
    how = transfer.Options(
        drop_optimizer=drop_optimizer,
        dtype=dtype,
        model=model,
        unsafe=unsafe,
        shard_bytes=_shard_bytes(max_shard_size),
    )
    source: str | Ranking
    found: Sound | None = None
    named = None if require else _named(query)
    if named is not None:
        source = named
        _verify(named, verify=verify)
    else:
        source = ranking = _ranked(query)
        rows = choose.taken(ranking, query, 1)
        if verify:
            found = choose.sound(ranking, query, 1)
            source, rows = found.ranking, found.rows
        check(conditions, rows, source)
    # A path that is printed must not be taken for an option by the next command.
    exported = transfer.export(
        source,
        os.path.join(os.curdir, to) if to.startswith("-") else to,
        how,
        chosen=target,
        check=not no_check,
        force=force,
        strict=query.strict,
        dry_run=dry_run,
    )
    output.findings(exported.findings)
    output.say(text.shown(done(exported, dry_run=dry_run)))
    output.write(ExportReport(exported, dry_run, found), chosen)


def _shard_bytes(size_gib: float | None) -> int | None:
    if size_gib is None:
        return None
    if not 0 < size_gib < 2**20:
        hint = "it is in GiB, and more than 0: 0.5 for 512 MiB"
        raise UsageError(f"--max-shard-size {size_gib}: no size of a file", hint=hint)
    return int(size_gib * _GIB)


def _ranked(query: Query) -> Ranking:
    """The ranking; of one file that is no checkpoint this is said, not that it cannot be ranked."""
    from ckptsel.errors import NothingFoundError
    from ckptsel.formats import open_contents

    try:
        return choose.ranked(query, keep=choose.wanted(query, None))
    except NothingFoundError:
        if query.monitor is None and query.files is None and len(query.locations) == 1:
            (path,) = query.locations
            if os.path.isfile(path):
                open_contents(path).close()
        raise


def _named(query: Query) -> str | None:
    """The checkpoint that was named itself, if one was; a monitor asks for a ranking."""
    from ckptsel.errors import LocationNotFoundError
    from ckptsel.formats import format_of

    if query.monitor is not None or query.files is not None or len(query.locations) != 1:
        return None
    try:
        return query.locations[0] if format_of(query.locations[0]) is not None else None
    except LocationNotFoundError:
        return None  # The search says what is wrong with a location.


def _verify(path: str, *, verify: bool) -> None:
    if not verify:
        return
    from ckptsel.cli.progress import reading
    from ckptsel.verification.verify import verify as core

    with reading() as on_bytes:
        verdict = core(path, on_bytes=on_bytes)
    if not verdict.is_sound:
        raise DamagedError(f"{path!r}: {verdict.findings[0].message}")
