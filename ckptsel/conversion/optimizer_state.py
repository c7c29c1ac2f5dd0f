"""Is the optimizer's state in weights that of the optimizer which a model was compiled with?

Keras loads it by number alone: what differs in number it skips with a warning, and what agrees it
takes, be it that of another class. Source: `load_own_variables` in
keras/src/optimizers/base_optimizer.py.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ckptsel.checkpoint import Finding
from ckptsel.errors import ConversionError
from ckptsel.formats.keras.config import snake_case
from ckptsel.inspection.layer_names import stem
from ckptsel.inspection.model_layers import layers_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ckptsel.formats.contents import Tensor

_STATISTICS = 2  # moving mean and variance of a BatchNormalization, which are not trained
_DEEPEST = 8  # Nobody wraps optimizers so often, but a config may say so.


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a class of optimizers keeps, beside the iterations and the learning rate.

    Attributes:
        rows: its own config → how many variables it makes for each that is trained, before it
            goes through them again: `(2, 1)` are two for each, and then one more for each. None
            if not known.
        scalars: how many further numbers, at the end.
    """

    rows: Callable[[Mapping[str, Any]], tuple[int, ...] | None]
    scalars: int = 0


def _just(*rows: int) -> Callable[[Mapping[str, Any]], tuple[int, ...]]:
    return lambda _: rows


def _unknown(_: Mapping[str, Any]) -> None:
    return None


def _adam(fields: Mapping[str, Any]) -> tuple[int, ...]:
    return (2, 1) if fields.get("amsgrad") else (2,)


def _rms_prop(fields: Mapping[str, Any]) -> tuple[int, ...]:
    return (1,) * (1 + bool(fields.get("momentum")) + bool(fields.get("centered")))


def _sgd(fields: Mapping[str, Any]) -> tuple[int, ...]:
    return (1,) if fields.get("momentum") else ()


# Class → what it keeps. Source: `build` of each class in keras/src/optimizers.
_KEPT = {
    "Adadelta": _Kept(_just(2)),
    "Adafactor": _Kept(_unknown),
    "Adagrad": _Kept(_just(1)),
    "Adam": _Kept(_adam),
    "AdamW": _Kept(_adam),
    "Adamax": _Kept(_just(2)),
    "Ftrl": _Kept(_just(2)),
    "Lamb": _Kept(_just(2)),
    "Lion": _Kept(_just(1)),
    "LossScaleOptimizer": _Kept(_unknown),
    "Muon": _Kept(_unknown),
    "Nadam": _Kept(_just(2), 1),
    "RMSprop": _Kept(_rms_prop),
    "SGD": _Kept(_sgd),
    "ScheduleFreeAdamW": _Kept(_just(2)),
}
_CALLED = {snake_case(name): name for name in _KEPT}
_HINT = "--drop-optimizer leaves the state out; or give --model with the model that was compiled so"


def check_state(
    tensors: Sequence[Tensor],
    names: Mapping[str, str],
    config: Mapping[str, Any],
    optimizer: Mapping[str, Any],
    path: str,
) -> Iterator[Finding]:
    """Compare the state with what the model's optimizer would keep.

    Args:
        tensors: all of the weights.
        names: group → the name that Keras gave it.
        config: the model's.
        optimizer: the optimizer's entry in it.
        path: of the weights.

    Yields:
        `doubtful-optimizer`, where nothing tells which optimizer's state it is;
        `optimizer-begins-anew`, where there is none yet.

    Raises:
        ConversionError: if it is another optimizer's, or not of so many variables.
    """
    stored = {tensor.path: tensor for tensor in tensors}
    group, entry = "optimizer", optimizer
    for _ in range(_DEEPEST):
        fields = _mapping(entry.get("config"))
        kind = str(entry.get("class_name")).rpartition(">")[2]
        inner = _mapping(fields.get("inner_optimizer"))
        below = f"{group}/inner_optimizer"
        if bool(inner) != any(each.startswith(f"{below}/") for each in stored):
            what = "has" if inner else "has not"
            raise ConversionError(
                f"{path!r} holds another optimizer's state: {kind}, with which the model was"
                f" compiled, {what} an optimizer within it",
                hint=_HINT,
            )
        called = names.get(f"{group}/vars", "")
        yield from _by_name(kind, called, str(fields.get("name", "")), path)
        if not inner:
            own = [tensor for each, tensor in stored.items() if each.startswith(f"{group}/")]
            yield from _check_numbers(kind, fields, own, stored, config, path)
            return
        group, entry = below, inner


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _by_name(kind: str, called: str, mine: str, path: str) -> Iterator[Finding]:
    """Keras calls an optimizer after its class, unless the user called it otherwise."""
    its = _CALLED.get(stem(called), "")
    if its == kind:
        return
    if its and called != mine:
        raise ConversionError(
            f"{path!r} holds the state of {its}, and the model was compiled with {kind}: it would"
            " mean something else there",
            hint=_HINT,
        )
    what = f"is called {called!r}" if called else "has no name"
    message = (
        f"the optimizer's state {what}, which does not tell whether it is that of {kind}, with"
        " which the model was compiled"
    )
    yield Finding("doubtful-optimizer", message, path, strict=True)


def _check_numbers(
    kind: str,
    fields: Mapping[str, Any],
    own: Sequence[Tensor],
    stored: Mapping[str, Tensor],
    config: Mapping[str, Any],
    path: str,
) -> Iterator[Finding]:
    """Whether there are as many variables of each shape as the optimizer keeps, in its order."""
    kept = _KEPT.get(kind)
    rows = kept.rows(fields) if kept else None
    if kept is None or rows is None:
        return
    # Each is one more for every variable that is trained (`BaseOptimizer.build`).
    further = bool(fields.get("use_ema")) + bool(fields.get("gradient_accumulation_steps"))
    rows = (*(1,) * further, *rows)
    # A schedule gives the learning rate, which then is no variable.
    first = 2 - isinstance(fields.get("learning_rate"), dict)
    found = [tensor.shape for tensor in own]
    if rows and len(found) <= first + kept.scalars and not any(found):
        message = f"the optimizer's state are its counters only: {kind} would begin anew"
        yield Finding("optimizer-begins-anew", message, path)
        return
    trained = _trained(stored, config)
    if trained is None:
        is_right = _are_whole_sets(found, sum(rows), first + kept.scalars, stored)
        is_sure = further != 1
    else:
        wanted = [
            *[()] * first,
            *(shape for row in rows for shape in trained for _ in range(row)),
            *[()] * kept.scalars,
        ]
        is_right = Counter(found) == Counter(wanted)
        # Averages and accumulated gradients look alike, and others' order may do so.
        is_sure = found == wanted and further != 1
    if not is_right:
        raise ConversionError(
            f"{path!r} holds an optimizer's state of {len(own)} variables, which are not those that"
            f" {kind}, with which the model was compiled, keeps for it; Keras would not load them",
            hint=_HINT,
        )
    if not is_sure:
        message = (
            f"the optimizer's state is as large as that of {kind}, with which the model was"
            " compiled, and may be that of one with other settings"
        )
        yield Finding("doubtful-optimizer", message, path, strict=True)


def _are_whole_sets(
    found: Sequence[tuple[int, ...]], slots: int, scalars: int, stored: Mapping[str, Tensor]
) -> bool:
    """What is trained is not known, but it is among the weights, and has all of its variables."""
    shapes = Counter(found)
    shapes[()] -= scalars
    every = Counter(tensor.shape for tensor in stored.values() if tensor.role == "weight")
    return all(
        0 <= count <= slots * every[shape] and not count % max(slots, 1)
        for shape, count in shapes.items()
    )


def _trained(
    stored: Mapping[str, Tensor], config: Mapping[str, Any]
) -> list[tuple[int, ...]] | None:
    """The shapes of the weights that are trained, in the model's order; None if not known."""
    found: list[tuple[int, ...]] = []
    left = {each for each, tensor in stored.items() if tensor.role == "weight"}
    for layer in layers_in(config):
        for group, shapes in (layer.weights or {}).items():
            still = _STATISTICS if layer.class_name == "BatchNormalization" else 0
            trained = len(shapes) - still if layer.is_trainable else 0
            for number in range(len(shapes)):
                # A layer that stands in several models is listed by each, and saved once.
                if (each := f"{group}/vars/{number}") in left:
                    left.remove(each)
                    found += [stored[each].shape] if number < trained else []
    return None if left else found
