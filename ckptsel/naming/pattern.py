"""Pattern: the string given to ModelCheckpoint, turned round. Names in, values out."""

from __future__ import annotations

import os
import re
from functools import cached_property
from typing import TYPE_CHECKING

from ckptsel.naming.form import NO_MATCH, Form, Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ckptsel.checkpoint import Value
    from ckptsel.naming.conventions import Trap
    from ckptsel.naming.fields import Field
    from ckptsel.naming.template import Part

__all__ = ["Pattern", "Reading"]

# What Lightning adds to a name: a counter for one that exists, `-last` (NeMo), `-EMA` (NeMo),
# and the extension. Source: ModelCheckpoint.CHECKPOINT_NAME_LAST, STARTING_VERSION and
# FILE_EXTENSION in lightning/pytorch/callbacks/model_checkpoint.py.
_LIGHTNING_TAIL = r"(?:-v\d+)?(?:-last)?(?:-EMA)?(?:-v\d+)?\.ckpt"
_SUFFIX = re.compile(r"\.(?:[A-Za-z][A-Za-z0-9]{0,11})$")


class Pattern:
    """A file name's pattern, as the training code wrote it.

    Args:
        text: a `str.format` template (`weights.{epoch:02d}-{val_loss:.4f}.h5`), a printf-style
            one (`epoch-%(epoch)03d.pt`; fields without a name are numbered from 0), or
            Lightning's `filename`, which may or may not have the names inserted
            (`{epoch:02d}-{val_loss:.2f}` also reads `epoch=02-val_loss=0.32-v1.ckpt`).

    Raises:
        PatternError: if the text is malformed or has no field.

    >>> pattern = Pattern("weights.{epoch:02d}-{val_loss:.4f}.weights.h5")
    >>> pattern.parse("weights.100-0.0431.weights.h5").values
    {'epoch': 100, 'val_loss': 0.0431}
    >>> pattern.format({"epoch": 100, "val_loss": 0.0431})
    'weights.100-0.0431.weights.h5'
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.trap: Trap | None = None
        self.is_learned = False
        # Who gives no pattern needs no grammar of them.
        from ckptsel.naming.template import parse_template  # noqa: PLC0415

        self._form = Form(_without_anchor(parse_template(text)))

    @classmethod
    def of(cls, form: Form, trap: Trap | None = None) -> Pattern:
        """The pattern of a form that was learned from names: read by that form alone."""
        pattern = cls.__new__(cls)
        vars(pattern).update(
            text="".join(map(_written, form.parts)),
            trap=trap,
            is_learned=True,
            _form=form,
            forms=(form,),
        )
        return pattern

    def __repr__(self) -> str:
        return f"Pattern({self.text!r})"

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields, in order; one that stands twice is there twice."""
        return self._form.fields

    @cached_property
    def forms(self) -> tuple[Form, ...]:
        """The shapes of names that training code makes from the text, the plain one first."""
        parts = self._form.parts
        last = parts[-1]
        if isinstance(last, str) and (suffix := _SUFFIX.search(last)):
            if suffix.group() != ".ckpt":
                return (self._form,)
            parts = (*parts[:-1], last[: suffix.start()]) if suffix.start() else parts[:-1]
        inserted = tuple(_inserted(parts))
        forms = [self._form, Form(parts, _LIGHTNING_TAIL)]
        if inserted != parts:
            forms += [Form(inserted, _LIGHTNING_TAIL)]
        return tuple(forms)

    def parse(self, path: str) -> Reading:
        """Read a name or a path; the pattern's folders must be the path's last ones.

        Returns:
            The reading. Its values print, by `format`, as the very name that was read, but
            for what Lightning inserts and appends; if several readings do, its status is
            `ambiguous`.
        """
        reason = NO_MATCH
        for form in self.forms:
            text = tail_of(path, form.depth)
            reading = form.parse(text) if text is not None else NO_MATCH
            if reading.status != "no-match":
                return reading
            reason = max(reason, reading, key=lambda r: (bool(r.reason), r.furthest))
        return reason

    def could_read(self, path: str) -> bool:
        """Whether it is worth while to parse: whether the literals stand in the path, in order."""
        for form in self.forms:
            text = tail_of(path, form.depth)
            if text is not None and form.could_read(text):
                return True
        return False

    def format(self, values: Mapping[str, Value]) -> str:
        """The name that training code makes from these values.

        Raises:
            KeyError: if a field's value is missing.
            ValueError, TypeError: if a value does not fit its field.
        """
        return self._form.format(values)


def tail_of(path: str, depth: int) -> str | None:
    """The path's last name with `depth` folders before it, None if it has fewer."""
    if os.sep != "/":
        path = path.replace(os.sep, "/")
    if depth == 0:
        return path.rpartition("/")[2]
    parts = path.rsplit("/", depth + 1)
    return "/".join(parts[-depth - 1 :]) if len(parts) > depth else None


def _without_anchor(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Without a leading `./`, `../` or `/`: a pattern matches the end of a path."""
    first = parts[0]
    if isinstance(first, str):
        if os.sep != "/":
            first = first.replace(os.sep, "/")
        first = re.sub(r"^(?:\.{0,2}/)+", "", first)
        return (first, *parts[1:]) if first else parts[1:]
    return parts


def _inserted(parts: Iterable[Part]) -> Iterable[Part]:
    """With `name=` before each field, as ModelCheckpoint._format_checkpoint_name of Lightning."""
    literal = ""
    for part in parts:
        if isinstance(part, str):
            literal += part
            continue
        if not part.name.isdigit() and not literal.endswith(part.name + "="):
            literal += part.name + "="
        if literal:
            yield literal
        literal = ""
        yield part
    if literal:
        yield literal


def _written(part: Part) -> str:
    if isinstance(part, str):
        return part.replace("{", "{{").replace("}", "}}")
    return "{" + part.name + (":" + part.spec if part.spec else "") + "}"
