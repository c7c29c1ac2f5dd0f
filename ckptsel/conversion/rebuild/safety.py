"""What Keras is given to load, and what it is not: decided before it is started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ckptsel.errors import ConversionError
from ckptsel.formats.keras.config import config_dangers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckptsel.formats.contents import Contents

# What `--unsafe` allows; what else is dangerous about a file has no place in an honest one.
_RUNS_CODE = frozenset(
    ("acting-function", "foreign-module", "lambda-layer", "reads-file", "saved-model-layer")
)
_NEEDS_CODE = "custom-object"
_UNSAFE = (
    "--unsafe loads it all the same: then the code in this file runs with all your rights,"
    " so give it only for files that you trust as you trust a program"
)


def refuse_dangers(contents: Contents, path: str, *, unsafe: bool) -> None:
    """See that nothing about the file itself keeps Keras from reading it safely.

    Args:
        contents: the source, open.
        path: its path.
        unsafe: whether its code may run.

    Raises:
        ConversionError: if something does.
    """
    of_config = {*_RUNS_CODE, _NEEDS_CODE} if contents.kind != "savedmodel" else set()
    for finding in contents.dangers():
        if finding.code in of_config:
            continue  # see `refuse_code`, which knows which part of the config counts
        if finding.code == "dangerous-op" and unsafe:
            continue
        hint = _UNSAFE if finding.code == "dangerous-op" else "not even --unsafe allows this"
        raise ConversionError(f"{path!r} is not given to Keras: {finding.message}", hint=hint)


def refuse_code(
    config: Mapping[str, Any] | None, path: str, *, unsafe: bool, compiled: bool
) -> None:
    """See that a model can be built of its config alone, and without running code from it.

    Args:
        config: the model's config.
        path: where it stands.
        unsafe: whether its code may run.
        compiled: whether what `compile` was given counts, too.

    Raises:
        ConversionError: naming what keeps it from being built.
    """
    if config is None:
        raise ConversionError(
            f"{path!r} does not tell how the model is built", hint="it may be damaged"
        )
    if not compiled:
        config = {key: value for key, value in config.items() if key != "compile_config"}
    for finding in config_dangers(config, path):
        if finding.code == _NEEDS_CODE:
            raise needs_code(finding.message, path)
        if finding.code in _RUNS_CODE and not unsafe:
            raise ConversionError(f"{path!r} is not loaded: {finding.message}", hint=_UNSAFE)


def needs_code(what: str, path: str) -> ConversionError:
    """The error for a model with classes or functions of the user's own."""
    return ConversionError(
        f"Keras cannot build the model in {path!r}: {what}",
        hint="a checkpoint holds the name of such a class, not its code: load the model where"
        " the class is, and export it there; for what only compile() was given (a loss, a"
        " metric), --drop-optimizer leaves it out",
    )
