"""Which epoch a file is, told in each of the output formats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptsel.cli.reports import text
from ckptsel.cli.reports.ranking_record import finding_record
from ckptsel.cli.reports.table import Column, Table
from ckptsel.record import by_name, finite, finite_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ckptsel.checkpoint import Metric
    from ckptsel.which.evidence import Answer, Evidence

_HEADING = ("how", "sure", "epoch", "step", "path")


@dataclass(frozen=True, slots=True)
class WhichReport:
    """An answer.

    Attributes:
        answer: the answer.
    """

    answer: Answer

    def paths(self) -> Sequence[str]:
        """The checkpoints that it is the same as."""
        return [each.path for each in self.answer.evidence if each.path]

    def document(self) -> Mapping[str, object]:
        """All of it."""
        answer = self.answer
        return {
            "command": "which",
            "path": answer.path,
            "sure": answer.sure,
            "epoch": answer.epoch,
            "step": answer.step,
            "metrics": finite_values(answer.metrics),
            "values_sure": answer.values_sure,
            "evidence": self.records(),
            "findings": [finding_record(finding) for finding in answer.findings],
        }

    def records(self) -> Sequence[Mapping[str, object]]:
        """One a piece of evidence."""
        return [_record(each) for each in self.answer.evidence]

    def cells(self) -> Iterator[Sequence[str]]:
        """One row a piece of evidence."""
        yield _HEADING
        for each in self.answer.evidence:
            fields = (each.how, each.sure, each.epoch, each.step, each.path)
            yield ["" if field is None else text.number(field) for field in fields]

    def table(self) -> Table:
        """The answer in a sentence, and what it is founded on."""
        evidence = self.answer.evidence
        columns = [
            Column("how", [each.how for each in evidence]),
            Column("sure", [each.sure for each in evidence]),
            Column("epoch", [_number(each.epoch) for each in evidence], right=True),
            Column("step", [_number(each.step) for each in evidence], right=True),
            Column("checkpoint", [each.path for each in evidence]),
        ]
        shown = [column for column in columns if any(column.cells)]
        return Table(shown, caption=_sentence(self.answer))


def _record(each: Evidence) -> dict[str, object]:
    return {
        "how": each.how,
        "sure": each.sure,
        "epoch": each.epoch,
        "step": each.step,
        "metrics": finite_values(each.metrics),
        "path": each.path or None,
    }


def _sentence(answer: Answer) -> str:
    if answer.sure == "unknown":
        return f"{answer.path}: not known"
    parts = [f"epoch {_number(answer.epoch)}"] if answer.epoch is not None else []
    parts += [f"step {_number(answer.step)}"] if answer.step is not None else []
    metrics = [m for m in by_name(answer.metrics).values() if m.role == "metric"]
    # A number without a label is one of the others, where a log tells those.
    named = [metric for metric in metrics if metric.labelled] or metrics
    values = [_value(metric) for metric in named]
    if values and answer.values_sure != answer.sure:
        parts[-1:] = [f"{part} ({answer.sure})" for part in parts[-1:]]
        return f"{answer.path}: {', '.join([*parts, *values])} ({answer.values_sure})"
    return f"{answer.path}: {', '.join([*parts, *values])} ({answer.sure})"


def _value(metric: Metric) -> str:
    if not metric.labelled:
        return f"{metric.text} without a label"
    value = finite(metric.value)
    shown = metric.text if value is None or isinstance(value, str) else f"{value:.6g}"
    return f"{metric.name} {shown}"


def _number(amount: float | None) -> str:
    return "" if amount is None else f"{amount:g}" if amount < 1e6 else f"{amount:.0f}"
