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
    return [(pair.a.path, pair.b.path, pair.by) for pair in match(a, b)[0]]


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
    pairs, only_a, only_b = match(a, b)
    assert (pairs, len(only_a), len(only_b)) == ([], 3, 2)


def test_a_name_with_other_shapes_is_not_forced() -> None:
    """Layers of one name and different shapes are different layers."""
    pairs, only_a, only_b = match([tensor("a/0", (2, 2), "same")], [tensor("b/0", (2, 3), "same")])
    assert (pairs, len(only_a), len(only_b)) == ([], 1, 1)


@pytest.mark.parametrize("role", ["weight", "optimizer", "other"])
def test_roles_do_not_mix(role: str) -> None:
    """A tensor is only paired with one of its own role, and what is neither only by its path."""
    a, b = tensor("a/0", (2,), role=role), tensor("b/0", (2,), role="weight")
    assert len(match([a], [b])[0]) == (role == "weight")
    other = [tensor("a", (2,), role="other")], [tensor("b", (2,), role="other")]
    assert match(*other)[0] == []


def test_optimizers_without_a_rate() -> None:
    """Slots are paired in their order, whether or not a learning rate stands before them."""
    a = [
        tensor("o/vars/0", (), role="optimizer"),
        *(tensor(f"o/vars/{n}", (n,), role="optimizer") for n in range(1, 12)),
    ]
    b = [tensor(f"p/_variables/{n}", (n,), role="optimizer") for n in range(1, 12)]
    pairs, only_a, only_b = match(a, b)
    assert [pair.a.shape == pair.b.shape for pair in pairs] == [True] * 11
    assert [t.path for t in only_a] == ["o/vars/0"]
    assert not only_b
