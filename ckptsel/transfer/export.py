"""Writes the chosen checkpoint in another format: made, read back, recorded, put in place."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ckptsel import storage
from ckptsel.checkpoint import Finding
from ckptsel.conversion.converter import Options
from ckptsel.conversion.sources import kind_of
from ckptsel.conversion.table import TABLE
from ckptsel.conversion.targets import target_of
from ckptsel.errors import LocationNotFoundError, NothingFoundError, StrictError
from ckptsel.transfer.at_once import meanwhile
from ckptsel.transfer.failures import writing
from ckptsel.transfer.produce import Produced, check_destination, produce
from ckptsel.transfer.record import relative, standing
from ckptsel.transfer.source_values import compare_checksums, not_finite_weights
from ckptsel.transfer.unchanged import check_unchanged, stamps, unchanged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ckptsel.checkpoint import Ranked, Ranking
    from ckptsel.conversion.converter import Converter, Outlook
    from ckptsel.conversion.table import Conversion

__all__ = ["Exported", "Options", "export"]


@dataclass(frozen=True, slots=True)
class Exported:
    """A checkpoint that was exported, or would be.

    Attributes:
        source: the path of the checkpoint.
        kind: what it is, as in the table of conversions.
        target: what was written, as `--as` names it.
        produced: where it is now; None if nothing was written.
        dest: what a loader takes.
        size_bytes: of all files; about so, if nothing was written.
        optimizer_bytes: of the optimizer's state that was left out.
        is_checked: whether it was read back and compared.
        findings: what there is to say about it.
    """

    source: str
    kind: str
    target: str
    produced: Produced | None
    dest: str
    size_bytes: int
    optimizer_bytes: int
    is_checked: bool
    findings: tuple[Finding, ...] = ()


def export(
    source: str | Ranking,
    dest: str,
    options: Options | None = None,
    *,
    chosen: str | None = None,
    check: bool = True,
    force: bool = False,
    strict: bool = False,
    dry_run: bool = False,
) -> Exported:
    """Write a checkpoint, or the best of a ranking, in the format that the destination says.

    Args:
        source: a checkpoint's path, or a ranking, best first.
        dest: the new path; its suffix says the format.
        options: how to convert.
        chosen: the format, where the suffix does not say it; a name in `TARGETS`.
        check: read the new checkpoint back and compare it, before it takes its name.
        force: replace what is there.
        strict: make an error of what is otherwise only said, before anything is written.
        dry_run: check what can be checked, and write nothing.

    Raises:
        ConversionError: if it cannot be converted, or did not come out.
        CopyError: if the source is gone, or changed meanwhile.
        DamagedError: if the source is damaged, as far as its format can tell.
        LocationNotFoundError, UnknownFormatError: if the source cannot be read.
        DestinationError: if the destination exists, cannot be written, or has no room.
        MissingExtraError: if a package is not installed.
        NothingFoundError: if nothing is ranked.
        StrictError: see `strict`.
        UsageError: if the suffix does not decide.
    """
    options = options or Options()
    path, files = _source(source)
    before, changed = stamps(files), f"{path!r} changed while it was read"
    kind = kind_of(path)
    target = target_of(dest, chosen, kind)
    dest = dest.rstrip("/" + os.sep) if target.shape == "folder" else dest
    converter = TABLE[kind, target.name].converter(options)
    outlook = _outlook(TABLE[kind, target.name], converter, path, options)
    is_prefix = target.shape == "prefix"
    of_dest = check_destination(dest, files, outlook.size_bytes, force=force, is_prefix=is_prefix)
    if strict:
        _refuse((*outlook.findings, *of_dest))
    told = {
        "from": kind,
        "to": target.name,
        "drop_optimizer": options.drop_optimizer,
        "optimizer_bytes": outlook.optimizer_bytes,
        "dtype": options.dtype,
        "checked": check,
    }

    def record(folder: str) -> Mapping[str, object]:
        more: Mapping[str, object] = {}
        if not isinstance(source, str):
            more = standing(_best(source), source, folder)
        model = relative(options.model, folder) if options.model else None
        conversion = {**told, "model": model}
        return {"source": relative(path, folder), "conversion": conversion, **more}

    said: list[Finding] = []

    def make(made: str) -> None:
        # What was read comes as an error of its own, so what is left is the new file's.
        with writing(dest):
            said.extend(converter.write(path, made, options) or ())

    def compare(made: str) -> None:
        if check:
            said.extend(converter.check(path, made, options) or ())
        if strict:
            _refuse([replace(finding, path=dest) for finding in said])

    odd: list[Finding] = []

    def look_at_values() -> None:
        odd.extend(not_finite_weights(path))
        if strict:
            _refuse(odd)

    proofs = (look_at_values, outlook.proof) if outlook.proof else (look_at_values,)

    def confirm(made: str, wait: Callable[[], None]) -> None:
        compare(made)
        wait()
        check_unchanged(files, before, changed)

    produced = None
    with unchanged(files, before, changed), meanwhile(*proofs) as wait:
        if dry_run or not (check and outlook.compares_source):
            compare_checksums(path)
        if dry_run:
            wait()
        else:
            produced = produce(
                dest,
                make,
                command="export",
                told=record,
                force=force,
                is_prefix=is_prefix,
                check=lambda made: confirm(made, wait),
            )
    size_bytes = sum(size for _, size in produced.files) if produced else outlook.size_bytes
    # They were said of a path that is gone.
    here = [replace(finding, path=dest) for finding in said]
    findings = (*outlook.findings, *odd, *here, *(produced.findings if produced else ()))
    return Exported(
        path, kind, target.name, produced, dest, size_bytes, outlook.optimizer_bytes,
        check and not dry_run, findings,
    )  # fmt: skip


def _outlook(row: Conversion, converter: Converter, path: str, options: Options) -> Outlook:
    found = converter.look(path, options)
    unused = []
    if options.model and not row.looks_at_model:
        message = "--model is not needed here, and was not looked at"
        unused.append(Finding("model-unused", message, path, strict=True))
    if options.shard_bytes is not None and row.target != "weights.json":
        message = "--max-shard-size has no meaning here: only .weights.json has shards"
        unused.append(Finding("shards-unused", message, path, strict=True))
    return replace(found, findings=(*unused, *found.findings))


def _source(source: str | Ranking) -> tuple[str, Sequence[str]]:
    """Its path, and the files that it consists of."""
    if not isinstance(source, str):
        checkpoint = _best(source).checkpoint
        return checkpoint.path, checkpoint.files
    path = source.rstrip("/" + os.sep) or source
    if storage.exists(path):
        return path, [*{path: None, **dict.fromkeys(_parts(path))}]
    found = _parts(path)
    if not found:
        raise LocationNotFoundError(f"no such file or folder: {path!r}", hint="check the path")
    return path, found


def _parts(path: str) -> list[str]:
    """The files beside a path that belong to it: those of a prefix, or the shards of an index."""
    folder, name = os.path.split(path)
    if name.endswith(".weights.json"):
        part = re.escape(name.removesuffix(".weights.json")) + r"_\d{5}\.weights\.h5"
    else:
        part = re.escape(name.removesuffix(".index")) + r"\.(index|data-\d{5}-of-\d{5})"
    if not storage.is_folder(folder or os.curdir):
        return []
    names = storage.entries(folder).files
    return [os.path.join(folder, each) for each in names if re.fullmatch(part, each)]


def _best(ranking: Ranking) -> Ranked:
    row = next((row for row in ranking.rows if row.rank is not None), None)
    if row is None:
        raise NothingFoundError("no checkpoint is ranked, so there is none to export")
    return row


def _refuse(findings: Sequence[Finding]) -> None:
    for finding in findings:
        if finding.strict:
            raise StrictError(f"{finding.path}: {finding.message}")
