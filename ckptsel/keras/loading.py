"""load_best_weights: the best checkpoint's weights into a model, or a clear refusal."""

from __future__ import annotations

import os
import tempfile
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import keras

from ckptsel.errors import (
    CkptselWarning,
    DamagedError,
    LocationNotFoundError,
    ModelMismatchError,
    UnknownFormatError,
    UsageError,
)
from ckptsel.formats import format_of, open_contents
from ckptsel.inspection.loading import how_to_load
from ckptsel.keras.checking import check_fit, check_same, other_optimizer
from ckptsel.keras.live import Live
from ckptsel.keras.unsaved import load_and_find
from ckptsel.keras.weights_file import save_weights
from ckptsel.search.query import Query
from ckptsel.selection import select
from ckptsel.transfer.failures import writing
from ckptsel.verification.soundness import sound, verified

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ckptsel.checkpoint import Checkpoint, Finding, Ranked
    from ckptsel.verification.verify import Verdict

# What `model.load_weights` takes, by suffix. Source: `load_weights` in
# keras/src/saving/saving_api.py.
_SUFFIXES = {
    "keras": (".keras",),
    "weights.h5": (".weights.h5",),
    "sharded weights": (".weights.json",),
    "h5": (".h5", ".hdf5"),
}
_NAMED = 8
_IN_A_FOLDER = "model.weights.h5"
# Dangers of a whole model's config, which loading weights does not look at.
_OF_CONFIGS = frozenset(
    {"acting-function", "foreign-module", "lambda-layer", "reads-file", "saved-model-layer"}
)


def load_best_weights(
    model: Any,
    location: str | os.PathLike[str],
    monitor: str | None = None,
    mode: str = "auto",
    *,
    strict: bool = True,
    pattern: str | Sequence[str] = (),
) -> Checkpoint:
    """Load the weights of the best checkpoint into a model.

    The checkpoint is chosen as by `ckptsel.best`, verified, and compared with the model before
    anything is loaded. Afterwards every weight is compared with the value in the file. If
    anything is wrong the model is as it was.

    Args:
        model: a Keras 3 model that has its weights: built, or called once.
        location: a folder, a file or a glob. A checkpoint that is named itself is taken as it is,
            if no monitor is given.
        monitor: the metric to choose by; None for the only one that is there.
        mode: `min`, `max`, or `auto` for the direction in ckptsel's table.
        strict: whether a damaged best is an error. Otherwise the next best that is sound is
            loaded, with a CkptselWarning.
        pattern: how names are built; learned if not given.

    Returns:
        The checkpoint whose weights the model has now.

    Raises:
        CkptselError: as `ckptsel.best` does.
        UsageError: if the model has no weights yet, or Keras loads no such format.
        DamagedError: if the best is damaged or leads out of its file; if not `strict`, if none
            is sound.
        ModelMismatchError: if the weights do not fit into the model, or got there changed.
    """
    _check_model(model)
    query = Query(
        locations=(os.fspath(location),),
        patterns=(pattern,) if isinstance(pattern, str) else tuple(pattern),
        monitor=monitor,
        mode=mode,
    )
    row = _named(query) or _chosen(query, strict=strict)
    _load(model, row.checkpoint.path)
    return row.checkpoint


def _check_model(model: Any) -> None:
    if not isinstance(model, keras.Model):
        module = type(model).__module__.partition(".")[0]
        raise UsageError(
            f"{type(model).__name__} of {module} is no model of Keras 3",
            hint="tf_keras is Keras 2" if module == "tf_keras" else "",
        )
    if not model.built or not model.weights:
        raise UsageError(
            f"the model {model.name!r} has no weights yet: it is not built",
            hint="call it once on some data, or model.build(input_shape)",
        )


def _named(query: Query) -> Ranked | None:
    """The checkpoint that was named itself, if one was, and no monitor asks for a ranking.

    Raises:
        CkptselError: see `load_best_weights`.
    """
    (location,) = query.locations
    try:
        if query.monitor is not None or format_of(location) is None:
            return None
    except LocationNotFoundError:
        return None  # it may be a glob
    ranking = select(replace(query, about=location), rank=False)
    row = next((row for row in ranking.rows if row.checkpoint.path == location), None)
    if row is not None:
        _check_safe(_sound(row, "the checkpoint", hint="take another one"))
        _say(ranking.findings)
    return row


def _chosen(query: Query, *, strict: bool) -> Ranked:
    """The best row that is sound.

    Raises:
        CkptselError: see `load_best_weights`.
    """
    ranking = select(query, keep=2)
    row = ranking.rows[0]
    findings = ranking.findings
    if strict:
        hint = "strict=False takes the next best that is sound"
        verdict = _sound(row, "the best checkpoint", hint=hint)
    else:
        found = sound(query, ranking, 1, keep=2)
        row, findings = found.rows[0], found.ranking.findings
        verdict = found.verdicts[row.checkpoint.path]
        for rejected in found.rejected:
            path = rejected.checkpoint.path
            why = found.verdicts[path].of("damage")[0]
            _warn(f"{path!r} is damaged and passed over: {why.message} ({why.code})")
    _say(findings)
    _check_safe(verdict)
    return row


def _sound(row: Ranked, what: str, hint: str) -> Verdict:
    verdict = verified([row], strict=False)[row.checkpoint.path]
    if not verdict.is_sound:
        finding = verdict.of("damage")[0]
        says = f"{what} is damaged: {row.checkpoint.path!r}: {finding.message} ({finding.code})"
        raise DamagedError(says, hint=hint)
    return verdict


def _say(findings: Iterable[Finding]) -> None:
    for finding in findings:
        if finding.strict:
            _warn(finding.said, stacklevel=5)


def _check_safe(verdict: Verdict) -> None:
    for danger in verdict.of("danger"):
        if danger.code not in _OF_CONFIGS:
            raise DamagedError(
                f"{verdict.path!r} is not safe to load: {danger.message} ({danger.code})",
                hint=f"`ckptsel verify {verdict.path}` tells more",
            )


def _load(model: Any, path: str) -> None:
    """Compare, load, and compare again; on any error the model is as it was."""
    with tempfile.TemporaryDirectory(prefix="ckptsel-") as folder, open_contents(path) as contents:
        file = _loadable(contents.kind, path, contents)
        before = os.path.join(folder, "before.weights.h5")
        with writing(before):
            save_weights(model, before)
        with open_contents(before) as now:
            doubts = [check_fit(Live(model, now), contents, path)]
        doubts.append(other_optimizer(model, contents, path))
        try:
            with open_contents(before) as now:
                left = load_and_find(model, now, lambda: _load_file(model, file))
            after = os.path.join(folder, "after.weights.h5")
            with writing(after):
                save_weights(model, after)
            with open_contents(after) as now:
                check_same(Live(model, now), contents, path)
        except BaseException:
            model.load_weights(before)
            raise
    doubts.append(_not_reached(left, path))
    for doubt in filter(None, doubts):
        _warn(doubt)


def _not_reached(left: list[str], path: str) -> str:
    """What to say of weights that Keras does not load from any file; "" if there are none."""
    if not left:
        return ""
    more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
    return (
        f"{', '.join(left[:_NAMED])}{more}: Keras loaded nothing for these from {path!r}, and they"
        " are as they were: their layers do not save them"
    )


def _load_file(model: Any, path: str) -> None:
    try:
        model.load_weights(path)
    except (ValueError, KeyError, OSError) as error:
        raise ModelMismatchError(
            f"Keras does not load {path!r} into {model.name!r}: {error}"
        ) from error


def _loadable(kind: str, path: str, contents: Any) -> str:
    """The file for `model.load_weights`.

    Raises:
        UnknownFormatError: if Keras loads no such format into a model.
        UsageError: if it would take the file for another format, by its name.
    """
    if kind == "keras" and os.path.isdir(path):
        return os.path.join(path, _IN_A_FOLDER)
    if kind not in _SUFFIXES:
        raise UnknownFormatError(
            f"model.load_weights does not load {path!r}, which is of the format {kind}",
            hint=f"it is loaded by {how_to_load(contents, path).call}",
        )
    others = [suffix for found in _SUFFIXES.values() for suffix in found]
    suffix = max((each for each in others if path.endswith(each)), key=len, default="")
    if suffix not in _SUFFIXES[kind]:
        wanted = " or ".join(_SUFFIXES[kind])
        raise UsageError(
            f"{path!r} is of the format {kind}, and Keras takes it for another by its name",
            hint=f"its name has to end in {wanted}; `ckptsel copy` takes --to",
        )
    return path


def _warn(message: str, stacklevel: int = 4) -> None:
    warnings.warn(message, CkptselWarning, stacklevel=stacklevel)
