"""What `ckptsel diff` found, told in each of the output formats."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptsel.cli.reports import text
from ckptsel.cli.reports.table import Column, Table
from ckptsel.record import finite

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ckptsel.comparison.compare import Comparison, Difference
    from ckptsel.formats.contents import Tensor

COLUMNS = (
    "change",
    "path_a",
    "path_b",
    "role",
    "by",
    "shape_a",
    "shape_b",
    "dtype_a",
    "dtype_b",
    "max_absolute",
    "relative_l2",
    "cosine",
)
_CONFIG_LINES = 20
_CONFIG_WIDTH = 60
_ROOM = 8


@dataclass(frozen=True, slots=True)
class Change:
    """A tensor that is not the same in both.

    Attributes:
        change: `only-a`, `only-b`, `shape`, `dtype` or `values`.
        a: the tensor of A, None if there is none.
        b: the tensor of B, None if there is none.
        difference: how they differ, None where there is only one.
    """

    change: str
    a: Tensor | None
    b: Tensor | None
    difference: Difference | None = None

    @property
    def path(self) -> str:
        """Its path in A, or else in B."""
        return self.a.path if self.a else self.b.path if self.b else ""

    @property
    def role(self) -> str:
        """Whether it is a weight, the optimizer's, or something else."""
        return self.a.role if self.a else self.b.role if self.b else ""

    @property
    def by(self) -> str:
        """What paired the two; "" where there is only one."""
        return self.difference.pair.by if self.difference else ""

    @property
    def numbers(self) -> dict[str, float | None]:
        """How much the values differ; None where they cannot be compared."""
        found = self.difference
        if found is None or found.is_reshaped:
            return dict.fromkeys(COLUMNS[-3:])
        return dict(zip(COLUMNS[-3:], (found.largest, found.relative, found.cosine), strict=True))


@dataclass(frozen=True, slots=True)
class DiffReport:
    """A comparison, and how it was asked for.

    Attributes:
        comparison: what was found.
        tolerance: absolute differences up to this were none.
        weights_only: whether only the weights were compared.
    """

    comparison: Comparison
    tolerance: float
    weights_only: bool

    @property
    def changes(self) -> list[Change]:
        """All tensors that are not the same: first those in one only, then by order of A."""
        found = self.comparison
        only_a = [Change("only-a", tensor, None) for tensor in found.only_a]
        only_b = [Change("only-b", None, tensor) for tensor in found.only_b]
        return [*only_a, *only_b, *map(_change, found.different)]

    def paths(self) -> Sequence[str]:
        """The paths of the tensors that differ, as in A, or else as in B."""
        return [change.path for change in self.changes]

    def document(self) -> Mapping[str, object]:
        """The comparison with all tensors that differ, and the configs."""
        found = self.comparison
        return {
            "command": "diff",
            "a": {"path": found.a, "kind": found.kinds[0]},
            "b": {"path": found.b, "kind": found.kinds[1]},
            "same": found.is_same,
            "tolerance": self.tolerance,
            "weights_only": self.weights_only,
            "identical": found.identical,
            "doubtful": found.doubtful,
            "unsure": found.unsure,
            "changes": self.records(),
            "config": [
                {"key": key, "a": _jsonable(a), "b": _jsonable(b)}
                for key, (a, b) in found.config.items()
            ],
        }

    def records(self) -> Sequence[Mapping[str, object]]:
        """One record a tensor that differs."""
        return [_record(change) for change in self.changes]

    def cells(self) -> Iterator[Sequence[str]]:
        """One line a tensor that differs."""
        yield COLUMNS
        for change in self.changes:
            both = (change.a, change.b)
            yield [
                change.change,
                *(tensor.path if tensor else "" for tensor in both),
                change.role,
                change.by,
                *(_shape(tensor) for tensor in both),
                *(_dtype(tensor) for tensor in both),
                *("" if n is None else text.number(n) for n in change.numbers.values()),
            ]

    def table(self) -> Table:
        """The tensors that differ, and in how many words the rest is told."""
        changes = self.changes
        columns = [
            Column("change", [change.change for change in changes]),
            Column("tensor", [change.path for change in changes]),
            Column("in B", [_other_path(change) for change in changes]),
            Column("paired by", ["order" if _is_doubtful(change) else "" for change in changes]),
            Column("shape", [_either(_shape(c.a), _shape(c.b)) for c in changes]),
            Column(
                "dtype", [_either(*(t.dtype if t else "" for t in (c.a, c.b))) for c in changes]
            ),
        ]
        titles = ("max abs", "rel L2", "cosine")
        for title, name, digits in zip(titles, COLUMNS[-3:], (3, 3, 6), strict=True):
            numbers = [change.numbers[name] for change in changes]
            cells = ["" if n is None else f"{n:.{digits}g}" for n in numbers]
            columns.append(Column(title, cells, right=True))
        return Table(
            columns=[column for column in columns if any(column.cells)],
            footer=[*self._footer()],
        )

    def _footer(self) -> Iterator[str]:
        found = self.comparison
        within = f" within {self.tolerance:g}" if self.tolerance else ""
        what = "weights" if self.weights_only else "tensors"
        counts = {
            f"{what} the same{within}": found.identical,
            "different": len(found.different),
            "only in A": len(found.only_a),
            "only in B": len(found.only_b),
        }
        told = [f"{number} {how}" for how, number in counts.items() if number]
        doubt = f" ({found.doubtful} weights paired by order alone)" if found.doubtful else ""
        yield f"{'the same' if found.is_same else 'different'}: {', '.join(told)}{doubt}"
        if found.unsure:
            yield (
                f"{found.unsure} weights only in A may be the same as some only in B: nothing but"
                " their shapes tells which belong together, so they were not compared"
            )
        yield f"A: {found.a} ({found.kinds[0]})"
        yield f"B: {found.b} ({found.kinds[1]})"
        for key, (a, b) in [*found.config.items()][:_CONFIG_LINES]:
            yield f"config {key}: {_short(a)} in A, {_short(b)} in B"
        more = len(found.config) - _CONFIG_LINES
        if more > 0:
            yield f"and {more} more in the config (-o json gives them all)"


def _is_doubtful(change: Change) -> bool:
    return change.difference is not None and not change.difference.pair.is_alone


def _change(difference: Difference) -> Change:
    kind = "shape" if difference.is_reshaped else "dtype" if difference.is_retyped else "values"
    return Change(kind, difference.pair.a, difference.pair.b, difference)


def _record(change: Change) -> dict[str, object]:
    numbers = change.numbers
    return {
        "change": change.change,
        "a": change.a and _tensor(change.a),
        "b": change.b and _tensor(change.b),
        "by": change.by or None,
        **{name: finite(number) for name, number in numbers.items()},
        # What JSON has no number for.
        "text": {
            name: repr(number)
            for name, number in numbers.items()
            if number is not None and not math.isfinite(number)
        },
    }


def _tensor(tensor: Tensor) -> dict[str, object]:
    return {
        "path": tensor.path,
        "layer": tensor.layer or None,
        "role": tensor.role,
        "shape": list(tensor.shape),
        "dtype": tensor.dtype,
    }


def _jsonable(value: object) -> object:
    """A config's value, without the NaN that Python reads from JSON and JSON does not have."""
    return json.loads(_text(value), parse_constant=str)


def _text(value: object) -> str:
    try:
        # Room for the document around it, which is written deeper in the stack.
        return json.dumps([[[[[[[[value]]]]]]]])[_ROOM:-_ROOM]
    except RecursionError:
        return '"nested too deeply to be shown"'


def _short(value: object) -> str:
    found = _text(value)
    return found if len(found) <= _CONFIG_WIDTH else found[: _CONFIG_WIDTH - 1] + "…"


def _shape(tensor: Tensor | None) -> str:
    """As in `4x16`; a scalar is `scalar`."""
    return ("x".join(map(str, tensor.shape)) or "scalar") if tensor else ""


def _dtype(tensor: Tensor | None) -> str:
    return tensor.dtype if tensor else ""


def _either(a: str, b: str) -> str:
    return f"{a} / {b}" if a and b and a != b else a or b


def _other_path(change: Change) -> str:
    other = change.b.path if change.a and change.b else ""
    return other if other != change.path else ""
