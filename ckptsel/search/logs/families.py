"""Checkpoints of several models beside one log, which gives values to all of them."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from ckptsel.checkpoint import Finding
from ckptsel.naming.conventions import LIGHTNING_VERSION
from ckptsel.naming.vocabulary import COUNTERS, STOPWORDS, direction

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from ckptsel.naming.read import Table
    from ckptsel.search.places import TableIn
    from ckptsel.sources.joining.agreement import Names
    from ckptsel.sources.joining.joined import Joined

# Suffixes: `.weights.h5`. Lightning's `-v1` is none: a file of that name was there before, of
# another training or of another moment of the same epoch.
_ENDING = re.compile(r"(\.[A-Za-z]\w*)*$")
_TOKEN = re.compile(r"[a-z]+|\d+(?:\.\d+)?")
_OF_METRIC = re.compile(r"val(id(ation)?)?|train(ing)?")
# Words that label no value, and yet tell two models apart.
_OF_MODELS = frozenset(("cnn", "rnn", "lstm", "gru", "new", "old"))
# Words by which callbacks of one training tell their files apart: why, and what of it was saved.
_OF_CALLBACKS = (STOPWORDS - _OF_MODELS) | frozenset(
    (
        *("top", "full", "snapshot", "interrupted", "interrupt", "resume", "resumed", "backup"),
        *("ckpts", "chkpt", "raw", "ema", "swa", "avg", "min", "max", "w", "final"),
        *("optimizer", "optim", "opt", "scheduler", "sched", "scaler", "lora", "adapter", "vae"),
        *("encoder", "decoder", "generator", "discriminator", "gen", "disc", "netg", "netd"),
        *("g", "d", "student", "teacher", "actor", "critic", "online", "target", "head"),
    )
)


class Words(NamedTuple):
    """What a name says beside what it counts and measures.

    Attributes:
        model: of the model: without the words by which one training tells its files apart.
        whole: all of it, in its order.
    """

    model: frozenset[str]
    whole: tuple[str, ...]


# Words, and numbers with what stands before them.
_OfColumns: TypeAlias = "Collection[str | tuple[str, str]]"


class _Family(NamedTuple):
    """The names of one model that have rows: one of them, the first and the last row's count."""

    name: str
    first: int
    last: int
    is_confirmed: bool


def shared_log(
    places: Sequence[TableIn], named: Names, joined: Joined, path: str
) -> Iterator[Finding]:
    """Say that a log is taken for that of several models, if no values show that it is.

    Only if they were saved at the same time, which is that of the log: two callbacks of one
    training save such files, or two trainings into one folder. One after the other, they may be
    the parts of one training.

    Args:
        places: the tables of a run.
        named: all their names, as one.
        joined: the log's rows for these names.
        path: the log's.
    """
    # Names of one form differ in what they count, unless something else is a field of it.
    if joined.key == "file" or (len(places) == 1 and not _chosen(places[0])):
        return
    families = sorted(_families(places, named, joined), key=lambda family: family.first)
    for one, other in pairwise(families):
        if other.first > one.last or (one.is_confirmed and other.is_confirmed):
            continue
        said = f"values of it are given to {one.name!r} and {other.name!r}, which may be of two"
        said += " trainings by their names: it may be about one of them only, which --include tells"
        yield Finding("log-shared", said, path, strict=True)
        return


def _families(places: Sequence[TableIn], named: Names, joined: Joined) -> Iterator[_Family]:
    models: dict[frozenset[str], list[int]] = {}
    columns = _words_of_columns(joined)
    start = 0
    for place in places:
        end = start + len(place.table.names)
        chosen = _chosen(place)
        alike = None if chosen else _model(place.table, 0, (), columns)
        for index in range(start, end):
            if joined.rows[index] is not None:
                model = alike
                if model is None:
                    model = _model(place.table, index - start, chosen, columns)
                models.setdefault(model, []).append(index)
        start = end
    key = "epoch" if joined.key == "epoch" else "step"
    for indices in models.values():
        counts = [getattr(joined.rows[index], key) for index in indices]
        values = (any(p.values[index] is not None for p in named.printed) for index in indices)
        is_confirmed = joined.is_confirmed and all(values)
        yield _Family(named.names[indices[0]], min(counts), max(counts), is_confirmed)


def _chosen(place: TableIn) -> Collection[str]:
    """The fields of a table that hold what was chosen before the training: `lr`, a model's name."""
    return {m.name for m in place.table.metrics(0) if m.role in ("setting", "text")}


def words_of(places: Iterable[TableIn]) -> dict[str, Words]:
    """The words of checkpoints' names, by their paths."""
    found: dict[str, Words] = {}
    for place in places:
        chosen = _chosen(place)
        alike = None if chosen else _words(place.table, 0, ())
        for row, name in enumerate(place.table.names):
            found[place.folder.join(name)] = alike or _words(place.table, row, chosen)
    return found


def _words(table: Table, row: int, chosen: Collection[str]) -> Words:
    # A version counts the files of one epoch, as its step would.
    whole = _tokens(LIGHTNING_VERSION.sub("", _text(table, row, chosen)))
    return Words(_of_model(whole), tuple(whole))


def _words_of_columns(joined: Joined) -> _OfColumns:
    """The words of the log's columns, and their numbers, each with what stands before it.

    A file that was saved by a metric often has its name: `best_coco_bbox_mAP_epoch_11.pth`. A
    number tells nothing by itself: `top1` and `top5` do not make one of `fold1` and `fold5`.
    """
    # By identity, since all rows of a log mostly have the same ones.
    seen = {id(row.names): row.names for row in joined.rows if row is not None}
    words: set[str | tuple[str, str]] = set()
    for column in {column for names in seen.values() for column in names}:
        tokens = _TOKEN.findall(column.lower())
        words.update(token for token in tokens if token.isalpha())
        words.update(pairwise(tokens))
    return words


def _model(table: Table, row: int, chosen: Collection[str], columns: _OfColumns) -> frozenset[str]:
    """What a name says of its model: all but counters, metrics, and what callbacks say."""
    return _of_model(_tokens(_text(table, row, chosen)), columns)


def _text(table: Table, row: int, chosen: Collection[str]) -> str:
    texts = {m.name: m.text for m in table.metrics(row) if m.name in chosen} if chosen else {}
    parts = (p if isinstance(p, str) else texts.get(p.name, "|") for p in table.form.parts)
    return "".join(parts)


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(_ENDING.sub("", text).lower())


def _of_model(tokens: Iterable[str], columns: _OfColumns = frozenset()) -> frozenset[str]:
    return frozenset(
        token
        for before, token in pairwise(("", *tokens))
        if not _is_of_callback(token)
        and (token if token.isalpha() else (before, token)) not in columns
    )


def _is_of_callback(token: str) -> bool:
    metric = _OF_METRIC.sub("", token)
    return (
        token in _OF_CALLBACKS or token in COUNTERS or not metric or direction(metric) is not None
    )
