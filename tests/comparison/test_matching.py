"""Which tensor stands for which."""

from __future__ import annotations

import pytest

from ckptsel.comparison.matching import match
from ckptsel.formats.contents import Tensor

SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"


def tensor(path: str, shape: tuple[int, ...], layer: str = "", role: str = "weight") -> Tensor:
    """A tensor of float32."""
    return Tensor(path, shape, "float32", 4, role, layer)  # type: ignore[arg-type]


def paired(a: list[Tensor], b: list[Tensor]) -> list[tuple[str, str, str]]:
    """The pairs' paths and what paired them."""
    return [(pair.a.path, pair.b.path, pair.by) for pair in match(a, b).pairs]


def test_path_beats_all() -> None:
    """The same path is the same tensor, even where the shape says otherwise."""
    a = [tensor("x", (2,)), tensor("y", (3,))]
    b = [tensor("x", (3,)), tensor("y", (2,))]
    assert paired(a, b) == [("x", "x", "path"), ("y", "y", "path")]


def test_names_of_layers_beat_their_order() -> None:
    """Layers alike in shape are told apart by their names."""
    a = [tensor("l/dense/vars/0", (2, 2), "one"), tensor("l/dense_1/vars/0", (2, 2), "two")]
    b = [tensor("two/kernel:0", (2, 2), "two"), tensor("one/kernel:0", (2, 2), "one")]
    assert paired(a, b) == [
        ("l/dense/vars/0", "one/kernel:0", "layer"),
        ("l/dense_1/vars/0", "two/kernel:0", "layer"),
    ]


def test_numbers_in_names_are_numbers() -> None:
    """Where names are sorted, the eleventh layer is not taken for the third."""
    sorted_names = sorted(f"layer-{number}/kernel{SUFFIX}" for number in range(12))
    a = [tensor(name, (2, 2)) for name in sorted_names]
    b = [tensor(f"{name}/kernel:0", (2, 2)) for name in "zyxwvutsrqpo"]
    expected = {f"layer-{n}/kernel{SUFFIX}": f"{'zyxwvutsrqpo'[n]}/kernel:0" for n in range(12)}
    assert {x: y for x, y, _ in paired(a, b)} == expected


def test_variables_of_a_layer() -> None:
    """TensorFlow sorts a layer's variables by name, Keras numbers them as they were made."""
    names = ("beta", "gamma", "moving_mean", "moving_variance")
    a = [tensor(f"layer_with_weights-0/{name}{SUFFIX}", (3,)) for name in names]
    b = [tensor(f"layers/batch_normalization/vars/{number}", (3,)) for number in range(4)]
    found = {x.split("/")[1]: y[-1] for x, y, _ in paired(a, b)}
    assert found == {"gamma": "0", "beta": "1", "moving_mean": "2", "moving_variance": "3"}


def test_layers_in_another_order() -> None:
    """Layers of different shapes are paired by their shapes, wherever they stand."""
    a = [tensor("layers/batch/vars/0", (5,)), tensor("layers/dense/vars/0", (2, 5))]
    b = [tensor("first/kernel:0", (2, 5)), tensor("second/gamma:0", (5,))]
    assert paired(a, b) == [
        ("layers/batch/vars/0", "second/gamma:0", "order"),
        ("layers/dense/vars/0", "first/kernel:0", "order"),
    ]


def test_no_guess_which_one_is_missing() -> None:
    """Three layers alike against two: which one is gone cannot be told, so none is paired."""
    a = [tensor(f"a/{name}/vars/0", (2, 2)) for name in "xyz"]
    b = [tensor(f"b/{name}/vars/0", (2, 2)) for name in "xy"]
    found = match(a, b)
    assert (found.pairs, len(found.only_a), len(found.only_b)) == ([], 3, 2)


def test_a_name_with_other_shapes_is_not_forced() -> None:
    """Layers of one name and different shapes are different layers."""
    found = match([tensor("a/0", (2, 2), "same")], [tensor("b/0", (2, 3), "same")])
    assert (found.pairs, len(found.only_a), len(found.only_b)) == ([], 1, 1)


@pytest.mark.parametrize("role", ["weight", "optimizer", "other"])
def test_roles_do_not_mix(role: str) -> None:
    """A tensor is only paired with one of its own role, and what is neither only by its path."""
    a, b = tensor("a/0", (2,), role=role), tensor("b/0", (2,), role="weight")
    assert len(match([a], [b]).pairs) == (role == "weight")
    other = [tensor("a", (2,), role="other")], [tensor("b", (2,), role="other")]
    assert match(*other).pairs == []


def test_optimizers_without_a_rate() -> None:
    """Slots are paired in their order, whether or not a learning rate stands before them."""
    a = [
        tensor("o/vars/0", (), role="optimizer"),
        *(tensor(f"o/vars/{n}", (n,), role="optimizer") for n in range(1, 12)),
    ]
    b = [tensor(f"p/_variables/{n}", (n,), role="optimizer") for n in range(1, 12)]
    found = match(a, b)
    assert [pair.a.shape == pair.b.shape for pair in found.pairs] == [True] * 11
    assert [t.path for t in found.only_a] == ["o/vars/0"]
    assert not found.only_b


def test_made_up_names_are_not_believed() -> None:
    """Keras counts its names up in a process: dense_1 of the second model is not that of A."""
    a = [tensor(f"x/{name}/k", (2, 2), name) for name in ("dense", "dense_1", "dense_2")]
    b = [tensor(f"y/{name}/k", (2, 2), name) for name in ("dense_1", "dense_2", "dense_3")]
    matching = match(a, b)
    assert [(p.a.layer, p.b.layer, p.by, p.is_alone) for p in matching.pairs] == [
        ("dense", "dense_1", "order", False),
        ("dense_1", "dense_2", "order", False),
        ("dense_2", "dense_3", "order", False),
    ]


def test_the_alphabet_is_no_order() -> None:
    """Layers alike under names of which the other file knows none, and sorted: nothing is told."""
    a = [tensor(f"{name}/k", (2, 2), name) for name in ("first", "second")]
    b = [tensor(f"{name}/k", (2, 2), name) for name in ("x", "y")]
    matching = match(a, b)
    assert (matching.pairs, matching.unsure) == ([], 2)
    assert [p.by for p in match(a, b, ordered=(True, True)).pairs] == ["order", "order"]


def test_names_that_mean_nothing_have_no_order() -> None:
    """Two weights of one layer and one shape, which one file names and the other numbers."""
    names = [Tensor(f"own/{n}", (2,), "float32", 8, "weight", "own", ("own",), n) for n in "gk"]
    numbers = [
        Tensor(f"layers/own/vars/{n}", (2,), "float32", 8, "weight", "own", ("own",)) for n in "01"
    ]
    matching = match(names, numbers)
    assert (matching.pairs, matching.unsure) == ([], 2)
    usual = [
        Tensor(f"own/{n}", (2,), "float32", 8, "weight", "own", ("own",), n)
        for n in ("beta", "gamma")
    ]
    assert [(p.a.variable, p.b.path[-1]) for p in match(usual, numbers).pairs] == [
        ("beta", "1"),
        ("gamma", "0"),
    ]
