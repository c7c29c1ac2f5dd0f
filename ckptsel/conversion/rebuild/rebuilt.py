"""A conversion for which Keras builds the model: what is decided in this process."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from ckptsel.checkpoint import Finding
from ckptsel.conversion import keras_archive
from ckptsel.conversion.converter import Outlook
from ckptsel.conversion.layered import optimizer_left_out
from ckptsel.conversion.model_config import saved_config
from ckptsel.conversion.rebuild import child
from ckptsel.conversion.rebuild.safety import refuse_code, refuse_dangers
from ckptsel.conversion.rebuild.same_tensors import require_same
from ckptsel.conversion.rebuild.staging import staged
from ckptsel.conversion.sources import kind_of
from ckptsel.errors import ConversionError
from ckptsel.formats import open_contents

if TYPE_CHECKING:
    from ckptsel.conversion.converter import Options
    from ckptsel.formats.contents import Contents, Tensor

# What a graph takes beside its weights, about.
_GRAPH_BYTES = 2**18
# Keras makes these anew for every model; they are no result of training.
_DRAWS = "seed_generator"
SIGNATURE = "serving_default"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What every target has in common.

    Attributes:
        module: what the worker calls, in this folder.
        optimizer: whether the new format takes the optimizer's state; "never" is for formats
            that only predict, of which nobody expects it.
        is_exact: whether the tensors are found in it again as they are.
        takes_half: whether its weights can be rounded to float16.
    """

    module: str
    optimizer: Literal["kept", "lost", "never"] = "never"
    is_exact: bool = True
    takes_half: bool = False

    def look(self, source: str, options: Options) -> Outlook:
        """See `Converter.look`. Keras is not started: this is what the files tell."""
        self._require_dtype(options)
        with open_contents(source) as contents:
            if options.model:
                return self._look_at_weights(contents, source, options)
            refuse_dangers(contents, source, unsafe=options.unsafe)
            compiled = self._is_compiled(contents, options)
            if contents.kind != "savedmodel":
                refuse_code(contents.config, source, unsafe=options.unsafe, compiled=compiled)
            weights = _bytes(contents, "weight", "other")
            state = _bytes(contents, "optimizer")
            is_said = bool(state) and not compiled and not options.drop_optimizer
            said = _signatures_left_out(contents, source)
            if is_said and self.optimizer != "never":
                is_lost = contents.kind == "keras" and contents.optimizer_config is None
                why = "the file does not say which optimizer it is of" if is_lost else ""
                said += (optimizer_left_out(source, why),)
            return self._outlook(weights, state, said, compiled=compiled, options=options)

    def _look_at_weights(self, contents: Contents, source: str, options: Options) -> Outlook:
        if contents.kind in {"keras", "savedmodel"}:
            raise ConversionError(
                f"{source!r} holds its own model, and --model names another",
                hint="leave --model out; or export the weights first, and then those",
            )
        compiled = self.optimizer == "kept" and not options.drop_optimizer
        config = saved_config(options.model).config
        refuse_code(config, options.model, unsafe=options.unsafe, compiled=compiled)
        found = keras_archive.CONVERTER.look(source, self._for_staging(options))
        state = _bytes(contents, "optimizer")
        said = tuple(f for f in found.findings if compiled or not f.code.startswith("optimizer-"))
        weights = _bytes(contents, "weight", "other")
        compiled = compiled and bool(state) and not found.optimizer_bytes
        return self._outlook(2 * weights, state, said, compiled=compiled, options=options)

    def _outlook(
        self,
        weights: int,
        state: int,
        said: tuple[Finding, ...],
        *,
        compiled: bool,
        options: Options,
    ) -> Outlook:
        size_bytes = _GRAPH_BYTES + (weights // 2 if options.dtype else weights)
        if compiled:
            return Outlook(size_bytes + state, 0, said)
        return Outlook(size_bytes, state, said)

    def write(self, source: str, dest: str, options: Options) -> tuple[Finding, ...]:
        """See `Converter.write`."""
        folder = os.path.dirname(os.path.abspath(dest))
        with staged(source, self._for_staging(options), folder) as model:
            return child.ask(self._job("write", model, dest, options))

    def check(self, source: str, dest: str, options: Options) -> tuple[Finding, ...]:
        """See `Converter.check`: a second process, which knows nothing of the first."""
        folder = os.path.dirname(os.path.abspath(dest))
        with staged(source, self._for_staging(options), folder, check=True) as model:
            job = self._job("check", model, dest, options)
            if self.is_exact:
                roles = {"weight", "optimizer"} if job["compiled"] else {"weight"}
                require_same(model, dest, lambda tensor: _counts(tensor, roles))
            return child.ask(job)

    def _job(self, do: str, model: str, dest: str, options: Options) -> dict[str, object]:
        with open_contents(model) as contents:
            compiled = self._is_compiled(contents, options)
        return {
            "do": do,
            "module": self.module,
            "kind": "savedmodel" if kind_of(model) == "savedmodel" else "model",
            "source": model,
            "dest": os.path.abspath(dest),
            "compiled": compiled,
            "unsafe": options.unsafe,
            "half": options.dtype == "float16",
        }

    def _is_compiled(self, contents: Contents, options: Options) -> bool:
        """Whether the optimizer is built, too, because its state is there and has a place."""
        if self.optimizer != "kept" or options.drop_optimizer or contents.kind != "keras":
            return False
        return contents.optimizer_config is not None and bool(_bytes(contents, "optimizer"))

    def _for_staging(self, options: Options) -> Options:
        """How the model is put together of weights and a config, where that is needed."""
        drops = options.drop_optimizer or self.optimizer != "kept"
        return replace(options, dtype=None, drop_optimizer=drops)

    def _require_dtype(self, options: Options) -> None:
        if options.dtype is None or (options.dtype == "float16" and self.takes_half):
            return
        only = "only float16 can be had" if self.takes_half else "a model's config says its types"
        raise ConversionError(
            f"--dtype {options.dtype} does not go with this format: {only}",
            hint="leave --dtype out; it rounds weights in .keras, .weights.h5, .npz, .safetensors",
        )


def _signatures_left_out(contents: Contents, path: str) -> tuple[Finding, ...]:
    """What a SavedModel does besides its default signature."""
    if contents.kind != "savedmodel":
        return ()
    names = [key.partition(" ")[2] for key in contents.facts.more if key.startswith("signature ")]
    # Keras's own `serve` is the same as the default one.
    others = sorted({*names} - {SIGNATURE, "serve"})
    if not others:
        return ()
    message = f"only the signature {SIGNATURE!r} is kept; left out: {', '.join(map(repr, others))}"
    return (Finding("signatures-left-out", message, path, strict=True),)


def _bytes(contents: Contents, *roles: str) -> int:
    return sum(tensor.size_bytes for tensor in contents.tensors if tensor.role in roles)


def _counts(tensor: Tensor, roles: set[str]) -> bool:
    return tensor.role in roles and _DRAWS not in tensor.path
