"""Which row of a log belongs to which checkpoint."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckptsel.checkpoint import Finding
from ckptsel.naming.decimals import printed_unit
from ckptsel.sources.joining.agreement import Names, Printed
from ckptsel.sources.joining.join import join
from ckptsel.sources.log import LogKind, LogRow, number

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from ckptsel.sources.joining.agreement import Within
    from ckptsel.sources.joining.joined import Joined

EPOCHS = LogKind("t", lambda _: True, lambda *_: iter(()), {"epoch": 1}, "a habit", begins=0)
UNKNOWN = LogKind("t", lambda _: True, lambda *_: iter(()), {"epoch": None})
ALIKE = LogKind("t", lambda _: True, lambda *_: iter(()), {"epoch": 0}, "a habit")
TOLD = replace(ALIKE, is_told=True)
FILES = LogKind("t", lambda _: True, lambda *_: iter(()), {"file": None})
STEPS = LogKind("t", lambda _: True, lambda *_: iter(()), {"step": 0, "epoch": 0}, "a habit")


class Named(NamedTuple):
    """A checkpoint, and what its name says."""

    name: str
    epoch: int | None = None
    step: int | None = None
    value: str = ""
    label: str = "valloss"


def name(epoch: int | None, value: str = "", label: str = "valloss") -> Named:
    """A name that says its epoch and perhaps a value, which may have no label."""
    return Named(f"w-{epoch}-{value}", epoch, None, value, label)


def names(named: Sequence[Named]) -> Names:
    """The names as they are joined, values of one label together."""
    printed = []
    for label in dict.fromkeys(one.label for one in named if one.value):
        texts = [one.value if one.label == label else "" for one in named]
        values = [float(text) if text else None for text in texts]
        printed.append(Printed(label, values, [printed_unit(t) / 2 for t in texts], texts))
    epochs, steps = [one.epoch for one in named], [one.step for one in named]
    return Names([one.name for one in named], epochs, steps, printed)


def row(place: int, values: dict[str, str], *rest: Any, **more: Any) -> LogRow:
    """A row with these values."""
    return LogRow(place, tuple(values), tuple(values.values()), *rest, **more)


def log(*values: str | dict[str, str], first: int = 0) -> list[LogRow]:
    """Rows of one epoch after the other, each with a val_loss."""
    each = [v if isinstance(v, dict) else {"val_loss": v} for v in values]
    return [row(first + i + 2, one, first + i) for i, one in enumerate(each)]


def joined(
    named: Sequence[Named], rows: Sequence[LogRow], kind: LogKind = EPOCHS
) -> tuple[list[str | None], list[str], Joined]:
    """The joined val_loss of each name, and the codes of what was said."""
    found = join(kind, rows, names(named), {one.name: i for i, one in enumerate(named)}, "t.csv")
    values = [each and each.values.get("val_loss") for each in found.rows]
    return values, [finding.code for finding in found.findings], found


@pytest.mark.parametrize(
    "named, rows, values, codes",
    [
        # Names count one more than the log, and their values tell it.
        ([name(1, "0.50"), name(2, "0.31")], log("0.5012", "0.3149"), ["0.5012", "0.3149"], []),
        # They count alike.
        ([name(0, "0.50"), name(1, "0.31")], log("0.5012", "0.3149"), ["0.5012", "0.3149"], []),
        # One that is not in the log keeps the others' base.
        ([name(1, "0.50"), name(9, "0.1")], log("0.5012", "0.3"), ["0.5012", None], []),
        # A name that no row agrees with: nothing is taken from the log.
        ([name(1, "0.50"), name(2, "0.99")], log("0.5012", "0.3"), [None, None], ["log-disagrees"]),
        # Just beyond the last printed digit.
        ([name(1, "0.50")], log("0.5051"), [None], ["log-disagrees"]),
        # No values in the names: the one base at which each has a row.
        ([name(1), name(2)], log("0.5", "0.3"), ["0.5", "0.3"], []),
        ([name(0), name(1)], log("0.5", "0.3"), ["0.5", "0.3"], []),
        # Both are possible: the habit, and it is said.
        ([name(1)], log("0.5", "0.3"), ["0.5"], ["log-base-assumed"]),
        # Both agree, since the values are equal.
        ([name(1, "0.5")], log("0.51", "0.52"), ["0.51"], ["log-base-assumed"]),
        # NaN and infinity are values, and agree with their like.
        ([name(1, "nan"), name(2, "0.3")], log("NaN", "0.3"), ["NaN", "0.3"], []),
        ([name(1, "0.5"), name(2, "0.3")], log("inf", "0.3"), [None, None], ["log-disagrees"]),
        # A value that is absent in the log contradicts nothing.
        ([name(1, "0.5"), name(2, "0.3")], log("NA", "0.31"), ["NA", "0.31"], []),
        # What has no epoch is not joined.
        ([name(None, "0.5")], log("0.5"), [None], []),
        ([], log("0.5"), [], []),
        ([name(1)], [], [None], []),
    ],
)  # fmt: skip
def test_by_epoch(
    named: list[Named], rows: list[LogRow], values: list[str | None], codes: list[str]
) -> None:
    """The base is that at which names and log agree; else the habit; else nothing."""
    assert joined(named, rows)[:2] == (values, codes)


@pytest.mark.parametrize(
    "epochs, rows, values, codes",
    [
        # Every epoch has its checkpoint: names count from 0.
        ((0, 1, 2), 3, ["0", "1", "2"], []),
        # Either they do, or weights of before the training were saved as well: it is said.
        ((0, 2), 4, ["0", "2"], ["log-base-assumed"]),
        # Not even all names have a row: nothing tells.
        ((0, 1, 2), 2, [None, None, None], ["log-base-assumed"]),
    ],
)
def test_a_name_that_counts_0(
    epochs: tuple[int, ...], rows: int, values: list[str | None], codes: list[str]
) -> None:
    """No row of a log stands before its first."""
    named = [name(epoch) for epoch in epochs]
    assert joined(named, log(*map(str, range(rows))))[:2] == (values, codes)


def test_a_log_that_is_still_being_written() -> None:
    """The row that a name lacks may be the half one: that names count one more is not known."""
    named, rows = [name(5), name(6)], log("0.5", "0.4", first=4)
    assert joined(named, rows)[:2] == (["0.5", "0.4"], [])
    half = Finding("log-half-line", "half", "t.csv")
    found = join(EPOCHS, rows, names(named), {}, "t.csv", noticed=[half])
    assert [row and row.place for row in found.rows] == [6, 7]
    assert [(each.code, each.strict) for each in found.findings] == [("log-base-assumed", True)]
    agreeing = [name(5, "0.50"), name(6, "0.4")]
    assert not join(EPOCHS, rows, names(agreeing), {}, "t.csv", noticed=[half]).findings


@pytest.mark.parametrize(
    "kind, epochs, rows, values, codes",
    [
        # The framework counts alike; that the last name has no row yet is no reason to doubt it.
        (ALIKE, (5, 6, 7), (4, 5, 6), ["5", "6", None], ["log-base-assumed"]),
        # Keras counts one more; its log was begun anew in the middle.
        (EPOCHS, (5, 6, 7), (5, 6, 7), [None, "5", "6"], ["log-base-assumed"]),
        # All have their rows so, and only so, as the habit has it.
        (EPOCHS, (5, 6, 7), (0, 4, 5, 6), ["4", "5", "6"], []),
        (ALIKE, (5, 6, 7), (5, 6, 7, 8), ["5", "6", "7"], []),
        # A row that is missing in between, or at the very beginning, rules the other count out.
        (ALIKE, (5, 7), (4, 6, 8), ["4", "6"], []),
        (ALIKE, (1, 2), (1, 2, 3), ["1", "2"], []),
        (EPOCHS, (5, 7), (5, 7, 9), ["5", "7"], []),
        # But where the other count fits some of them, the rows of the rest may be lost.
        (EPOCHS, (1, 3, 4), (0, 1, 3, 4), ["1", "3", "4"], ["log-base-assumed"]),
        (EPOCHS, (1, 3), (0, 1, 3, 4, 5), ["1", "3"], ["log-base-assumed"]),
        (EPOCHS, (3,), (0, 1, 3, 4, 5), ["3"], ["log-base-assumed"]),
        (ALIKE, (5, 7), (4, 6, 7, 8), ["4", "6"], ["log-base-assumed"]),
        (UNKNOWN, (3, 6, 9), (1, 2, 3, 4, 5, 7, 8, 9), ["2", "5", "8"], ["log-base-assumed"]),
        # A name that counts 0 cannot count one more; nor can the log lack its beginning.
        (EPOCHS, (0, 1), (1, 2), ["1", "2"], ["log-base-assumed"]),
        (EPOCHS, (0, 1), (1,), [None, None], ["log-base-assumed"]),
        # With one more than a log from 1, names would begin with 2.
        (UNKNOWN, (5, 10), (1, 2, 3, 4, 5, 6, 7, 8, 9, 10), ["5", "10"], []),
        # With one less, the last name would have the log's last row.
        (UNKNOWN, (4, 5), (1, 2, 3, 4, 5, 6), ["4", "5"], ["log-base-assumed"]),
        # Keras's log begins with 1 only if a training was resumed there: it may be another's.
        (EPOCHS, (1, 2), (1, 2), ["1", "2"], ["log-base-assumed"]),
        (EPOCHS, (1, 2, 3), (1, 2), [None, "1", "2"], ["log-base-assumed"]),
        # Nor need a loop of one's own have saved each epoch.
        (EPOCHS, (5, 10), (1, 2, 3, 4, 5, 6, 7, 8, 9, 10), ["5", "10"], ["log-base-assumed"]),
        # Names of every few epochs that count from 0 can be told, where these have rows so.
        (UNKNOWN, (1, 3, 5), (1, 2, 3, 4, 5, 6), ["1", "3", "5"], ["log-base-assumed"]),
        (UNKNOWN, (1, 3, 5), (1, 2, 3, 4, 5), ["1", "3", "5"], []),
        (UNKNOWN, (1, 3), (1, 2, 3, 4, 5), ["1", "3"], ["log-base-assumed"]),
        (UNKNOWN, (1, 4, 7), (1, 2, 3, 4, 5, 6, 7, 8), ["1", "4", "7"], []),
        (EPOCHS, (2, 5, 8), (0, 1, 2, 3, 4, 5, 6, 7, 8), ["1", "4", "7"], ["log-base-assumed"]),
        (EPOCHS, (3, 6), (0, 1, 2, 3, 4, 5, 6), ["2", "5"], ["log-base-assumed"]),
        # Without a habit it is said.
        (UNKNOWN, (5, 6, 7), (4, 5, 6), ["4", "5", "6"], ["log-base-assumed"]),
        (UNKNOWN, (5, 6), (4, 5, 6), ["5", "6"], ["log-base-assumed"]),
        # Of a table it is said where it cannot be as the user says.
        (TOLD, (0, 1), (1, 2), [None, "1"], ["log-base-assumed"]),
        # A table is whole: where each name has its row at one count only, it is that one.
        (replace(UNKNOWN, is_told=True), (1, 2, 3), (0, 1, 2), ["0", "1", "2"], []),
        (replace(UNKNOWN, is_told=True), (1, 2), (0, 1, 2), ["1", "2"], ["log-base-assumed"]),
        # What the user has said is no assumption, unless the rows fit better otherwise.
        (TOLD, (5, 6, 7), (4, 5), ["5", None, None], []),
        (TOLD, (5, 6, 7), (4, 5, 6), ["5", "6", None], ["log-base-assumed"]),
    ],
)
def test_counts_without_values(
    kind: LogKind,
    epochs: tuple[int, ...],
    rows: tuple[int, ...],
    values: list[str | None],
    codes: list[str],
) -> None:
    """A missing row proves something only where it could not be missing otherwise."""
    of_log = [row(at + 2, {"val_loss": str(at)}, at) for at in rows]
    assert joined([name(epoch) for epoch in epochs], of_log, kind)[:2] == (values, codes)


@pytest.mark.parametrize(
    "values, joins",
    [
        (("0.31", "0.24"), True),
        # One of two digits is soon shared by another training, and so is the same twice.
        (("0.31", ""), False),
        (("0.31", "0.31"), False),
        (("0.3102", ""), True),
    ],
)
def test_a_doubtful_log(values: tuple[str, str], joins: bool) -> None:
    """It may be another run's, unless more than one rounded value agrees."""
    named = names([name(1, values[0]), name(2, values[1])])
    if len(values[0]) > len("0.31"):  # as `{val_loss}` without a format prints it
        named = named._replace(
            printed=[each._replace(half_units=[0.0] * 2) for each in named.printed]
        )
    second = "0.3141" if values[1] == "0.31" else "0.2401"
    found = join(EPOCHS, log("0.3102", second), named, {}, "t.csv", is_doubtful=True)
    assert (found.matched > 0, [each.code for each in found.findings]) == (
        (True, []) if joins else (False, ["log-elsewhere"])
    )


def test_names_that_count_from_0() -> None:
    """And a log from 1: values show it, of more than one name."""
    rows = log("0.9", "0.512", "0.314", first=1)
    values, codes, found = joined([name(1, "0.51"), name(2, "0.31")], rows)
    assert (values, codes, found.offset) == (["0.512", "0.314"], [], -1)
    assert joined([name(2, "0.31"), name(9)], rows)[:2] == ([None, None], ["log-disagrees"])


def test_a_label_that_means_validation() -> None:
    """Of `loss{val_loss:.2f}`, where the log has both, or only the one of validation."""
    both = log({"loss": "0.1", "val_loss": "0.512"}, {"loss": "0.2", "val_loss": "0.314"})
    alone = log("0.512", "0.314")
    for rows in (both, alone):
        named = [name(1, "0.51", "loss"), name(2, "0.31", "loss")]
        values, codes, found = joined(named, rows)
        assert (values, codes, found.otherwise) == (["0.512", "0.314"], [], {"loss": "valloss"})
        assert found.is_confirmed
    assert joined([name(1, "0.10", "loss"), name(2, "0.20", "loss")], both)[2].otherwise == {}
    odd = [name(1, "0.51", "loss"), name(2, "0.99", "loss")]
    assert joined(odd, both)[:2] == ([None, None], ["log-disagrees"])


def test_rows_that_print_alike() -> None:
    """Two validations of one epoch, or two runs: the last is taken, and it is said."""
    twice = [row(2, {"val_loss": "0.354"}, 0), row(3, {"val_loss": "0.351"}, 0)]
    assert joined([name(1, "0.35")], twice)[:2] == (["0.351"], ["log-restarted"])
    runs = [*log("0.512", "0.314"), *log("0.509", "0.311")]
    named = [name(1, "0.51"), name(2, "0.31")]
    assert joined(named, runs)[:2] == (["0.509", "0.311"], ["log-restarted"])
    runs = [*log("0.512", "0.4"), *log("0.509", "0.311")]
    assert joined(named, runs)[:2] == (["0.509", "0.311"], [])
    unlabelled = [name(1, "0.35", ""), name(2, "0.31", "")]
    validations = [*twice, row(4, {"val_loss": "0.312"}, 1)]
    assert joined(unlabelled, validations)[:2] == (["0.351", "0.312"], ["log-restarted"])


def test_one_value_that_agrees_by_chance() -> None:
    """It is too little against the habit, if nothing contradicts that."""
    named = [name(9, "0.31"), name(10), name(11)]
    of_log = log("0.3102", "0.2", "0.4", first=9)
    values, codes, found = joined(named, of_log)
    assert (values, codes, found.offset) == ([None, "0.3102", "0.2"], ["log-base-assumed"], 1)


def test_a_part_that_all_names_agree_with() -> None:
    """All files are the first run's, though one value would also be the second's by its print."""
    first = log("0.9012", "0.6034", "0.3440", "0.4011")
    second = log("0.8100", "0.5100", "0.3451", "0.2000")
    named = [name(1, "0.90"), name(2, "0.60"), name(3, "0.3"), name(4, "0.40")]
    values, codes, _ = joined(named, [*first, *second])
    assert values == ["0.9012", "0.6034", "0.3440", "0.4011"]
    # The second run may have written the third file anew, and printed the same.
    assert codes == ["log-restarted"]
    # Of names of both runs each has its own; of a value that both have, nothing is sure.
    both = [*named, name(1, "0.81")]
    values, codes, _ = joined(both, [*first, *second])
    assert values == ["0.9012", "0.6034", "0.3451", "0.4011", "0.8100"]
    assert codes == ["log-restarted"]
    # A part that all names agree with is theirs.
    of_second = [name(1, "0.81"), name(2, "0.51"), name(3, "0.3"), name(4, "0.20")]
    values, codes, _ = joined(of_second, [*first, *second])
    assert (values, codes) == (["0.8100", "0.5100", "0.3451", "0.2000"], [])


@pytest.mark.parametrize(
    "within, at_steps, found",
    [
        ("batch", None, []),
        ("shared", None, []),
        ("step", None, []),
        ("paced", None, [0, 1]),
        # The rows tell their steps: the same, one less, or for each of two optimizers.
        ("step", (4, 7), [0, 1]),
        ("step", (3, 6), [0, 1]),
        ("step", (1, 2), []),
        ("paced", (2, 6), []),
        ("paced", (1, 3), [0, 1]),
    ],
)
def test_within_an_epoch(
    within: Within, at_steps: tuple[int, int] | None, found: list[int]
) -> None:
    """The end of an epoch is known only of what was saved there."""
    steps: list[int | None] = [4, 8 if at_steps == (1, 3) else 7]
    named = Names(["a", "b"], [1, 2], steps, [], [within, within])
    of_log = log("0.5", "0.3")
    if at_steps:
        of_log = [each._replace(at_step=n) for each, n in zip(of_log, at_steps, strict=True)]
    answer = join(EPOCHS, of_log, named, {}, "t.csv")
    assert [index for index, each in enumerate(answer.rows) if each] == found
    codes = [each.code for each in answer.findings]
    said = ["log-steps-differ"] if at_steps == (1, 3) else []
    assert codes == (said if found else ["log-too-coarse"])


def test_a_table_with_several_rows_of_a_file() -> None:
    """The last one is taken, and it is said."""
    rows = [row(2, {"val_loss": "0.1"}, file="a"), row(3, {"val_loss": "0.9"}, file="a")]
    kind = replace(FILES, is_told=True)
    values, codes, _ = joined([Named("a")], rows, kind)
    assert (values, codes) == (["0.9"], ["log-restarted"])
    assert joined([Named("a")], rows[:1] * 2, kind)[1] == []
    assert joined([Named("a")], rows, FILES)[:2] == (["0.9"], [])


def test_a_file_whose_name_says_otherwise() -> None:
    """Values without a label must be some metric of the row."""
    rows = [row(2, {"val_loss": "0.1"}, file="a")]
    assert joined([Named("a", None, None, "0.50", "")], rows, FILES)[1] == ["log-disagrees"]
    assert joined([Named("a", None, None, "0.10", "")], rows, FILES)[0] == ["0.1"]


def test_no_habit_no_guess() -> None:
    """A kind without a habit is not joined where nothing tells its base; else it is said."""
    values, codes, found = joined([name(5)], log("0.5", "0.3"), UNKNOWN)
    assert (values, codes, found.matched) == ([None], [], 0)
    values, codes, found = joined([name(1)], log("0.5", "0.3"), UNKNOWN)
    assert (values, codes, found.offset) == (["0.3"], ["log-base-assumed"], 0)
    # Names of all epochs leave no other count.
    values, codes, _ = joined([name(1), name(2)], log("0.5", "0.3"), UNKNOWN)
    assert (values, codes) == (["0.5", "0.3"], [])


def test_a_history_without_its_epochs() -> None:
    """It may be that of a fit that went on, unless all of its epochs have their names."""
    positions = replace(EPOCHS, by_position=True)
    rows = log("0.5", "0.4", "0.3")
    assert joined([name(1), name(2)], rows, positions)[1] == ["log-base-assumed"]
    assert joined([name(1), name(2)], rows, positions)[2].findings[0].strict
    assert joined([name(1), name(3)], rows, positions)[1] == ["log-base-assumed"]
    # Also of a loop of one's own, which may have gone on with the lists of a training before.
    own = replace(positions, offsets={"epoch": None})
    assert joined([name(0), name(1)], rows, own)[1] == ["log-base-assumed"]
    assert joined([name(0), name(1), name(2)], rows, own)[1] == []
    assert not joined([name(1), name(2)], rows)[2].findings[0].strict
    assert joined([name(n) for n in (1, 2, 3)], rows, positions)[:2] == (["0.5", "0.4", "0.3"], [])
    counted = [row(n, {"epoch": str(n), "val_loss": "0.5"}, n) for n in range(3)]
    assert not joined([name(1), name(2)], counted, positions)[2].findings[0].strict


@pytest.mark.parametrize(
    "named, values, codes",
    [
        # Each name agrees with a row of its own run.
        ([name(1, "0.50"), name(2, "0.20")], ["0.501", "0.201"], []),
        ([name(1, "0.50"), name(1, "0.40")], ["0.501", "0.401"], []),
        # Both runs' rows agree: the later one.
        ([name(1, "0.50"), name(2, "0.3")], ["0.501", "0.301"], []),
        # Nothing tells them apart: the last one, and it is said.
        ([name(1), name(2), name(3)], ["0.401", "0.201", "0.111"], ["log-restarted"]),
        ([name(1, "0.50"), name(2, "0.9")], [None, None], ["log-disagrees"]),
    ],
)  # fmt: skip
def test_a_log_that_restarts(
    named: list[Named], values: list[str | None], codes: list[str]
) -> None:
    """Of several rows of one epoch, the last one that agrees with the name."""
    rows = [*log("0.501", "0.301", "0.111"), *log("0.401", "0.201")]
    assert joined(named, rows)[:2] == (values, codes)


def test_values_without_labels_mean_one_metric() -> None:
    """A value without a label may be any column, and is the same one in all names."""
    rows = log({"loss": "0.30", "val_loss": "0.52"}, {"loss": "0.51", "val_loss": "0.48"})
    # 0.5 would be both; 0.52 shows that it is val_loss.
    named = [name(1, "0.52", label=""), name(2, "0.48", label="")]
    assert joined(named, rows)[:2] == (["0.52", "0.48"], [])
    # The first could only be the loss, the second only val_loss.
    named = [name(1, "0.30", label=""), name(2, "0.48", label="")]
    assert joined(named, rows)[:2] == ([None, None], ["log-disagrees"])
    # A restarted log: the loss of the second run is like the first one's val_loss.
    again = [*rows, *log({"loss": "0.52", "val_loss": "0.9"}, {"loss": "0.1", "val_loss": "0.8"})]
    named = [name(1, "0.52", label=""), name(2, "0.48", label="")]
    assert joined(named, again)[0] == ["0.52", "0.48"]


def test_by_file() -> None:
    """The last row of a file counts, and one that says that it is gone is none."""
    named = [Named("a"), Named("b"), Named("c", value="0.5")]
    rows = [
        row(1, {"val_loss": "0.9"}, file="a"),
        row(2, {"val_loss": "0.8"}, file="a"),
        row(3, {"val_loss": "0.7"}, file="b"),
        row(4, {}, file="b", is_gone=True),
        row(5, {"val_loss": "0.1"}, file="c"),
        row(6, {"val_loss": "0.1"}, file="nobody"),
    ]
    values, codes, _ = joined(named, rows, FILES)
    assert values == ["0.8", None, None]
    assert codes == ["log-other-file", "log-disagrees"]


def test_the_first_key_that_finds_rows() -> None:
    """Steps are tried before epochs where the kind says so, and epochs where there are none."""
    rows = [row(2, {"val_loss": "0.5"}, 1, 100), row(3, {"val_loss": "0.3"}, 2, 200)]
    by_step = joined([Named("a", 9, 100), Named("b", 9, 200)], rows, STEPS)
    assert (by_step[0], by_step[2].key) == (["0.5", "0.3"], "step")
    by_epoch = joined([Named("a", 1), Named("b", 2)], rows, STEPS)
    assert (by_epoch[0], by_epoch[2].key) == (["0.5", "0.3"], "epoch")


LOSSES = st.lists(st.floats(0.01, 9, allow_nan=False), min_size=1, max_size=12)


@given(LOSSES, st.integers(1, 5), st.sampled_from([0, 1]), st.randoms(use_true_random=False))
def test_shuffled_rows_give_the_same(
    losses: list[float], digits: int, offset: int, chance: random.Random
) -> None:
    """Rounding values into names and shuffling the rows changes no value that is joined."""
    rows = log(*map(repr, losses))
    named = [name(i + offset, f"{loss:.{digits}f}") for i, loss in enumerate(losses)]
    expected = joined(named, rows)[2]
    shuffled = [*rows]
    chance.shuffle(shuffled)
    found = joined(named, shuffled)[2]
    assert found.rows == expected.rows
    if found.offset == offset:
        assert [each and float(each.values["val_loss"]) for each in found.rows] == losses
    else:
        # Only where the other count agrees with all names as well.
        assert "log-base-assumed" in joined(named, rows)[1] or found.matched < len(losses)


@pytest.mark.parametrize(
    "text, value",
    [
        ("0.25", 0.25), (" 1e-3 ", 0.001), ("+inf", float("inf")), ("-1.#INF", float("-inf")),
        ("NA", None), ("", None), ("None", None), ("null", None), ("-", None),
        ("today", None), ("0x10", None), ("1,5", None),
    ],
)  # fmt: skip
def test_numbers(text: str, value: float | None) -> None:
    """What writers of logs mean by a text."""
    assert number(text) == value


@pytest.mark.parametrize("text", ["nan", "NaN", "NAN", "-nan", " nan ", "1.#QNAN", "-1.#IND"])
def test_nan_in_every_spelling(text: str) -> None:
    """A NaN is a value, and not an absent one."""
    value = number(text)
    assert value is not None
    assert value != value  # noqa: PLR0124 - only NaN is unequal to itself


@pytest.mark.parametrize(
    ("unit", "places", "where"),
    [
        ("entry", (), "entry 2"),
        ("record", ("7",), "record 7"),
        ("record", ("train/events.1:7",), "record 7 of train/events.1"),
    ],
)
def test_a_place_in_the_words_of_its_log(unit: str, places: tuple[str, ...], where: str) -> None:
    """An entry of a list is no line, and a value of several files stands in one of them."""
    kind = replace(EPOCHS, unit=unit)
    rows = [row(0 if places else 2, {"val_loss": "0.9"}, 0, places=places)]
    (said,) = joined([name(1, "0.50")], rows, kind)[2].findings
    assert f"the log 0.9 in {where}: nothing was taken" in said.message
    again = [row(0 if places else n, {"val_loss": f"0.{n}"}, 0, places=places) for n in (1, 2)]
    told = joined([name(1)], again, kind)[2].findings
    (said,) = (finding for finding in told if finding.code == "log-restarted")
    assert f"as {where} for 'w-1-'" in said.message


def test_a_dash_that_is_a_minus() -> None:
    """Where all names agree with their values negated, it is said what the dash is."""
    named = [name(1, "0.9000"), name(2, "0.2000")]
    (said,) = joined(named, log("-0.9", "-0.20001"))[2].findings
    assert said.code == "log-disagrees"
    assert said.message.endswith(
        "; all names agree with it if the dash before the value is a minus: --pattern says so, with"
        " {val_loss:.4f} where '-0.9000' stands"
    )
    for other in (log("-0.9", "-0.3"), log("0.3", "0.1"), log("-0.9")):
        (said,) = joined(named, other)[2].findings
        assert "minus" not in said.message
    apart = [one._replace(name=one.name.replace("-0.", "=0.")) for one in named]
    (said,) = joined(apart, log("-0.9", "-0.2"))[2].findings
    assert "minus" not in said.message
