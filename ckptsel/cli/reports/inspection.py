"""What was found in checkpoints, told in each of the output formats."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptsel.cli.reports import text
from ckptsel.cli.reports.fit import (
    FIT_HEADING,
    fit_cells,
    fit_columns,
    fit_footer,
    fit_record,
    shapes_text,
)
from ckptsel.cli.reports.inspection_record import (
    STATISTICS,
    inspection_record,
    size_bytes,
    tensor_record,
)
from ckptsel.cli.reports.table import Column, Table
from ckptsel.cli.reports.verdict import finding_record
from ckptsel.inspection.inspect import count_parameters
from ckptsel.verification.severity import severity_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ckptsel.formats.contents import Tensor
    from ckptsel.inspection.fit import Fit
    from ckptsel.inspection.inspect import Inspection
    from ckptsel.verification.verify import Verdict

_TENSOR = ("file", "path", "layer", "role", "shape", "dtype", "parameters", "size_bytes")
_SHARES_FROM = 4
_SHORT = ("min", "max", "mean", "std", "NaN", "Inf", "zero")


@dataclass(frozen=True, slots=True)
class Inspected:
    """A checkpoint, and how it fits into a model if that was asked.

    Attributes:
        inspection: what is in it.
        fit: how it fits, None if it was not asked.
        model: the model's path, "" if none.
        verdict: what is wrong with it, as far as looking at it has shown.
    """

    inspection: Inspection
    fit: Fit | None
    model: str
    verdict: Verdict

    @property
    def fits(self) -> bool:
        """Whether it fits, or nobody asked."""
        return self.fit is None or self.fit.fits

    def record(self) -> dict[str, object]:
        """All of it, ready for JSON."""
        fit = self.fit and fit_record(self.fit, self.model)
        findings = [finding_record(finding) for finding in self.verdict.findings]
        return {**inspection_record(self.inspection), "findings": findings, "against": fit}


@dataclass(frozen=True, slots=True)
class InspectionReport:
    """Some checkpoints.

    Attributes:
        inspected: they.
        every: whether people are shown every tensor.
    """

    inspected: Sequence[Inspected]
    every: bool = False

    def paths(self) -> Sequence[str]:
        """Those that fit."""
        return [one.inspection.path for one in self.inspected if one.fits]

    def document(self) -> Mapping[str, object]:
        """All that was found."""
        return {"command": "inspect", "checkpoints": [one.record() for one in self.inspected]}

    def records(self) -> Sequence[Mapping[str, object]]:
        """One a tensor; against a model, one a layer."""
        found: list[Mapping[str, object]] = []
        for one in self.inspected:
            file = {"file": one.inspection.path}
            if one.fit is None:
                found += [
                    {**file, **tensor_record(one.inspection, tensor)}
                    for tensor in one.inspection.tensors
                ]
            else:
                layers = fit_record(one.fit, one.model)["layers"]
                found += [{**file, **layer} for layer in layers]
        return found

    def cells(self) -> Iterator[Sequence[str]]:
        """One row a tensor; against a model, one a layer."""
        if any(one.fit for one in self.inspected):
            yield ("file", *FIT_HEADING)
            for one in self.inspected:
                for row in fit_cells(one.fit) if one.fit else ():
                    yield (one.inspection.path, *row)
            return
        has_statistics = any(one.inspection.statistics for one in self.inspected)
        yield (*_TENSOR, *(STATISTICS if has_statistics else ()))
        for one in self.inspected:
            for tensor in one.inspection.tensors:
                yield [*_tensor_cells(one.inspection, tensor)]

    def table(self) -> Table:
        """The first for people; each has a table of its own."""
        one = self.inspected[0]
        found = one.inspection
        if one.fit:
            columns, footer = fit_columns(one.fit), list(fit_footer(one.fit, one.model))
        elif self.every:
            columns, footer = _tensor_columns(found), list(_totals(found))
        else:
            columns, footer = _layer_columns(found), list(_totals(found))
        shown = [column for column in columns if any(column.cells)]
        return Table(shown, caption=found.path, head=_aligned(_facts(one)), footer=footer)


def _tensor_cells(found: Inspection, tensor: Tensor) -> Iterator[str]:
    yield from (found.path, tensor.path, tensor.layer, tensor.role)
    yield from ("x".join(map(str, tensor.shape)), tensor.dtype)
    yield from (str(count_parameters([tensor])), str(tensor.size_bytes))
    if (statistics := found.statistics.get(tensor.path)) is not None:
        yield from (text.number(value) for value in statistics.by_name().values())


def _facts(one: Inspected) -> Iterator[tuple[str, str]]:
    found = one.inspection
    version = f" {found.version}" if found.version else ""
    yield "format", f"{found.kind}{version}, {text.size(found.size_bytes)}"
    facts = found.facts
    yield "written by", facts.framework
    yield "saved", facts.saved
    yield "model", facts.model_name
    yield "step", "" if facts.step is None else str(facts.step)
    yield "epoch", "" if facts.epoch is None else str(facts.epoch)
    yield "learning rate", "" if facts.learning_rate is None else f"{facts.learning_rate:.6g}"
    yield "metrics", ", ".join(f"{name} {value:.6g}" for name, value in facts.metrics.items())
    yield from facts.more.items()
    yield "load", found.loading.call
    yield "will fail", found.loading.problem
    yield "note", found.loading.note
    for finding in one.verdict.findings:
        if (severity := severity_of(finding.code)) != "note":
            yield severity, f"{finding.message} ({finding.code})"


def _aligned(facts: Iterator[tuple[str, str]]) -> list[str]:
    known = [(name, value) for name, value in facts if value]
    widest = max(len(name) for name, _ in known)
    return [f"{name:<{widest}}  {value}" for name, value in known]


def _layer_columns(found: Inspection) -> list[Column]:
    layers = found.layers
    return [
        Column("layer", [layer.name for layer in layers]),
        Column("path", [layer.path for layer in layers]),
        Column("weights", [shapes_text(t.shape for t in layer.tensors) for layer in layers]),
        Column("dtype", [", ".join(dict.fromkeys(t.dtype for t in x.tensors)) for x in layers]),
        Column("parameters", [f"{layer.parameters:,}" for layer in layers], right=True),
    ]


def _tensor_columns(found: Inspection) -> list[Column]:
    tensors = found.tensors
    columns = [
        Column("tensor", [tensor.path for tensor in tensors]),
        Column("layer", [tensor.layer for tensor in tensors]),
        Column("role", [tensor.role for tensor in tensors]),
        Column("shape", [str(tensor.shape) for tensor in tensors]),
        Column("dtype", [tensor.dtype for tensor in tensors]),
    ]
    if not found.statistics:
        sizes = [text.size(tensor.size_bytes) for tensor in tensors]
        return [*columns, Column("size", sizes, right=True)]
    rows = [found.statistics.get(tensor.path) for tensor in tensors]
    values = [[*row.by_name().values()] if row else [math.nan] * len(_SHORT) for row in rows]
    for number, title in enumerate(_SHORT):
        form = _number if number < _SHARES_FROM else _share
        columns.append(Column(title, [form(row[number]) for row in values], right=True))
    return columns


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4g}"


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.3g}%" if value else "0"


def _totals(found: Inspection) -> Iterator[str]:
    if not found.lists_tensors:
        extra = "orbax" if found.kind == "orbax" else "torch"
        why = found.facts.more.get("tensors") or f"pip install 'ckptsel[{extra}]'"
        yield f"its tensors cannot be listed: {why}"
        return
    weights = [tensor for layer in found.layers for tensor in layer.tensors]
    size = text.size(size_bytes(weights))
    noun = "parameter" if found.parameters == 1 else "parameters"
    layers, tensors = text.count(len(found.layers), "layer"), text.count(len(weights), "tensor")
    yield f"{found.parameters:,} {noun} in {layers}, {tensors}, {size}"
    for name, group in (("optimizer", found.optimizer), ("other", found.other)):
        if group:
            amount = f"{text.count(len(group), 'tensor')}, {text.size(size_bytes(group))}"
            yield f"{name}: {amount}"
