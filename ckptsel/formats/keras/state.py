"""What the paths in a Keras 3 weights file mean: roles, layers, step, learning rate, metrics."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from ckptsel.formats.contents import Tensor, TensorRole

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from ckptsel.formats.hdf5.dataset import Stored

# Parts of a path below which there is neither a weight nor the optimizer.
_OTHER = frozenset(
    ("metrics", "_metrics", "_compile_metrics", "_loss_tracker", "seed_generator", "_random_seed")
)

# Keras's names of its optimizers, and what people call attributes that hold one.
_CLASSES = frozenset(
    (
        *("adadelta", "adafactor", "adagrad", "adam", "adamax", "adamw", "ftrl", "lamb", "lion"),
        *("loss_scale_optimizer", "muon", "nadam", "rmsprop", "schedule_free_adam_w", "sgd"),
    )
)
_INNER = "/inner_optimizer/vars/0"
_COUNTER = re.compile(r"_\d+$")
_ATTRIBUTE = re.compile(r"(\w+_)?(optimizers?|optim|opts?)(_[a-z\d])?")

# Classes of tf_keras whose value is total / count, by their names in a path.
# Source: the subclasses of MeanMetricWrapper in tf_keras/src/metrics.
_MEANS = frozenset(
    (
        "mean",
        "mean_metric_wrapper",
        "accuracy",
        "binary_accuracy",
        "categorical_accuracy",
        "sparse_categorical_accuracy",
        "top_k_categorical_accuracy",
        "sparse_top_k_categorical_accuracy",
        "mean_absolute_error",
        "mean_squared_error",
        "mean_absolute_percentage_error",
        "mean_squared_logarithmic_error",
        "cosine_similarity",
        "binary_crossentropy",
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
        "poisson",
        "kl_divergence",
        "hinge",
        "squared_hinge",
        "categorical_hinge",
        "log_cosh_error",
    )
)
_ROOT = "root_mean_squared_error"


def role_of(path: str) -> TensorRole:
    """The role of a dataset `…/vars/N`.

    Keras names a group after the attribute that holds the object (`_walk_saveable` in
    saving_lib.py): the compiled optimizer is `optimizer`, also of a nested model, and those of
    a model with several are usually `…_optimizer`.
    """
    owners = path.split("/")[:-2]
    if any(owner in _OTHER for owner in owners):
        return "other"
    return "optimizer" if any(owner.endswith("optimizer") for owner in owners) else "weight"


def optimizers(datasets: Mapping[str, Stored], layer_of: Callable[[str], str]) -> frozenset[str]:
    """The `vars` groups of optimizers whose attributes are called anything, as `g_opt`, `adam`.

    An optimizer counts first. It has the name that Keras makes of its class, or its attribute
    tells it; or its learning rate comes next, and then only what has the shapes of weights.

    Args:
        datasets: path → dataset.
        layer_of: path of a `vars` group → the name that it carries, "" if none.
    """
    found = set()
    for path, counter in datasets.items():
        group, _, number = path.rpartition("/")
        *above, attribute = ["", *group.split("/")[:-1]]
        if number != "0" or counter.shape or "int" not in counter.dtype_name:
            continue
        # A list of layers holds no optimizer, and the model itself is none.
        if not attribute or above[-1] == "layers":
            continue
        is_named = _COUNTER.sub("", layer_of(group)) in _CLASSES or _ATTRIBUTE.fullmatch(attribute)
        if is_named or _has_slots(datasets, group):
            found.add(group)
    return frozenset(found)


def _has_slots(datasets: Mapping[str, Stored], group: str) -> bool:
    rate = datasets.get(f"{group}/1")
    if rate is None or rate.shape or not rate.dtype_name.startswith("float"):
        return False
    mine: set[tuple[int, ...]] = set()
    others: set[tuple[int, ...]] = set()
    for path, stored in datasets.items():
        (mine if path.startswith(f"{group}/") else others).add(stored.shape)
    slots = mine - {()}
    return bool(slots) and slots <= others


def tensor_of(
    stored: Stored, layer_of: Callable[[str], str], optimizers: Collection[str] = ()
) -> Tensor:
    """A dataset as a tensor.

    Args:
        stored: the dataset.
        layer_of: path of a `vars` group → the name that it carries, "" if none.
        optimizers: see `optimizers`.
    """
    group = stored.path.rpartition("/")[0]
    role = "optimizer" if group in optimizers else role_of(stored.path)
    layer = "" if role == "optimizer" else layer_of(group)
    owners = owners_of(stored.path, layer_of) if role == "weight" else ()
    size = 0 if stored.dtype_name == "object" else stored.size_bytes
    return Tensor(stored.path, stored.shape, stored.dtype_name, size, role, layer, owners)


def owners_of(path: str, layer_of: Callable[[str], str]) -> tuple[str, ...]:
    """The names of the objects above a dataset `…/vars/N`, each of which has its own `vars`.

    Args:
        path: the dataset's.
        layer_of: path of a `vars` group → the name that it carries, "" if none.
    """
    groups = path.split("/")[:-2]
    names = (layer_of("/".join([*groups[:depth], "vars"])) for depth in range(1, len(groups) + 1))
    return tuple(name for name in names if name)


def step_and_rate(
    tensors: Mapping[str, Tensor], scalar: Callable[[str], Any]
) -> tuple[int | None, float | None]:
    """The optimizer's iterations, and its learning rate if that is a variable.

    `optimizer/vars/0` counts, and `vars/1` is the learning rate unless a schedule gives it.
    A LossScaleOptimizer counts in its inner optimizer; its own rate means nothing.

    Args:
        tensors: path → tensor.
        scalar: path → the value of a tensor without axes.
    """
    owner = "optimizer"
    while f"{owner}{_INNER}" in tensors:
        owner += "/inner_optimizer"
    step = tensors.get(f"{owner}/vars/0")
    rate = tensors.get(f"{owner}/vars/1")
    return (
        int(scalar(step.path)) if step and not step.shape and "int" in step.dtype else None,
        float(scalar(rate.path)) if rate and not rate.shape and "float" in rate.dtype else None,
    )


def skips_steps(paths: Collection[str]) -> bool:
    """Whether the optimizer counts within a LossScaleOptimizer: no step whose gradients overflow.

    Source: `LossScaleOptimizer.apply` of Keras 3, which calls the inner one for finite gradients.
    """
    return f"optimizer{_INNER}" in paths


def metric_values(
    paths: Iterable[str], scalar: Callable[[str], Any]
) -> dict[str, tuple[float, float]]:
    """The metrics whose totals tf_keras left at `metrics/<class>/vars/{0,1}`: total and count.

    They are called by their class, because the file does not know the name under which they were
    compiled. A `mean` that is the only one is the loss; of several, which a model with several
    outputs or a training step of its own has, the file does not tell. There are none at all, if
    others stand outside, as `total_loss_tracker`: then these are only some of a user's own.

    Args:
        paths: the paths of all scalar floats.
        scalar: path → value, in the type that the file has.

    Returns:
        Metric → its value, and the number of samples that it is the mean of.
    """
    known = set(paths)
    found: dict[str, tuple[float, float]] = {}
    # Attributes are saved from the last letter on: what comes after `metrics` has its own place.
    # Source: `_walk_trackable` in tf_keras/src/saving/saving_lib.py.
    if any(re.fullmatch(r"[^/]+/vars/1", path) and f"{path[:-1]}0" in known for path in known):
        return found
    for path in sorted(known):
        parts = path.split("/")
        if len(parts) != 4 or parts[0] != "metrics" or parts[2:] != ["vars", "0"]:
            continue
        name = parts[1]
        kind = _class_of(name)
        count_path = f"metrics/{name}/vars/1"
        if (kind not in _MEANS and kind != _ROOT) or count_path not in known:
            continue
        total, count = scalar(path), scalar(count_path)
        value = mean_of(float(total), float(count), str(total.dtype))
        if value is not None:
            if kind == _ROOT:
                value = _stored(math.sqrt(max(value, 0.0)), str(total.dtype))
            found[name] = value, float(count)
    if [name for name in found if _class_of(name) == "mean"] == ["mean"]:
        found = {"loss": found.pop("mean"), **found}
    return found


def _class_of(metric: str) -> str:
    """`mean_metric_wrapper_1` → `mean_metric_wrapper`: Keras counts those of one class."""
    return metric.rstrip("0123456789").rstrip("_")


def is_mean(class_name: str) -> bool:
    """Whether a metric of Keras 2, by the name of its class, is the mean that its totals make."""
    return class_name.lower() in {name.replace("_", "") for name in _MEANS}


def mean_of(total: float, count: float, dtype: str) -> float | None:
    """A metric's value as tf_keras computes it from its totals; None if there is none.

    Args:
        total: the sum over the samples.
        count: how many there were.
        dtype: what both are stored in, and divided: so the value is that of the logs.
    """
    if not (count > 0 and math.isfinite(count) and math.isfinite(total)):
        return None
    value = _stored(total / count, dtype)
    return value if math.isfinite(value) else None


def _stored(value: float, dtype: str) -> float:
    import numpy as np  # noqa: PLC0415 - as wherever values are read

    with np.errstate(over="ignore"):
        return float(np.float64(value).astype(dtype))


def compiled_names(found: Iterable[str], compiled: Any, model: Any) -> dict[str, str]:
    """What metrics were called when they were compiled, where that is beyond doubt.

    A function as a metric is saved as `mean_metric_wrapper`. If there is one of them, and one
    text in the compile config that is no class, they belong together. A model of layers with
    several outputs has the means of the whole loss and of each output's, in this order.

    Args:
        found: the metrics, as `metric_values` calls them.
        compiled: the compile config.
        model: the model's own config.

    Returns:
        Metric, as `metric_values` calls it → its name.
    """
    listed = compiled.get("metrics") if isinstance(compiled, dict) else None
    functions = [
        name
        for name in (listed if isinstance(listed, list) else ())
        if isinstance(name, str) and name == name.lower()
    ]
    names = {name: name for name in found}
    wrappers = [name for name in names if name.startswith("mean_metric_wrapper")]
    if len(functions) == len(wrappers) == 1 and functions[0] not in names:
        names[wrappers[0]] = functions[0]
    means = [name for name in names if _class_of(name) == "mean"]
    if "mean" in means and len(means) == 1 + _outputs(model) > 2:
        names["mean"] = "loss"
    return names


def _outputs(model: Any) -> int:
    """The number of outputs of a model of layers; 0 of any other."""
    is_functional = isinstance(model, dict) and model.get("class_name") == "Functional"
    config = model.get("config") if is_functional else None
    outputs = config.get("output_layers") if isinstance(config, dict) else None
    return len(outputs) if isinstance(outputs, list) else 0
