"""`trainer_state.json` of the Hugging Face Trainer, in each `checkpoint-N` and in the run's folder.

Source: TrainerState in transformers/trainer_callback.py. `log_history` holds the whole run up to
that checkpoint; training and evaluation write entries of their own, of the same `step`. The folder
is called by the same step: `checkpoint-{global_step}`.
"""

from __future__ import annotations

import os
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from ckptsel.checkpoint import Finding
from ckptsel.sources.log import LogKind, LogRow, names_of, whole
from ckptsel.sources.reading.json_text import document, is_object, texts
from ckptsel.sources.reading.together import alone, each_file
from ckptsel.sources.reading.width import is_too_wide

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_FOLDER = "checkpoint-"
# How long something took says nothing of the model.
_SPEED = ("_runtime", "_per_second", "_compilation_time")
_COUNTS = frozenset({"step", "epoch", "total_flos"})
# So many entries and metrics are named in a finding.
_SHOWN = 5


class _State(NamedTuple):
    """One file: where it stands from the run's folder, how far the training was, and its log."""

    inner: str
    step: int
    history: Sequence[Any]

    @property
    def folder(self) -> str:
        """The checkpoint that it lies in, from the run's folder; "" in the run's own."""
        return self.inner.rpartition("/")[0]

    def rows(self, of_step: str = "") -> dict[int, _Logged]:
        """Step → what was logged then.

        Args:
            of_step: the only step that is wanted, since most of a state is said by all later ones.
        """
        found: dict[int, _Logged] = {}
        for place, entry in enumerate(self.history, 1):
            if not isinstance(entry, dict) or (of_step and entry.get("step") != of_step):
                continue
            at = whole(_text(entry.get("step")))
            if at is not None:
                found.setdefault(at, _Logged({}, {})).add(entry, str(place))
        return found


class _Logged(NamedTuple):
    """What the entries of one step say.

    Attributes:
        values: metric → its value, and the entry that it stands in.
        unlike: metric → the entries with other values, where several differ.
    """

    values: dict[str, tuple[str, str]]
    unlike: dict[str, list[str]]

    def add(self, entry: Mapping[str, Any], place: str) -> None:
        """Take the metrics of an entry.

        A second evaluation, on other data, calls its metrics alike: which is meant, nothing says.
        """
        for name, text in texts(entry).items():
            if not _is_metric(name):
                continue
            if name in self.unlike:
                self.unlike[name].append(place)
            elif name not in self.values:
                self.values[name] = text, place
            elif self.values[name][0] != text:
                self.unlike[name] = [self.values.pop(name)[1], place]


def _read_together(run: str, paths: Sequence[str], findings: list[Finding]) -> Iterator[LogRow]:
    """What each checkpoint's own state says of it; of others, what the latest state says."""
    latest: _State | None = None
    own: dict[str, LogRow] = {}
    for state in chain.from_iterable(each_file(run, paths, findings, _state)):
        if latest is None or (state.step, not state.folder) > (latest.step, not latest.folder):
            latest = state
        # A folder that was reused holds checkpoints of several runs, and only each one's own
        # state is surely about it.
        logged = state.rows(str(state.step)).get(state.step) if state.folder else None
        if logged is not None and not _is_too_wide(run, state, logged, findings):
            own[state.folder] = _row(state, state.step, logged, state.folder)
            _say_unlike(run, state, state.step, logged, findings)
    if latest is None:
        return
    above = latest.folder.rpartition("/")[0]
    for step, logged in latest.rows().items():
        folder = f"{above}/{_FOLDER}{step}".lstrip("/")
        if folder not in own and not _is_too_wide(run, latest, logged, findings):
            yield _row(latest, step, logged, folder)
            # An evaluation behind the training is often of the best model, at the last step.
            if logged.unlike and os.path.isdir(os.path.join(run, folder)):
                _say_unlike(run, latest, step, logged, findings)
    yield from own.values()


def _row(state: _State, step: int, logged: _Logged, folder: str) -> LogRow:
    texts = [text for text, _ in logged.values.values()]
    places = [f"{state.inner}:{place}" for _, place in logged.values.values()]
    return LogRow(step, names_of(*logged.values), texts, None, step, folder, places=places)


def _is_too_wide(run: str, state: _State, logged: _Logged, findings: list[Finding]) -> bool:
    return is_too_wide(len(logged.values), os.path.join(run, state.inner), findings)


def _say_unlike(
    run: str, state: _State, step: int, logged: _Logged, findings: list[Finding]
) -> None:
    if not logged.unlike:
        return
    metrics = [*logged.unlike]
    named = ", ".join(map(repr, metrics[:_SHOWN])) + (" and others" * (len(metrics) > _SHOWN))
    places = ", ".join(logged.unlike[metrics[0]][:_SHOWN])
    said = f"entries {places} tell different values of {named} at step {step}, as evaluations on"
    said += " several data sets do: none was used"
    findings.append(Finding("log-malformed", said, os.path.join(run, state.inner), strict=True))


def _state(path: str, inner: str, findings: list[Finding]) -> Iterator[_State]:
    found = document(path, findings)
    if found is None:
        return
    history = found.get("log_history") if isinstance(found, dict) else None
    step = whole(_text(found.get("global_step"))) if isinstance(found, dict) else None
    if not isinstance(history, list) or step is None:
        said = "holds no log_history or no global_step: not written by the Trainer"
        findings.append(Finding("log-malformed", said, path, strict=True))
        return
    bad = sum(
        not isinstance(entry, dict) or whole(_text(entry.get("step"))) is None for entry in history
    )
    if bad:
        said = f"{bad} entries of log_history have no step, and were not used"
        findings.append(Finding("log-malformed", said, path, strict=True))
    yield _State(inner, step, history)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _is_metric(name: str) -> bool:
    return name not in _COUNTS and not name.endswith(_SPEED)


KIND = LogKind(
    "hf",
    is_object,
    alone(_read_together),
    {"file": None},
    unit="entry",
    read_together=_read_together,
)
