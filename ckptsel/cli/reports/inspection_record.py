"""A checkpoint's inside as data, ready for JSON: never a NaN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ckptsel.inspection.inspect import count_parameters
from ckptsel.record import finite

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckptsel.formats.contents import Facts, Tensor
    from ckptsel.inspection.inspect import Inspection

STATISTICS = ("min", "max", "mean", "std", "nan", "infinite", "zero")


def inspection_record(found: Inspection) -> dict[str, object]:
    """All that is known of one checkpoint."""
    weights = [tensor for layer in found.layers for tensor in layer.tensors]
    roles = {"weight": weights, "optimizer": found.optimizer, "other": found.other}
    return {
        "path": found.path,
        "kind": found.kind,
        "version": found.version or None,
        "size_bytes": found.size_bytes,
        "facts": _facts(found.facts),
        "loading": {
            "call": found.loading.call,
            "problem": found.loading.problem or None,
            "note": found.loading.note or None,
        },
        "lists_tensors": found.lists_tensors,
        "parameters": found.parameters,
        "totals": {
            role: {
                "tensors": len(tensors),
                "parameters": count_parameters(tensors),
                "size_bytes": size_bytes(tensors),
            }
            for role, tensors in roles.items()
        },
        "layers": [
            {
                "path": layer.path,
                "name": layer.name or None,
                "parameters": layer.parameters,
                "tensors": [tensor.path for tensor in layer.tensors],
            }
            for layer in found.layers
        ],
        "tensors": [tensor_record(found, tensor) for tensor in found.tensors],
    }


def tensor_record(found: Inspection, tensor: Tensor) -> dict[str, object]:
    """One tensor."""
    statistics = found.statistics.get(tensor.path)
    return {
        "path": tensor.path,
        "layer": tensor.layer or None,
        "role": tensor.role,
        "shape": list(tensor.shape),
        "dtype": tensor.dtype,
        "parameters": count_parameters([tensor]),
        "size_bytes": tensor.size_bytes,
        "statistics": statistics
        and {name: finite(value) for name, value in statistics.by_name().items()},
    }


def size_bytes(tensors: Iterable[Tensor]) -> int:
    """The size of their values."""
    return sum(tensor.size_bytes for tensor in tensors)


def _facts(facts: Facts) -> dict[str, Any]:
    return {
        "step": facts.step,
        "epoch": facts.epoch,
        "learning_rate": finite(facts.learning_rate),
        "saved": facts.saved or None,
        "model_name": facts.model_name or None,
        "framework": facts.framework or None,
        "metrics": {name: finite(value) for name, value in facts.metrics.items()},
        "more": dict(facts.more),
    }
